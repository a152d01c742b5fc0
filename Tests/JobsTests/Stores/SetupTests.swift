import BSON
import Foundation
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// The collections and indexes of a store (docs/stores.md, *Setting up a store*).
@Suite struct SetupTests {
  static let kinds = TestStore.Kind.allCases

  @Test(arguments: kinds)
  func `a setup makes every collection and index, and a second one does nothing`(_ kind: TestStore.Kind) throws {
    let store = try TestStore(kind)
    let first = try Setup().run(on: store.open())
    #expect(Set(first.done.map(\.collection)) == Set(CollectionSchema.all.map(\.name)))
    #expect(first.refused.isEmpty && first.notes.isEmpty)
    #expect(try Setup().run(on: store.open()) == SetupReport())
    for schema in CollectionSchema.all { #expect(try missing(schema, store) == []) }
    #expect(try store.open().collectionNames() == Set(CollectionSchema.all.map(\.name)))
    try checkIndexes(of: CollectionSchema.all, in: store.open(locking: false))
  }

  private func missing(_ schema: CollectionSchema, _ store: TestStore) throws -> [String] {
    let present = try indexes(schema, store)
    return schema.indexes.filter { wanted in !present.contains { $0.serves(wanted) && $0.name == wanted.name } }
      .map(\.name)
  }

  private func indexes(_ schema: CollectionSchema, _ store: TestStore) throws -> [MongoIndex] {
    if let database = store.database { return try database.database.indexes(of: schema.name) }
    return try StoredMetadata(DirectoryStore(store.name, lock: nil), schema).indexes
  }

  /// Puts an index with a name of ours and another definition in the way.
  private func obstruct(_ store: TestStore) throws {
    if let database = store.database {
      try database.run(
        #"{"createIndexes": "user_library", "indexes": [{"key": {"user_id": -1}, "name": "user_id_1"}]}"#)
    } else {
      try FileManager.default.createDirectory(atPath: store.name, withIntermediateDirectories: true)
      let index = #"{"v":{"$numberInt":"2"},"key":{"user_id":{"$numberInt":"-1"}},"name":"user_id_1"}"#
      let text = #"{"options":{},"indexes":[\#(index)],"uuid":"5","collectionName":"user_library"}"#
      try Data(text.utf8).write(to: URL(fileURLWithPath: store.name + "/user_library.metadata.json"))
    }
  }

  @Test(arguments: kinds)
  func `an index of the same name and another definition is left alone unless it is to be rebuilt`(
    _ kind: TestStore.Kind
  ) throws {
    let store = try TestStore(kind)
    try obstruct(store)
    let report = try Setup().run(on: store.open())
    #expect(report.refused.count == 1)
    #expect(report.refused.first?.contains("{user_id: -1}, not unique; wanted is {user_id: 1}, unique") == true)
    #expect(try missing(.userLibrary, store) == ["user_id_1"])
    #expect(try missing(.songs, store) == [], "everything else is made")

    var rebuilding = Setup()
    rebuilding.rebuildsIndexes = true
    #expect(try rebuilding.run(on: store.open()).refused == [])
    #expect(try missing(.userLibrary, store) == [])
    #expect(try Setup().run(on: store.open()) == SetupReport())
    if kind == .directory { #expect(store.metadata(of: .userLibrary)?.contains(#""uuid":"5""#) == true) }
  }

  @Test func `indexes compare by bytes, whatever the collation of their collections`() throws {
    let (plain, store) = (try TestStore(.server), try TestStore(.server))
    let database = try #require(store.database)
    for schema in CollectionSchema.all {
      try database.run(#"{"create": "\#(schema.name)", "collation": {"locale": "en", "strength": 1}}"#)
    }
    _ = try Setup().run(on: plain.open())
    #expect(try Setup().run(on: store.open()).refused == [])
    for schema in CollectionSchema.all {
      #expect(try missing(schema, store) == [])
      // Besides that over `_id`, which is the collection's own.
      let (all, other) = (try indexes(schema, store), try indexes(schema, plain))
      #expect(all.dropFirst() == other.dropFirst())
    }
    #expect(try Setup().run(on: store.open()) == SetupReport())
    try checkIndexes(of: CollectionSchema.all, in: store.open(locking: false))
    #expect(Doctor(serverTimeout: .seconds(10)).examine(store.name).status == .done)
    // Names that this collation takes for one.
    try store.put(["ann", "Ann", "ANN"].map { #"{"user_id": "\#($0)"}"# }, into: .userLibrary)

    // One that takes the collation of its collection is of no use, and a rebuilt one is.
    try database.run(#"{"dropIndexes": "songs", "index": "key_1"}"#)
    try database.run(#"{"createIndexes": "songs", "indexes": [{"key": {"key": 1}, "name": "key_1", "unique": true}]}"#)
    #expect(try Setup().run(on: store.open()).refused.first?.contains("of another collation") == true)
    var rebuilding = Setup()
    rebuilding.rebuildsIndexes = true
    #expect(try rebuilding.run(on: store.open()).refused == [])
    #expect(try missing(.songs, store) == [])
  }

  @Test(arguments: ["1e300", #"{"$numberDouble":"NaN"}"#, #"{"$numberDouble":"Infinity"}"#])
  func `an index whose numbers are none of an index is one of another definition`(_ number: String) throws {
    let store = try TestStore(.directory)
    let index = #"{"v":2,"key":{"user_id":\#(number)},"name":"user_id_1","expireAfterSeconds":\#(number)}"#
    try FileManager.default.createDirectory(atPath: store.name, withIntermediateDirectories: true)
    try Data(#"{"options":{},"indexes":[\#(index)]}"#.utf8)
      .write(to: URL(fileURLWithPath: store.name + "/user_library.metadata.json"))
    #expect(try Setup().run(on: store.open()).refused.count == 1)
    #expect(try missing(.userLibrary, store) == ["user_id_1"])
  }

  @Test func `a job does not begin without its unique index, and says what makes it`() throws {
    let store = try TestStore(.server)
    let opened = try store.open()
    let error = #expect(throws: StoreError.self) { try checkIndexes(of: [.songs], in: opened) }
    #expect(error.map { ExitStatus($0) } == .refused)
    #expect(error?.description.contains("mixdown setup") == true)
    _ = try Setup().run(on: opened)
    try checkIndexes(of: [.songs], in: opened)
  }

  @Test func `documents that contradict a unique index are reported and left`() throws {
    let store = try TestStore(.server)
    try store.put([#"{"_id": 1, "key": "v:a"}"#, #"{"_id": 2, "key": "v:a"}"#], into: .songs)
    let report = try Setup().run(on: store.open())
    #expect(report.refused.count == 1 && report.refused.first?.hasPrefix("songs: ") == true)
    #expect(try store.documents(of: .songs).count == 2)
  }

  // MARK: Validators

  private func state(_ schema: CollectionSchema, _ store: TestStore) throws -> ValidationState {
    if let database = store.database {
      let answer = try database.database.documents(
        json: #"{"listCollections": 1, "filter": {"name": "\#(schema.name)"}}"#)
      return answer.first?.withView { ValidationState((try? BSONDocument($0).value("options"))?.document) }
        ?? ValidationState(nil)
    }
    return try StoredMetadata(DirectoryStore(store.name, lock: nil), schema).withOptions { ValidationState($0) }
  }

  @Test(arguments: kinds)
  func `validators are set, changed and taken off`(_ kind: TestStore.Kind) throws {
    let store = try TestStore(kind)
    for validation in [Setup.Validation.warn, .error, .off, .warn] {
      var setup = Setup()
      setup.validation = validation
      let report = try setup.run(on: store.open())
      #expect(report.done.contains { $0.what.hasPrefix("validator ") })
      let state = try state(.userLibrary, store)
      #expect((state.validator == nil) == (validation == .off))
      if validation != .off { #expect(state.action == validation.rawValue && state.level == "moderate") }
      #expect(try setup.run(on: store.open()) == SetupReport())
    }
    #expect(try state(.songs, store).validator == nil)
  }

  @Test(arguments: kinds)
  func `somebody else's validator is left alone`(_ kind: TestStore.Kind) throws {
    let store = try TestStore(kind)
    let own = #"{"user_id": {"$exists": true}}"#
    if let database = store.database {
      try database.run(#"{"create": "user_library", "validator": \#(own)}"#)
    } else {
      try FileManager.default.createDirectory(atPath: store.name, withIntermediateDirectories: true)
      let text = #"{"options":{"validator":\#(own)},"indexes":[]}"#
      try Data(text.utf8).write(to: URL(fileURLWithPath: store.name + "/user_library.metadata.json"))
    }
    let before = try state(.userLibrary, store)
    let report = try Setup().run(on: store.open())
    #expect(report.notes.count == 1 && report.refused.isEmpty)
    #expect(try state(.userLibrary, store) == before)
  }

  @Test func `with error the server refuses what does not fit, and takes what a merge writes`() throws {
    let store = try TestStore(.server)
    var setup = Setup()
    setup.validation = .error
    _ = try setup.run(on: store.open())
    let good = """
      {"_id": 1, "user_id": "ann", "favorites": [{"videoId": "a", "addedAt": {"$date": 1}, "x": 1}], "history": [],
       "total_songs_played": 3, "queue": [{"title": "t", "position": 0, "artwork": null}],
       "playlists": [{"id": "playlist_1", "name": "n", "songs": [], "client_ids": ["pl_1"], "is_public": true}],
       "preferences": {"shuffle": true, "repeat": "off", "volume": 0.5}, "recent_searches": ["x"],
       "removed": {}, "section_updated_at": {}, "updated_at": {"$date": 2}, "unknown": [1]}
      """
    try store.put([good], into: .userLibrary)
    for bad in [
      #"{"_id": 2}"#, #"{"_id": 2, "user_id": ""}"#, #"{"_id": 2, "user_id": "b", "favorites": "none"}"#,
      #"{"_id": 2, "user_id": "b", "history": [{"playedAt": "2026"}]}"#,
      #"{"_id": 2, "user_id": "b", "preferences": {"repeat": "never"}}"#,
      #"{"_id": 2, "user_id": "b", "updated_at": 5}"#,
    ] {
      #expect(throws: (any Error).self, "\(bad)") { try store.put([bad], into: .userLibrary) }
    }
    #expect(throws: (any Error).self) {
      try store.put([#"{"_id": 3, "user_id": "b", "session_id": "s"}"#], into: .sessionPings)
    }
  }

  @Test func `a metadata file that is no JSON is refused`() throws {
    let store = try TestStore(.directory)
    try FileManager.default.createDirectory(atPath: store.name, withIntermediateDirectories: true)
    try Data("{".utf8).write(to: URL(fileURLWithPath: store.name + "/user_library.metadata.json"))
    let error = #expect(throws: StoreError.self) { try Setup().run(on: store.open()) }
    #expect(error.map { ExitStatus($0) } == .refused)
  }
}
