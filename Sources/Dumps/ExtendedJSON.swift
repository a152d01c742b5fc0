internal import BSON
internal import Library

/// Extended JSON, as `mongoexport` writes it: `$oid`, `$date`, `$numberInt`, `$numberLong` and `$numberDouble` are read
/// as their types at any depth. A wrapper whose content is no such value stays the object that it is.
enum ExtendedJSON {
  /// Whether a JSON text can hold a wrapper at all: most hold no key that begins with `$`.
  static func mayOccur(in text: ByteView) -> Bool {
    for offset in 1..<max(1, text.count) where text[offset] == UInt8(ascii: "$") {
      if text[offset - 1] == UInt8(ascii: "\"") { return true }
    }
    return text.contains("\\u0024")
  }

  /// The document with every wrapper read as its type, in the arena.
  static func converted(_ document: BSONDocument, in arena: Arena) throws(BSONFault) -> ByteView {
    var writer = BSONWriter(capacity: document.bytes.count)
    try write(document, to: &writer)
    return arena.copy(writer.view)
  }

  /// The time that a value stands for, in milliseconds, be it wrapped or not.
  static func milliseconds(_ value: BSONValue) throws(BSONFault) -> Int64? {
    guard let wrapper = value.document else { return try Instant.milliseconds(value) }
    var writer = BSONWriter(capacity: 32)
    guard try writeWrapped(wrapper, key: ByteView("t"), to: &writer) else { return nil }
    return try Instant.milliseconds(
      BSONValue(type: BSONType(rawValue: writer.view[0]), bytes: writer.view.dropFirst(3)))
  }

  private static func write(_ document: BSONDocument, to writer: inout BSONWriter) throws(BSONFault) {
    let start = writer.open()
    var elements = document.elements
    while let element = try elements.next() {
      if let nested = element.value.document {
        if try !writeWrapped(nested, key: element.key, to: &writer) {
          writer.key(element.key, .document)
          try write(nested, to: &writer)
        }
      } else if let nested = element.value.array {
        writer.key(element.key, .array)
        try write(nested, to: &writer)
      } else {
        writer.append(element.key, element.value)
      }
    }
    writer.close(start)
  }

  /// Writes the value that a wrapper stands for; false when the object is no wrapper.
  private static func writeWrapped(
    _ document: BSONDocument, key: ByteView, to writer: inout BSONWriter
  ) throws(BSONFault) -> Bool {
    var elements = document.elements
    guard let only = try elements.next(), !only.key.isEmpty, only.key[0] == UInt8(ascii: "$"),
      try elements.next() == nil
    else { return false }
    switch only.key {
    case "$oid":
      guard let bytes = (only.value.string?.string).flatMap(objectID) else { return false }
      writer.key(key, .objectID)
      bytes.withView { writer.put(bytes: $0) }
    case "$date":
      guard let time = try date(only.value) else { return false }
      writer.key(key, .date)
      writer.put(UInt64(bitPattern: time))
    default:
      switch WrappedNumber(only) {
      case .int32(let number):
        writer.key(key, .int32)
        writer.put(UInt32(bitPattern: number))
      case .int64(let number):
        writer.key(key, .int64)
        writer.put(UInt64(bitPattern: number))
      case .double(let number):
        writer.key(key, .double)
        writer.put(number.bitPattern)
      case nil: return false
      }
    }
    return true
  }

  private static func objectID(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count == 24 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: 24, by: 2) {
      guard let byte = UInt8(hexadecimal: digits[index], digits[index + 1]) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func date(_ value: BSONValue) throws(BSONFault) -> Int64? {
    if let text = value.string { return Instant.parse(text) }
    if let number = value.integer { return number }
    if let number = value.double { return truncated(number) }
    switch try value.document.flatMap(WrappedNumber.init) {
    case .int32(let number): return Int64(number)
    case .int64(let number): return number
    case .double(let number): return truncated(number)
    case nil: return nil
    }
  }

  private static func truncated(_ number: Double) -> Int64? { number.magnitude < 0x1p63 ? Int64(number) : nil }
}
