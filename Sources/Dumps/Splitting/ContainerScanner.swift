/// Finds the end of a JSON object or array in text that arrives in parts, 64 bytes a step.
///
/// Only strings and the depth of brackets are followed; whether the text is JSON is the parser's to say. The
/// bytes of interest become bits of a word, as in simdjson: then strings are masked out without a branch, and a
/// step in which the depth cannot reach zero costs no more than two population counts.
struct ContainerScanner {
  private var depth = 0
  /// All ones inside a string, else zero.
  private var inString: UInt64 = 0
  /// Whether the next byte stands behind a backslash.
  private var isEscaped = false

  /// Scans on.
  ///
  /// - Parameters:
  ///   - text: the next part; the first must have the opening bracket at `start`.
  ///   - start: where in `text` to begin.
  /// - Returns: the index behind the closing bracket, and the scanner is as new; nil when it lies in a later part.
  /// - Complexity: O(`text.count`), some GB/s.
  mutating func end(in text: Span<UInt8>, from start: Int) -> Int? {
    var position = start
    while text.count - position >= 64 {
      // The loop's condition leaves 64 readable bytes at `position`.
      let marks = unsafe text.withUnsafeBytes { unsafe Marks(block: $0, at: position) }
      if let close = close(in: marks, count: 64) { return position + close + 1 }
      position += 64
    }
    guard position < text.count else { return nil }
    let tail = text.extracting(position..<text.count)
    guard let close = close(in: Marks(tail: tail), count: tail.count) else { return nil }
    return position + close + 1
  }

  /// Follows the marks of `count` bytes; returns the index of the bracket that closes the container.
  private mutating func close(in marks: Marks, count: Int) -> Int? {
    let quotes = marks.quotes & ~escaped(marks.backslashes, count: count)
    let strings = quotes.prefixXor ^ inString
    inString = strings >> 63 == 1 ? ~0 : 0

    let openings = marks.openings & ~strings
    let closings = marks.closings & ~strings
    if closings.nonzeroBitCount < depth {
      depth += openings.nonzeroBitCount - closings.nonzeroBitCount
      return nil
    }
    var brackets = openings | closings
    while brackets != 0 {
      let index = brackets.trailingZeroBitCount
      brackets &= brackets - 1
      depth += openings >> UInt64(index) & 1 == 1 ? 1 : -1
      if depth == 0 {
        self = ContainerScanner()
        return index
      }
    }
    return nil
  }

  /// The bytes that stand behind an odd number of backslashes. Most blocks have none.
  private mutating func escaped(_ backslashes: UInt64, count: Int) -> UInt64 {
    var escaped: UInt64 = isEscaped ? 1 : 0
    isEscaped = false
    var rest = backslashes & ~escaped
    while rest != 0 {
      let index = rest.trailingZeroBitCount
      guard index + 1 < count else {
        isEscaped = true
        break
      }
      escaped |= 2 << UInt64(index)
      rest &= ~(3 << UInt64(index))
    }
    return escaped
  }
}

/// Where the bytes that matter stand in a block of up to 64: bit i is byte i.
private struct Marks {
  var quotes: UInt64 = 0
  var backslashes: UInt64 = 0
  /// `{` and `[`.
  var openings: UInt64 = 0
  /// `}` and `]`.
  var closings: UInt64 = 0

  /// The marks of 64 bytes, eight at a time.
  ///
  /// Unsafe: `bytes` must have 64 bytes at `start`.
  @inline(__always) @unsafe init(block bytes: UnsafeRawBufferPointer, at start: Int) {
    for index in 0..<8 {
      let word = unsafe UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: start + 8 * index, as: UInt64.self))
      // "[" and "{", "]" and "}" differ in one bit, which no other byte shares with them.
      let folded = word | 0x2020_2020_2020_2020
      let shift = UInt64(8 * index)
      quotes |= word.bits(of: 0x22) << shift
      backslashes |= word.bits(of: 0x5C) << shift
      openings |= folded.bits(of: 0x7B) << shift
      closings |= folded.bits(of: 0x7D) << shift
    }
  }

  /// The marks of fewer than 64 bytes, one at a time.
  init(tail: Span<UInt8>) {
    for index in tail.indices {
      let bit: UInt64 = 1 << UInt64(index)
      switch tail[index] {
      case 0x22: quotes |= bit
      case 0x5C: backslashes |= bit
      case 0x7B, 0x5B: openings |= bit
      case 0x7D, 0x5D: closings |= bit
      default: break
      }
    }
  }
}

extension UInt64 {
  /// Eight bits: bit i says whether byte i is `byte`.
  @inline(__always) fileprivate func bits(of byte: UInt8) -> UInt64 {
    let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
    let difference = self ^ (0x0101_0101_0101_0101 &* UInt64(byte))
    // The high bit of each byte of `zeros` is set where `difference` is zero; no carry leaves a byte.
    let zeros = ~(((difference & low) &+ low) | difference | low)
    // The product moves bit 8·i to bit 56 + i; no two of its terms meet.
    return ((zeros >> 7) &* 0x0102_0408_1020_4080) >> 56
  }

  /// Bit i is the exclusive or of the bits 0…i: from quotes to the text between them.
  fileprivate var prefixXor: UInt64 {
    var bits = self
    bits ^= bits << 1
    bits ^= bits << 2
    bits ^= bits << 4
    bits ^= bits << 8
    bits ^= bits << 16
    bits ^= bits << 32
    return bits
  }
}
