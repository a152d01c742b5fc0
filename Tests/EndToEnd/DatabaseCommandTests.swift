import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// The commands that look after a store: `setup`, `sessions`, `copy`, `doctor`, as an operator runs them.
@Suite struct DatabaseCommandTests {
  enum Kind: CaseIterable { case folder, server }

  /// The name of an empty store of either kind; the database lives as long as the second value.
  private func store(_ kind: Kind, _ sandbox: Sandbox) throws -> (name: String, database: TestDatabase?) {
    guard kind == .server else { return (sandbox.store, nil) }
    let database = try TestDatabase()
    return (database.address, database)
  }

  // MARK: setup

  @Test(arguments: Kind.allCases)
  func `setup twice is once, and says so`(_ kind: Kind) throws {
    let sandbox = try Sandbox()
    let (name, database) = try store(kind, sandbox)
    let first = try mixdown(["setup", "--store", name])
    #expect(first.status == 0 && first.output.contains("user_library: collection made"), "\(first.errors)")
    let second = try mixdown(["setup"], environment: ["MIXDOWN_STORE": name])
    #expect(
      second.status == 0 && second.output.hasSuffix("nothing to do\n")
        && second.output.split(separator: "\n").count == 1)
    _ = database
  }

  @Test func `an index in the way ends setup with 65, and --rebuild-indexes replaces it`() throws {
    let database = try TestDatabase()
    try database.run(#"{"createIndexes": "songs", "indexes": [{"key": {"key": 1}, "name": "key_1"}]}"#)
    let refused = try mixdown(["setup", "--store", database.address])
    #expect(refused.status == 65)
    #expect(refused.errors.contains("songs: the index key_1 is another: {key: 1}, not unique"), "\(refused.errors)")
    #expect(try mixdown(["setup", "--store", database.address, "--rebuild-indexes"]).status == 0)
    #expect(try mixdown(["setup", "--store", database.address]).output.hasSuffix("nothing to do\n"))
  }

  // MARK: A server that does not answer

  @Test(arguments: [["sync"], ["stats", "ann"], ["runs", "prune", "--keep", "1"]])
  func `a server that says nothing is waited for once`(_ command: [String]) throws {
    let sandbox = try Sandbox()
    let listener = try SilentListener()
    let inputs = command == ["sync"] ? [try sandbox.folder.write("ann.json", #"{"queue":[]}"#)] : []
    let store = ["--store", "mongodb://127.0.0.1:\(listener.port)/music", "--server-timeout", "15s"]
    let state = command[0] == "stats" ? [] : ["--state", sandbox.newState()]
    let begun = ContinuousClock.now
    let run = try mixdown(command + inputs + store + state)
    #expect(run.status == 69, "\(run.errors)")
    // Twice would be 30 s.
    #expect(begun.duration(to: .now) < .seconds(28))
  }

  @Test(arguments: [
    ["stats", "ann"], ["explain", "ann"], ["inspect", "--user", "ann"], ["runs"], ["runs", "show", "01M8"],
    ["runs", "prune", "--keep", "1"],
  ])
  func `a command that cannot reach the server shows how far the way to it goes`(_ command: [String]) throws {
    let sandbox = try Sandbox()
    let state = command[0] == "runs" ? ["--state", sandbox.newState()] : []
    let store = ["--store", "mongodb://127.0.0.1:1/music", "--server-timeout", "100ms"]
    let run = try mixdown(command + store + state)
    #expect(run.status == 69, "\(run.errors)")
    #expect(run.errors.contains("TCP 127.0.0.1 port 1: refused"), "\(run.errors)")
    #expect(run.errors.components(separatedBy: "`mixdown doctor` looks further.").count == 2, "\(run.errors)")
  }

  // MARK: sessions

  @Test(arguments: Kind.allCases)
  func `sessions shows who is active, the same on both stores`(_ kind: Kind) throws {
    let sandbox = try Sandbox()
    let (name, database) = try store(kind, sandbox)
    #expect(try mixdown(["setup", "--store", name, "--quiet"]).output.isEmpty)
    let pings = try sandbox.folder.write(
      "pings.ndjson",
      """
      {"user_id": "bob", "session_id": "x", "last_ping_at": "2099-12-31T23:59:00Z"}
      {"user_id": "ann", "session_id": "a", "last_ping_at": "2099-12-31T23:59:00Z"}
      {"user_id": "ann", "session_id": "b", "last_ping_at": 4102444799000}
      {"user_id": 7, "session_id": "b", "last_ping_at": 4102444799000}

      """)
    let arguments = ["sessions", "--store", name, "--as-of", "2100-01-01T00:00:00Z", "--state", sandbox.newState()]
    let first = try mixdown(arguments + [pings])
    #expect(first.status == 3, "\(first.errors)")
    #expect(
      first.output == """
        ann: active_sessions 2, multiple_sessions true
        bob: active_sessions 1, multiple_sessions false
        4 pings: 3 used, 1 quarantined, 0 skipped; 3 sessions new, 0 renewed, 0 ended and removed; 3 active of 2 users

        """)
    let json = try mixdown(arguments + ["--format", "json"])
    #expect(json.status == 0)
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let shown = try decoder.decode(Shown.self, from: Data(json.output.utf8))
    let (ann, bob) = (Shown.User("ann", 2, true), Shown.User("bob", 1, false))
    #expect(shown.users == [ann, bob])
    _ = database
  }

  @Test(arguments: ["text", "json"])
  func `sessions that are to be quiet show nobody, and what they did only when something needs a look`(
    _ format: String
  ) throws {
    let sandbox = try Sandbox()
    let clock = ["--as-of", Sandbox.asOf]
    let good = #"{"user_id": "ann", "session_id": "a", "last_ping_at": "2025-12-31T23:59:00Z"}"#
    let pings = try sandbox.folder.write("good.ndjson", good)
    let flags = ["--store", sandbox.store, "--state", sandbox.newState(), "--quiet", "--format", format] + clock
    let quiet = try mixdown(["sessions", pings] + flags)
    #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.output)\(quiet.errors)")
    let bad = try mixdown(["sessions", sandbox.folder.write("bad.ndjson", good + "\n{}\n")] + flags)
    #expect(bad.status == 3 && bad.output.hasPrefix(format == "text" ? "2 pings: " : "{\n"), "\(bad.output)")
    #expect(bad.output.hasSuffix("1 active of 1 users\n") == (format == "text"))

    let job = try sandbox.folder.write(
      "job.yaml",
      "job: night\nstore: store\nstate: state\nsteps:\n  - sessions: {inputs: [\"${PINGS}\"], format: \(format)}\n")
    for (flags, isShown) in [([], format == "json"), (["--quiet"], false)] as [([String], Bool)] {
      let run = try mixdown(["run", job] + clock + flags, environment: ["PINGS": pings])
      #expect(run.status == 0 && run.output.contains("\"ann\"") == isShown, "\(run.output)\(run.errors)")
      #expect(run.output.isEmpty == !flags.isEmpty)
    }
  }

  private struct Shown: Decodable {
    struct User: Decodable, Equatable {
      let userId: String
      let activeSessions: Int
      let multipleSessions: Bool

      init(_ id: String, _ active: Int, _ multiple: Bool) {
        (userId, activeSessions, multipleSessions) = (id, active, multiple)
      }
    }
    let users: [User]
  }

  @Test func `a sync that skips the active leaves them, says who, and takes their dumps later`() throws {
    let sandbox = try Sandbox()
    let pings = try sandbox.folder.write(
      "pings.ndjson", #"{"user_id": "ann", "session_id": "a", "last_ping_at": "2025-12-31T23:58:00Z"}"# + "\n")
    let sessions = ["sessions", "--store", sandbox.store, "--state", sandbox.newState()]
    #expect(try mixdown(sessions + [pings, "--as-of", Sandbox.asOf]).status == 0)
    for user in ["ann", "bob"] {
      try sandbox.folder.write("in/\(user).json", #"{"favorites": [{"videoId": "a", "addedAt": 1}]}"#)
    }
    let run = try sandbox.sync([sandbox.folder("in")], ["--skip-active"])
    #expect(run.status == 0 && run.errors.contains("ann") && run.errors.contains("active"), "\(run.errors)")
    let night = try sandbox.sync([sandbox.folder("in")], ["--skip-active", "--quiet"])
    #expect(night.status == 0 && night.output.isEmpty && night.errors.isEmpty, "\(night.output)\(night.errors)")
    #expect(try sandbox.libraries.map(\.userId) == ["bob"])
    #expect(try run.manifest.left == ["active": 1])
    #expect(try mixdown(sessions + ["--as-of", "2026-01-01T00:03:00Z"]).output.contains("1 ended and removed"))
    #expect(try sandbox.sync([sandbox.folder("in")], ["--skip-active"]).status == 0)
    #expect(try sandbox.libraries.map(\.userId) == ["bob", "ann"])
  }

  // MARK: copy

  @Test func `a copy that was killed goes on, and ends equal`() throws {
    let sandbox = try Sandbox()
    let padding = String(repeating: "p", count: 20_000)
    var bytes: [UInt8] = []
    for user in 0..<2000 {
      bytes += try bson(#"{"_id": \#(user), "user_id": "u\#(user)", "updated_at": {"$date": 1}, "p": "\#(padding)"}"#)
    }
    try sandbox.folder.write("store/user_library.bson", bytes)
    let database = try TestDatabase()
    func count() throws -> Int64 {
      try database.run(#"{"count": "user_library"}"#).field("n")?.integer ?? 0
    }
    let arguments = [mixdownBinary, "copy", sandbox.store, database.address, "--workers", "1"]
    let killed = try Child(arguments)
    try wait(upTo: .seconds(180), for: "the first documents") { try count() > 0 }
    killed.send(SIGKILL)
    #expect(try killed.wait() == .killed(signal: SIGKILL))
    let half = try count()
    #expect(half > 0 && half < 2000, "\(half)")
    let rest = try mixdown(Array(arguments.dropFirst()))
    #expect(rest.status == 0 && rest.output.contains("both sides are equal"), "\(rest.output)\(rest.errors)")
    // The server may end a batch that it had received before it was counted.
    let counts = try #require(try #/2000 documents, (\d+) written, (\d+) there already/#.firstMatch(in: rest.output))
    let (written, there) = (Int64(counts.1) ?? 0, Int64(counts.2) ?? 0)
    #expect(written + there == 2000 && there >= half && there < 2000, "\(rest.output)")
    let advice = "let it run with --full once"
    #expect(try rest.output.contains(advice) && !mixdown(Array(arguments.dropFirst())).output.contains(advice))
    let back = try mixdown(["copy", database.address, sandbox.folder("back")])
    #expect(back.status == 0 && !back.output.contains(advice), "\(back.output)\(back.errors)")
    #expect(try mixdown(["copy", sandbox.folder("back"), sandbox.store]).output.contains(" 0 written;"))
  }

  @Test func `folders whose names differ in their normal form alone are two stores`() throws {
    let sandbox = try Sandbox()
    let (from, to) = (sandbox.folder("caf\u{E9}"), sandbox.folder("cafe\u{301}"))
    try #require(mixdown(["setup", "--store", from]).status == 0)
    #expect(try mixdown(["copy", from, to]).status == 0)
    #expect(try mixdown(["copy", from, from]).status == 64)
  }

  @Test func `a copy overwrites nothing that differs, and says which`() throws {
    let sandbox = try Sandbox()
    for (folder, value) in [("a", 1), ("b", 2)] {
      try sandbox.folder.write(
        "\(folder)/user_library.bson", try bson(#"{"_id": 1, "user_id": "ann", "updated_at": {"$date": \#(value)}}"#))
    }
    let (from, to) = (sandbox.folder("a"), sandbox.folder("b"))
    let before = try sandbox.folder.bytes(of: "b/user_library.bson")
    let run = try mixdown(["copy", from, to])
    #expect(run.status == 65 && run.output.contains("not equal: user_library") && run.errors.contains("ann"))
    #expect(try sandbox.folder.bytes(of: "b/user_library.bson") == before)
    #expect(try mixdown(["copy", from, to, "--overwrite"]).status == 0)
    #expect(try sandbox.folder.bytes(of: "b/user_library.bson") == sandbox.folder.bytes(of: "a/user_library.bson"))
    #expect(try mixdown(["copy", from, from]).status == 64)
    #expect(try mixdown(["copy", sandbox.folder("nowhere"), to]).status == 74)
    #expect(try mixdown(["copy", from, to, "--collections", "albums"]).status == 64)
  }

  @Test(arguments: Kind.allCases)
  func `a source without any of the collections is refused before a target is made`(_ kind: Kind) throws {
    let sandbox = try Sandbox()
    let (name, database) = try store(kind, sandbox)
    try sandbox.folder.write("store/albums.bson", "")
    try database?.run(#"{"create": "albums"}"#)
    for flags in [[], ["--collections", "user_library"]] {
      let run = try mixdown(["copy", name, sandbox.folder("to")] + flags)
      #expect(run.status == 65 && run.output.isEmpty, "\(run.output)")
      #expect(run.errors.contains("it has none of Mixdown's collections. Check how it is spelt"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: sandbox.folder("to")))
    }
  }

  // MARK: doctor

  @Test(arguments: Kind.allCases)
  func `doctor ends with 0 when all is well`(_ kind: Kind) throws {
    let sandbox = try Sandbox()
    let (name, database) = try store(kind, sandbox)
    try #require(try mixdown(["setup", "--store", name]).status == 0)
    let run = try mixdown(["doctor", "--store", name])
    #expect(run.status == 0 && run.output.hasSuffix("all is well\n"), "\(run.output)")
    _ = database
  }

  @Test func `what cannot be reached ends with 69 and says why, and nobody sees the password`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("p.ndjson", "")
    let options = "tlsCertificateKeyFilePassword=s3cr3t&authMechanismProperties=SERVICE_NAME:s3cr3t&appName=seen"
    let address = "mongodb://ann:s3cr3t@127.0.0.1:1/music?\(options)"
    for arguments in [
      ["doctor", "--store", address], ["setup", "--store", address],
      ["sessions", input, "--store", address, "--state", sandbox.newState()], ["copy", address, sandbox.folder("to")],
    ] {
      let run = try mixdown(arguments + ["--server-timeout", "1s"])
      #expect(run.status == 69, "\(arguments[0]): \(run.errors)")
      #expect((run.output + run.errors).contains("TCP 127.0.0.1 port 1: refused"), "\(arguments[0]): \(run.errors)")
      #expect(!(run.output + run.errors).contains("s3cr3t"))
    }
    // Nor does who lists processes.
    let waiting = try Child([mixdownBinary, "doctor", "--store", address.replacing(":1/", with: ",192.0.2.1/")])
    let line = try waitFor {
      let line = (try? String(contentsOfFile: "/proc/\(waiting.processID)/cmdline", encoding: .utf8)) ?? ""
      return line.contains("ann:******@127.0.0.1") ? line : nil
    }
    #expect(!line.contains("s3cr3t") && line.contains("&appName=seen"), "\(line)")
    waiting.send(SIGKILL)
    _ = try waiting.wait()
    for file in sandbox.folder.files() {
      #expect(try !String(decoding: Data(contentsOf: URL(fileURLWithPath: file)), as: UTF8.self).contains("s3cr3t"))
    }
  }

  // MARK: --server-timeout

  @Test func `whatever talks to a server looks for it as long as it is told`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("p.ndjson", "")
    let run = "01M89TR7EBMW1QV46YT6B2R517"
    let state = sandbox.folder("state")
    try FileManager.default.createDirectory(atPath: "\(state)/\(run)", withIntermediateDirectories: true)
    // A run that has written something, for verify to look for.
    let bench = try Bench(.server)
    let real = try bench.sync(bench.inputs(Listeners(count: 1)))
    try FileManager.default.moveItem(atPath: "\(bench.state)/\(real)", toPath: "\(state)/\(real)")
    let address = bench.store.replacing(/\/\/[^\/]+/, with: "//127.0.0.1:1", maxReplacements: 1)
      .replacing(/\?.*/, with: "")
    let job = try sandbox.folder.write(
      "job.yaml", "steps: [{setup: }, {sync: {inputs: [p.ndjson], server-timeout: 200ms}}, learn]")
    let folders = ["--store", address, "--state", state]
    let short = ["--server-timeout", "200ms"]
    for arguments in [
      ["sync", input] + folders + short, ["learn"] + folders + short, ["evaluate"] + folders + short,
      ["undo", run] + folders + short, ["forget", "ann"] + folders + short, ["run", job] + folders + short,
      ["run", job] + folders, ["inspect", "--user", "ann", "--store", address] + short,
      ["stats", "ann", "--store", address] + short, ["explain", "ann", "--store", address] + short,
      ["setup", "--store", address + "?serverSelectionTimeoutMS=200"],
      ["runs", "prune"] + folders + short, ["runs"] + folders + short, ["verify", real] + folders + short,
    ] {
      // Not told, it looks for 10 s. A busy machine may take as long to start a process, but not each time.
      let soon = try (0..<5).contains { _ in
        let begun = ContinuousClock.now
        let run = try mixdown(arguments)
        #expect(run.status == 69, "\(arguments): \(run.errors)")
        return begun.duration(to: .now) < .seconds(9)
      }
      #expect(soon, "\(arguments)")
    }
    #expect(try mixdown(["run", job] + folders + ["--set", "sync.server-timeout=soon"]).status == 78)
  }
}
