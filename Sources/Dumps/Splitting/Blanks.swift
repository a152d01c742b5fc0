internal import Glibc

extension UInt8 {
  static let newline = UInt8(ascii: "\n")

  /// Whether JSON allows this byte between its tokens: space, tab, line feed, carriage return.
  var isBlank: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}

extension Span<UInt8> {
  /// The index of the first byte at or after `start` that is not blank; `count` when there is none.
  func endOfBlanks(from start: Int) -> Int {
    var index = start
    while index < count, self[index].isBlank { index += 1 }
    return index
  }

  /// The length without the blanks at the end.
  var countWithoutTrailingBlanks: Int {
    var end = count
    while end > 0, self[end - 1].isBlank { end -= 1 }
    return end
  }

  /// Whether `bytes` stand at `offset`.
  func holds(_ bytes: [UInt8], at offset: Int) -> Bool {
    guard offset + bytes.count <= count else { return false }
    for index in bytes.indices where self[offset + index] != bytes[index] { return false }
    return true
  }

  /// The index of the first line feed at or after `start`, found at the speed of memory.
  func firstNewline(from start: Int) -> Int? {
    unsafe withUnsafeBufferPointer { bytes in
      // The search covers start ..< count, which lies in the buffer; an empty one is not searched.
      guard start < bytes.count, let base = bytes.baseAddress,
        let found = unsafe memchr(base + start, Int32(UInt8.newline), bytes.count - start)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - UnsafeRawPointer(base)
    }
  }

  /// The number of line feeds.
  var newlines: Int {
    var total = 0
    var start = 0
    while let newline = firstNewline(from: start) {
      total += 1
      start = newline + 1
    }
    return total
  }
}
