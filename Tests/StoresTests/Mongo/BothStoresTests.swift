import BSON
import Foundation
import MongodHarness
import Randomness
import Stores
import Testing

/// Both stores keep the same collections, and every job gives the same documents on both (docs/stores.md, *MongoDB*).
@Suite struct BothStoresTests {
  enum Kind: CaseIterable { case directory, server }

  /// An empty store of either kind.
  final class Fixture {
    let store: any Store
    private let sandbox: Sandbox?
    private let database: TestDatabase?
    let scratch = Scratch()

    init(_ kind: Kind) throws {
      switch kind {
      case .directory:
        let sandbox = try Sandbox()
        self.sandbox = sandbox
        database = nil
        store = try openStore(sandbox.path, locking: true)
      case .server:
        let database = try TestDatabase()
        try database.makeIndexes([.userLibrary, .playArchive, .songs, .sessionPings])
        self.database = database
        sandbox = nil
        store = try openStore(database.address, locking: true)
      }
    }

    func write(
      _ documents: [[UInt8]], fields: [StaticString] = [], removing: [(String, String?)] = [],
      into schema: CollectionSchema = .userLibrary
    ) throws {
      let collection = try store.open(schema)
      let writer = try collection.beginWriting(.any)
      let changes = try documents.map { try scratch.change(collection, to: $0, fields: fields) }
      let removals = try removing.map { try scratch.removal(collection, $0.0, $0.1) }
      #expect(try writer.write(changes + removals) == [])
      try writer.commit()
    }

    func all(_ schema: CollectionSchema = .userLibrary, inPiecesOf bytes: Int = 1 << 20) throws -> [Fields] {
      let collection = try store.open(schema)
      let documents = try scratch.all(collection, inPiecesOf: bytes)
      let sorted = documents.sorted { a, b in
        let (keyA, keyB) = (text(a, schema.key), text(b, schema.key))
        guard keyA == keyB, let subkey = schema.subkey else { return keyA < keyB }
        return text(a, subkey) < text(b, subkey)
      }
      return try sorted.map { try Fields($0) }
    }

    private func text(_ document: BSONDocument, _ field: StaticString) -> ByteView {
      (try? document.value(field))?.string ?? .empty
    }
  }

