import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// A write names the version it was computed from, so that what somebody else writes in between is never overwritten
/// (docs/stores.md, *How conflicts are resolved*).
@Suite struct MongoConflictTests {
  private let database: TestDatabase
  private let collection: any StoredCollection
  private let scratch = Scratch()
  private static let fields: [StaticString] = ["favorites", "queue", "updated_at"]

  init() throws {
    database = try TestDatabase()
    try database.makeIndexes([.userLibrary])
    collection = try MongoStore(database.address).open(.userLibrary)
  }

  private func put(_ documents: [[UInt8]]) throws { try database.insert(documents, into: "user_library") }

  private var stored: [Fields] {
    get throws { try database.documents(of: "user_library", sortedBy: "user_id").map { try Fields($0) } }
  }

  private func write(_ changes: [DocumentChange]) throws -> [Int] { try collection.beginWriting(.any).write(changes) }

  /// What the live API does: whole sections, and a new time.
  private func liveWrite(_ user: String, queue: Int, at time: Int64) throws {
    try database.run(
      """
      {"update": "user_library", "updates": [{"q": {"user_id": "\(user)"}, "u": {"$set":
        {"queue": [{"version": \(queue), "title": ""}], "updated_at": {"$date": {"$numberLong": "\(time)"}}}}}]}
      """)
  }

  enum Way: CaseIterable {
    case someFields, whole, removal

    func change(_ scratch: Scratch, _ collection: any StoredCollection, _ document: [UInt8]) throws -> DocumentChange {
      switch self {
      case .someFields: try scratch.change(collection, to: document, fields: MongoConflictTests.fields)
      case .whole: try scratch.change(collection, to: document)
      case .removal: try scratch.removal(collection, "ann")
      }
    }
  }

  // MARK: Somebody else

  @Test(arguments: Way.allCases)
  func `what somebody else wrote meanwhile stays, and the change is given back`(way: Way) throws {
    try put([library("ann", at: 1)])
    let change = try way.change(scratch, collection, library("ann", at: 5, favorites: 2))
    try liveWrite("ann", queue: 9, at: 3)
    #expect(try write([change]) == [0])
    #expect(try stored == [Fields(library("ann", at: 3, queue: 9))])
  }

