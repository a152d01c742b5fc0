import BSON
import Foundation
import MongodHarness
import Stores
import Sync
import Testing

@testable import Jobs

/// What happens to a store while a run is being undone.
@Suite(.serialized) struct UndoStepTests {
  @Test func `what the application writes into an account meanwhile stays`() throws {
    let town = try LearningTown(.server)
    let store = town.store
    try store.database?.run(#"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "id_1"}]}"#)
    try town.choose("ann", "hi")
    let before = try #require(try store.documents(of: .users).first)
    try town.learn("2025-12-01T02:00:00Z", full: true) { $0.mirrorsUsers = true }
    try #require(try store.documents(of: .users).first?.field("scores") != nil)
    let contended = ContendedStore(try store.open()) {
      try store.database?.run(
        #"{"update": "users", "updates": [{"q": {"id": "ann"}, "u": {"$set": {"plan": "paid"}}}]}"#)
    }
    let archive = RunArchive(state: town.state)
    let run = try #require(try archive.ids().first)
    let journal = try #require(try JournalReader(ifPresent: archive.folder(run)))
    let undo = try RunFolder(state: town.state, run: RunID(milliseconds: wallClock()))
    var back = PuttingBack(
      job: UndoStep(run, store: store.name, state: town.state), store: contended,
      journal: Journal(undo, run: "undo", store: store.name), isForgotten: nil)
    try back.run(try journal.outcomes(), Cancellation())
    #expect(back.users.changed == 1 && back.users.left == 0)
    let after = try #require(try store.documents(of: .users).first)
    #expect(after.field("plan")?.string == "paid" && after.field("scores") == nil)
    #expect(after.field("explicit_preferences") == before.field("explicit_preferences"))
  }

  @Test func `a store that is held is said to be so, although the run was asked to stop meanwhile`() throws {
    let town = try LearningTown(.directory)
    try town.learn("2025-12-01T02:00:00Z")
    let run = try #require(try RunArchive(state: town.state).ids().first)
    let holder = try town.store.open()
    defer { withExtendedLifetime(holder) {} }
    let undo = UndoStep(run, store: town.store.name, state: town.state)
    var job = Job(name: "undo", store: undo.store, state: undo.state, asOf: wallClock(), steps: [undo])
    let deadline = wallClock() + 2000
    job.deadline = deadline
    job.events.begins = { _ in while wallClock() < deadline { Thread.sleep(forTimeInterval: 0.01) } }
    let report = job.run()
    #expect(report.status == .locked && report.manifest.outcome == .failed)
    #expect(report.manifest.error?.contains("run test") == true, "\(report.manifest.error ?? "")")
  }
}
