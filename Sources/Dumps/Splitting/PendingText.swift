/// One dump's text as it arrives in parts: trimmed, padded, and never held past the limit.
///
/// The bytes of a part are copied once, straight into the array that leaves with the dump.
struct PendingText {
  /// What became of the parts.
  enum Outcome {
    /// Nothing but blanks.
    case nothing
    /// The text with `RawDump.padding` zero bytes behind it.
    case text([UInt8])
    /// More than the limit: it was not kept. The size is that of the text in bytes.
    case tooLarge(size: Int)
  }

  private let limit: Int
  private var bytes: [UInt8] = []
  /// Bytes since the first that was not blank, kept or not.
  private var size = 0
  /// `size` without the blanks at the end.
  private var textSize = 0

  /// - Parameter limit: the longest text that is kept, in bytes.
  init(limit: Int) { self.limit = limit }

  var isEmpty: Bool { textSize == 0 }
  var isTooLarge: Bool { textSize > limit }

  /// Bytes since the first that was not blank.
  var count: Int { size }

  /// How many bytes still fit, whatever they hold.
  var room: Int { max(0, limit - size) }

  /// Makes room for `count` bytes in all, as far as the limit allows: memory that stays unused costs nothing.
  mutating func reserve(_ count: Int) { bytes.reserveCapacity(min(count, limit) + RawDump.padding) }

  mutating func append(_ part: Span<UInt8>) {
    let part = part.extracting((isEmpty ? part.endOfBlanks(from: 0) : 0)..<part.count)
    let text = part.countWithoutTrailingBlanks
    if text > 0 { textSize = size + text }
    size += part.count

    guard !isTooLarge else {
      bytes = []
      return
    }
    // Blanks past the limit are not kept: more text behind them would be too large anyway.
    let kept = min(part.count, limit - bytes.count)
    if bytes.isEmpty { bytes.reserveCapacity(kept + RawDump.padding) }
    let fitting = part.extracting(first: kept)
    unsafe fitting.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
  }

  /// Whether the text so far, cut at `end`, starts with an object or array that is closed there.
  func closes(before end: Int) -> Bool {
    var scanner = ContainerScanner()
    return scanner.end(in: bytes.span.extracting(first: min(end, bytes.count)), from: 0) != nil
  }

  /// Whether the text so far, cut at `end`, is a JSON string, number, `true`, `false` or `null`.
  func isScalar(before end: Int) -> Bool {
    var reader = JSONReader()
    guard let value = try? reader.read(copying: Array(bytes.prefix(end)), maxDepth: 1) else { return false }
    return value.kind != .object && value.kind != .array
  }

  /// Whether the whole text is one object or array, with nothing behind it.
  var isOneContainer: Bool {
    let text = bytes.span
    return text.isObject || text.count > 0 && text[0] == UInt8(ascii: "[") && text.isClosed
  }

  /// Whether a line behind the first is an object from its first byte to its end, as no line of a value over several
  /// lines is.
  var hasLineOfOneObject: Bool {
    let text = bytes.span
    var end = text.firstNewline(from: 0)
    while let newline = end {
      end = text.firstNewline(from: newline + 1)
      if text.extracting((newline + 1)..<(end ?? text.count)).isObject { return true }
    }
    return false
  }

  /// The bytes as they arrived, without padding; starts afresh.
  mutating func takeRaw() -> [UInt8] {
    defer { self = PendingText(limit: limit) }
    return bytes
  }

  /// What has arrived; starts afresh.
  mutating func take() -> Outcome {
    defer { self = PendingText(limit: limit) }
    if isTooLarge { return .tooLarge(size: textSize) }
    var text = bytes
    bytes = []  // the only owner is now `text`, and what follows changes it in place
    let start = text.starts(with: ByteOrderMark.bytes) ? text.span.endOfBlanks(from: ByteOrderMark.bytes.count) : 0
    guard start < textSize else { return .nothing }
    if text.count - (textSize - start) > RawDump.padding {
      // Blanks have filled memory that nobody counts once the dump is on its way.
      let trimmed = text[start..<textSize]
      text = []
      text.reserveCapacity(trimmed.count + RawDump.padding)
      text += trimmed
    } else {
      text.removeLast(text.count - textSize)
      text.removeFirst(start)
    }
    text.append(contentsOf: repeatElement(0, count: RawDump.padding))
    return .text(text)
  }
}

extension Span<UInt8> {
  /// Whether the text is an object as far as its brackets tell, with nothing but blanks behind it.
  fileprivate var isObject: Bool { count > 0 && self[0] == UInt8(ascii: "{") && isClosed }

  /// Whether the bracket at its beginning is closed at its end, but for blanks.
  fileprivate var isClosed: Bool {
    var scanner = ContainerScanner()
    return scanner.end(in: self, from: 0).map { endOfBlanks(from: $0) == count } ?? false
  }
}
