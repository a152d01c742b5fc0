extension String {
  /// The text as it may stand in a line for people: what is no character but tells a terminal something is shown as U+FFFD.
  ///
  /// Titles, names and ids are others' words: they might break the line, colour it, or turn round what stands behind
  /// them.
  public var printable: String {
    guard unicodeScalars.contains(where: \.steersTerminal) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { $0.steersTerminal ? "\u{FFFD}" : $0 }))
  }

  /// The text if it has no more than so many characters, else as many with an ellipsis at the end: a column is as wide as
  /// what is longest in it, and others' words may be of any length.
  ///
  /// Of a character with any number of marks there are eight code points a character in all: bytes have a bound too.
  public func cut(to length: Int) -> String {
    let start = String(unicodeScalars.prefix(8 * length))
    if start.utf8.count == utf8.count, start.dropFirst(length).isEmpty { return self }
    return start.prefix(length - 1) + "…"
  }
}

extension Unicode.Scalar {
  /// Whether it is shown as U+FFFD in a line for people.
  var steersTerminal: Bool {
    // What ASCII has is told by its number alone.
    if value < 0x7F { return value < 0x20 }
    switch value {
    // DEL and C1; the ends of lines and paragraphs.
    case 0x7F...0x9F, 0x2028...0x2029: return true
    // What begins and ends a stretch of text in the other direction.
    case 0x202A...0x202E, 0x2066...0x2069: return true
    default: return false
    }
  }
}
