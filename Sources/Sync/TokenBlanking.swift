internal import BSON
internal import Dumps

/// Blanks out login tokens in the JSON of a dump.
enum TokenBlanking {
  private static let names = ["tldr-access-token", "tldr-refresh-token"].map { Array("\"\($0)\"".utf8) }

  static func mayHoldToken(_ text: [UInt8]) -> Bool { text.withView { $0.mentionsToken } }

  /// Puts `*` in the place of each token's characters.
  ///
  /// - Returns: false when the text names a token anywhere but as the key of a string or null.
  static func blank(_ text: inout [UInt8]) -> Bool {
    for name in names {
      var place = 0
      while let start = firstOccurrence(of: name, in: text, from: place) {
        guard var end = startOfValue(behind: start + name.count, in: text) else { return false }
        place = end
        if text[min(end, text.count - 1)...].starts(with: "null".utf8) { continue }
        guard end < text.count, text[end] == UInt8(ascii: "\"") else { return false }
        end += 1
        while end < text.count, text[end] != UInt8(ascii: "\"") {
          let length = text[end] == UInt8(ascii: "\\") ? 2 : 1
          for offset in end..<min(end + length, text.count) { text[offset] = UInt8(ascii: "*") }
          end += length
        }
        guard end < text.count else { return false }
        place = end
      }
    }
    // What names a token in any other way may hold one as well.
    var without = text
    for name in names {
      var place = 0
      while let start = firstOccurrence(of: name, in: without, from: place) {
        without[start + 1] = UInt8(ascii: "-")
        place = start + 1
      }
    }
    return !mayHoldToken(without)
  }

  /// Whether it cannot be told in which order two texts stood before tokens were blanked out: they differ in a token, or
  /// behind one.
  ///
  /// Both texts have to be blanked: else a token that was read anew differs from the same one that is gone.
  static func hidesOrder(of a: [UInt8], _ b: [UInt8]) -> Bool {
    let common = Array(zip(a, b).prefix { $0 == $1 }.map(\.0))
    guard common.count < max(a.count, b.count) else { return false }
    for name in names {
      var place = 0
      while let start = firstOccurrence(of: name, in: common, from: place) {
        place = start + name.count
        // Of null and of an empty string nothing is gone.
        if let value = startOfValue(behind: place, in: common), value < common.count,
          common[value] == UInt8(ascii: "\""), common[(value + 1)...].first != UInt8(ascii: "\"")
        {
          return true
        }
      }
    }
    return false
  }

  /// Where the value of a key begins, or the text ends; nil when it is no key.
  private static func startOfValue(behind name: Int, in text: [UInt8]) -> Int? {
    var place = name
    skipBlanks(text, &place)
    guard place < text.count, text[place] == UInt8(ascii: ":") else { return nil }
    place += 1
    skipBlanks(text, &place)
    return place
  }

  private static func skipBlanks(_ text: [UInt8], _ place: inout Int) {
    while place < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[place]) { place += 1 }
  }

  private static func firstOccurrence(of name: [UInt8], in text: [UInt8], from start: Int) -> Int? {
    var place = start
    while let found = text[place...].firstIndex(of: UInt8(ascii: "\"")), text.count - found >= name.count {
      if text[found..<found + name.count].elementsEqual(name) { return found }
      place = found + 1
    }
    return nil
  }
}
