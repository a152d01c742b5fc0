import BSON
import Foundation
import Jobs
import MongodHarness
import Stores
import Testing

/// `mixdown runs` and `mixdown quarantine`: what an operator sees of runs, and what may go.
@Suite(.serialized) struct RunsCommandTests {
  @Test(arguments: Bench.Kind.allCases)
  func `runs are shown, and only folders without use are pruned`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let first = try bench.sync(bench.inputs(Listeners(count: 3, seed: 1), as: "first-"))
    let second = try bench.sync(bench.inputs(Listeners(count: 3, seed: 2), as: "second-"))
    let idle = try bench.sync(bench.inputs(Listeners(count: 3, seed: 2), as: "third-"))
    let lines = try bench.run("runs").output.split(separator: "\n")
    #expect(lines.map { $0.split(separator: " ")[0] } == [idle, second, first].map { Substring($0) })
    #expect(lines[0].contains("  sync  done (0)  0 changed  0 quarantined  "))
    #expect(try bench.run("runs", ["--limit", "1"]).output.split(separator: "\n").count == 1)

    let shown = try mixdown(["runs", "show", String(second.suffix(8)), "--state", bench.state])
    #expect(try Manifest.read(Data(shown.output.utf8)).runId == second)
    // By its folder a run is found without a flag.
    #expect(try mixdown(["runs", "show", "\(bench.state)/\(second)"]).output == shown.output)
    #expect(try mixdown(["runs", "show", "ZZZZ", "--state", bench.state]).status == 64)

