import Foundation
import MongodHarness
import Stores
import Synchronization
import Testing

/// A user whom somebody else writes again and again is merged five times, then reported (docs/stores.md, *How conflicts
/// are resolved*).
@Suite(.serialized) struct ConflictTests {
  @Test func `users in conflict are named and end the run with 1, and everybody else is done`() throws {
    let bench = try Bench(.server)
    try bench.sync(bench.inputs(Listeners(count: 12, plays: 3, seed: 1), as: "first-"))
    let database = try MongoDatabase(MongoAddress(bench.store), MongoOptions())
    let isOver = Atomic(false)
    let live = DispatchGroup()
    for _ in 0..<2 {
      live.enter()
      Thread.detachNewThread {
        // What the live service does, and far too often, to half of the users.
        let update =
          #"{"q": {"user_id": {"$gte": "\#(Listeners.name(6))"}}, "u": {"$currentDate": {"updated_at": true}}"#
        while !isOver.load(ordering: .acquiring) {
          _ = try? database.run(json: #"{"update": "user_library", "updates": [\#(update), "multi": true}]}"#)
        }
        live.leave()
      }
    }
    // The two need not meet five times in a row: further users are merged until they do.
    var seed: UInt64 = 2
    var run: (status: Int32, output: String, errors: String)
    repeat {
      let input = try bench.inputs(Listeners(count: 12, plays: 3, seed: seed), as: "\(seed)-")
      run = try bench.run("sync", input + ["--as-of", Bench.asOf], expecting: nil)
      seed += 1
    } while run.status != 1 && seed < 40
    isOver.store(true, ordering: .releasing)
    live.wait()

    try #require(run.status == 1, "\(run.errors)")
    let manifest = try bench.manifest(#require(bench.ids.last))
    let left = try #require(manifest.left["conflict"])
    #expect(left > 0 && left <= 6 && manifest.outcome == "done" && manifest.exitStatus == 1)
    // Half of the users nobody else wrote.
    #expect(manifest.users.changed + manifest.users.unchanged >= 6 && manifest.users.left == left)
    let named = (6..<12).filter { run.errors.contains(Listeners.name($0)) }
    #expect(named.count == left && run.errors.contains("each of the 5 times"), "\(run.errors)")

    // Left alone, they are merged by the next run.
    let again = try bench.inputs(Listeners(count: 12, plays: 3, seed: seed - 1), as: "again-")
    try bench.sync(again)
    let last = try bench.manifest(#require(bench.ids.last))
    #expect(last.users.left == 0 && last.users.changed >= left)
  }
}