  @Test(arguments: [Way.someFields, .whole])
  func `a document that was removed meanwhile is not brought back`(way: Way) throws {
    try put([library("ann", at: 1)])
    let change = try way.change(scratch, collection, library("ann", at: 5, favorites: 2))
    try database.run(#"{"delete": "user_library", "deletes": [{"q": {}, "limit": 0}]}"#)
    #expect(try write([change]) == [0])
    #expect(try stored == [])
  }

  @Test(arguments: [false, true])
  func `a document of another _id takes the place of the one that was read, and of no other`(isRead: Bool) throws {
    try put([library("ann", at: 1), library("bob", at: 1)])
    let old = document { writer in
      writer.append("_id", string: "another id")
      writer.append("user_id", string: "ann")
    }
    let changes = try [scratch.change(collection, to: library("bob", at: 5)), scratch.change(collection, to: old)]
    if !isRead { try liveWrite("ann", queue: 9, at: 3) }
    #expect(try write(changes) == (isRead ? [] : [1]))
    #expect(try stored == [Fields(isRead ? old : library("ann", at: 3, queue: 9)), Fields(library("bob", at: 5))])
    // Sent again, as after a lost answer.
    if isRead { #expect(try write(changes) == []) }
  }

  @Test func `a new document that somebody else made first is given back`() throws {
    let change = try scratch.change(collection, to: library("ann", at: 5, favorites: 2))
    let theirs = document { writer in
      writer.append("_id", string: "another id")
      writer.append("user_id", string: "ann")
    }
    try put([theirs])
    #expect(try write([change]) == [0])
    #expect(try stored == [Fields(theirs)])
  }

  @Test(arguments: Way.allCases)
  func `only those that met another version are given back, however many there are`(way: Way) throws {
    let users = (1000..<2100).map { way == .removal ? "ann" : "user-\($0)" }.uniqued()
    try put(users.map { library($0, at: 1) })
    let changes = try users.map { try way.change(scratch, collection, library($0, at: 5, favorites: 2)) }
    let contested = Set(users.indices.filter { $0 % 37 == 5 })
    for index in contested { try liveWrite(users[index], queue: 9, at: 3) }
    #expect(try write(changes) == contested.sorted())
    let expected = try users.indices.compactMap { index in
      if contested.contains(index) { return try Fields(library(users[index], at: 3, queue: 9)) }
      return way == .removal ? nil : try Fields(library(users[index], at: 5, favorites: 2))
    }
    #expect(try stored == expected)
  }

  @Test func `another run that came to another result at the same time is not mistaken for this one`() throws {
    try put([library("ann", at: 1)])
    let changes = try [2, 3].map {
      try scratch.change(collection, to: library("ann", at: 5, favorites: $0), fields: Self.fields)
    }
    #expect(try write([changes[0]]) == [])
    #expect(try write([changes[1]]) == [0])
    #expect(try stored == [Fields(library("ann", at: 5, favorites: 2))])
  }

  // MARK: Once more

  @Test(arguments: Way.allCases)
  func `a change that is sent again, as after a lost answer, is done once and is no conflict`(way: Way) throws {
    try put([library("ann", at: 1, queue: 1)])
    let change = try way.change(scratch, collection, library("ann", at: 5, favorites: 2))
    #expect(try write([change]) == [])
    #expect(try write([change]) == [])
    #expect(try stored == (way == .removal ? [] : [Fields(library("ann", at: 5, favorites: 2))]))
  }

  @Test func `a new document that is sent again is no conflict`() throws {
    let change = try scratch.change(collection, to: library("ann", at: 5))
    #expect(try write([change]) == [])
    #expect(try write([change]) == [])
    #expect(try stored == [Fields(library("ann", at: 5))])
  }

  @Test func `a change of which others made something since is a conflict when it is sent again`() throws {
    try put([library("ann", at: 1)])
    let change = try scratch.change(collection, to: library("ann", at: 5, favorites: 2), fields: Self.fields)
    #expect(try write([change]) == [])
    try liveWrite("ann", queue: 9, at: 6)
    #expect(try write([change]) == [0])
    #expect(try stored == [Fields(library("ann", at: 6, favorites: 2, queue: 9))])
  }

  // MARK: Versions

  private static let versions = [
    ("absent", ""), ("null", #""updated_at": null,"#), ("a text", #""updated_at": "2025-01-01","#),
    ("a number", #""updated_at": 12.5,"#), ("a document", #""updated_at": {"$gt": 0},"#),
  ]

  @Test(arguments: versions, Way.allCases)
  func `a version of any kind is one`(version: (name: String, json: String), way: Way) throws {
    try database.run(
      """
      {"insert": "user_library", "documents": [
        {"_id": 1, \(version.json) "user_id": "ann"}, {"_id": 2, \(version.json) "user_id": "bob"}]}
      """)
    let new = document { writer in
      writer.append("_id", int32: 1)
      writer.append("user_id", string: "ann")
      writer.append("updated_at", date: 5)
    }
    let change = try way.change(scratch, collection, new)
    let removal = try scratch.removal(collection, "bob")
    try liveWrite("bob", queue: 1, at: 2)
    #expect(try write([change, removal]) == [1], "\(version.name)")
    #expect(try stored.count == (way == .removal ? 1 : 2))
  }

  // MARK: What is sent

  @Test func `of an update nothing is sent but the fields that changed`() throws {
    try put([library("ann", at: 1, favorites: 1, queue: 1, padding: 1 << 20)])
    try database.run(#"{"profile": 2}"#)
    let change = try scratch.change(
      collection, to: library("ann", at: 5, favorites: 1, queue: 2, padding: 1 << 20), fields: ["queue", "updated_at"])
    #expect(try write([change]) == [])
    try database.run(#"{"profile": 0}"#)
    let updates = try database.database.documents(json: #"{"find": "system.profile", "filter": {"op": "update"}}"#)
    #expect(updates.count == 1)
    // The profile quotes the operation: with a megabyte of favourites in it this would be as long.
    #expect(updates[0].count < 10_000)
    #expect(try stored == [Fields(library("ann", at: 5, favorites: 1, queue: 2, padding: 1 << 20))])
  }

  @Test func `a document that the server's rules refuse ends the run with its user's name`() throws {
    try database.run(
      #"{"collMod": "user_library", "validator": {"favorites": {"$exists": true}}, "validationAction": "error"}"#)
    let change = try scratch.change(collection, to: library("ann", at: 5, favorites: nil))
    #expect {
      try write([change])
    } throws: { error in
      guard case StoreError.rejected(_, let what, _) = error else { return false }
      return what.contains("ann")
    }
  }

  // MARK: Several at once

  @Test func `of two writers at once none undoes what the other did`() throws {
    let users = (100..<160).map { "user-\($0)" }
    try put(users.map { library($0, at: 1, favorites: 0) })
    let rounds = 5
    let address = database.address
    DispatchQueue.concurrentPerform(iterations: 2) { number in
      do {
        let counter = try Counter(address, users, mark: "\(number)")
        for _ in 0..<rounds { try counter.count() }
      } catch {
        Issue.record(error)
      }
    }
    let counted = try Counter(address, users)
    #expect(try counted.counts == users.map { _ in rounds * 2 })
  }
}

extension [String] {
  fileprivate func uniqued() -> [String] { Array(Set(self)).sorted() }
}
