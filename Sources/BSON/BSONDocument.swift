/// A BSON document or array as a view of its bytes: nothing is parsed until it is asked for.
///
/// ```swift
/// for try element in document.elements { … }        // not a Sequence: iteration can fail
/// var elements = document.elements
/// while let element = try elements.next() { use(element.key, element.value) }
/// ```
@frozen
public struct BSONDocument: Sendable {
  /// The whole document: length, elements, terminator.
  public let bytes: ByteView

  /// A view of bytes whose length and terminator are known to be right.
  @inlinable
  public init(unchecked bytes: ByteView) { self.bytes = bytes }

  /// A view of bytes that must be exactly one document; what is inside is checked as it is read.
  public init(_ bytes: ByteView) throws(BSONFault) {
    guard bytes.count >= 5 else { throw BSONFault("shorter than the shortest document", at: 0) }
    guard Int(bytes.load(0, as: Int32.self)) == bytes.count else {
      throw BSONFault("a length of \(bytes.load(0, as: Int32.self)) where \(bytes.count) bytes are", at: 0)
    }
    guard bytes[bytes.count - 1] == 0 else { throw BSONFault("no terminator", at: bytes.count - 1) }
    self.bytes = bytes
  }

  /// The smallest document: no elements.
  public static var empty: BSONDocument { BSONDocument(unchecked: ByteView("\u{5}\0\0\0\0")) }

  @inlinable
  public var isEmpty: Bool { bytes.count <= 5 }

  @inlinable
  public var elements: BSONElements { BSONElements(self) }

  /// The value of the first element with this key.
  public func value(_ key: ByteView) throws(BSONFault) -> BSONValue? {
    var elements = self.elements
    while let element = try elements.next() {
      if element.key == key { return element.value }
    }
    return nil
  }

  /// The value of the first element with this key.
  public func value(_ key: StaticString) throws(BSONFault) -> BSONValue? { try value(ByteView(key)) }

  /// The number of elements.
  public func count() throws(BSONFault) -> Int {
    var elements = self.elements
    var count = 0
    while try elements.next() != nil { count += 1 }
    return count
  }

  /// How many documents and arrays may stand inside each other, the outermost one counted: what no server stores and no
  /// client writes is not followed until the stack ends.
  public static let deepest = 200

  /// Throws for a document or array that stands inside this many others where that is too many.
  public static func check(depth: Int) throws(BSONFault) {
    guard depth < deepest else { throw BSONFault("nested deeper than \(deepest)", at: 0) }
  }

  /// Reads every element at every depth, and so proves that the document is well-formed throughout.
  public func validate(depth: Int = 0) throws(BSONFault) {
    try Self.check(depth: depth)
    var elements = self.elements
    while let element = try elements.next() {
      if let nested = element.value.document ?? element.value.array {
        try nested.validate(depth: depth + 1)
      }
    }
  }
}

extension ByteView {
  /// The document that begins at `offset`; nil where none does, or not all of it lies inside. What is inside of it is
  /// checked as it is read.
  public func document(at offset: Int) -> BSONDocument? {
    guard offset >= 0, count - offset >= 5 else { return nil }
    let length = Int(load(offset, as: Int32.self))
    guard 5...(count - offset) ~= length, self[offset + length - 1] == 0 else { return nil }
    return BSONDocument(unchecked: slice(offset, length))
  }
}

extension BSONDocument {
  /// The document with this value under a key, as ``BSONWriter/put(_:setting:to:)`` writes it.
  public func setting(_ key: StaticString, to value: BSONValue?, in arena: Arena) throws(BSONFault) -> BSONDocument {
    let capacity = bytes.count + (value?.bytes.count ?? 0) + 64
    return BSONDocument(
      unchecked: try arena.written(capacity: capacity) { writer throws(BSONFault) in
        try writer.put(self, setting: key, to: value)
      })
  }
}

extension BSONWriter {
  /// The document with this value under a key: where the document has the key, else at the end; nil takes the key out.
  public mutating func put(
    _ document: BSONDocument, setting key: StaticString, to value: BSONValue?
  ) throws(BSONFault) {
    let start = open()
    var rest = value
    var elements = document.elements
    while let element = try elements.next() {
      if element.key != ByteView(key) {
        append(element.key, element.value)
      } else if let value = rest.take() {
        append(key, value)
      }
    }
    if let value = rest { append(key, value) }
    close(start)
  }
}

/// Steps through the elements of a document, checking that each lies inside it.
@frozen
public struct BSONElements {
  @usableFromInline let bytes: ByteView
  @usableFromInline var offset: Int
  /// The terminator's offset: no element reaches it.
  @usableFromInline let end: Int

  @inlinable
  init(_ document: BSONDocument) {
    bytes = document.bytes
    offset = 4
    end = document.bytes.count - 1
  }

  /// The next element, or nil at the end.
  @inlinable @inline(always)
  public mutating func next() throws(BSONFault) -> BSONElement? {
    guard offset < end else { return nil }
    let type = BSONType(rawValue: load(offset, as: UInt8.self))
    let keyStart = offset &+ 1
    let (keyLength, keyWord) = try key(at: keyStart)
    let valueStart = keyStart &+ keyLength &+ 1
    let length = try valueLength(type, at: valueStart)
    guard length <= end &- valueStart else { throw BSONFault("a value that reaches past its document", at: offset) }
    offset = valueStart &+ length
    return BSONElement(
      key: part(keyStart, keyLength), keyWord: keyWord,
      value: BSONValue(type: type, bytes: part(valueStart, length)))
  }

