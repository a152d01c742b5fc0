import BSON
import Foundation
import MongodHarness
import Stores
import Synchronization
import Testing

/// What a server answers that is no word about what it was asked: a state that passes is waited for, and any other ends
/// the run as a server that cannot be used (docs/stores.md, *When something breaks*).
@Suite(.serialized) struct MongoPassingStateTests {
  private static let appName = "passing"
  private static let broken = #""closeConnection": true"#

  private let database: TestDatabase
  private let users = (100..<250).map { "user-\($0)" }

  init() throws {
    // Of a server that has said that it stops, libmongoc knows nothing before its next look.
    database = try TestDatabase(options: "&heartbeatFrequencyMS=500&appName=" + Self.appName)
    try database.makeIndexes([.userLibrary])
    try database.insert(users.map { library($0, at: 1) }, into: "user_library")
  }

  /// The server fails so with the next commands of this name.
  private func fail(_ command: String, _ fault: String, _ mode: String = #"{"times": 2}"#) throws {
    let data = #"{"failCommands": ["\#(command)"], \#(fault), "appName": "\#(Self.appName)"}"#
    try database.server.database("admin")
      .run(json: #"{"configureFailPoint": "failCommand", "mode": \#(mode), "data": \#(data)}"#)
  }

  private func heal() {
    _ = try? database.server.database("admin").run(json: #"{"configureFailPoint": "failCommand", "mode": "off"}"#)
  }

  /// The error that a run ends with, and how often it waited.
  private func failure(
    _ options: MongoOptions, _ work: (MongoStore) throws -> Void
  ) throws -> (StoreError, waits: Int) {
    let waits = Counted()
    var options = options
    options.waiting = { _ in waits.number.add(1, ordering: .relaxed) }
    let store = try MongoStore(database.address, options)
    let error = #expect(throws: StoreError.self) { try work(store) }
    return (try #require(error), waits.number.load(ordering: .relaxed))
  }

  private final class Counted: Sendable { let number = Atomic(0) }

  // MARK: The first question of a run

  /// A dropped connection, a server that stops, and one that is the primary no more.
  @Test(arguments: ["listIndexes", "listCollections"], [broken, #""errorCode": 11600"#, #""errorCode": 10107"#])
  func `the first question of a run is asked again where it was broken off`(command: String, fault: String) throws {
    defer { heal() }
    try fail(command, fault)
    let question = command == "listIndexes" ? #"{"listIndexes": "user_library"}"# : #"{"listCollections": 1}"#
    let options = MongoOptions(serverTimeout: .seconds(20))
    let found = try MongoDatabase(MongoAddress(database.address), options).documents(json: question)
    #expect(found.count == (command == "listIndexes" ? 3 : 1))
  }

  @Test func `a server that breaks off every first question is asked no longer than one is looked for`() throws {
    defer { heal() }
    try fail("listIndexes", Self.broken, #""alwaysOn""#)
    let begun = ContinuousClock.now
    let (error, waits) = try failure(MongoOptions(serverTimeout: .seconds(2))) { _ = try $0.open(.userLibrary) }
    // Far less than one is waited for that was there.
    #expect(waits > 0 && begun.duration(to: .now) < .seconds(30))
    guard case .unreachable(_, .network, let reason, let advice) = error else { throw error }
    #expect(reason.contains("does not answer") && advice.contains("log and load"), "\(error)")
  }

  @Test func `a server that is not there is looked for once`() throws {
    let gone = try Mongod()
    gone.kill()
    let waits = Counted()
    let options = MongoOptions(serverTimeout: .milliseconds(300)) { _ in waits.number.add(1, ordering: .relaxed) }
    #expect(throws: StoreError.self) { try MongoStore(gone.address("music"), options).open(.userLibrary) }
    #expect(waits.number.load(ordering: .relaxed) == 0)
  }

  // MARK: Codes

  /// CursorNotFound, MaxTimeMSExpired, WriteConflict, QueryPlanKilled, SnapshotUnavailable, TemporarilyUnavailable.
  @Test(arguments: [43, 50, 112, 175, 246, 365])
  func `what passes by itself is tried again`(code: Int) throws {
    defer { heal() }
    let collection = try MongoStore(database.address).open(.userLibrary)
    let scratch = Scratch()
    var left = users
    for (round, command) in ["find", "getMore", "insert", "update", "delete"].enumerated() {
      let changed = library("user-100", at: Int64(round + 2), favorites: round + 1)
      let (gone, new) = (left.removeLast(), "zoe-\(round)")
      let changes = try [
        scratch.change(collection, to: changed, fields: ["favorites", "updated_at"]),
        scratch.removal(collection, gone), scratch.change(collection, to: library(new, at: 1)),
      ]
      left.insert(new, at: 1)
      try fail(command, #""errorCode": \#(code)"#)
      #expect(try collection.beginWriting(.any).write(changes) == [])
      #expect(try scratch.documents(collection, of: left.sorted()).allSatisfy { $0.count == 1 })
      try fail(command, #""errorCode": \#(code)"#)
      #expect(try scratch.all(collection).count == left.count)
    }
  }

  /// Interrupted, as by `killOp`, and OutOfDiskSpace.
  @Test(arguments: [(11601, "killOp"), (14031, "disk")], ["find", "insert", "update"])
  func `what an operator has to see to ends the run and says so`(fault: (code: Int, word: String), command: String)
    throws
  {
    defer { heal() }
    let scratch = Scratch()
    let (error, waits) = try failure(MongoOptions()) { store in
      let collection = try store.open(.userLibrary)
      let changes = try [
        scratch.change(collection, to: library("user-100", at: 2, favorites: 5), fields: ["favorites", "updated_at"]),
        scratch.change(collection, to: library("zoe", at: 1)),
      ]
      try fail(command, #""errorCode": \#(fault.code)"#)
      _ = try collection.beginWriting(.any).write(changes)
      _ = try scratch.all(collection)
    }
    guard case .unreachable(_, .network, let reason, let advice) = error else { throw error }
    #expect(waits == 0 && advice.contains(fault.word), "\(reason) → \(advice)")
  }
}
