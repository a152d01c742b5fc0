/// The type byte of a BSON element (bsonspec.org, version 1.1).
@frozen
public struct BSONType: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt8
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  @inlinable public static var double: BSONType { BSONType(rawValue: 0x01) }
  @inlinable public static var string: BSONType { BSONType(rawValue: 0x02) }
  @inlinable public static var document: BSONType { BSONType(rawValue: 0x03) }
  @inlinable public static var array: BSONType { BSONType(rawValue: 0x04) }
  @inlinable public static var binary: BSONType { BSONType(rawValue: 0x05) }
  @inlinable public static var undefined: BSONType { BSONType(rawValue: 0x06) }
  @inlinable public static var objectID: BSONType { BSONType(rawValue: 0x07) }
  @inlinable public static var bool: BSONType { BSONType(rawValue: 0x08) }
  @inlinable public static var date: BSONType { BSONType(rawValue: 0x09) }
  @inlinable public static var null: BSONType { BSONType(rawValue: 0x0A) }
  @inlinable public static var regex: BSONType { BSONType(rawValue: 0x0B) }
  @inlinable public static var dbPointer: BSONType { BSONType(rawValue: 0x0C) }
  @inlinable public static var code: BSONType { BSONType(rawValue: 0x0D) }
  @inlinable public static var symbol: BSONType { BSONType(rawValue: 0x0E) }
  @inlinable public static var codeWithScope: BSONType { BSONType(rawValue: 0x0F) }
  @inlinable public static var int32: BSONType { BSONType(rawValue: 0x10) }
  @inlinable public static var timestamp: BSONType { BSONType(rawValue: 0x11) }
  @inlinable public static var int64: BSONType { BSONType(rawValue: 0x12) }
  @inlinable public static var decimal128: BSONType { BSONType(rawValue: 0x13) }
  @inlinable public static var maxKey: BSONType { BSONType(rawValue: 0x7F) }
  @inlinable public static var minKey: BSONType { BSONType(rawValue: 0xFF) }

  @inlinable
  public var isNumber: Bool { self == .int32 || self == .double || self == .int64 }
}