    // The first run's documents are all written over by the second's, which can be undone; the third has changed none.
    let foreign = bench.state + "/01M89TR7EBMW1QV46YT6B2R517"
    try FileManager.default.copyItem(atPath: "\(bench.state)/\(idle)", toPath: foreign)
    try Self.edit(foreign) { $0["store"] = "mongodb://elsewhere/music" }
    let pruned = try bench.run("runs", ["prune", "--keep", "0"]).output
    #expect(pruned.contains("\(second) stays: it can still be undone"), "\(pruned)")
    #expect(Set(bench.ids) == Set([second, "01M89TR7EBMW1QV46YT6B2R517"]))
    try bench.run("runs", ["prune", "--keep", "1", "--force"])
    #expect(bench.ids.contains(second))
    try bench.run("runs", ["prune", "--keep", "0", "--force"])
    #expect(bench.ids == ["01M89TR7EBMW1QV46YT6B2R517"])
  }

  @Test(arguments: [["--limit=-1"], ["prune", "--keep=-1"]])
  func `a number of runs below nought is refused`(_ flags: [String]) throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 1)))
    #expect(try bench.run("runs", flags, expecting: 64).errors.contains("cannot be negative"))
  }

  @Test func `a name that is not one run's is told from one that is nobody's`() throws {
    let bench = try Bench(.directory)
    let first = try bench.sync(bench.inputs(Listeners(count: 1)))
    #expect(try bench.run("runs", ["show", String(first.prefix(4))]).output.contains(first))
    _ = try bench.sync(bench.inputs(Listeners(count: 1)))
    let faults = [
      (String(first.prefix(3)), "give at least 4 characters"),
      (String(first.prefix(4)), "2 runs in \(bench.state) have"), ("ZZZZ", "no run in \(bench.state) has"),
    ]
    for (name, why) in faults {
      for command in [["runs", "show"], ["verify"], ["undo"], ["quarantine"], ["report"]] {
        let run = try bench.run(command[0], command.dropFirst() + [name], expecting: 64)
        #expect(run.errors.hasPrefix("mixdown: error: \(name): \(why)"), "\(run.errors)")
      }
    }
    // Where no folder is left the store knows them.
    for id in bench.ids { try FileManager.default.removeItem(atPath: "\(bench.state)/\(id)") }
    let known = try bench.run("runs", ["show", String(first.prefix(4))], expecting: 64)
    #expect(known.errors.contains("2 runs in \(bench.store) have"), "\(known.errors)")
  }

  @Test(arguments: [
    ["runs"], ["runs", "show", "X"], ["undo", "X"], ["quarantine", "X"], ["verify", "X"], ["report", "X"],
  ])
  func `a store that is not there is a name misspelt`(_ command: [String]) throws {
    let folder = try TemporaryFolder()
    let run = try mixdown(command + ["--store", folder("nowhere")])
    #expect(run.status == 74 && run.errors.contains("nowhere"), "\(run.status) \(run.errors)")
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a run that goes on, or that was killed and can be gone on with, is seen and not pruned`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 300, plays: 40))
    let short = ["MIXDOWN_LEASE": "3"]
    let arguments = input + ["--workers", "1", "--as-of", Bench.asOf]
    let child = try bench.begin("sync", arguments + ["--resumable"], environment: short)
    let run = try waitFor { bench.ids.first }
    try waitFor { try Self.outcome(of: run, in: bench) }
    try waitFor { FileManager.default.fileExists(atPath: "\(bench.state)/\(run)/resume") ? true : nil }
    child.send(SIGSTOP)
    let refused = try bench.run("runs", ["prune", "--keep", "0", "--force"], expecting: 75)
    #expect(refused.errors.contains(run))
    #expect(try bench.run("runs").output.contains("  sync  running  "))

    child.send(SIGKILL)
    #expect(try child.wait() == .killed(signal: SIGKILL))
    // Both in its folder and in the store the run says that it has not ended.
    #expect(try Self.outcome(of: run, in: bench) == "running")
    #expect(try bench.run("runs").output.contains("  sync  killed  "))
    let pruned = try bench.run("runs", ["prune", "--keep", "0"], environment: short, retries: 200).output
    #expect(pruned.contains("\(run) stays: it did not end, and --resume goes on with it"), "\(pruned)")

    try bench.run("sync", arguments + ["--resume"], environment: short)
    #expect(bench.ids == [run])
    #expect(try Self.outcome(of: run, in: bench) == "done")
  }

  @Test(arguments: Bench.Kind.allCases)
  func `runs of other machines, and those whose folder is gone, are known by the store`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let gone = try bench.sync(bench.inputs(Listeners(count: 3, seed: 1), as: "first-"))
    let here = try bench.sync(bench.inputs(Listeners(count: 3, seed: 2), as: "second-"))
    let before = try bench.run("runs", ["--format", "json"]).output
    let shown = try bench.run("runs", ["show", gone]).output
    try FileManager.default.removeItem(atPath: "\(bench.state)/\(gone)")
    let lines = try bench.run("runs").output.split(separator: "\n")
    #expect(lines.map { $0.prefix(26) } == [here, gone].map { Substring($0) })
    #expect(!lines[0].contains("no folder here") && lines[1].contains("  sync  done (0)  3 changed  "))
    #expect(lines[1].contains("  no folder here, host "))
    // What the store keeps is the manifest, field by field.
    #expect(try bench.run("runs", ["--format", "json"]).output == before)
    #expect(try bench.run("runs", ["show", String(gone.suffix(9))]).output == shown)
    #expect(try mixdown(["runs", "--state", bench.state]).output.split(separator: "\n").count == 1)

    // Those whose folder is here are shown whether or not the store can be asked, unless they are surely another's.
    let address =
      kind == .server
      ? bench.store.replacing(/\/\/[^\/]+/, with: "//127.0.0.1:1", maxReplacements: 1) : "mongodb://127.0.0.1:1/music"
    let alone = try mixdown(["runs", "--store", address, "--server-timeout", "1s", "--state", bench.state])
    #expect(alone.status == 69 && alone.output.hasPrefix(here) == (kind == .server), "\(alone.output)\(alone.errors)")
  }

  @Test func `what was mended in any place of a library is fed in again`() throws {
    let bench = try Bench(.directory)
    let list = #"[{"id":"p","name":"Gym","songs":[{"title":7},{"videoId":"b"}]}]"#
    let stones = [#"{"videoId":"x"}"#, #"{"id":"q"}"#, #"{"playlist_id":"p","videoId":"b"}"#]
    let removed = #"{"favorites":[\#(stones[0])],"playlists":[\#(stones[1])],"playlist_songs":[\#(stones[2])]}"#
    let input = try bench.folder.write(
      "ann.json",
      #"{"user_id":"ann","tldr-history":"[{]","tldr-playlists":\#(quoted(list)),"removed":\#(removed)}"#)
    let run = try bench.sync([input], expecting: 3)
    let text = try String(contentsOfFile: "\(bench.state)/\(run)/quarantine.ndjson", encoding: .utf8)
    var mended = text.replacing(#""raw":"[{]""#, with: #""raw":"[{\"videoId\":\"h\",\"playedAt\":1700000000000}]""#)
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    for stone in stones { mended = mended.replacing(stone, with: stone.dropLast() + ",\"removedAt\":\(now)}") }
    mended = mended.replacing(#"{"title":7}"#, with: #"{"title":"7"}"#)
    let replayed = try bench.run("quarantine", [run, "--replay", bench.folder.write("mended.ndjson", mended)])
    #expect(replayed.output.contains("4 lines are fed in again, 1 cannot be"), "\(replayed.output)")
    #expect(replayed.output.contains("of which playlist is not known"))
    let library = try #require(bench.contents().first { $0.key.contains("user_library") }?.value)
    let after = try library.withView { view in
      var json = JSONText()
      try json.value(BSONValue(type: .document, bytes: view))
      return json.string
    }
    #expect(after.contains(#""videoId":"h""#), "\(after)")
    #expect(after.components(separatedBy: "removedAt").count == 4, "\(after)")

    // Nothing can be done with the song alone.
    let song = mended.split(separator: "\n").filter { $0.contains(#"{"title":"7"}"#) }
    try #require(song.count == 1)
    try bench.run("quarantine", [run, "--replay", bench.folder.write("song.ndjson", song[0] + "\n")], expecting: 3)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `what was quarantined is shown by reason, and what was mended is fed in again`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let bad = #"{"title":"Mended","artist":"A","videoId":"m1"}"#
    let input = try bench.folder.write(
      "ann.json", #"{"user_id":"ann","history":[\#(bad),\#(bad)],"queue":[{"videoId":"q"}]}"#)
    let broken = try bench.folder.write("bob.json", "{")
    let run = try bench.sync([input, broken], expecting: 3)
    let shown = try mixdown(["quarantine", "\(bench.state)/\(run)"])
    let lines = shown.output.split(separator: "\n")
    #expect(shown.status == 0 && lines.first == "no-time: 2" && lines.contains("invalid-json: 1"), "\(shown.output)")
    #expect(shown.output.contains("ann.json") && shown.output.contains("history[1]"))

    let text = try String(contentsOfFile: "\(bench.state)/\(run)/quarantine.ndjson", encoding: .utf8)
    let mended = try bench.folder.write(
      "mended.ndjson", text.replacing(#""title":"Mended""#, with: #""title":"Mended","playedAt":1750000000000"#))
    try #require(text.contains(#""title":"Mended""#), "\(text)")
    let replayed = try bench.run("quarantine", [run, "--replay", mended])
    #expect(replayed.output.contains("2 lines are fed in again, 1 cannot be"), "\(replayed.output)")
    let ann = try bench.contents()["user_library ann "].map { String(decoding: $0, as: UTF8.self) }
    #expect(ann?.contains("Mended") == true && ann?.contains("q") == true)
    // It is a run like any other.
    let replay = try #require(bench.ids.last)
    #expect(replay != run)
    try bench.run("undo", [replay])
    let undone = try bench.contents()["user_library ann "].map { String(decoding: $0, as: UTF8.self) }
    #expect(undone?.contains("Mended") == false)
  }

  @Test func `a run of an older version is shown, checked and undone`() throws {
    let bench = try Bench(.directory)
    let run = try bench.sync(bench.inputs(Listeners(count: 3)))
    let first: Set = [
      "manifest_version", "run_id", "job", "version", "host", "process", "store", "parameters", "as_of", "started_at",
      "ended_at", "outcome", "exit_status", "inputs", "counts", "users", "quarantine", "seconds",
    ]
    try Self.edit("\(bench.state)/\(run)") { manifest in manifest = manifest.filter { first.contains($0.key) } }
    #expect(try bench.run("runs").output.contains("\(run)  "))
    #expect(try bench.run("runs").output.contains("  sync  done (0)  3 changed  "))
    try bench.run("verify", [run])
    #expect(try mixdown(["report", "\(bench.state)/\(run)"]).status == 0)
    try bench.run("undo", [run])
    #expect(try bench.contents().isEmpty)
    try Self.edit("\(bench.state)/\(run)") { $0["manifest_version"] = 2 }
    #expect(try bench.run("runs").output.contains("\(run)  its manifest cannot be read"))
  }

  @Test(arguments: ["{bad", nil] as [String?])
  func `a run whose manifest is damaged or newer is refused, and undone only if forced`(_ manifest: String?) throws {
    let bench = try Bench(.directory)
    let run = try bench.sync(bench.inputs(Listeners(count: 3)))
    let after = try bench.contents()
    let path = "\(bench.state)/\(run)/manifest.json"
    try Self.spoil("\(bench.state)/\(run)", manifest)
    for command in [["runs", "show", run], ["verify", run], ["undo", run]] {
      let refused = try mixdown(command + ["--store", bench.store, "--state", bench.state])
      #expect(refused.status == 65 && refused.output.isEmpty, "\(refused.output)")
      #expect(refused.errors.contains(path), "\(refused.errors)")
    }
    #expect(try bench.contents() == after)
    try bench.run("undo", [run, "--force"])
    #expect(try bench.contents().isEmpty)
  }

  @Test(arguments: ["{bad", nil] as [String?])
  func `a run whose manifest is damaged or newer may be another store's, and is pruned only if forced`(
    _ manifest: String?
  ) throws {
    let bench = try Bench(.directory)
    let input = try bench.inputs(Listeners(count: 3))
    let run = try bench.sync(input)
    let folder = "\(bench.state)/\(run)"
    try Self.spoil(folder, manifest)
    let other = ["--store", bench.folder("other"), "--state", bench.state]
    try #require(mixdown(["sync"] + input + other + ["--as-of", Bench.asOf]).status == 0)
    let pruned = try mixdown(["runs", "prune", "--keep", "0"] + other)
    #expect(pruned.status == 0 && pruned.output.contains("\(run) stays: \(folder)/manifest.json"), "\(pruned.output)")
    try #require(bench.ids.contains(run))
    try bench.run("undo", [run, "--force"])
    #expect(try bench.contents().isEmpty)
    #expect(try mixdown(["runs", "prune", "--keep", "0", "--force"] + other).status == 0)
    #expect(!bench.ids.contains(run))
  }

  /// Makes a manifest one that cannot be read: by another text, or by a newer version.
  private static func spoil(_ folder: String, _ manifest: String?) throws {
    if let manifest {
      try manifest.write(toFile: folder + "/manifest.json", atomically: true, encoding: .utf8)
    } else {
      try edit(folder) { $0["manifest_version"] = 2 }
    }
  }

  /// What the store's `job_runs` says of a run; nil when it does not know it.
  private static func outcome(of run: String, in bench: Bench) throws -> String? {
    guard let document = try bench.contents([.jobRuns])["job_runs \(run) "] else { return nil }
    return try document.withView { try BSONDocument($0).value("outcome")?.string?.string }
  }

  private static func edit(_ folder: String, _ change: (inout [String: Any]) -> Void) throws {
    let path = URL(fileURLWithPath: folder + "/manifest.json")
    var manifest = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: path)) as? [String: Any])
    change(&manifest)
    try JSONSerialization.data(withJSONObject: manifest).write(to: path)
  }

  @Test func `a run is gone on with by its own job, not by one whose name differs in its normal form alone`() throws {
    let bench = try Bench(.directory)
    let input = try #require(bench.inputs(Listeners(count: 1)).first)
    func run(_ job: String) throws {
      let yaml = "job: \(job)\nsteps: [{sync: {inputs: [\"\(input)\"], as-of: \(Bench.asOf)}}]\n"
      try bench.run("run", [bench.folder.write("job.yaml", yaml), "--resume"])
    }
    try run("caf\u{E9}")
    let first = try #require(bench.ids.first)
    for (job, count) in [("cafe\u{301}", 2), ("caf\u{E9}", 2)] {
      try Self.edit("\(bench.state)/\(first)") { $0["outcome"] = "failed" }
      try run(job)
      #expect(bench.ids.count == count)
    }
  }

  @Test func `a run of another database is not listed, undone or verified as if it were one of this`() throws {
    let (one, other) = (try TestDatabase(), try TestDatabase())
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let state = ["--state", sandbox.folder("state")]
    for database in [one, other] {
      try #require(mixdown(["setup", "--store", database.address]).status == 0)
      let run = try mixdown(["sync", input, "--store", database.address, "--as-of", Sandbox.asOf] + state)
      try #require(run.status == 0, "\(run.errors)")
    }
    let ids = try RunArchive(state: sandbox.folder("state")).ids()
    try #require(ids.count == 2)
    let listed = try mixdown(["runs", "--store", one.address] + state)
    #expect(listed.status == 0 && listed.output.contains(ids[1]) && !listed.output.contains(ids[0]), "\(listed.output)")
    for command in ["undo", "verify"] {
      let refused = try mixdown([command, ids[0], "--store", one.address] + state)
      #expect(refused.status == 64, "\(refused.output)")
      #expect(refused.errors.contains(other.name), "\(refused.errors)")
    }
    #expect(try one.documents(of: "user_library").count == 1)
  }

  @Test func `a state directory that stores share keeps their runs apart, however a store is spelt`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let (one, other, state) = (sandbox.folder("one"), sandbox.folder("other"), sandbox.folder("state"))
    let link = sandbox.folder("link")
    for store in [one, other] {
      let run = try mixdown(["sync", input, "--store", store, "--state", state, "--as-of", Sandbox.asOf])
      try #require(run.status == 0, "\(run.errors)")
    }
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: one)
    let ids = try RunArchive(state: state).ids()
    try #require(ids.count == 2)
    let listed = try mixdown(["runs", "--store", other, "--state", state]).output
    #expect(listed.contains(ids[0]) && !listed.contains(ids[1]), "\(listed)")
    for command in ["undo", "verify"] {
      let refused = try mixdown([command, ids[1], "--store", other, "--state", state])
      #expect(refused.status == 64 && refused.errors.contains(one), "\(refused.errors)")
    }
    for spelt in [link, other + "/../one"] {
      #expect(try mixdown(["verify", ids[1], "--store", spelt, "--state", state]).status == 0, "\(spelt)")
    }
    // A relative name counted from a folder that nobody knows.
    for (name, status) in [("one", 0), ("../x/../one", 0), ("other", 64), ("x/one", 64)] as [(String, Int32)] {
      try Self.edit("\(state)/\(ids[1])") { $0["store"] = name }
      #expect(try mixdown(["verify", ids[1], "--store", one, "--state", state]).status == status, "\(name)")
    }
  }

  @Test func `two stores that are named by one relative path keep their runs apart`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    try sandbox.folder.write("b/here", "")
    try sandbox.folder.write("real/here", "")
    try sandbox.folder.link("a", to: sandbox.folder("real"))
    func run(_ command: [String], in folder: String, expecting status: Int32) throws -> String {
      let inFolder = ["/bin/sh", "-c", "cd \(sandbox.folder(folder)) && exec \"$@\"", "sh", mixdownBinary]
      let child = try Child(inFolder + command + ["--store", "store", "--state", sandbox.folder("state")])
      try #require(try child.wait() == .exited(status), "\(child.output)\(child.errors)")
      return child.output
    }
    for folder in ["a", "b"] { _ = try run(["sync", input, "--as-of", Sandbox.asOf], in: folder, expecting: 0) }
    let archive = RunArchive(state: sandbox.folder("state"))
    let ids = try archive.ids()
    try #require(ids.count == 2)
    #expect(ids.map { archive.manifest($0)?.store } == [sandbox.folder("b/store"), sandbox.folder("real/store")])
    #expect(try run(["runs"], in: "b", expecting: 0).split(separator: "\n").count == 1)
    for command in ["undo", "verify"] { _ = try run([command, ids[1]], in: "b", expecting: 64) }
    _ = try run(["runs", "prune", "--keep", "0", "--force"], in: "b", expecting: 0)
    #expect(try archive.ids() == [ids[1]])
    // In a manifest of an earlier version the name stands as it was typed.
    try Self.edit(sandbox.folder("state/\(ids[1])")) { $0["store"] = "store" }
    for folder in ["a", "real"] { _ = try run(["verify", ids[1]], in: folder, expecting: 0) }
    _ = try run(["undo", ids[1]], in: "real", expecting: 0)
  }

  @Test func `a run is gone on with, followed and pruned however its store is spelt`() throws {
    let bench = try Bench(.directory)
    let input = try bench.inputs(Listeners(count: 3))
    try bench.folder.link("link", to: bench.store)
    // The store's new file cannot be made.
    let obstacle = bench.store + "/user_library.bson.partial"
    func block() throws {
      try FileManager.default.createDirectory(atPath: obstacle + "/x", withIntermediateDirectories: true)
    }
    func run(_ command: [String], of store: String, expecting status: Int32) throws {
      let inFolder = ["/bin/sh", "-c", "cd \(bench.folder.path) && exec \"$@\"", "sh", mixdownBinary]
      let child = try Child(inFolder + command + ["--store", store, "--state", bench.state])
      try #require(try child.wait() == .exited(status), "\(child.errors)")
    }
    func sync(_ store: String, _ flags: [String], expecting status: Int32) throws {
      try run(["sync"] + input + ["--as-of", Bench.asOf] + flags, of: store, expecting: status)
    }
    try block()
    try sync("store", ["--resumable"], expecting: 74)
    let first = try #require(bench.ids.first)
    let names = ["./store", "store/", "link", bench.store]
    for name in names {
      try sync(name, ["--resume"], expecting: 74)
      #expect(bench.ids == [first], "\(name)")
    }
    try FileManager.default.removeItem(atPath: obstacle)
    try sync("./store", ["--resume"], expecting: 0)
    #expect(try bench.ids == [first] && bench.manifest(first).attempts == names.count + 2)

    // With whom the next run begins.
    try Self.edit("\(bench.state)/\(first)") { $0["next_user"] = Listeners.name(1) }
    try bench.folder.write("more.json", #"{"user_id":"ann","queue":[{"videoId":"q"}]}"#)
    try block()
    try sync("link", [bench.folder("more.json")], expecting: 74)
    try FileManager.default.removeItem(atPath: obstacle)
    #expect(try bench.manifest(#require(bench.ids.last)).nextUser == Listeners.name(1))

    try #require(bench.ids.count == 2)
    try run(["runs", "prune", "--keep", "0", "--force"], of: bench.store, expecting: 0)
    #expect(bench.ids.isEmpty)
  }

  @Test func `a store that was moved keeps its runs`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let (old, new) = (sandbox.folder("old"), sandbox.folder("new"))
    try #require(mixdown(["sync", input, "--store", old, "--as-of", Sandbox.asOf]).status == 0)
    try FileManager.default.moveItem(atPath: old, toPath: new)
    let run = try #require(RunArchive(state: new + "/.runs").ids().first)
    #expect(try mixdown(["verify", run, "--store", new]).status == 0)
    #expect(try mixdown(["undo", run, "--store", new]).status == 0)
  }

  @Test func `a dry run is shown as one, and there is nothing of it to undo or verify`() throws {
    let bench = try Bench(.directory)
    let input = try bench.inputs(Listeners(count: 3))
    let dry = try bench.sync(input, ["--dry-run"])
    #expect(try bench.run("runs").output.contains("  sync  done (0), dry run  3 would change  "))
    for command in ["undo", "verify"] {
      #expect(try bench.run(command, [dry]).output.hasPrefix("\(dry) was a dry run: it has written nothing, "))
    }
    #expect(bench.ids == [dry])
  }

  @Test func `the environment names where the folders of runs lie`() throws {
    let bench = try Bench(.directory)
    let input = try bench.folder.write("ann.json", #"{"user_id":"ann","history":[{"title":"no time"}]}"#)
    let environment = ["MIXDOWN_STORE": bench.store, "MIXDOWN_STATE": bench.state]
    for command in [["sync", input, "--allow-quarantine"], ["sessions"], ["learn"], ["evaluate"]] {
      let before = bench.ids.count
      #expect(try mixdown(command, environment: environment).status == 0)
      #expect(bench.ids.count == before + 1, "\(command)")
    }
    #expect(try bench.manifest(bench.ids[0]).parameters["state"] == bench.state)
    let run = String(try #require(bench.ids.first).suffix(8))
    #expect(try mixdown(["runs"], environment: environment).output.split(separator: "\n").count == 4)
    for command in [["quarantine", run], ["verify", run], ["undo", run], ["report", run]] {
      #expect(try mixdown(command, environment: environment).status == 0, "\(command)")
    }
    // A flag counts more; without either the folders lie in the store.
    #expect(
      try mixdown(["runs", "--state", bench.folder("none")], environment: environment).output.split(
        separator: "\n"
      ).allSatisfy { $0.contains("no folder here") })
    #expect(!FileManager.default.fileExists(atPath: bench.store + "/.runs"))
  }

  @Test func `a report that is made again leaves the time of the last success`() throws {
    let bench = try Bench(.directory)
    let input = try bench.inputs(Listeners(count: 3))
    let metrics = bench.folder("mixdown.prom")
    let success = { () throws in
      let lines = try String(contentsOfFile: metrics, encoding: .utf8).split(separator: "\n")
      let line = lines.first { $0.hasPrefix("mixdown_run_last_success") }
      return line?.split(separator: " ").last
    }
    try bench.sync(input, ["--metrics-file", metrics])
    let before = try success()
    #expect(before != nil)
    let dry = try bench.sync(input, ["--dry-run"])
    #expect(try mixdown(["report", "\(bench.state)/\(dry)", "--metrics-file", metrics]).status == 0)
    #expect(try success() == before)
    #expect(try String(contentsOfFile: metrics, encoding: .utf8).contains(dry))
  }

  @Test func `a run that has quarantined nothing says so, whether it has a quarantine or none`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 2)))
    try bench.run("learn", ["--as-of", Bench.asOf])
    try bench.run("evaluate", ["--as-of", Bench.asOf, "--resamples", "100"], expecting: nil)
    let learned = bench.ids[1]
    try bench.run("undo", [learned])
    try bench.run("forget", ["nobody-at-all"])
    try bench.run("run", [bench.folder.write("job.yaml", "steps:\n  - setup:\n")])
    #expect(bench.ids.count == 6)
    for id in bench.ids {
      #expect(try bench.run("quarantine", [id]).output == "\(id) has quarantined nothing\n")
    }
    let first = "\(bench.state)/\(bench.ids[0])/quarantine.ndjson"
    // A file that is there is looked at, whatever the manifest says.
    try Data("{}\n\n[]\n".utf8).write(to: URL(fileURLWithPath: first))
    let torn = try bench.run("quarantine", [bench.ids[0]], expecting: 65)
    #expect(torn.errors == "mixdown: error: \(first), line 3: no JSON object\n" && torn.output.isEmpty)
  }

  @Test func `a quarantine that cannot be fed in is refused in words, and a quiet one says nothing`() throws {
    let bench = try Bench(.directory)
    let input = try bench.folder.write("ann.json", #"{"user_id":"ann","history":[{"title":"no time"}]}"#)
    let run = try bench.sync([input], expecting: 3)
    let gone = try bench.run("quarantine", [run, "--replay", "/nowhere"], expecting: 74)
    #expect(gone.errors == "mixdown: error: /nowhere: no such file\n")
    // Lines are those that an editor shows.
    let bad = try bench.folder.write("bad.ndjson", "\n\nno object\n")
    #expect(
      try bench.run("quarantine", [run, "--replay", bad], expecting: 65).errors.hasSuffix("line 3: no JSON object\n"))

    let mended = try bench.folder.write(
      "mended.ndjson",
      #"{"user_id":"ann","section":"history","index":0,"raw":{"title":"t","playedAt":1750000000000}}"# + "\n")
    let server = ["--replay", mended, "--server-timeout", "1s", "--quiet"]
    let arguments = ["quarantine", "\(bench.state)/\(run)", "--store", "mongodb://127.0.0.1:1/music"] + server
    let clock = ContinuousClock()
    var unreachable: Run?
    let time = try clock.measure { unreachable = try mixdown(arguments) }
    #expect(unreachable?.status == 69 && time < .seconds(9), "\(time)")
    #expect((unreachable?.errors.split(separator: "\n").count ?? 0) > 1, "advice is missing")
    let quiet = try bench.run("quarantine", [run, "--replay", mended, "--quiet"])
    #expect(quiet.output.isEmpty && quiet.errors.isEmpty)
  }
}
