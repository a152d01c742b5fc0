internal import BSON

/// The full lowercase mapping of each scalar by itself (Σ is always σ), as the song key and the searches use it.
enum Lowercase {
  /// lowercase(title) + U+001F + lowercase(artist or nothing).
  static func joined(_ title: ByteView, _ artist: ByteView, in arena: Arena) -> ByteView {
    let piece = unsafe arena.allocate(title.count + 1 + artist.count)
    if unsafe lower(title, into: piece, at: 0), unsafe lower(artist, into: piece, at: title.count + 1) {
      unsafe piece[title.count] = 0x1F
      return unsafe ByteView(UnsafeRawBufferPointer(piece))
    }
    return Array((lowered(title) + "\u{1F}" + lowered(artist)).utf8).withView { arena.copy($0) }
  }

  static func text(_ text: ByteView, in arena: Arena) -> ByteView {
    let piece = unsafe arena.allocate(text.count)
    if unsafe lower(text, into: piece, at: 0) { return unsafe ByteView(UnsafeRawBufferPointer(piece)) }
    return Array(lowered(text).utf8).withView { arena.copy($0) }
  }

  /// Lowers text whose letters keep their length; false for any other, which is rare.
  private static func lower(_ text: ByteView, into piece: UnsafeMutableRawBufferPointer, at start: Int) -> Bool {
    var offset = 0
    while offset < text.count {
      if offset + 8 <= text.count {
        let word = text.load(offset, as: UInt64.self)
        if word & 0x8080_8080_8080_8080 == 0 {
          unsafe piece.storeBytes(of: lowerASCII(word).littleEndian, toByteOffset: start + offset, as: UInt64.self)
          offset += 8
          continue
        }
      }
      let byte = text[offset]
      if byte < 0x80 {
        unsafe piece[start + offset] = byte &- 65 < 26 ? byte | 0x20 : byte
        offset += 1
        continue
      }
      if byte >= 0xF0 {
        guard let length = caseless(text, at: offset) else { return false }
        for place in offset..<offset + length { unsafe piece[start + place] = text[place] }
        offset += length
        continue
      }
      guard let (scalar, length) = scalar(text, at: offset) else { return false }
      let lower = UInt32(sameLength[Int(scalar)])
      guard lower != 0 else { return false }
      if lower == scalar {
        for place in offset..<offset + length { unsafe piece[start + place] = text[place] }
      } else if length == 2 {
        unsafe piece[start + offset] = UInt8(truncatingIfNeeded: 0xC0 | lower >> 6)
        unsafe piece[start + offset + 1] = UInt8(truncatingIfNeeded: 0x80 | lower & 0x3F)
      } else {
        unsafe piece[start + offset] = UInt8(truncatingIfNeeded: 0xE0 | lower >> 12)
        unsafe piece[start + offset + 1] = UInt8(truncatingIfNeeded: 0x80 | lower >> 6 & 0x3F)
        unsafe piece[start + offset + 2] = UInt8(truncatingIfNeeded: 0x80 | lower & 0x3F)
      }
      offset += length
    }
    return true
  }

  /// Lowers eight ASCII characters at once: added to a byte below 0x80, each sum tells by its highest bit, without a
  /// carry, whether the byte is at least `A`, and whether it is past `Z`.
  private static func lowerASCII(_ word: UInt64) -> UInt64 {
    let fromA = word &+ 0x3F3F_3F3F_3F3F_3F3F
    let pastZ = word &+ 0x2525_2525_2525_2525
    return word | (fromA & ~pastZ & 0x8080_8080_8080_8080) &>> 2
  }

  /// The well-formed scalar of two or three bytes at an offset.
  private static func scalar(_ text: ByteView, at offset: Int) -> (UInt32, Int)? {
    let first = UInt32(text[offset])
    let length = first >= 0xC2 && first < 0xE0 ? 2 : (first >= 0xE0 && first < 0xF0 ? 3 : 0)
    guard length > 0, offset + length <= text.count else { return nil }
    var scalar = length == 2 ? first & 0x1F : first & 0x0F
    for place in 1..<length {
      let byte = UInt32(text[offset + place])
      guard byte & 0xC0 == 0x80 else { return nil }
      scalar = scalar << 6 | byte & 0x3F
    }
    let isOverlong = length == 3 && scalar < 0x800
    return isOverlong || (0xD800..<0xE000).contains(scalar) ? nil : (scalar, length)
  }

  /// The length of a well-formed scalar of four bytes that is its own lowercase, as most are.
  private static func caseless(_ text: ByteView, at offset: Int) -> Int? {
    guard text[offset] < 0xF5, offset + 4 <= text.count else { return nil }
    var scalar = UInt32(text[offset]) & 0x07
    for place in 1..<4 {
      let byte = UInt32(text[offset + place])
      guard byte & 0xC0 == 0x80 else { return nil }
      scalar = scalar << 6 | byte & 0x3F
    }
    guard scalar >= 0x1_0000, let known = Unicode.Scalar(scalar), !known.properties.changesWhenLowercased else {
      return nil
    }
    return 4
  }

  /// Han, Kana, Hangul and the private use area, three quarters of the plane, know no case: asking about each would
  /// cost milliseconds.
  static let scriptsWithoutCase: [ClosedRange<UInt32>] = [0x2E80...0xA63F, 0xAC00...0xFAFF]

  /// The lowercase of each scalar of the basic plane, where that is one scalar of as many bytes; else 0. Most scripts
  /// know no case.
  private static let sameLength: [UInt16] = (0..<0x1_0000 as Range<UInt32>).map { value in
    if scriptsWithoutCase.contains(where: { $0 ~= value }) { return UInt16(truncatingIfNeeded: value) }
    guard let scalar = Unicode.Scalar(value) else { return 0 }
    guard scalar.properties.changesWhenLowercased else { return UInt16(truncatingIfNeeded: value) }
    let mapping = scalar.properties.lowercaseMapping.unicodeScalars
    guard let lower = mapping.first, mapping.dropFirst().isEmpty, length(lower) == length(scalar) else { return 0 }
    return UInt16(truncatingIfNeeded: lower.value)
  }

  /// Bytes of a scalar in UTF-8.
  private static func length(_ scalar: Unicode.Scalar) -> Int {
    scalar.value < 0x80 ? 1 : (scalar.value < 0x800 ? 2 : (scalar.value < 0x1_0000 ? 3 : 4))
  }

  private static func lowered(_ text: ByteView) -> String {
    var result = ""
    for scalar in text.string.unicodeScalars { result += scalar.properties.lowercaseMapping }
    return result
  }
}
