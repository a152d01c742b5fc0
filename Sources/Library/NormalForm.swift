package import BSON

/// The normal form of the known fields' values, applied to whatever is read, from cloud or dump.
package enum NormalForm {
  /// Whether the value counts as absence: null, and the empty string in a field of text.
  static func isAbsent(_ value: BSONValue, in field: EntryField) -> Bool {
    if value.isNull { return true }
    switch field {
    case .videoId, .title, .artist, .artwork, .language, .source: return value.string?.isEmpty ?? false
    default: return false
    }
  }

  /// A finite number clamped to 0…1.
  static func fraction(_ value: BSONValue) -> Double? {
    guard let number = value.double ?? value.integer.map(Double.init), number.isFinite else { return nil }
    return min(max(number, 0), 1)
  }

  /// Whether a number is what clamping to 0…1 leaves as it is. Bits are in the order of numbers from 0 to 1; those of −0.0,
  /// as of all negative numbers, are greater.
  @inlinable
  package static func isFraction(_ number: Double) -> Bool { number.bitPattern <= 1.0.bitPattern }

  /// A number clamped to 0…1, an infinite one too; what is no number at all has no place there.
  static func volume(_ value: BSONValue) -> Double? {
    guard let number = value.double ?? value.integer.map(Double.init), !number.isNaN else { return nil }
    return min(max(number, 0), 1)
  }

  /// A number of seconds as given: finite and not negative.
  @inlinable
  package static func duration(_ value: BSONValue) -> Bool {
    if let number = value.double { return number.isFinite && number >= 0 }
    return (value.integer ?? -1) >= 0
  }

  /// An array of non-empty strings and nothing else.
  @inlinable
  package static func isListOfNames(_ value: BSONValue) throws(BSONFault) -> Bool {
    guard let array = value.array else { return false }
    var elements = array.elements
    while let element = try elements.next() {
      guard let text = element.value.string, !text.isEmpty else { return false }
    }
    return true
  }

  /// The same with the keys that a list of at most ten is written with.
  static func isNumberedListOfNames(_ value: BSONValue) throws(BSONFault) -> Bool {
    guard let array = value.array else { return false }
    var index: UInt64 = 0
    var elements = array.elements
    while let element = try elements.next() {
      guard let text = element.value.string, !text.isEmpty, index < 10, element.key.count == 1,
        element.keyWord == 0x30 + index
      else { return false }
      index += 1
    }
    return true
  }

  /// Writes an array of the non-empty strings of a list, or of a single one.
  static func writeNames(
    _ name: StaticString, _ value: BSONValue, to writer: inout BSONWriter
  ) throws(BSONFault) {
    writer.key(name, .array)
    let start = writer.open()
    var index = 0
    func put(_ element: BSONValue, _ writer: inout BSONWriter) {
      guard let text = element.string, !text.isEmpty else { return }
      writer.index(index, .string)
      writer.put(bytes: element.bytes)
      index += 1
    }
    if let array = value.array {
      var elements = array.elements
      while let element = try elements.next() { put(element.value, &writer) }
    } else {
      put(value, &writer)
    }
    writer.close(start)
  }

  /// A count of plays: a non-negative int64 from a number or a string of ASCII digits.
  package static func total(_ value: BSONValue) -> Int64? {
    if let number = value.integer { return number >= 0 ? number : nil }
    if let number = value.double { return number >= 0 && number < 0x1p63 ? Int64(number) : nil }
    guard let text = value.string, !text.isEmpty else { return nil }
    for offset in 0..<text.count where text[offset] &- 48 >= 10 { return nil }
    return Int64(text.string)
  }

  /// The name of a type in messages.
  static func nameOfType(_ type: BSONType) -> String {
    switch type {
    case .double, .int32, .int64, .decimal128: "a number"
    case .string: "a string"
    case .document: "an object"
    case .array: "an array"
    case .bool: "a boolean"
    case .date: "a date"
    case .null, .undefined: "null"
    default: "a value of BSON type \(type.rawValue)"
    }
  }

  /// Whether a document holds, at any depth, a key with U+0000.
  ///
  /// BSON cannot carry such a key; the JSON reader writes its NUL as the two bytes C0 80, which no UTF-8 holds.
  static func hasNULKey(_ document: BSONDocument) throws(BSONFault) -> Bool {
    var elements = document.elements
    while let element = try elements.next() {
      if element.key.count >= 2 {
        for offset in 1..<element.key.count where element.key[offset - 1] == 0xC0 && element.key[offset] == 0x80 {
          return true
        }
      }
      if let nested = element.value.document ?? element.value.array, try hasNULKey(nested) { return true }
    }
    return false
  }

  /// White space at both ends taken off (Unicode's White_Space property).
  static func trimmed(_ text: ByteView) -> ByteView {
    var first = 0
    var end = text.count
    while first < end, isASCIISpace(text[first]) { first += 1 }
    while end > first, isASCIISpace(text[end - 1]) { end -= 1 }
    let ascii = text.slice(first, end - first)
    guard !ascii.isEmpty, ascii[0] >= 0x80 || ascii[ascii.count - 1] >= 0x80 else { return ascii }
    let scalars = ascii.string.unicodeScalars
    guard let from = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let to = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return .empty }
    let before = scalars[..<from].reduce(0) { $0 + $1.utf8.count }
    let after = scalars[scalars.index(after: to)...].reduce(0) { $0 + $1.utf8.count }
    guard before + after <= ascii.count else { return ascii }
    return ascii.slice(before, ascii.count - before - after)
  }

  private static func isASCIISpace(_ byte: UInt8) -> Bool { byte == 32 || (byte >= 9 && byte <= 13) }
}

extension Unicode.Scalar {
  fileprivate var utf8: Unicode.UTF8.EncodedScalar {
    Unicode.UTF8.encode(self) ?? Unicode.UTF8.encodedReplacementCharacter
  }
}