  /// Where the next element begins, in bytes from the document's start.
  @inlinable
  public var position: Int { offset }

  // No access below is checked twice: this walk is what a run does most, and `load` and `part` check nothing in a release.
  // What they are given was compared on the way: a key's zero lies in the document, at `end` at the latest; a length is
  // read where its four bytes end there or before; and a value that would reach past `end` is refused before anything of
  // it is handed on. Offsets are sums of a few lengths of 32 bits and cannot overflow.

  /// An integer of the document.
  ///
  /// Safe where the caller has made sure that `0 <= start` and `start + size <= bytes.count`.
  @inlinable @inline(__always)
  func load<T: FixedWidthInteger & BitwiseCopyable>(_ start: Int, as type: T.Type) -> T {
    assert(start >= 0 && start + MemoryLayout<T>.size <= bytes.count)
    return unsafe T(littleEndian: bytes.base.loadUnaligned(fromByteOffset: start, as: T.self))
  }

  /// A part of the document.
  ///
  /// Safe where the caller has made sure that it lies inside.
  @inlinable @inline(__always)
  func part(_ start: Int, _ length: Int) -> ByteView {
    assert(start >= 0 && length >= 0 && length <= bytes.count - start)
    return unsafe ByteView(base: bytes.base + start, count: length)
  }

  /// The length of the key at `start`, which is at most `end`, and its first eight bytes; its zero lies in the document.
  @inlinable @inline(__always)
  func key(at start: Int) throws(BSONFault) -> (length: Int, word: UInt64) {
    // Eight bytes at a time: the classic test for a zero byte in a word. The lowest bit that it sets is right.
    guard start &+ 8 <= bytes.count else { return try lastKey(at: start) }
    let first = load(start, as: UInt64.self)
    var zeros = self.zeros(in: first)
    if zeros != 0 {
      // Of the bits up to the zero byte's highest those of the bytes before it.
      return (zeros.trailingZeroBitCount &>> 3, first & (zeros ^ (zeros &- 1)) &>> 8)
    }
    var length = 8
    while start &+ length &+ 8 <= bytes.count {
      zeros = self.zeros(in: load(start &+ length, as: UInt64.self))
      if zeros != 0 { return (length &+ zeros.trailingZeroBitCount &>> 3, first) }
      length &+= 8
    }
    return try (restOfKey(at: start, length), first)
  }

  @inlinable @inline(__always)
  func zeros(in word: UInt64) -> UInt64 { (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 }

  /// The length of a key that begins in the last bytes of the document, and these bytes.
  @usableFromInline
  func lastKey(at start: Int) throws(BSONFault) -> (length: Int, word: UInt64) {
    let length = try restOfKey(at: start, 0)
    var word: UInt64 = 0
    for place in 0..<min(length, 8) { word |= UInt64(bytes[start + place]) << UInt64(8 * place) }
    return (length, word)
  }

  /// The length of a key that has no zero in its first `length` bytes.
  @usableFromInline
  func restOfKey(at start: Int, _ length: Int) throws(BSONFault) -> Int {
    var length = length
    while start + length < end {
      if bytes[start + length] == 0 { return length }
      length += 1
    }
    throw BSONFault("a key without an end", at: start)
  }

  /// The length in bytes of a value of this type that begins at `start`, which is at most `end + 1`. Of a string, a
  /// document and an array it is made sure that it lies inside.
  @inlinable @inline(__always)
  func valueLength(_ type: BSONType, at start: Int) throws(BSONFault) -> Int {
    switch type {
    case .string:
      let length = try prefix(at: start)
      guard length >= 1, length <= end &- start &- 4, load(start &+ 3 &+ length, as: UInt8.self) == 0 else {
        throw BSONFault("a string with a wrong length", at: start)
      }
      return 4 &+ length
    case .document, .array:
      let length = try prefix(at: start)
      guard length >= 5, length <= end &- start, load(start &+ length &- 1, as: UInt8.self) == 0 else {
        throw BSONFault("a nested document with a wrong length", at: start)
      }
      return length
    case .date, .int64, .double, .timestamp: return 8
    case .int32: return 4
    case .bool: return 1
    case .null, .undefined, .minKey, .maxKey: return 0
    default: return try rareLength(type, at: start)
    }
  }

  @inlinable @inline(__always)
  func prefix(at start: Int) throws(BSONFault) -> Int {
    guard start &+ 4 <= end else { throw BSONFault("a length cut off", at: start) }
    return Int(load(start, as: Int32.self))
  }

  @usableFromInline
  func rareLength(_ type: BSONType, at start: Int) throws(BSONFault) -> Int {
    switch type {
    case .objectID: return 12
    case .decimal128: return 16
    case .binary:
      let length = try prefix(at: start)
      guard length >= 0 else { throw BSONFault("a binary with a negative length", at: start) }
      return 5 + length
    case .code, .symbol:
      let length = try prefix(at: start)
      guard length >= 1 else { throw BSONFault("a string with a wrong length", at: start) }
      return 4 + length
    case .codeWithScope:
      let length = try prefix(at: start)
      guard length >= 14 else { throw BSONFault("code with a wrong length", at: start) }
      return length
    case .dbPointer:
      let length = try prefix(at: start)
      guard length >= 1 else { throw BSONFault("a string with a wrong length", at: start) }
      return 4 + length + 12
    case .regex:
      let pattern = try key(at: start).length
      return try pattern + 1 + key(at: start + pattern + 1).length + 1
    default:
      throw BSONFault("an unknown type 0x\(String(type.rawValue, radix: 16))", at: start)
    }
  }
}
