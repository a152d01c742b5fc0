import BSON
import Randomness
import Testing

/// The writer writes what the specification of BSON says, and the reader reads it back.
@Suite struct Writing {
  @Test func `the specification's first example`() {
    var writer = BSONWriter(capacity: 1)
    let root = writer.open()
    writer.append("hello", string: "world")
    writer.close(root)
    #expect(writer.view.copy() == Array("\u{16}\0\0\0\u{2}hello\0\u{6}\0\0\0world\0\0".utf8))
  }

  @Test func `the specification's second example`() {
    var writer = BSONWriter()
    let root = writer.open()
    writer.key("BSON", .array)
    let array = writer.open()
    writer.index(0, .string)
    Array("awesome".utf8).withView { writer.put(string: $0) }
    writer.index(1, .double)
    writer.put(5.05.bitPattern)
    writer.index(2, .int32)
    writer.put(Int32(1986))
    writer.close(array)
    writer.close(root)
    let list: [UInt8] = document(
      element(0x02, "0", text("awesome")), element(0x01, "1", [0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x14, 0x40]),
      element(0x10, "2", [0xC2, 0x07, 0, 0]))
    #expect(writer.view.copy() == document(element(0x04, "BSON", list)))
  }

  @Test func `every kind of element`() throws {
    var writer = BSONWriter(capacity: 1)
    let root = writer.open()
    writer.append("string", string: "é")
    writer.append("date", date: -1)
    writer.append("double", double: -0.0)
    writer.append("true", bool: true)
    writer.append("false", bool: false)
    writer.append("int32", int32: -2)
    writer.append("inner", BSONValue(type: .document, bytes: BSONDocument.empty.bytes))
    writer.close(root)
    let expected = document(
      element(0x02, "string", text("é")), element(0x09, "date", little(Int64(-1))),
      element(0x01, "double", little((-0.0).bitPattern)), element(0x08, "true", [1]), element(0x08, "false", [0]),
      element(0x10, "int32", little(Int32(-2))), element(0x03, "inner", document()))
    #expect(writer.view.copy() == expected)
  }

  @Test(
    arguments: [
      (0, 0x10), (-1, 0x10), (2_147_483_647, 0x10), (-2_147_483_648, 0x10), (2_147_483_648, 0x12),
      (-2_147_483_649, 0x12), (.max, 0x12), (.min, 0x12),
    ] as [(Int64, UInt8)])
  func `an integer is an int32 where it fits, else an int64`(_ number: Int64, _ type: UInt8) throws {
    var writer = BSONWriter()
    let root = writer.open()
    writer.append("n", integer: number)
    writer.close(root)
    let value = try #require(try BSONDocument(writer.view).value("n"))
    #expect(value.type.rawValue == type)
    #expect(value.integer == number)
  }

  @Test(arguments: [0, 1, 9, 10, 11, 99, 100, 105, 999, 1000, 2010, 123_456, 10_000_000, Int.max / 10])
  func `an array's keys are its positions in decimal`(_ position: Int) {
    var writer = BSONWriter()
    writer.index(position, .null)
    #expect(writer.view.copy() == [0x0A] + Array("\(position)".utf8) + [0])
  }

  @Test(arguments: [1, 64, 1 << 20])
  func `what was written can be written again, however much room there is`(size: Int) {
    var writer = BSONWriter(capacity: 1)
    writer.put(UInt8(7))
    let text = [UInt8](repeating: 65, count: size)
    text.withView { writer.put(bytes: $0) }
    writer.put(again: 1..<1 + size)
    #expect(writer.view.copy() == [7] + text + text)
  }

  @Test func `the buffer grows as it must, and views are of what is written`() throws {
    var writer = BSONWriter(capacity: 0)
    let root = writer.open()
    for size in [0, 1, 63, 64, 65, 5000, 100_000] {
      writer.append("x", string: String(repeating: "a", count: size))
    }
    writer.close(root)
    #expect(try BSONDocument(writer.view).count() == 7)
    let end = writer.count
    writer.append("more", bool: true)
    #expect(writer.view(from: end).copy() == element(0x08, "more", [1]))
    writer.truncate(to: end)
    #expect(try BSONDocument(writer.view).count() == 7)
    writer.truncate(to: end + 100)
    #expect(writer.count == end)
    writer.removeAll()
    #expect(writer.view.isEmpty)
  }

