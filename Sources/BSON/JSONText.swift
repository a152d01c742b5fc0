/// Writes BSON values as JSON text: relaxed Extended JSON (version 2), every date as milliseconds in
/// `{"$date": {"$numberLong": …}}`.
///
/// Whatever the bytes hold, what comes out is well-formed UTF-8 and well-formed JSON.
public struct JSONText: Sendable {
  public private(set) var bytes: [UInt8] = []
  private let isHidden: (@Sendable (ByteView) -> Bool)?

  public init() { isHidden = nil }

  /// A text in which some strings are not shown: `"<redacted>"` stands in their place.
  ///
  /// - Parameter isHidden: which strings, among all that are values.
  public init(hiding isHidden: @escaping @Sendable (ByteView) -> Bool) { self.isHidden = isHidden }

  public var string: String { String(decoding: bytes, as: UTF8.self) }

  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Text that was written by another.
  public mutating func append(_ other: JSONText) { bytes += other.bytes }

  /// Characters that need no escape, as they are: punctuation between values.
  public mutating func put(_ text: StaticString) {
    unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public mutating func put(_ number: Int64) { bytes.append(contentsOf: String(number).utf8) }

  /// A key and its colon.
  public mutating func key(_ key: StaticString) {
    string(ByteView(key))
    put(":")
  }

  public mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in unsafe string(ByteView(UnsafeRawBufferPointer(utf8))) }
  }

  /// A string in quotation marks. Ill-formed UTF-8 becomes U+FFFD, the two bytes `C0 80` become `\u0000`.
  public mutating func string(_ text: ByteView) {
    bytes.append(UInt8(ascii: "\""))
    var isASCII = true
    for offset in 0..<text.count where text[offset] >= 0x80 {
      isASCII = false
      break
    }
    if isASCII {
      for offset in 0..<text.count { putASCII(text[offset]) }
    } else {
      putUnicode(text)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func putASCII(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): put("\\\"")
    case UInt8(ascii: "\\"): put("\\\\")
    case 0x0A: put("\\n")
    case 0x0D: put("\\r")
    case 0x09: put("\\t")
    case 0..<0x20, 0x7F:
      let digits = String(byte, radix: 16)
      put("\\u00")
      if digits.utf8.count < 2 { put("0") }
      bytes.append(contentsOf: digits.utf8)
    default: bytes.append(byte)
    }
  }

  private mutating func putUnicode(_ text: ByteView) {
    var start = 0
    // A NUL that a key holds stands as C0 80; everything between goes through the standard decoder.
    while start < text.count {
      var end = start
      while end < text.count, !(text[end] == 0xC0 && end + 1 < text.count && text[end + 1] == 0x80) { end += 1 }
      for byte in text.slice(start, end - start).string.utf8 {
        if byte < 0x80 { putASCII(byte) } else { bytes.append(byte) }
      }
      if end < text.count { put("\\u0000") }
      start = end + 2
    }
  }

  // MARK: Values

  /// A document as an object, in the order of its fields.
  public mutating func document(_ document: BSONDocument) throws(BSONFault) { try self.document(document, depth: 0) }

  private mutating func document(_ document: BSONDocument, depth: Int) throws(BSONFault) {
    try BSONDocument.check(depth: depth)
    put("{")
    var isFirst = true
    var elements = document.elements
    while let element = try elements.next() {
      if !isFirst { put(",") }
      isFirst = false
      string(element.key)
      put(":")
      try value(element.value, depth: depth + 1)
    }
    put("}")
  }

  private mutating func array(_ array: BSONDocument, depth: Int) throws(BSONFault) {
    try BSONDocument.check(depth: depth)
    put("[")
    var isFirst = true
    var elements = array.elements
    while let element = try elements.next() {
      if !isFirst { put(",") }
      isFirst = false
      try value(element.value, depth: depth + 1)
    }
    put("]")
  }

  public mutating func value(_ value: BSONValue) throws(BSONFault) { try self.value(value, depth: 0) }

  /// - Parameter depth: how many documents and arrays the value stands inside.
  private mutating func value(_ value: BSONValue, depth: Int) throws(BSONFault) {
    switch value.type {
    case .document: if let nested = value.document { try document(nested, depth: depth) }
    case .array: if let nested = value.array { try array(nested, depth: depth) }
    case .string: shown(value.string ?? .empty)
    case .bool: put(value.bool == true ? "true" : "false")
    case .null, .undefined: put("null")
    case .int32, .int64: put(value.integer ?? 0)
    case .double: double(value.double ?? 0)
    case .date: date(value.date ?? 0)
    case .objectID: wrapped("$oid", value.bytes.hexadecimal)
    default: other(value)
    }
  }

  private mutating func shown(_ text: ByteView) {
    if isHidden?(text) == true { put("\"<redacted>\"") } else { string(text) }
  }

  /// The shortest text that reads back as the same number; what JSON has no number for is wrapped.
  public mutating func double(_ number: Double) {
    if number.isFinite {
      bytes.append(contentsOf: "\(number)".utf8)
    } else {
      wrapped("$numberDouble", number.isNaN ? "NaN" : (number < 0 ? "-Infinity" : "Infinity"))
    }
  }

  private mutating func date(_ milliseconds: Int64) {
    put("{\"$date\":{\"$numberLong\":\"")
    put(milliseconds)
    put("\"}}")
  }

  private mutating func wrapped(_ key: StaticString, _ text: String) {
    put("{")
    self.key(key)
    string(text)
    put("}")
  }

  /// A type that JSON knows nothing of: its number and its bytes.
  private mutating func other(_ value: BSONValue) {
    put("{\"$bsonType\":")
    put(Int64(value.type.rawValue))
    put(",\"$hex\":")
    string(value.bytes.hexadecimal)
    put("}")
  }
}

extension ByteView {
  /// Lower-case hexadecimal.
  package var hexadecimal: String {
    var text = ""
    for offset in 0..<count {
      let digits = String(self[offset], radix: 16)
      text += digits.utf8.count < 2 ? "0" + digits : digits
    }
    return text
  }
}
