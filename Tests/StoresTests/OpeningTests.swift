import BSON
import Foundation
import Randomness
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
    var refused = 0
    for place in whole.indices {
      for byte: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var damaged = whole
        damaged[place] = byte
        try sandbox.put(damaged)
        if let refusal = try refusal() {
          #expect(0...Int64(whole.count) ~= refusal.offset, "byte \(place) = \(byte)")
          refused += 1
        }
      }
    }
    #expect(refused > 0)
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

  @Test(arguments: [
    ("a1 a1", 1), ("a1 a2 a1", 2), ("a1 a2 a2", 2), ("a2 a1 a2", 2), ("a1 b1 a1", 2), ("a1 a2 b1 a3 a2", 4),
    ("a1 a2 b1 b2 a1", 4), ("a2 b1 a1 a3 a2", 4), ("a1 a2 b1 a3 b1", 4),
    ("a1 a2 a3 b1 b2", nil), ("a2 a1 a3", nil), ("a1 a2 b1 a3 b2", nil),
  ])
  func `a second month of a user is refused, wherever the first one is`(names: String, second: Int?) throws {
    for padding in [0, 20_000] {
      let months = names.split(separator: " ").map { name in
        document { writer in
          writer.append("user_id", string: String(name.prefix(1)))
          writer.append("month", string: "2025-0\(name.suffix(1))")
          writer.append("plays", string: String(repeating: "x", count: padding))
        }
      }
      let path = sandbox.path + "/play_archive.bson"
      try Data(joined(months)).write(to: URL(fileURLWithPath: path))
      let opened = Result { () throws(StoreError) in
        try DirectoryStore.open(sandbox.path, locking: false).collection(.playArchive).count
      }
      guard let second else {
        #expect(try opened.get() == months.count)
        continue
      }
      guard case .failure(.refused(path, let offset, let why)) = opened else {
        Issue.record("not refused, padding \(padding)")
        continue
      }
      #expect(offset == Int64(joined(Array(months[..<second])).count))
      #expect(why.hasPrefix("a second document of "))
    }
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

  /// Long documents are not read to their ends: what is stepped over must be as sure.
  @Test func `long documents are refused where a look at all their bytes refuses them`() throws {
    var random = SeededRandom(seed: PropertyTests.seed)
    var refused = 0
    for round in 0..<400 {
      let documents = (0..<3).map { longDocument("user-\($0)", &random) }
      var bytes = joined(documents)
      if round % 8 != 0 {
        let start = documents.prefix(random.below(3)).reduce(0) { $0 + $1.count }
        let place = start + (try #require(places(in: Array(bytes[start...])).randomElement(using: &random)))
        bytes[place] = random.percent(50) ? bytes[place] &+ 1 : random.byte()
      }
      try sandbox.put(bytes)
      let (found, expected) = (try refusal()?.offset, fault(in: bytes))
      #expect(found == expected, "MIXDOWN_SEED=\(PropertyTests.seed), round \(round)")
      if expected != nil {
        refused += 1
      } else {
        #expect(try users(of: sandbox.open(locking: false)).count == 3)
      }
    }
    #expect(refused > 100)
  }

  /// A document of 10 to 60 KB, of arrays, texts and numbers in any order.
  private func longDocument(_ user: String, _ random: inout SeededRandom) -> [UInt8] {
    document { writer in
      let keys: [StaticString] = ["favorites", "history", "queue", "playlists", "preferences"]
      let place = random.below(keys.count)
      for (index, key) in keys.enumerated() {
        if index == place { writer.append("user_id", string: user) }
        switch random.below(4) {
        case 0: writer.append(key, integer: 7)
        case 1: writer.append(key, string: String(repeating: "x", count: random.below(10_000)))
        default:
          writer.key(key, random.percent(50) ? .array : .document)
          let nested = writer.open()
          writer.append("0", string: String(repeating: "y", count: random.below(20_000)))
          writer.close(nested)
        }
      }
    }
  }

  /// The bytes of the first document that a walk over its top level depends on.
  private func places(in bytes: [UInt8]) -> [Int] {
    bytes.withView { bytes in
      let document = BSONDocument(unchecked: bytes.slice(0, Int(bytes.load(0, as: Int32.self))))
      var places = [0, 1, 2, 3, document.bytes.count - 1]
      var elements = document.elements
      while true {
        let start = elements.position
        guard let element = try? elements.next() else { return places }
        let isText = element.value.type == .string
        let head = 1 + element.key.count + 1 + min(4, element.value.bytes.count)
        places += start..<(start + head)
        if isText || element.value.document ?? element.value.array != nil { places.append(elements.position - 1) }
      }
    }
  }

  /// Where a file is not as it should be, by a look at every document's whole top level.
  private func fault(in bytes: [UInt8]) -> Int64? {
    bytes.withView { bytes in
      var offset = 0
      var known: Set<String> = []
      while offset < bytes.count {
        guard bytes.count - offset >= 4 else { return Int64(offset) }
        let length = Int(bytes.load(offset, as: Int32.self))
        guard 5...(16 << 20) ~= length, length <= bytes.count - offset else { return Int64(offset) }
        guard bytes[offset + length - 1] == 0 else { return Int64(offset + length - 1) }
        let document = BSONDocument(unchecked: bytes.slice(offset, length))
        do throws(BSONFault) {
          _ = try document.count()
          guard let user = try document.value("user_id")?.string, known.insert(user.string).inserted else {
            return Int64(offset)
          }
        } catch {
          return Int64(offset + error.offset)
        }
        offset += length
      }
      return nil
    }
  }
}
