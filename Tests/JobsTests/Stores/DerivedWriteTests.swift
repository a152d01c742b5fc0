import BSON
import Learning
import MongodHarness
import Stores
import Sync
import Testing

@testable import Jobs

/// Documents that can be made again, where somebody else writes them at the same time (docs/stores.md, *How conflicts
/// are resolved*).
@Suite struct DerivedWriteTests {
  /// Of one user, as it was computed at this time.
  private func scores(_ value: Int, asOf: Int) throws -> [UInt8] {
    try bson(
      #"{"_id": "ann", "user_id": "ann", "value": \#(value), "as_of": {"$date": {"$numberLong": "\#(asOf)"}}}"#)
  }

  /// Writes 7 of a time over what is stored, which is thought to be 1 of the time 1000, or removes that.
  private func write(
    _ database: TestDatabase, asOf: Int, isStubborn: Bool = false, isRemoval: Bool = false
  ) throws -> (written: Int, left: Int) {
    let collection = try openStore(database.address, locking: true, run: "test").open(.userScores)
    let arena = Arena()
    func copy(_ bytes: [UInt8]) -> BSONDocument { BSONDocument(unchecked: bytes.withView { arena.copy($0) }) }
    let change = DocumentChange(
      key: arena.copy(Array("ann".utf8)), stored: copy(try scores(1, asOf: 1000)),
      document: isRemoval ? nil : copy(try scores(7, asOf: asOf)))
    let outcome = try DerivedWrite.write(
      [change], to: collection, with: collection.beginWriting(.any), in: arena
    ) { change, stored throws(StoreError) in
      guard !isStubborn else { return change }
      let options = LearnOptions(parameters: LearningParameters(asOf: Int64(asOf)))
      return try DerivedWrite.change(change, over: stored, in: collection, options, arena)
    }
    #expect(isRemoval ? outcome.made.written == 0 : outcome.made.removed == 0)
    return (isRemoval ? outcome.made.removed : outcome.made.written, outcome.left.count)
  }

  private func value(_ database: TestDatabase) throws -> Int64? {
    try database.documents(of: "user_scores").first?.field("value")?.integer
  }

  @Test func `what somebody else wrote in between is read and decided again`() throws {
    let database = try TestDatabase()
    _ = try Setup().run(on: openStore(database.address, locking: true, run: "test"))
    try database.insert([try scores(2, asOf: 2000)], into: "user_scores")
    #expect(try write(database, asOf: 3000) == (1, 0))
    #expect(try value(database) == 7)
  }

  @Test func `what somebody else computed for a later time stays`() throws {
    let database = try TestDatabase()
    _ = try Setup().run(on: openStore(database.address, locking: true, run: "test"))
    try database.insert([try scores(2, asOf: 4000)], into: "user_scores")
    #expect(try write(database, asOf: 3000) == (0, 0))
    #expect(try value(database) == 2)
  }

  @Test(arguments: [(2000, 1), (4000, 0)])
  func `what somebody else wrote in between is removed, unless it was computed for a later time`(
    _ theirs: Int, _ removed: Int
  ) throws {
    let database = try TestDatabase()
    _ = try Setup().run(on: openStore(database.address, locking: true, run: "test"))
    try database.insert([try scores(2, asOf: theirs)], into: "user_scores")
    #expect(try write(database, asOf: 3000, isRemoval: true) == (removed, 0))
    #expect(try value(database) == (removed == 1 ? nil : 2))
  }

  @Test func `what somebody else writes every time is left`() throws {
    let database = try TestDatabase()
    _ = try Setup().run(on: openStore(database.address, locking: true, run: "test"))
    try database.insert([try scores(2, asOf: 2000)], into: "user_scores")
    #expect(try write(database, asOf: 3000, isStubborn: true) == (0, 1))
    #expect(try value(database) == 2)
  }

  @Test func `scores that an account never got, as somebody else wrote it each time, are not in the journal`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    try store.put([#"{"_id": 1, "id": "ann", "as_of": {"$date": 2}}"#], into: .users)
    let folder = try RunFolder(state: store.folder, run: RunID(milliseconds: 1_764_554_400_000))
    let journal = Journal(folder, run: "test", store: store.name)
    var options = LearnOptions(parameters: LearningParameters(asOf: 1000))
    (options.mirrorsUsers, options.journal) = (true, journal)
    let output = try LearnedOutput(LearnCollections(store.open()), options, LearnEvents())
    try #require(output.reserve(batches: 1) == 0)
    let batch = LearnedBatch(output.arena())
    func copy(_ json: String) throws -> BSONDocument {
      BSONDocument(unchecked: try bson(json).withView { batch.arena.copy($0) })
    }
    let old = try copy(#"{"_id": 1, "id": "ann", "as_of": {"$date": 1}}"#)
    let new = try copy(#"{"_id": 1, "id": "ann", "as_of": {"$date": 1}, "scores": {"a": 1}}"#)
    batch.accounts = [DocumentChange(key: ByteView("ann"), stored: old, document: new, changedFields: ["scores"])]
    try output.send(batch) { change, _ in change }
    let summary = try output.finish()
    #expect(summary.left == [.conflict: 1] && summary.written["users"] == nil)
    #expect(try store.documents(of: .users).first?.field("scores") == nil)
    #expect(journal.written == nil)
    #expect(try JournalReader(ifPresent: folder)?.outcomes().isEmpty == true)
  }
}