  @Test(arguments: Kind.allCases)
  func `a run learns in which order a store keeps its users`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    // One after another, for an unordered bulk may come in any order.
    for name in ["bob", "éva", "ann", "dan"] { try fixture.write([library(name, at: 1)]) }
    let collection = try openStore(fixture.store.name, locking: false).open(.userLibrary)
    let names = ["bob", "nobody", "éva", "ann", "bob", "dan"]
    let positions = try collection.positions(of: names.map { fixture.scratch.view($0) })
    let known = positions.compactMap(\.self)
    #expect(positions[1] == nil && known.count == 5 && positions[0] == positions[4])
    let order = try #require([positions[0], positions[2], positions[3], positions[5]] as? [Int])
    // Both append what is new; a directory brings the new users of one commit into the order of their ids.
    #expect(order == order.sorted())
  }

  @Test(arguments: Kind.allCases)
  func `documents are found by key, in the order asked for, and none where there is none`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    let documents = ["bob", "ann", "éva", "dan"].map { library($0, at: 1) }
    try fixture.write(documents)
    let collection = try fixture.store.open(.userLibrary)
    let found = try fixture.scratch.documents(collection, of: ["abe", "ann", "bob", "cat", "dan", "zed", "éva"])
    #expect(found.map(\.count) == [0, 1, 1, 0, 1, 0, 1])
    #expect(try found.flatMap { $0 }.map { try Fields($0) } == [1, 0, 3, 2].map { try Fields(documents[$0]) })
  }

  @Test(arguments: Kind.allCases)
  func `a change of some fields leaves the others, and takes away what is gone`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    try fixture.write([library("ann", at: 1, favorites: 1, queue: 1), library("bob", at: 1)])
    let new = library("ann", at: 2, favorites: nil, queue: 2)
    try fixture.write([new], fields: ["favorites", "queue", "updated_at"])
    #expect(try fixture.all() == [Fields(new), Fields(library("bob", at: 1))])
  }

  @Test(arguments: Kind.allCases)
  func `a document whole takes the place of another`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    try fixture.write([library("ann", at: 1, favorites: 1, queue: 1)])
    let new = library("ann", at: 2, favorites: nil, queue: 2)
    try fixture.write([new])
    #expect(try fixture.all() == [Fields(new)])
  }

  @Test(arguments: Kind.allCases)
  func `changes, new documents and removals go in one batch`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    try fixture.write(["ann", "bob", "cat"].map { library($0, at: 1) })
    let new = [library("bob", at: 2, favorites: 7), library("abe", at: 2)]
    try fixture.write(new, fields: ["favorites", "updated_at"], removing: [("ann", nil)])
    #expect(try fixture.all() == [Fields(new[1]), Fields(new[0]), Fields(library("cat", at: 1))])
  }

  @Test(arguments: Kind.allCases)
  func `documents of one key come by subkey, ascending`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    let months = ["2025-03", "2024-12", "2025-01"].map { archive("bob", $0) } + [archive("ann", "2025-02")]
    try fixture.write(months, into: .playArchive)
    let collection = try fixture.store.open(.playArchive)
    for limit in [0, 1 << 20] {
      let found = try fixture.scratch.documents(collection, of: ["ann", "bob", "cat"], limit: limit)
      #expect(found.map(\.count) == [1, 3, 0])
      #expect(try found[1].map { try $0.value("month")?.string?.string } == ["2024-12", "2025-01", "2025-03"])
    }
    try fixture.write([], removing: [("bob", "2025-01")], into: .playArchive)
    #expect(try fixture.all(.playArchive) == [months[3], months[1], months[0]].map { try Fields($0) })
  }

  private func archive(_ user: String, _ month: String, plays: Int = 0) -> [UInt8] {
    document { writer in
      writer.append("_id", string: "\(user) \(month)")
      writer.append("user_id", string: user)
      writer.append("month", string: month)
      writer.append("plays", integer: Int64(plays))
      writer.append("updated_at", date: 1)
    }
  }

  @Test(arguments: Kind.allCases, [0, 1000, 1 << 20])
  func `stepping through a collection gives every document once`(kind: Kind, piece: Int) throws {
    let fixture = try Fixture(kind)
    let documents = (100..<350).map { library("user-\($0)", at: 1, padding: $0) }
    try fixture.write(documents)
    #expect(try fixture.all(inPiecesOf: piece) == documents.map { try Fields($0) })
  }

  @Test(arguments: Kind.allCases)
  func `a collection that does not exist is empty, and one without indexes of ours can be read`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    let users = try fixture.store.open(.users)
    #expect(try fixture.scratch.all(users).isEmpty)
    #expect(try fixture.scratch.documents(users, of: ["ann", "bob"]).map(\.count) == [0, 0])
  }

  @Test(arguments: Kind.allCases)
  func `the clock of a store is about now`(kind: Kind) throws {
    let fixture = try Fixture(kind)
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    #expect(abs(try fixture.store.now() - now) < 60_000)
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `the same changes make the same documents in both stores`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let fixtures = try Kind.allCases.map { try Fixture($0) }
    for round in 1...8 as ClosedRange<Int64> {
      var documents: [[UInt8]] = []
      var removals: [(String, String?)] = []
      let users = (0..<60).map { "user-\($0)" }.shuffled(using: &random).prefix(.random(in: 0...30, using: &random))
      let present = try fixtures[0].scratch.documents(fixtures[0].store.open(.userLibrary), of: users.sorted())
      for (user, stored) in zip(users.sorted(), present) {
        if !stored.isEmpty, Int.random(in: 0..<5, using: &random) == 0 {
          removals.append((user, nil))
        } else {
          documents.append(
            library(
              user, at: round, favorites: .random(in: 0..<9, using: &random),
              queue: Bool.random(using: &random) ? .random(in: 0..<9, using: &random) : nil,
              padding: .random(in: 0..<5000, using: &random)))
        }
      }
      let fields: [StaticString] = Bool.random(using: &random) ? ["favorites", "queue", "updated_at"] : []
      for fixture in fixtures { try fixture.write(documents, fields: fields, removing: removals) }
    }
    #expect(try fixtures[0].all() == fixtures[1].all(), "seed \(seed)")
  }
}
