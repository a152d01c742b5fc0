import BSON
import Foundation
import Stores
import Testing

/// A torn or foreign file is refused with its offset (docs/stores.md, *What it promises*).
@Suite struct OpeningTests {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// Why and where the sandbox's store is refused; nil when it opens.
  private func refusal() throws -> (offset: Int64, why: String)? {
    do throws(StoreError) {
      _ = try sandbox.open(locking: false)
      return nil
    } catch .refused(sandbox.dataPath, let offset, let why) {
      return (offset, why)
    }
  }

  @Test func `a directory that does not exist is an empty store and stays away`() throws {
    let path = sandbox.path + "/absent"
    let store = try DirectoryStore.open(path, locking: false).collection(.userLibrary)
    #expect(store.count == 0)
    #expect(try store.document(of: ByteView("ann")) == nil)
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test(arguments: [false, true])
  func `a missing file and an empty one are an empty store`(isThere: Bool) throws {
    if isThere { try sandbox.put([UInt8]()) }
    let store = try sandbox.open()
    #expect(store.count == 0)
    #expect(try users(of: store).isEmpty)
    #expect(try sandbox.names == [".mixdown.lock"] + (isThere ? ["user_library.bson"] : []))
  }

  @Test func `users are found with their documents and keep the order of the file`() throws {
    let documents = ["zoe", "ann", "", "Ünï", "bob"].map { document($0, padding: $0.utf8.count * 100) }
    try sandbox.put(documents)
    let store = try sandbox.open()
    #expect(try users(of: store) == ["zoe", "ann", "", "Ünï", "bob"])
    #expect(store.position(of: ByteView("bob")) == 4)
    #expect(store.position(of: ByteView("bo")) == nil)
    let found = try store.documents(
      of: [ByteView("bob"), ByteView("eve"), ByteView("zoe")], limit: .max, in: Arena())
    #expect(found.map { $0.map { $0.bytes.copy() } } == [[documents[4]], [], [documents[0]]])
  }

  @Test func `every one of many users is found`() throws {
    let count = 20_000
    try sandbox.put((0..<count).map { document("user-\($0)") })
    let store = try sandbox.open()
    for position in 0..<count {
      let user = sandbox.view("user-\(position)")
      if store.position(of: user) != position { Issue.record("user-\(position) is not found") }
    }
    #expect(store.position(of: sandbox.view("user-\(count)")) == nil)
  }

  @Test func `a file torn at any byte is refused at the document that is torn`() throws {
    let documents = [document("ann"), document("bob"), document("eve")]
    let whole = joined(documents)
    let starts = [0, documents[0].count, documents[0].count + documents[1].count]
    for length in 1..<whole.count {
      try sandbox.put(Array(whole[..<length]))
      if starts.contains(length) {
        // Nothing tells a file cut between two documents from one that never had more.
        #expect(try refusal() == nil)
      } else {
        let torn = try #require(starts.last { $0 < length })
        #expect(try refusal()?.offset == Int64(torn), "torn at \(length)")
      }
    }
  }

  @Test func `a file with any byte overwritten is read or refused`() throws {
    let whole = document("ann") + document("bob")
    for place in whole.indices {
      for byte: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var damaged = whole
        damaged[place] = byte
        try sandbox.put(damaged)
        if let refusal = try refusal() {
          #expect(0...Int64(whole.count) ~= refusal.offset, "byte \(place) = \(byte)")
        }
      }
    }
  }

  static let foreign: [(name: String, bytes: [UInt8], offset: Int64)] = [
    ("JSON", [UInt8](#"{"user_id":"ann","favorites":[]}"#.utf8), 0),
    ("gzip", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3], 0),
    ("an archive of mongodump", [0x6D, 0xE2, 0x99, 0x81, 5, 0, 0, 0, 0], 0),
    ("zeros", [UInt8](repeating: 0, count: 4096), 0),
    ("a text", [UInt8]("once upon a time".utf8), 0),
    ("one byte", [5], 0),
    ("a negative length", [0xFF, 0xFF, 0xFF, 0xFF, 0], 0),
    ("a length beyond that of any document", [0, 0x50, 0, 1] + [UInt8](repeating: 0, count: 100), 0),
    ("no terminator", [5, 0, 0, 0, 1], 4),
    ("an unknown type", [8, 0, 0, 0, 0x44, 0x61, 0, 0], 7),
    ("a string past its document", [14, 0, 0, 0, 2, 0x61, 0, 99, 0, 0, 0, 0x61, 0, 0], 7),
    ("a key without an end", [7, 0, 0, 0, 0x0A, 0x61, 0], 5),
    ("no user_id", document { $0.append("name", string: "ann") }, 0),
    ("a user_id that is a number", document { $0.append("user_id", integer: 7) }, 0),
    ("a user_id that is null", document { $0.key("user_id", .null) }, 0),
    ("the shortest document", document { _ in }, 0),
  ]

  @Test(arguments: foreign, [false, true])
  func `a foreign file is refused at its byte`(
    file: (name: String, bytes: [UInt8], offset: Int64), isSecond: Bool
  ) throws {
    let before = isSecond ? document("ann") : []
    try sandbox.put(before + file.bytes)
    #expect(try refusal()?.offset == Int64(before.count) + file.offset, "\(file.name)")
  }

  @Test(arguments: [1, 5_000])
  func `a second document of a user is refused at its offset`(distance: Int) throws {
    let before = [document("ann")] + (1..<distance).map { document("user-\($0)") }
    try sandbox.put(before + [document("ann", version: 2), document("eve")])
    let refusal = try #require(try refusal())
    #expect(refusal.offset == Int64(joined(before).count))
    #expect(refusal.why.contains("ann"))
  }

  @Test func `a directory in the place of the file is refused`() throws {
    try FileManager.default.createDirectory(atPath: sandbox.dataPath, withIntermediateDirectories: false)
    #expect(try refusal()?.why == "no regular file")
  }

  @Test func `a file in the place of the directory is an input-output error`() throws {
    try sandbox.put(document("ann"))
    #expect(
      throws: StoreError.inputOutput(path: sandbox.dataPath + "/user_library.bson", operation: "open", code: ENOTDIR)
    ) {
      try DirectoryStore.open(sandbox.dataPath, locking: false).collection(.userLibrary)
    }
  }
}
