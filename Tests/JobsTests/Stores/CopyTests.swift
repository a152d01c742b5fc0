import BSON
import Foundation
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// Copies between stores of both kinds.
@Suite struct CopyTests {
  typealias Kind = TestStore.Kind
  static let pairs: [(Kind, Kind)] = Kind.allCases.flatMap { from in Kind.allCases.map { (from, $0) } }

  /// A store with documents of several collections, of types that no merge knows.
  private func filled(_ kind: Kind, users: Int = 300) throws -> TestStore {
    let store = try TestStore(kind)
    _ = try Setup().run(on: store.open())
    // Not in the order of their keys.
    let order = (0..<users).map { ($0 * 7919) % users }
    try store.put(
      order.map { user in
        #"{"_id": {"$oid": "\#(String(100_000_000_000 + user) + "aaaaaaaaaaaa")"}, "user_id": "u\#(user)","#
          + #" "nested": {"a": [1, {"$numberLong": "2"}, 0.5, null], "b": {"$binary": {"base64": "AAE=", "subType": "00"}}},"#
          + #" "updated_at": {"$date": \#(1000 + user)}, "text": "ü\#(String(repeating: "x", count: user % 50))"}"#
      }, into: .userLibrary)
    try store.put(
      order.prefix(40).flatMap { user in
        ["2025-12", "2025-11"].map {
          #"{"_id": "\#(user) \#($0)", "user_id": "u\#(user)", "month": "\#($0)", "plays": [], "updated_at": {"$date": 1}}"#
        }
      }, into: .playArchive)
    try store.put(order.prefix(50).map { #"{"_id": \#($0), "id": "u\#($0)", "name": "n"}"# }, into: .users)
    return store
  }

  private func run(
    _ from: TestStore, _ to: TestStore, _ change: (inout Copy) -> Void = { _ in }
  ) throws -> [String: CopiedCollection] {
    var copy = Copy()
    copy.workers = 3
    change(&copy)
    let results = try copy.run(from: from.open(locking: false), to: to.open())
    return Dictionary(uniqueKeysWithValues: results.map { ($0.name, $0) })
  }

  private func inode(_ file: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: file))?[.systemFileNumber] as? Int
  }

  private func expectEqual(_ a: TestStore, _ b: TestStore) throws {
    for schema in CollectionSchema.all + [.users] {
      let (own, other) = (try a.documents(of: schema), try b.documents(of: schema))
      #expect(own == other, "\(schema.name)")
    }
  }

  @Test(arguments: pairs)
  func `a copy has every document byte for byte, and a second one writes nothing`(_ from: Kind, _ to: Kind) throws {
    let (source, target) = (try filled(from), try TestStore(to))
    let first = try run(source, target)
    #expect(first.values.allSatisfy { $0.isEqual })
    #expect(first["user_library"]?.written == 300 && first["play_archive"]?.written == 80)
    #expect(first["users"]?.written == 50)
    #expect(first["user_library"]?.source.documents == 300)
    try expectEqual(source, target)
    let file = target.name + "/user_library.bson"
    let before = inode(file)
    let second = try run(source, target)
    #expect(second.values.allSatisfy { $0.isEqual && $0.written == 0 && $0.overwritten == 0 })
    #expect(second["user_library"]?.present == 300)
    #expect(inode(file) == before)
    try expectEqual(source, target)
  }

  @Test(arguments: pairs)
  func `a document that differs is left unless it is to be overwritten, and what else is there stays`(
    _ from: Kind, _ to: Kind
  ) throws {
    let (source, target) = (try filled(from, users: 30), try TestStore(to))
    _ = try Setup().run(on: target.open())
    let other = #"{"_id": {"$oid": "bbbbbbbbbbbbbbbbbbbbbbbb"}, "user_id": "u7", "mine": true}"#
    let same = #"{"_id": {"$oid": "100000000009aaaaaaaaaaaa"}, "user_id": "u9", "mine": true}"#
    let extra = #"{"_id": {"$oid": "cccccccccccccccccccccccc"}, "user_id": "zoe"}"#
    try target.put([other, same, extra], into: .userLibrary)

    let first = try run(source, target)["user_library"]
    #expect(first?.differing == 2 && first?.isEqual == false && first?.written == 28)
    #expect(first?.examples.sorted() == ["u7", "u9"])
    let left = try target.documents(of: .userLibrary)
    #expect(left.count == 31)
    let (otherBytes, sameBytes, extraBytes) = (try bson(other), try bson(same), try bson(extra))
    #expect(left.contains(otherBytes) && left.contains(sameBytes))

    let second = try run(source, target) { $0.overwrites = true }["user_library"]
    #expect(second?.overwritten == 2 && second?.isEqual == true && second?.present == 28)
    let all = try target.documents(of: .userLibrary)
    #expect(all.contains(extraBytes))
    let wanted = try source.documents(of: .userLibrary)
    #expect(all.filter { $0.field("user_id")?.string != "zoe" } == wanted)
  }