  @Test func `documents in documents are closed from within`() throws {
    var writer = BSONWriter(capacity: 1)
    var open: [Int] = [writer.open()]
    for _ in 0..<100 {
      writer.key("x", .document)
      open.append(writer.open())
    }
    for start in open.reversed() { writer.close(start) }
    try BSONDocument(writer.view).validate()
    #expect(writer.view.count == 5 + 100 * 8)
  }
}

/// What is read, and that nothing malformed is.
@Suite struct Reading {
  @Test(arguments: everyType.indices)
  func `a value of every type has its length and comes back as its bytes`(_ index: Int) throws {
    let (type, value) = everyType[index]
    try document(element(type, "key", value), element(0x10, "next", [1, 0, 0, 0])).withView { bytes in
      let document = try BSONDocument(bytes)
      try document.validate()
      var elements = document.elements
      let first = try #require(try elements.next())
      #expect(first.key.string == "key")
      #expect(first.value.type.rawValue == type)
      #expect(first.value.bytes.copy() == value)
      let second = try #require(try elements.next())
      #expect(second.key.string == "next")
      #expect(second.value.integer == 1)
      #expect(try elements.next() == nil)
      #expect(try elements.next() == nil)
    }
  }

  @Test(arguments: 0..<20)
  func `a key is read whole, its first eight bytes as a word`(_ length: Int) throws {
    let key = String("abcdefghijklmnopqrstuvwxyz".prefix(length))
    // At the end of the document, and with more than a word behind it.
    for behind in [0, 30] {
      try document(
        element(0x08, key, [1]), element(0x05, "b", little(Int32(behind)) + Array(repeating: 7, count: behind + 1))
      )
      .withView { bytes in
        var elements = try BSONDocument(bytes).elements
        let element = try #require(try elements.next())
        #expect(element.key.string == key)
        let word = key.utf8.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(element.keyWord == word)
      }
    }
    try document(element(0x0A, key, [])).withView { bytes in
      var elements = try BSONDocument(bytes).elements
      let element = try #require(try elements.next())
      #expect(element.key.string == key)
      #expect(element.keyWord == key.utf8.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }
  }

  @Test func `a document among others is found where it begins, and none where it is cut off`() {
    let (first, second) = (document(element(0x10, "a", little(Int32(1)))), document())
    (first + second).withView { bytes in
      #expect(bytes.document(at: 0)?.bytes.copy() == first)
      #expect(bytes.document(at: first.count)?.bytes.copy() == second)
      for offset in [.min, -1, 1, bytes.count - 4, bytes.count, bytes.count + 1, .max] {
        #expect(bytes.document(at: offset) == nil, "at \(offset)")
      }
      for count in 0..<first.count { #expect(bytes.slice(0, count).document(at: 0) == nil, "of \(count) bytes") }
    }
    for damaged: [UInt8] in [[4, 0, 0, 0, 0], [6, 0, 0, 0, 0], [0xFF, 0xFF, 0xFF, 0xFF, 0], [5, 0, 0, 0, 1]] {
      damaged.withView { bytes in #expect(bytes.document(at: 0) == nil, "\(damaged)") }
    }
  }

  @Test func `accessors are for their own type alone`() throws {
    for (type, bytes) in everyType {
      bytes.withView { view in
        let value = BSONValue(type: BSONType(rawValue: type), bytes: view)
        #expect((value.string != nil) == (type == 0x02))
        #expect((value.document != nil) == (type == 0x03))
        #expect((value.array != nil) == (type == 0x04))
        #expect((value.bool != nil) == (type == 0x08))
        #expect((value.date != nil) == (type == 0x09))
        #expect((value.integer != nil) == (type == 0x10 || type == 0x12))
        #expect((value.double != nil) == (type == 0x01))
        #expect(value.isNull == (type == 0x0A || type == 0x06))
        #expect(value.type.isNumber == [0x01, 0x10, 0x12].contains(type))
      }
    }
  }

  @Test func `the first element of a key is its value`() throws {
    try document(
      element(0x10, "a", little(Int32(1))), element(0x10, "b", little(Int32(2))), element(0x10, "a", little(Int32(3)))
    )
    .withView { bytes in
      let document = try BSONDocument(bytes)
      #expect(try document.value("a")?.integer == 1)
      #expect(try document.value("b")?.integer == 2)
      #expect(try document.value("c") == nil)
      #expect(try document.count() == 3)
    }
    #expect(BSONDocument.empty.isEmpty)
    #expect(try BSONDocument.empty.count() == 0)
  }

  // MARK: Malformed

  /// What is wrong with a document, nil when nothing is.
  private func fault(_ bytes: [UInt8]) -> BSONFault? {
    bytes.withView { bytes in
      do throws(BSONFault) {
        try BSONDocument(bytes).validate()
        return nil
      } catch {
        return error
      }
    }
  }

  @Test func `a document that is cut anywhere is none`() throws {
    for length in 0..<richDocument.count {
      #expect(fault(Array(richDocument.prefix(length))) != nil, "cut at \(length)")
      // With a length that fits, and an end.
      var cut = Array(richDocument.prefix(length))
      guard length >= 4 else { continue }
      cut.append(0)
      cut.replaceSubrange(0..<4, with: little(Int32(cut.count)))
      cut.withView { bytes in
        do { try readEverything(BSONDocument(bytes)) } catch { #expect(error is BSONFault) }
      }
    }
  }

  @Test(arguments: [-1, 0, 1, 4, 5, 6, 8, 255, .max, .min] as [Int32])
  func `a document with a wrong length is none`(_ length: Int32) {
    #expect(fault(little(length) + [0x0A, 0x61, 0, 0, 0]) != nil)
  }

  @Test func `a document without an end is none`() {
    #expect(fault([5, 0, 0, 0, 1])?.description == "no terminator at byte 4 of the document")
  }

  /// Types whose values begin with their own length.
  private static let measured: [UInt8] = [0x02, 0x03, 0x04, 0x05, 0x0C, 0x0D, 0x0E, 0x0F]

  @Test(arguments: measured, [-1, 0, 0x7FFF_FFFF, -0x8000_0000, 1000, 40] as [Int32])
  func `a value with a wrong length is none`(_ type: UInt8, _ length: Int32) {
    if type == 0x05 && length == 0 { return }
    #expect(fault(document(element(type, "key", little(length) + Array(repeating: 0, count: 20)))) != nil)
  }

  @Test(
    arguments: [0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13]
      as [UInt8])
  func `a value that its document is too short for is none`(_ type: UInt8) {
    for (_, value) in everyType.filter({ $0.type == type }) {
      for length in 0..<value.count {
        #expect(fault(document(element(type, "k", Array(value.prefix(length))))) != nil, "\(length) bytes")
      }
    }
  }

  @Test func `a string without its end is none`() {
    #expect(fault(document(element(0x02, "k", [2, 0, 0, 0, 0x61, 0x62, 0x0A, 0x63, 0]))) != nil)
  }

  @Test func `a key without its end is none`() {
    for length in 0..<20 {
      #expect(fault(document([0x0A] + Array(repeating: 0x61, count: length))) != nil)
    }
  }

  @Test func `an unknown type is a fault`() {
    let known = Set(everyType.map(\.type))
    for type in UInt8.min...UInt8.max where !known.contains(type) {
      #expect(fault(document(element(type, "k", Array(repeating: 0, count: 20)))) != nil)
    }
  }

  @Test func `a fault inside shows when it is read, and not before`() throws {
    let inner = document([0x63, 0x61, 0])
    try document(element(0x03, "inner", inner), element(0x08, "b", [1])).withView { bytes in
      let document = try BSONDocument(bytes)
      #expect(try document.value("b")?.bool == true)
      #expect(throws: BSONFault.self) { try document.validate() }
    }
  }

  @Test(arguments: [(198, true), (199, true), (200, false), (5000, false)])
  func `validation goes 200 deep`(_ depth: Int, _ isValid: Bool) throws {
    var nested = document()
    for _ in 0..<depth { nested = document(element(0x03, "x", nested)) }
    try nested.withView { bytes in
      let document = try BSONDocument(bytes)
      if isValid {
        try document.validate()
      } else {
        #expect(throws: BSONFault.self) { try document.validate() }
      }
    }
  }

  @Test func `whatever the bytes, nothing crashes, and what is valid can be written as JSON`() throws {
    for trial in 0..<UInt64(Trials.count) {
      var chance = SeededRandom(seed: Trials.seed &+ trial)
      var bytes = richDocument
      for _ in 0..<chance.number(1..<6) {
        let place = chance.number(0..<bytes.count)
        switch chance.number(0..<5) {
        case 0: bytes[place] = chance.byte()
        case 1: bytes[place] ^= 1 << UInt8(chance.number(0..<8))
        case 2: bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][chance.number(0..<5)]
        case 3: bytes.insert(chance.byte(), at: place)
        default: bytes.removeSubrange(place..<min(bytes.count, place + chance.number(1..<9)))
        }
        if bytes.count < 5 { break }
      }
      // Mostly let the outermost length fit, so that what is inside is read.
      if bytes.count >= 5, chance.number(0..<10) > 0 {
        bytes.replaceSubrange(0..<4, with: little(Int32(bytes.count)))
        bytes[bytes.count - 1] = 0
      }
      bytes.withView { view in
        do {
          let document = try BSONDocument(view)
          try document.validate()
          try readEverything(document)
          var json = JSONText()
          try json.document(document)
          #expect(isJSON(json.bytes), "MIXDOWN_SEED=\(Trials.seed &+ trial) MIXDOWN_CASES=1")
        } catch {
          #expect(error is BSONFault)
          // Reading on without a validation finds the same fault or none, and nothing worse.
          try? readEverything(BSONDocument(unchecked: view.count >= 5 ? view : BSONDocument.empty.bytes))
        }
      }
    }
  }
}

/// Which of two values has the greater bytes (docs/merge.md, *Whose word is newer*).
@Suite struct GreaterBytes {
  private static let pairs: [(greater: (UInt8, [UInt8]), less: (UInt8, [UInt8]))] = [
    // The type byte decides first, as an unsigned byte.
    ((0x02, text("")), (0x01, little(Double.infinity.bitPattern))),
    ((0x12, little(Int64(0))), (0x10, little(Int32(9)))),
    ((0xFF, []), (0x7F, [])), ((0xFF, []), (0x13, Array(repeating: 0xFF, count: 16))),
    ((0x08, [0]), (0x04, document())),
    ((0x09, little(Int64(0))), (0x02, text("zzz"))),
    // Then the encoding: a string's length stands before its text.
    ((0x02, text("b")), (0x02, text("a"))), ((0x02, text("aa")), (0x02, text("b"))),
    ((0x02, text("é")), (0x02, text("e"))),
    ((0x02, text(String(repeating: "a", count: 254))), (0x02, text(String(repeating: "b", count: 255)))),
    // Numbers are little-endian.
    ((0x10, little(Int32(255))), (0x10, little(Int32(256)))), ((0x10, little(Int32(-1))), (0x10, little(Int32(5)))),
    ((0x08, [1]), (0x08, [0])), ((0x01, little((-0.0).bitPattern)), (0x01, little((0.0).bitPattern))),
    ((0x03, document(element(0x0A, "b", []))), (0x03, document(element(0x0A, "a", [])))),
  ]

  @Test(arguments: pairs.indices)
  func `the order is total`(_ index: Int) {
    let (greater, less) = Self.pairs[index]
    greater.1.withView { greaterBytes in
      less.1.withView { lessBytes in
        let a = BSONValue(type: BSONType(rawValue: greater.0), bytes: greaterBytes)
        let b = BSONValue(type: BSONType(rawValue: less.0), bytes: lessBytes)
        #expect(a.hasGreaterBytes(than: b))
        #expect(!b.hasGreaterBytes(than: a))
        #expect(!a.hasGreaterBytes(than: a))
      }
    }
  }
}
