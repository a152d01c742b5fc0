internal import BSON

/// The full lowercase mapping of each scalar by itself (Σ is always σ), as the song key and the searches use it.
enum Lowercase {
  /// lowercase(title) + U+001F + lowercase(artist or nothing).
  static func joined(_ title: ByteView, _ artist: ByteView, in arena: Arena) -> ByteView {
    let piece = unsafe arena.allocate(room(for: title.count + artist.count) + 1)
    if let middle = unsafe lower(title, into: piece, at: 0) {
      unsafe piece[middle] = 0x1F
      if let end = unsafe lower(artist, into: piece, at: middle + 1) {
        return unsafe ByteView(UnsafeRawBufferPointer(rebasing: piece[..<end]))
      }
    }
    return Array((lowered(title) + "\u{1F}" + lowered(artist)).utf8).withView { arena.copy($0) }
  }

  static func text(_ text: ByteView, in arena: Arena) -> ByteView {
    let piece = unsafe arena.allocate(room(for: text.count))
    if let end = unsafe lower(text, into: piece, at: 0) {
      return unsafe ByteView(UnsafeRawBufferPointer(rebasing: piece[..<end]))
    }
    return Array(lowered(text).utf8).withView { arena.copy($0) }
  }

  /// The most bytes that the lowercase of so many can have: a letter of two bytes may become one of three, and no letter
  /// grows by more (`LowercaseTests`).
  private static func room(for count: Int) -> Int { count + count / 2 }

  /// Lowers well-formed text; nil for any other, which is rare.
  ///
  /// - Parameter start: where in `piece` to write; behind it there must be ``room(for:)`` the text.
  /// - Returns: where what was written ends.
  private static func lower(_ text: ByteView, into piece: UnsafeMutableRawBufferPointer, at start: Int) -> Int? {
    var offset = 0
    var end = start
    while offset < text.count {
      if offset + 8 <= text.count {
        let word = text.load(offset, as: UInt64.self)
        if word & 0x8080_8080_8080_8080 == 0 {
          unsafe piece.storeBytes(of: lowerASCII(word).littleEndian, toByteOffset: end, as: UInt64.self)
          offset += 8
          end += 8
          continue
        }
      }
      let byte = text[offset]
      if byte < 0x80 {
        unsafe piece[end] = byte &- 65 < 26 ? byte | 0x20 : byte
        offset += 1
        end += 1
        continue
      }
      if isCaseless(text, at: offset) {
        for place in 0..<3 { unsafe piece[end + place] = text[offset + place] }
        offset += 3
        end += 3
        continue
      }
      if byte >= 0xF0 {
        guard let length = caseless(text, at: offset) else { return nil }
        for place in 0..<length { unsafe piece[end + place] = text[offset + place] }
        offset += length
        end += length
        continue
      }
      guard let (scalar, length) = scalar(text, at: offset), let known = Unicode.Scalar(scalar) else { return nil }
      let lower = UInt32(sameLength[Int(scalar)])
      offset += length
      if lower == 0 {
        for byte in known.properties.lowercaseMapping.utf8 {
          unsafe piece[end] = byte
          end += 1
        }
        continue
      }
      if lower == scalar {
        for place in 0..<length { unsafe piece[end + place] = text[offset - length + place] }
      } else if length == 2 {
        unsafe piece[end] = UInt8(truncatingIfNeeded: 0xC0 | lower >> 6)
        unsafe piece[end + 1] = UInt8(truncatingIfNeeded: 0x80 | lower & 0x3F)
      } else {
        unsafe piece[end] = UInt8(truncatingIfNeeded: 0xE0 | lower >> 12)
        unsafe piece[end + 1] = UInt8(truncatingIfNeeded: 0x80 | lower >> 6 & 0x3F)
        unsafe piece[end + 2] = UInt8(truncatingIfNeeded: 0x80 | lower & 0x3F)
      }
      end += length
    }
    return end
  }

  /// Whether a well-formed scalar of three bytes is there of which the first tells that it knows no case, as of those of
  /// India and East Asia.
  @inline(__always)
  private static func isCaseless(_ text: ByteView, at offset: Int) -> Bool {
    guard offset + 3 <= text.count else { return false }
    let (first, second) = (text[offset], text[offset + 1])
    // U+0800…0FFF, where less would be overlong, and U+3000…9FFF.
    let isKnown = first == 0xE0 ? second >= 0xA0 : 0xE3...0xE9 ~= first && second >= 0x80
    return isKnown && second < 0xC0 && text[offset + 2] & 0xC0 == 0x80
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

  /// Most scripts know no case, nine tenths of the plane: asking about each scalar would cost milliseconds.
  static let scriptsWithoutCase: [ClosedRange<UInt32>] = [
    0x0590...0x109F, 0x1100...0x139F, 0x1400...0x1C7F, 0x1CC0...0x1DFF, 0x2000...0x20FF, 0x2190...0x24B5,
    0x24EA...0x2BFF, 0x2D00...0xA63F, 0xAC00...0xFAFF,
  ]

  /// The lowercase of each scalar of the basic plane, where that is one scalar of as many bytes; else 0.
  private static let sameLength: [UInt16] = {
    var table = [UInt16](0...UInt16.max)
    var first: UInt32 = 0
    for script in scriptsWithoutCase + [0x1_0000...0x1_0000] {
      for value in first..<script.lowerBound { table[Int(value)] = sameLength(value) }
      first = script.upperBound + 1
    }
    return table
  }()

  private static func sameLength(_ value: UInt32) -> UInt16 {
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
