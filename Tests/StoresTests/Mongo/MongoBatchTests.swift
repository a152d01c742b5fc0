import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// Batches are bound by bytes as well as by number (docs/performance.md, *How memory is
/// bounded*).
@Suite(.serialized) struct MongoBatchTests {
  private let database: TestDatabase
  private let collection: any StoredCollection
  private let scratch = Scratch()

  init() throws {
    database = try TestDatabase()
    try database.makeIndexes([.userLibrary, .playArchive])
    collection = try MongoStore(database.address).open(.userLibrary)
  }

  @Test func `documents of nearly 16 MiB go through, 64 MB of them in one call`() throws {
    let users = (0..<4).map { "user-\($0)" }
    let padding = 16 << 20 - 300
    var documents: [[UInt8]] = []
    for version in [1, 2] {
      documents = users.map { library($0, at: Int64(version), favorites: version, padding: padding) }
      let changes = try documents.map {
        try scratch.change(collection, to: $0, fields: ["favorites", "updated_at"])
      }
      #expect(try collection.beginWriting(.any).write(changes) == [])
    }
    // With any limit, all of them come, one after another if need be.
    for limit in [1, 20 << 20, .max] {
      let scratch = Scratch()
      let found = try scratch.documents(collection, of: users, limit: limit)
      #expect(found.map(\.count) == [1, 1, 1, 1])
      for (document, found) in zip(documents, found) { #expect(document.withView { $0 == found[0].bytes }) }
    }
    let part = try collection.documents(of: users.map { scratch.view($0) }, since: nil, limit: 1, in: scratch.arena)
    #expect(part.count == 1)
  }

  @Test(arguments: [["bob", "ann"], ["ann", "bob"]])
  func `a document that is too long for the server is refused, and the others are written before it or can be then`(
    _ order: [String]
  ) throws {
    let changes = try order.map {
      try scratch.change(collection, to: library($0, at: 1, padding: $0 == "ann" ? 17 << 20 : 0))
    }
    #expect(throws: StoreError.self) { try collection.beginWriting(.any).write(changes) }
    // It goes alone, and ends the write.
    let written = order[0] == "bob" ? 1 : 0
    #expect(try scratch.documents(collection, of: ["ann", "bob"]).map(\.count) == [0, written])
    let rest = zip(order, changes).filter { $0.0 == "bob" }.map(\.1)
    #expect(try collection.beginWriting(.any).write(rest) == [])
    #expect(try scratch.documents(collection, of: ["ann", "bob"]).map(\.count) == [0, 1])
  }

  @Test func `thousands of small documents go in several batches`() throws {
    let users = (1000..<4000).map { "user-\($0)" }
    let changes = try users.map { user in
      let document = scratch.document(library(user, at: 1))
      return DocumentChange(key: try document.value("user_id")?.string ?? .empty, stored: nil, document: document)
    }
    #expect(try collection.beginWriting(.any).write(changes) == [])
    for limit in [10_000, 1 << 20] {
      #expect(try scratch.documents(collection, of: users, limit: limit).map(\.count) == users.map { _ in 1 })
    }
    #expect(try collection.contains((990..<1010).map { scratch.view("user-\($0)") }) == (990..<1010).map { $0 >= 1000 })
  }

  @Test func `a key with more documents than fit into the limit comes whole`() throws {
    let archive = try MongoStore(database.address).open(.playArchive)
    let months = (0..<400).map { String(10_000 + $0) }
    try database.insert(
      ["ann", "bob", "cat"].flatMap { user in
        months.map { month in
          document { writer in
            writer.append("_id", string: user + month)
            writer.append("user_id", string: user)
            writer.append("month", string: month)
            writer.append("padding", string: String(repeating: "x", count: 10_000))
          }
        }
      }, into: "play_archive")
    let found = try scratch.documents(archive, of: ["abe", "ann", "bob", "bud", "cat", "dan"], limit: 1 << 20)
    #expect(found.map(\.count) == [0, 400, 400, 0, 400, 0])
    #expect(try found[2].map { try $0.value("month")?.string?.string } == months)
    let keys = ["ann", "bob"].map { scratch.view($0) }
    let since = try archive.documents(of: keys, since: scratch.view("10390"), limit: .max, in: scratch.arena)
    #expect(since.map(\.count) == [10, 10])
    // Stepping through all of them, in order.
    let all = try scratch.all(archive, inPiecesOf: 100_000).map { try $0.value("_id")?.string?.string }
    #expect(all == ["ann", "bob", "cat"].flatMap { user in months.map { user + $0 } })
  }

  @Test func `only documents that are as new come, where that is asked for`() throws {
    try database.insert((0..<20).map { library("user-\($0 + 10)", at: Int64($0)) }, into: "user_library")
    let found = try scratch.all(collection, updatedSince: 15).map { try $0.value("updated_at")?.date }
    #expect(found == [15, 16, 17, 18, 19])
  }

  @Test func `a document with a field that is named as an operator is replaced, or a conflict`() throws {
    try database.run(
      """
      {"insert": "user_library", "documents":
        [{"_id": 1, "user_id": "ann", "updated_at": {"$date": {"$numberLong": "1"}}, "$x": "$user_id"}]}
      """)
    let before = try #require(try scratch.documents(collection, of: ["ann"])[0].first)
    let other = document { writer in
      writer.append("_id", int32: 1)
      writer.append("user_id", string: "ann")
      writer.append("updated_at", date: 2)
      writer.append("$x", string: "$updated_at")
      writer.append("$literal", string: "$$ROOT")
    }
    let change = DocumentChange(key: scratch.view("ann"), stored: before, document: scratch.document(other))
    #expect(try collection.beginWriting(.any).write([change]) == [])
    #expect(try scratch.documents(collection, of: ["ann"])[0].first?.bytes.copy() == other)
    // The server has another version now.
    #expect(try collection.beginWriting(.any).write([change]) == [])
    let stale = DocumentChange(key: scratch.view("ann"), stored: before, document: before)
    #expect(try collection.beginWriting(.any).write([stale]) == [0])
  }

  @Test func `a document without its key is refused`() throws {
    try database.run(#"{"insert": "user_library", "documents": [{"_id": "seven", "user_id": 7}]}"#)
    #expect {
      try scratch.all(collection)
    } throws: { error in
      "\(error)".contains(#"a document without a string user_id, with the _id "seven""#)
    }
    try database.run(#"{"insert": "user_library", "documents": [{"_id": 2, "user_id": ["ann", "bob"]}]}"#)
    #expect {
      try scratch.documents(collection, of: ["ann"])
    } throws: { error in
      "\(error)".contains("a document without a string user_id, with the _id 2")
    }
  }

  @Test func `names are compared by their bytes, whatever the collection's collation`() throws {
    try database.run(#"{"drop": "user_library"}"#)
    try database.run(#"{"create": "user_library", "collation": {"locale": "en", "strength": 1}}"#)
    try database.run(
      """
      {"createIndexes": "user_library", "indexes":
        [{"key": {"user_id": 1}, "name": "user_id_1", "unique": true, "collation": {"locale": "simple"}}]}
      """)
    try database.insert(["ann", "Ann", "ANN"].map { library($0, at: 1) }, into: "user_library")
    let found = try scratch.documents(collection, of: ["ANN", "Ann", "aNN", "ann"])
    #expect(found.map(\.count) == [1, 1, 0, 1])
    let changes = try ["Ann", "aNN"].map {
      try scratch.change(collection, to: library($0, at: 2), fields: ["updated_at"])
    }
    #expect(try collection.beginWriting(.any).write(changes) == [])
    let late = DocumentChange(key: scratch.view("aNN"), stored: nil, document: scratch.document(library("aNN", at: 3)))
    #expect(try collection.beginWriting(.any).write([late]) == [0])
    let documents = try database.documents(of: "user_library")
    let times = documents.map { "\($0.field("user_id")?.string ?? "") \($0.field("updated_at")?.date ?? 0)" }
    #expect(times.sorted() == ["ANN 1", "Ann 2", "aNN 2", "ann 1"])
  }

  @Test func `indexes that are missing or another are named`() throws {
    let store = try MongoStore(database.address)
    #expect(try store.database.missingIndexes(of: .userLibrary) == [])
    #expect(try store.database.missingIndexes(of: .songs).map(\.name) == ["key_1"])
    #expect(throws: StoreError.indexesMissing(address: store.name, collection: "songs", indexes: ["key_1"])) {
      try store.open(.songs)
    }
    try database.run(#"{"createIndexes": "songs", "indexes": [{"key": {"key": 1}, "name": "key_1"}]}"#)
    #expect(try store.database.missingIndexes(of: .songs).map(\.name) == ["key_1"])
    try database.run(#"{"dropIndexes": "user_library", "index": "updated_at_1"}"#)
    #expect(try store.database.missingIndexes(of: .userLibrary).map(\.name) == ["updated_at_1"])
    _ = try store.open(.userLibrary)
  }
}
