public import BSON

extension ByteView {
  /// Whether the name of a login token occurs in the text, be its characters escaped as in JSON or not.
  ///
  /// Texts are met that hold JSON, which may hold JSON in its turn: escapes of any depth count.
  public var mentionsToken: Bool {
    if namesToken { return true }
    return contains("\\") && withoutEscapes.withView { $0.namesToken }
  }

  private var namesToken: Bool { contains("tldr-access-token") || contains("tldr-refresh-token") }

  /// The text with the character in the place of each `\u00XX`, whatever number of backslashes stands before it.
  private var withoutEscapes: [UInt8] {
    var plain: [UInt8] = []
    plain.reserveCapacity(count)
    for offset in 0..<count {
      plain.append(self[offset])
      // What an escape stands for may end another one.
      while let character = Self.escaped(atEndOf: plain) {
        plain.removeLast(5)
        while plain.last == UInt8(ascii: "\\") { plain.removeLast() }
        plain.append(character)
      }
    }
    return plain
  }

  /// The ASCII character for which the escape at the end of a text stands.
  private static func escaped(atEndOf text: [UInt8]) -> UInt8? {
    let escape = text.suffix(6)
    guard escape.count == 6, escape.starts(with: #"\u00"#.utf8) else { return nil }
    return UInt8(hexadecimal: text[text.count - 2], text[text.count - 1])
  }
}
