import BSON
import Foundation
import Stores
import Testing

/// Changed documents go to a new file that replaces the old one (docs/stores.md, *What it promises*).
@Suite struct WritingTests {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func `changed documents take the place of the old, new users follow, the rest stays byte for byte`() throws {
    let old = ["dan", "ann", "cat", "bob"].map { document($0, padding: 10) }
    try sandbox.put(old)
    let (ann, bob) = (document("ann", version: 2, padding: 100), document("bob", version: 2))
    let (abe, zed) = (document("abe"), document("zed"))
    try sandbox.commit([ann, bob, abe, zed])
    #expect(sandbox.data == joined([old[0], ann, old[2], bob, abe, zed]))
    #expect(try users(of: sandbox.open()) == ["dan", "ann", "cat", "bob", "abe", "zed"])
  }

  @Test func `batches add up to one new file`() throws {
    let old = ["ann", "bob", "cat", "dan"].map { document($0) }
    try sandbox.put(old)
    let new = [document("bob", version: 1), document("dan", version: 1), document("eve")]
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([])
    for document in new { _ = try writer.write([sandbox.change(store, document)]) }
    try writer.commit()
    #expect(sandbox.data == joined([old[0], new[0], old[2], new[1], new[2]]))
  }

  @Test(arguments: [-1, 0, 1], [1, 2, 3])
  func `documents of about the length of the buffer are written whole`(more: Int, times: Int) throws {
    let padding = times << 20 + more - document("ann").count
    let old = ["ann", "bob", "cat"].map { document($0, padding: padding) }
    try sandbox.put(old)
    let bob = document("bob", version: 1, padding: padding)
    try sandbox.commit([bob])
    #expect(sandbox.data == joined([old[0], bob, old[2]]))
  }

  @Test func `room that was taken for more than was written is given back`() throws {
    try sandbox.put(["ann", "bob"].map { document($0, padding: 8 << 20) })
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    // When this one comes, room is taken for the other as it is, which a file system may do or not.
    _ = try writer.write([sandbox.change(store, document("ann", version: 1))])
    _ = try writer.write([sandbox.change(store, document("bob", version: 1))])
    try writer.commit()
    var left = stat()
    #expect(unsafe stat(sandbox.dataPath, &left) == 0)
    #expect(left.st_blocks * 512 <= 1 << 20)
  }

  @Test func `a commit without a change touches nothing`() throws {
    try sandbox.put([document("ann")])
    let before = try FileManager.default.attributesOfItem(atPath: sandbox.dataPath)
    let store = try sandbox.open()
    let names = try sandbox.names
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([])
    try writer.commit()
    let after = try FileManager.default.attributesOfItem(atPath: sandbox.dataPath)
    #expect(before[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
    #expect(before[.modificationDate] as? Date == after[.modificationDate] as? Date)
    #expect(try sandbox.names == names)
  }

  @Test func `a commit without a change makes no store`() throws {
    try sandbox.open().beginWriting(.stored).commit()
    #expect(try sandbox.names == [".mixdown.lock"])
  }

  @Test func `nothing is written before the first change, and nothing is visible before the commit`() throws {
    let old = document("ann")
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    #expect(try !sandbox.names.contains("user_library.bson.partial"))
    _ = try writer.write([sandbox.change(store, document("ann", version: 1))])
    #expect(try sandbox.names.contains("user_library.bson.partial"))
    #expect(sandbox.data == old)
    writer.abandon()
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
    #expect(sandbox.data == old)
  }

  @Test func `a writer that is forgotten abandons what it wrote`() throws {
    try sandbox.put(document("ann"))
    let store = try sandbox.open()
    _ = try store.beginWriting(.stored).write([sandbox.change(store, document("ann", version: 1))])
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
    try store.beginWriting(.stored).abandon()
  }

  @Test func `what a killed run left behind is written over`() throws {
    try sandbox.put(document("ann"))
    try Data(repeating: 7, count: 100_000).write(to: URL(fileURLWithPath: sandbox.partialPath))
    let new = document("ann", version: 1)
    try sandbox.commit([new])
    #expect(sandbox.data == new)
    #expect(try !sandbox.names.contains("user_library.bson.partial"))
  }

  @Test func `what a killed run left behind does not count as a store`() throws {
    try Data(document("ann")).write(to: URL(fileURLWithPath: sandbox.partialPath))
    #expect(try sandbox.open().count == 0)
  }

