import Foundation
import MongodHarness
import Stores
import Synchronization
import Testing

/// No client, cursor or reply outlives a run, whatever goes wrong in it.
///
/// Valgrind takes some seconds for each, so they are to be asked for, as `.ci/run` does: `MIXDOWN_LEAKS=1`.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["MIXDOWN_LEAKS"] != nil))
struct LeakTests {
  /// By which a fault of the server is meant for these runs alone.
  private static let name = "leaks"

  @Test func `a run over lost connections and conflicts, of which some users are given up`() throws {
    let bench = try Bench(.server)
    try bench.sync(bench.inputs(Listeners(count: 80, plays: 3, seed: 1), as: "first-"))
    let database = try MongoDatabase(MongoAddress(bench.store), MongoOptions())
    let isOver = Atomic(false)
    let live = DispatchGroup()
    live.enter()
    Thread.detachNewThread {
      // What the live service does, and far too often: each of these users is in conflict whenever it is written.
      let update = #"{"q": {"user_id": {"$gt": "\#(Listeners.name(40))"}}, "u": {"$currentDate": {"updated_at": true}}"#
      while !isOver.load(ordering: .acquiring) {
        _ = try? database.run(json: #"{"update": "user_library", "updates": [\#(update), "multi": true}]}"#)
      }
      live.leave()
    }
    defer {
      isOver.store(true, ordering: .releasing)
      live.wait()
    }
    try fail(["find", "insert", "update"], times: 5)
    let inputs = try bench.inputs(Listeners(count: 80, plays: 3, seed: 2), as: "second-")
    let run = try watched(
      ["sync"] + inputs + ["--store", named(bench.store), "--state", bench.state, "--as-of", Bench.asOf])
    #expect(run.status == 1, "\(run.errors)")
    let manifest = try bench.manifest(#require(bench.ids.last))
    #expect((manifest.left["conflict"] ?? 0) > 0 && manifest.users.changed > 0)
  }

  @Test func `a run of which the server refuses a batch`() throws {
    let bench = try Bench(.server)
    let database = try MongoDatabase(MongoAddress(bench.store), MongoOptions())
    try database.run(
      json: #"{"collMod": "user_library", "validator": {"never": {"$exists": true}}, "validationAction": "error"}"#)
    let inputs = try bench.inputs(Listeners(count: 20, plays: 3))
    let run = try watched(["sync"] + inputs + ["--store", named(bench.store), "--state", bench.state])
    #expect(run.status == 65, "\(run.errors)")
  }

  @Test func `cursors that are broken off`() throws {
    let bench = try Bench(.server)
    try bench.sync(bench.inputs(Listeners(count: 130, plays: 3)))
    try fail(["find", "getMore"], times: 4)
    let run = try watched(["copy", named(bench.store), bench.folder("copy")])
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func `a server that is not there`() throws {
    let store = "mongodb://127.0.0.1:1/music?serverSelectionTimeoutMS=300"
    let folder = try TemporaryFolder()
    let run = try watched(["sync", folder(""), "--store", store, "--state", folder("state")])
    #expect(run.status == 69, "\(run.errors)")
  }

  @Test func `a leak would be found`() throws {
    let bench = try Bench(.server)
    let run = try valgrind(["setup", "--store", bench.store], environment: ["MIXDOWN_FAULT": "leaked reply"])
    #expect(run.status == Self.leaked && run.log.contains("definitely lost"), "\(run.log)")
  }

  // MARK: Valgrind

  private static let leaked: Int32 = 99

  /// Runs the program, and expects that nothing is left of what libmongoc was asked for.
  private func watched(_ arguments: [String]) throws -> (status: Int32, errors: String) {
    let run = try valgrind(arguments)
    #expect(run.status != Self.leaked, "\(run.log)")
    // What somebody still points to is no leak to valgrind, but nobody should point to a client when all is over. So of
    // what is left nothing may be memory that libmongoc or libbson has asked for.
    let left = run.log.components(separatedBy: " bytes in ").dropFirst().filter { record in
      let frames = record.split(separator: "\n").filter { $0.contains(" at 0x") || $0.contains(" by 0x") }
      let asked = frames.dropFirst().first ?? ""
      return asked.contains("/libbson-") || asked.contains("/libmongoc-")
    }
    #expect(left.isEmpty, "\(left.joined(separator: "\n"))")
    return (run.status, run.errors)
  }

  private func valgrind(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (status: Int32, errors: String, log: String) {
    let folder = try TemporaryFolder()
    // It does not understand what is for debuggers.
    let strip = try Child(["/usr/bin/strip", "-g", "-o", folder("mixdown"), mixdownBinary])
    try #require(try strip.wait() == .exited(0), "\(strip.errors)")
    let flags = [
      "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=definite", "--undef-value-errors=no",
      "--num-callers=60", "--error-exitcode=\(Self.leaked)", "--log-file=\(folder("log"))",
    ]
    let child = try Child(["/usr/bin/valgrind"] + flags + [folder("mixdown")] + arguments, environment: environment)
    guard case .exited(let status) = try child.wait(seconds: 900) else {
      throw Sandbox.Crash(end: .killed(signal: 0), errors: child.errors)
    }
    return (status, child.errors, String(decoding: try folder.bytes(of: "log"), as: UTF8.self))
  }

  private func named(_ store: String) -> String { store + "&appName=" + Self.name }

  /// The server breaks connections off instead of answering.
  private func fail(_ commands: [String], times: Int) throws {
    let names = commands.map { "\"\($0)\"" }.joined(separator: ", ")
    let data = #"{"failCommands": [\#(names)], "closeConnection": true, "appName": "\#(Self.name)"}"#
    try TestDatabase().server.database("admin")
      .run(json: #"{"configureFailPoint": "failCommand", "mode": {"times": \#(times)}, "data": \#(data)}"#)
  }
}
