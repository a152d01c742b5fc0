import BSON
import Testing

/// A BSON value as a test writes it: libraries are literals, and a failure prints them as literals again.
///
/// ```swift
/// let library: Value = ["favorites": [["title": "So What", "addedAt": at(5)]]]
/// ```
/// Two values are equal when their types and bytes are; the order of a document's fields is set aside.
enum Value: Sendable {
  case null
  case bool(Bool)
  case int32(Int32)
  case int64(Int64)
  case double(Double)
  case string(String)
  /// Milliseconds since 1970.
  case date(Int64)
  case array([Value])
  case document([Field])
  /// Any other type with the bytes of its encoding.
  case other(UInt8, [UInt8])

  struct Field: Sendable {
    var name: String
    var value: Value
  }
}

/// The moment at which tests begin to count: 2025-01-01T00:00:00Z in milliseconds since 1970.
let epoch: Int64 = 1_735_689_600_000

/// The date so many minutes after the epoch of the tests.
func at(_ minutes: Int64) -> Value { .date(millis(minutes)) }

/// The same in milliseconds since 1970.
func millis(_ minutes: Int64) -> Int64 { epoch + minutes * 60_000 }

/// The date so many milliseconds after 1970 began.
func ms(_ milliseconds: Int64) -> Value { .date(milliseconds) }

/// An int64, however small.
func long(_ number: Int64) -> Value { .int64(number) }

// MARK: - Literals

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  init(nilLiteral: ()) { self = .null }
  init(booleanLiteral value: Bool) { self = .bool(value) }
  init(floatLiteral value: Double) { self = .double(value) }
  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: Value...) { self = .array(elements) }

  /// An int32 where it fits, else an int64, as the JSON reader types numbers.
  init(integerLiteral value: Int64) { self = Int32(exactly: value).map { .int32($0) } ?? .int64(value) }

  init(dictionaryLiteral elements: (String, Value)...) {
    self = .document(elements.map { Field(name: $0.0, value: $0.1) })
  }
}

// MARK: - Parts

extension Value {
  var fields: [Field]? { if case .document(let fields) = self { fields } else { nil } }
  var items: [Value]? { if case .array(let items) = self { items } else { nil } }
  var text: String? { if case .string(let text) = self { text } else { nil } }

  /// The value of a document's field.
  subscript(_ name: String) -> Value? {
    get { fields?.first { $0.name.utf8.elementsEqual(name.utf8) }?.value }
    set {
      var fields = (self.fields ?? []).filter { !$0.name.utf8.elementsEqual(name.utf8) }
      if let newValue { fields.append(Field(name: name, value: newValue)) }
      self = .document(fields)
    }
  }

  subscript(_ index: Int) -> Value? { items.flatMap { $0.indices.contains(index) ? $0[index] : nil } }

  /// One field of every document in an array: nil where it is absent.
  func each(_ name: String) -> [Value?] { items?.map { $0[name] } ?? [] }

  /// The document with some fields replaced or added.
  func with(_ changes: Value) -> Value {
    (changes.fields ?? []).reduce(into: self) { result, field in result[field.name] = field.value }
  }
}

extension Value: Equatable {
  static func == (a: Value, b: Value) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.int32(let a), .int32(let b)): a == b
    case (.int64(let a), .int64(let b)): a == b
    case (.double(let a), .double(let b)): a.bitPattern == b.bitPattern
    // Swift's own equality of strings takes é and e + ´ for the same.
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.date(let a), .date(let b)): a == b
    case (.array(let a), .array(let b)): a == b
    case (.document(let a), .document(let b)): sorted(a).elementsEqual(sorted(b)) { isSame($0, $1) }
    case (.other(let typeA, let a), .other(let typeB, let b)): typeA == typeB && a == b
    default: false
    }
  }

  private static func sorted(_ fields: [Field]) -> [Field] {
    fields.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  private static func isSame(_ a: Field, _ b: Field) -> Bool {
    a.name.utf8.elementsEqual(b.name.utf8) && a.value == b.value
  }
}

