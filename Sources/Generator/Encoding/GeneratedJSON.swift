internal import BSON

/// Writes JSON front to back into one growing buffer. Commas come by themselves.
///
/// ```swift
/// var text = GeneratedJSON()
/// text.beginObject()
/// text.key("title"); text.string(song.title)
/// text.endObject()
/// ```
struct GeneratedJSON {
  private(set) var bytes: [UInt8] = []
  /// Whether everything beyond ASCII is written as `\u` escapes.
  var isASCII = false

  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  // MARK: Structure

  mutating func beginObject() { begin("{") }
  mutating func endObject() { bytes.append(UInt8(ascii: "}")) }
  mutating func beginArray() { begin("[") }
  mutating func endArray() { bytes.append(UInt8(ascii: "]")) }

  mutating func key(_ key: ByteView) {
    comma()
    quote(key)
    bytes.append(UInt8(ascii: ":"))
  }

  mutating func key(_ key: StaticString) { self.key(ByteView(key)) }

  /// A key on a line of its own, as `JSON.stringify(…, null, 2)` writes those of the outermost object.
  mutating func lineKey(_ key: StaticString) {
    comma()
    append("\n  ")
    quote(ByteView(key))
    append(": ")
  }

  private mutating func begin(_ bracket: Unicode.Scalar) {
    comma()
    bytes.append(UInt8(ascii: bracket))
  }

  /// A comma, unless this is the first value of its list or the value of a key.
  private mutating func comma() {
    switch bytes.last {
    case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: " "): break
    default: bytes.append(UInt8(ascii: ","))
    }
  }

  // MARK: Values

  mutating func string(_ text: ByteView) {
    comma()
    quote(text)
  }

  mutating func string(_ text: StaticString) { string(ByteView(text)) }

  mutating func string(_ text: String) {
    comma()
    var text = text
    text.withUTF8 { utf8 in unsafe quote(ByteView(UnsafeRawBufferPointer(utf8))) }
  }

  /// A string that ends with the first half of a surrogate pair, as names cut in the middle of an emoji do.
  mutating func string(cutAfter text: StaticString) {
    string(text)
    bytes.removeLast()
    append("\\ud83c\"")
  }

  /// JSON as a string's value, the way a browser's storage holds it.
  mutating func string(holding json: GeneratedJSON) { json.bytes.withView { string($0) } }

  mutating func integer(_ value: Int64) {
    comma()
    bytes.append(contentsOf: String(value).utf8)
  }

  mutating func double(_ value: Double) {
    comma()
    bytes.append(contentsOf: String(value).utf8)
  }

  /// A number of ms, with thousandths where it has some.
  mutating func time(_ milliseconds: Int64, thousandths: Int64) {
    integer(milliseconds)
    if thousandths > 0 {
      append(".")
      decimals(thousandths, of: 1000)
    }
  }

  mutating func completion(_ completion: Completion) {
    guard completion != .placeholder && completion != .complete else {
      return integer(completion == .complete ? 1 : 0)
    }
    comma()
    append("0.")
    decimals(completion.quadrillionths, of: Completion.whole)
  }

  mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
  mutating func null() { raw("null") }

  /// A value that is JSON already.
  mutating func raw(_ json: StaticString) {
    comma()
    append(json)
  }

  /// Bytes that stand as they are, whether they are JSON or not.
  mutating func append(_ text: StaticString) { append(ByteView(text)) }

  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  /// Forgets everything past the first `count` bytes.
  mutating func keep(_ count: Int) { bytes.removeLast(max(0, bytes.count - max(0, count))) }

  mutating func append(_ view: ByteView) { unsafe view.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) } }

  /// The digits of `part` / `whole`, a power of ten, with leading zeros.
  private mutating func decimals(_ part: Int64, of whole: Int64) {
    bytes.append(contentsOf: String(whole + part).utf8.dropFirst())
  }

  // MARK: Escapes

  private mutating func quote(_ text: ByteView) {
    bytes.append(UInt8(ascii: "\""))
    var plain = 0
    for index in 0..<text.count {
      let byte = text[index]
      if isPlain(byte) { continue }
      append(text.slice(plain, index - plain))
      plain = index + 1
      if byte < 0x80 {
        escape(byte)
      } else if byte >= 0xC0 {
        escape(scalarAt: index, of: text)
      }
    }
    append(text.dropFirst(plain))
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether the byte stands in a string as it is.
  private func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case ..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): false
    case 0x80...: !isASCII
    default: true
    }
  }

  private mutating func escape(_ byte: UInt8) {
    if byte < 0x20 { return escape(unit: UInt16(byte)) }
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(byte)
  }

  /// The scalar that begins there as one or two `\u` escapes; the bytes that continue it are passed over by `quote`.
  private mutating func escape(scalarAt index: Int, of text: ByteView) {
    let lead = text[index]
    let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
    var value = UInt32(lead) & (0xFF >> UInt32(length + 1))
    for offset in 1..<length where index + offset < text.count {
      value = value << 6 | UInt32(text[index + offset]) & 0x3F
    }
    guard let scalar = Unicode.Scalar(value) else { return }
    for unit in String(scalar).utf16 { escape(unit: unit) }
  }

  private mutating func escape(unit: UInt16) {
    append("\\u")
    let digits = String(unit, radix: 16)
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
    bytes.append(contentsOf: digits.utf8)
  }
}
