import BSON
import Foundation
import Randomness
import Stores
import Testing

/// Changes in any order, removals, and collections with several documents a user.
@Suite struct AnyOrderTests {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private func write(_ documents: [[UInt8]], removing removed: [String] = []) throws {
    let collection = try sandbox.open()
    let writer = try collection.beginWriting(.any)
    for document in documents { _ = try writer.write([sandbox.change(collection, document)]) }
    _ = try writer.write(
      removed.map { user in
        let key = sandbox.view(user)
        return DocumentChange(key: key, stored: try collection.document(of: key), document: nil)
      })
    try writer.commit()
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `changes in any order make the file that ordered ones make`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let old = ["dan", "ann", "cat", "bob"].map { document($0, padding: 10) }
    let new = ["ann", "bob", "abe", "eve", "zed", "éva"].map { document($0, version: 1, padding: 1000) }
    try sandbox.put(old)
    try write(new.shuffled(using: &random))
    #expect(sandbox.data == joined([old[0], new[0], old[2], new[1]] + new[2...]))
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson", "user_library.metadata.json"])
  }

  @Test func `removed documents leave no gap, beside changed and new ones`() throws {
    let old = ["dan", "ann", "cat", "bob"].map { document($0) }
    try sandbox.put(old)
    try write([document("cat", version: 1), document("abe")], removing: ["bob", "dan"])
    #expect(sandbox.data == joined([old[1], document("cat", version: 1), document("abe")]))
    try write([], removing: ["abe", "ann", "cat"])
    #expect(sandbox.data == [])
  }

  @Test func `what is given up leaves nothing`() throws {
    try sandbox.put(document("ann"))
    let collection = try sandbox.open()
    let writer = try collection.beginWriting(.any)
    _ = try writer.write([sandbox.change(collection, document("bob"))])
    writer.abandon()
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
  }

  @Test func `one document changed twice is refused`() throws {
    try sandbox.put(document("ann"))
    #expect(throws: StoreError.self) { try write([document("ann", version: 1), document("ann", version: 2)]) }
    #expect(throws: StoreError.self) { try write([document("eve"), document("eve")]) }
    #expect(sandbox.data == document("ann"))
  }

  // MARK: Several documents a user

  private func month(_ user: String, _ month: String, plays: Int = 0) -> [UInt8] {
    document {
      $0.append("user_id", string: user)
      $0.append("month", string: month)
      $0.append("plays", integer: Int64(plays))
    }
  }

  private var archivePath: String { sandbox.path + "/play_archive.bson" }

  private func archive() throws -> DirectoryCollection {
    try DirectoryStore.open(sandbox.path, locking: true).collection(.playArchive)
  }

  @Test func `a user's months are found together and in order`() throws {
    let stored = [
      month("bob", "2025-03"), month("ann", "2025-02"), month("bob", "2024-12"), month("bob", "2025-01"),
    ]
    try Data(joined(stored)).write(to: URL(fileURLWithPath: archivePath))
    let collection = try archive()
    let found = try collection.documents(of: [ByteView("bob"), ByteView("eve")], limit: .max, in: Arena())
    withExtendedLifetime(collection) {
      #expect(found.map { $0.map { $0.bytes.copy() } } == [[stored[2], stored[3], stored[0]], []])
    }
  }

  @Test func `a month takes the place of that month alone, new ones follow by user and month`() throws {
    let stored = [month("bob", "2025-03"), month("ann", "2025-02"), month("bob", "2024-12")]
    try Data(joined(stored)).write(to: URL(fileURLWithPath: archivePath))
    let collection = try archive()
    let new = [
      month("bob", "2025-04"), month("bob", "2024-12", plays: 7), month("bob", "2025-01"), month("abe", "2025-09"),
    ]
    let writer = try collection.beginWriting(.any)
    for bytes in new {
      let document = try BSONDocument(sandbox.view(bytes))
      let (user, month) = (try #require(try document.value("user_id")?.string), try document.value("month")?.string)
      let known = try collection.documents(of: [user], limit: .max, in: Arena())[0]
      let old = try known.first { try $0.value("month")?.string == month }
      _ = try writer.write([DocumentChange(key: user, subkey: month, stored: old, document: document)])
    }
    try writer.commit()
    let data = FileManager.default.contents(atPath: archivePath).map { [UInt8]($0) }
    #expect(data == joined([stored[0], stored[1], new[1], new[3], new[2], new[0]]))
  }

  @Test func `one month of a user twice is refused`() throws {
    let stored = [month("bob", "2025-03"), month("ann", "2025-03"), month("bob", "2025-03")]
    try Data(joined(stored)).write(to: URL(fileURLWithPath: archivePath))
    #expect(throws: StoreError.self) { try archive() }
  }

  @Test func `documents without a key are kept in a collection of another program, and refused in one of ours`() throws
  {
    let stranger = document { $0.append("name", string: "nobody") }
    let account = document { $0.append("id", string: "ann") }
    try Data(joined([stranger, account])).write(to: URL(fileURLWithPath: sandbox.path + "/users.bson"))
    let users = try DirectoryStore.open(sandbox.path, locking: false).collection(.users)
    #expect(users.count == 2)
    #expect(try users.document(of: ByteView("ann"))?.bytes.copy() == account)
    try sandbox.put([stranger])
    #expect(throws: StoreError.self) { try sandbox.open() }
  }
}