extension Value: CustomStringConvertible, CustomTestStringConvertible {
  /// The literal that makes this value.
  var description: String {
    switch self {
    case .null: "nil"
    case .bool(let value): "\(value)"
    case .int32(let value): "\(value)"
    case .int64(let value): Int32(exactly: value) == nil ? "\(value)" : "long(\(value))"
    case .double(let value): value.isNaN ? ".double(.nan)" : "\(value)"
    case .string(let text): text.debugDescription
    case .date(let time): Self.text(ofDate: time)
    case .array(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
    case .document(let fields):
      fields.isEmpty
        ? "[:]" : "[" + fields.map { "\($0.name.debugDescription): \($0.value)" }.joined(separator: ", ") + "]"
    case .other(let type, let bytes): ".other(\(type), \(bytes))"
    }
  }

  private static func text(ofDate time: Int64) -> String {
    let (since, overflow) = time.subtractingReportingOverflow(epoch)
    return !overflow && since % 60_000 == 0 && since.magnitude < 1 << 40 ? "at(\(since / 60_000))" : "ms(\(time))"
  }

  var testDescription: String { description }
}

// MARK: - BSON

extension Value {
  var type: BSONType {
    switch self {
    case .null: .null
    case .bool: .bool
    case .int32: .int32
    case .int64: .int64
    case .double: .double
    case .string: .string
    case .date: .date
    case .array: .array
    case .document: .document
    case .other(let type, _): BSONType(rawValue: type)
    }
  }

  /// The encoding, without type byte and key.
  func write(to writer: inout BSONWriter) {
    switch self {
    case .null: break
    case .bool(let value): writer.put(UInt8(value ? 1 : 0))
    case .int32(let value): writer.put(UInt32(bitPattern: value))
    case .int64(let value): writer.put(UInt64(bitPattern: value))
    case .double(let value): writer.put(value.bitPattern)
    case .string(let text): Array(text.utf8).withView { writer.put(string: $0) }
    case .date(let time): writer.put(UInt64(bitPattern: time))
    case .array(let items):
      let start = writer.open()
      for (index, item) in items.enumerated() {
        writer.index(index, item.type)
        item.write(to: &writer)
      }
      writer.close(start)
    case .document(let fields):
      let start = writer.open()
      for field in fields {
        Self.encodedKey(field.name).withView { writer.key($0, field.value.type) }
        field.value.write(to: &writer)
      }
      writer.close(start)
    case .other(_, let bytes): bytes.withView { writer.put(bytes: $0) }
    }
  }

  /// A key's UTF-8; U+0000 as the two bytes that the JSON reader writes for it.
  private static func encodedKey(_ name: String) -> [UInt8] {
    name.utf8.flatMap { $0 == 0 ? [0xC0, 0x80] : [$0] }
  }

  /// The value with its encoding in the arena.
  func encoded(in arena: Arena) -> BSONValue {
    var writer = BSONWriter()
    write(to: &writer)
    return BSONValue(type: type, bytes: arena.copy(writer.view))
  }

  /// The encoded document.
  func document(in arena: Arena) -> BSONDocument { BSONDocument(unchecked: encoded(in: arena).bytes) }

  init(_ value: BSONValue) throws {
    switch value.type {
    case .null: self = .null
    case .bool: self = .bool(value.bytes[0] != 0)
    case .int32: self = .int32(value.bytes.load(0, as: Int32.self))
    case .int64: self = .int64(value.bytes.load(0, as: Int64.self))
    case .double: self = .double(Double(bitPattern: value.bytes.load(0, as: UInt64.self)))
    case .string: self = .string(value.bytes.slice(4, value.bytes.count - 5).string)
    case .date: self = .date(value.bytes.load(0, as: Int64.self))
    case .array: self = .array(try Self.fields(BSONDocument(value.bytes)).map(\.value))
    case .document: self = .document(try Self.fields(BSONDocument(value.bytes)))
    default: self = .other(value.type.rawValue, value.bytes.copy())
    }
  }

  init(_ document: BSONDocument) throws { self = .document(try Self.fields(document)) }

  private static func fields(_ document: BSONDocument) throws -> [Field] {
    var fields: [Field] = []
    var elements = document.elements
    while let element = try elements.next() {
      var key: [UInt8] = []
      for byte in element.key.copy() {
        if byte == 0x80, key.last == 0xC0 { key[key.count - 1] = 0 } else { key.append(byte) }
      }
      fields.append(Field(name: String(decoding: key, as: UTF8.self), value: try Value(element.value)))
    }
    return fields
  }
}