  @Test(arguments: pairs)
  func `leases are not copied, and what is there stays`(_ from: Kind, _ to: Kind) throws {
    let (source, target) = (try filled(from, users: 10), try TestStore(to))
    _ = try Setup().run(on: target.open())
    func lease(_ owner: String) -> String {
      #"{"_id": "lock:play_archive", "run_id": "lock:play_archive", "owner": "\#(owner)", "expires": {"$date": 1}}"#
    }
    try source.put([lease("dead"), #"{"_id": "01", "run_id": "01"}"#], into: .jobRuns)
    try target.put([#"{"_id": "02", "run_id": "02"}"#], into: .jobRuns)
    let results = try run(source, target) { $0.overwrites = true }
    #expect(results.values.allSatisfy(\.isEqual) && results["job_runs"]?.source.documents == 1)
    let ids = try target.documents(of: .jobRuns).map { $0.field("run_id")?.string }
    #expect(ids == ["01", "02"])
  }

  @Test func `a copy into a server waits for nobody who writes the same collections`() throws {
    let (source, target) = (try filled(.directory, users: 10), try TestStore(.server))
    _ = try Setup().run(on: target.open())
    let lease = try Lease([.playArchive], of: target.open(), run: "holder", job: "sync", seconds: 60)
    #expect {
      try run(source, target)
    } throws: { error in
      guard case StoreError.locked(_, let holder) = error else { return false }
      return holder.contains("run holder (sync")
    }
    #expect(try target.documents(of: .userLibrary).isEmpty)
    let others = try run(source, target) { $0.collections = ["user_library"] }
    #expect(others["user_library"]?.isEqual == true)
    lease.end()
    #expect(try run(source, target).values.allSatisfy(\.isEqual))
    #expect(try target.documents(of: .jobRuns).isEmpty)
  }

  @Test(arguments: Kind.allCases)
  func `only the collections that were asked for are copied`(_ to: Kind) throws {
    let (source, target) = (try filled(.directory, users: 10), try TestStore(to))
    let results = try run(source, target) { $0.collections = ["play_archive"] }
    #expect(results.keys.sorted() == ["play_archive"])
    #expect(try target.open(locking: false).collectionNames() == ["play_archive"])
  }

  @Test(arguments: Kind.allCases)
  func `in a folder each collection appears when it is complete, one without documents too`(_ from: Kind) throws {
    let (source, target) = (try filled(from, users: 10), try TestStore(.directory))
    // The second that has documents is one that nobody can read.
    try source.put([#"{"_id": 1, "user_id": 7}"#], into: .userStats)
    let error = #expect(throws: StoreError.self) { try run(source, target) }
    #expect("\(String(describing: error))".contains("without a string user_id"))
    let complete = ["user_library", "session_pings", "play_archive", "songs"]
    #expect(try target.open(locking: false).collectionNames() == Set(complete))
    #expect(try target.documents(of: .userLibrary).count == 10)
  }

  @Test(arguments: Kind.allCases)
  func `a source that lacks an index is refused before anything is made`(_ to: Kind) throws {
    let (source, target) = (try filled(.server, users: 10), try TestStore(to))
    try source.database?.run(#"{"dropIndexes": "for_you", "index": "user_id_1"}"#)
    #expect(
      throws: StoreError.indexesMissing(address: try source.open().name, collection: "for_you", indexes: ["user_id_1"])
    ) {
      try run(source, target)
    }
    #expect(try target.open().collectionNames().isEmpty)
  }

  @Test func `what stands in the way in a folder is told before anything is copied`() throws {
    let source = try filled(.directory, users: 10)
    for (file, text) in [
      ("songs.metadata.json", #"{"options":{},"indexes":[{"v":2,"key":{"key":-1},"name":"key_1"}]}"#),
      ("songs.metadata.json", "{"), ("songs.bson.gz", ""),
    ] {
      let target = try TestStore(.directory)
      try FileManager.default.createDirectory(atPath: target.name, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(target.name)/\(file)"))
      #expect(throws: StoreError.self, "\(file) \(text)") { try run(source, target) }
      #expect(!FileManager.default.fileExists(atPath: target.name + "/user_library.bson"), "\(file) \(text)")
    }
  }

  @Test(arguments: pairs)
  func `the application's documents without an id are copied as well, by their _id`(_ from: Kind, _ to: Kind) throws {
    let (source, target) = (try TestStore(from), try TestStore(to))
    let nameless = [
      #"{"_id": {"$oid": "aaaaaaaaaaaaaaaaaaaaaaaa"}, "name": "n"}"#, #"{"_id": 2, "id": 7}"#, #"{"_id": null}"#,
      #"{"_id": "three", "id": null}"#, #"{"_id": {"a": 1}, "x": 1, "id": ["ann"]}"#,
    ]
    try source.put([#"{"_id": 1, "id": "ann"}"#, #"{"_id": 9, "id": "bob"}"#] + nameless, into: .users)
    let first = try run(source, target)["users"]
    #expect(first?.nameless == 0 && first?.written == 7 && first?.isEqual == true)
    #expect(try Set(target.documents(of: .users)) == Set(source.documents(of: .users)))
    let second = try run(source, target)["users"]
    #expect(second?.present == 7 && second?.written == 0 && second?.isEqual == true)

    let other = try TestStore(to)
    try other.put([#"{"_id": 2, "id": 8}"#], into: .users)
    let left = try run(source, other)["users"]
    #expect(left?.differing == 1 && left?.isEqual == false && left?.examples == ["_id 02000000"])
    let replaced = try run(source, other) { $0.overwrites = true }["users"]
    #expect(replaced?.overwritten == 1 && replaced?.isEqual == true)
  }

  @Test(arguments: Kind.allCases)
  func `a document with neither is reported, and the copy is not equal`(_ to: Kind) throws {
    let (source, target) = (try TestStore(.directory), try TestStore(to))
    try source.put([#"{"_id": 1, "id": "ann"}"#, #"{"name": "n"}"#], into: .users)
    let users = try run(source, target)["users"]
    #expect(users?.nameless == 1 && users?.written == 1 && users?.isEqual == false)
  }

  @Test func `many small batches at once lose nothing`() throws {
    let source = try TestStore(.directory)
    let padding = String(repeating: "p", count: 100_000)
    try source.put(
      (0..<400).map { #"{"_id": "\#($0)", "user_id": "u\#($0)", "p": "\#(padding)", "updated_at": {"$date": 1}}"# },
      into: .userLibrary)
    let target = try TestStore(.server)
    let copied = try run(source, target) { $0.workers = 8 }["user_library"]
    #expect(copied?.written == 400 && copied?.isEqual == true)
    try expectEqual(source, target)
  }

  @Test func `a folder notes the indexes that the application gave its users`() throws {
    let source = try TestStore(.server)
    try source.put([#"{"_id": 1, "id": "ann"}"#], into: .users)
    try source.database?.run(
      #"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "by_id", "unique": true}]}"#)
    let (first, second) = (try TestStore(.directory), try TestStore(.directory))
    _ = try run(source, first)
    _ = try run(first, second)
    for target in [first, second] {
      let indexes = try StoredMetadata(DirectoryStore(target.name, lock: nil), .users).indexes
      #expect(indexes.map(\.name) == ["_id_", "by_id"] && indexes.last?.isUnique == true)
    }
  }

  // MARK: The digest

  @Test func `a digest of a set does not depend on the order, and on everything else`() throws {
    let documents = try (0..<20).map { try bson(#"{"a": \#($0)}"#) }
    func digest(_ documents: [[UInt8]]) -> SetDigest {
      var digest = SetDigest()
      for document in documents { document.withView { digest.add(BSONDocument(unchecked: $0)) } }
      return digest
    }
    let whole = digest(documents)
    #expect(digest(documents.reversed()) == whole)
    var parts = digest(Array(documents[..<7]))
    parts.add(digest(Array(documents[7...])))
    #expect(parts == whole && parts.text == whole.text)
    #expect(digest(Array(documents.dropLast())) != whole)
    #expect(digest(documents + [documents[0]]).text != whole.text)
    var other = documents
    other[3] = try bson(#"{"a": {"$numberLong": "3"}}"#)
    #expect(digest(other).text != whole.text)
    // The sum of one is the digest itself.
    #expect(digest([Array("abc".utf8)]).text == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(SetDigest().text == String(repeating: "0", count: 64))
  }
}
