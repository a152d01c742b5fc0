/// One BSON value as it lies in memory: its type and the bytes of its encoding.
@frozen
public struct BSONValue: Sendable {
  public let type: BSONType
  /// The encoded value, without type byte and key.
  public let bytes: ByteView

  @inlinable
  public init(type: BSONType, bytes: ByteView) {
    self.type = type
    self.bytes = bytes
  }

  /// The UTF-8 of a string, without length and terminator.
  @inlinable
  public var string: ByteView? {
    type == .string && bytes.count >= 5 ? bytes.slice(4, bytes.count - 5) : nil
  }

  /// The bytes of a binary, without length and subtype.
  @inlinable
  public var binary: ByteView? { type == .binary ? bytes.dropFirst(5) : nil }

  @inlinable
  public var isNull: Bool { type == .null || type == .undefined }

  @inlinable
  public var bool: Bool? { type == .bool ? bytes[0] != 0 : nil }

  /// Milliseconds since 1970.
  @inlinable
  public var date: Int64? { type == .date ? bytes.load(0, as: Int64.self) : nil }

  /// An int32 or int64.
  @inlinable
  public var integer: Int64? {
    if type == .int32 { return Int64(bytes.load(0, as: Int32.self)) }
    return type == .int64 ? bytes.load(0, as: Int64.self) : nil
  }

  @inlinable
  public var double: Double? {
    type == .double ? Double(bitPattern: bytes.load(0, as: UInt64.self)) : nil
  }

  @inlinable
  public var document: BSONDocument? { type == .document ? BSONDocument(unchecked: bytes) : nil }

  @inlinable
  public var array: BSONDocument? { type == .array ? BSONDocument(unchecked: bytes) : nil }

  /// Whether this value has *greater bytes*: the type byte followed by the encoding, compared as unsigned bytes,
  /// where one is a prefix of the other the longer is greater. Arbitrary, but total and the same everywhere.
  public func hasGreaterBytes(than other: BSONValue) -> Bool {
    type != other.type ? type.rawValue > other.type.rawValue : bytes.order(other.bytes) > 0
  }
}

/// A key and its value.
@frozen
public struct BSONElement: Sendable {
  /// The key's UTF-8, without terminator.
  public let key: ByteView
  /// The first eight bytes of the key as a little-endian word, zero past its end: a fast first look at which it is.
  public let keyWord: UInt64
  public let value: BSONValue

  @inlinable
  init(key: ByteView, keyWord: UInt64, value: BSONValue) {
    self.key = key
    self.keyWord = keyWord
    self.value = value
  }
}