  @Test(arguments: [0o600, 0o640, 0o644, 0o444])
  func `the new file has the permissions of the old`(permissions: Int) throws {
    try sandbox.put(document("ann"))
    try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: sandbox.dataPath)
    try sandbox.commit([document("ann", version: 1)])
    let after = try FileManager.default.attributesOfItem(atPath: sandbox.dataPath)
    #expect(after[.posixPermissions] as? Int == permissions)
  }

  @Test func `the store shows what it was opened on, until it is opened again`() throws {
    let old = document("ann")
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("ann", version: 1))])
    try writer.commit()
    #expect(try store.document(of: ByteView("ann"))?.bytes.copy() == old)
    #expect(throws: StoreError.self) { try store.beginWriting(.stored) }
  }

  // MARK: Order

  private static let disorders: [(name: String, users: [String])] = [
    ("descending positions", ["cat", "ann"]),
    ("one user twice", ["ann", "ann"]),
    ("a stored user after a new one", ["eve", "ann"]),
    ("new users descending", ["eve", "dan"]),
    ("one new user twice", ["eve", "eve"]),
    ("new users in another order than that of bytes", ["é", "z"]),
  ]

  @Test(arguments: disorders, [false, true])
  func `changes out of order are refused and nothing is written`(
    disorder: (name: String, users: [String]), inOneBatch: Bool
  ) throws {
    let old = joined(["ann", "bob", "cat"].map { document($0) })
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    let changes = try disorder.users.map { try sandbox.change(store, document($0, version: 1)) }
    #expect("\(disorder.name)") {
      for batch in inOneBatch ? [changes] : changes.map({ [$0] }) { _ = try writer.write(batch) }
    } throws: { error in
      if case StoreError.inconsistent = error { true } else { false }
    }
    #expect(throws: StoreError.self) { _ = try writer.write([]) }
    #expect(throws: StoreError.self) { try writer.commit() }
    #expect(sandbox.data == old)
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
  }

  enum Unreadable: CaseIterable {
    case ofAnotherUser, ofNobody, tornInside, longerThanAny

    var bytes: [UInt8] {
      switch self {
      case .ofAnotherUser: document("bob")
      case .ofNobody: document { $0.append("name", string: "ann") }
      case .tornInside: [10, 0, 0, 0, 2, 0x61, 0, 0x61, 0, 0]
      case .longerThanAny: document("ann", padding: 17 << 20)
      }
    }
  }

  @Test(arguments: Unreadable.allCases)
  func `a document that could not be read back is not written`(_ unreadable: Unreadable) throws {
    try sandbox.put(document("ann"))
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    let stored = try store.document(of: ByteView("ann"))
    let change = DocumentChange(
      key: ByteView("ann"), stored: stored, document: BSONDocument(unchecked: sandbox.view(unreadable.bytes)))
    #expect(throws: StoreError.self) { _ = try writer.write([change]) }
    #expect(sandbox.data == document("ann"))
  }

  @Test(arguments: [("ann", false), ("eve", true)])
  func `a change that mistakes a stored user for a new one, or the reverse, is refused`(
    user: String, claimsStored: Bool
  ) throws {
    try sandbox.put(document("ann"))
    let store = try sandbox.open()
    let view = try BSONDocument(sandbox.view(document(user)))
    let change = DocumentChange(key: sandbox.view(user), stored: claimsStored ? view : nil, document: view)
    #expect(throws: StoreError.self) { _ = try store.beginWriting(.stored).write([change]) }
  }

  // MARK: The law that nobody is lost

  @Test func `a new file that does not hold every user is not put in place`() throws {
    let old = ["ann", "bob", "cat"].map { document($0, padding: 1 << 20) }
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("cat", version: 1))])
    // Somebody writes "ane" for "ann" into what is on disk already.
    let handle = try #require(FileHandle(forUpdatingAtPath: sandbox.partialPath))
    let name = try #require(Data(old[0]).firstRange(of: Data("ann".utf8)))
    try handle.seek(toOffset: UInt64(name.upperBound - 1))
    try handle.write(contentsOf: Data("e".utf8))
    #expect { try writer.commit() } throws: { error in
      if case StoreError.inconsistent = error { true } else { false }
    }
    #expect(sandbox.data == joined(old))
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
  }

  @Test(arguments: [true, false])
  func `a file that another program replaced meanwhile is left alone`(wasThere: Bool) throws {
    if wasThere { try sandbox.put(document("ann")) }
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("ann", version: 1))])
    try Data(document("eve")).write(to: URL(fileURLWithPath: sandbox.dataPath), options: .atomic)
    #expect { try writer.commit() } throws: { error in
      if case StoreError.refused = error { true } else { false }
    }
    #expect(sandbox.data == document("eve"))
  }

  @Test func `only one writer at a time, and only under the lock`() throws {
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    #expect(throws: StoreError.self) { try store.beginWriting(.stored) }
    writer.abandon()
    try store.beginWriting(.stored).commit()
    #expect(throws: StoreError.self) { try sandbox.open(locking: false).beginWriting(.stored) }
  }
}
