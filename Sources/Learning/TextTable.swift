internal import BSON

/// Texts, each once, with a number counted from 0 in the order of first sight: open addressing, no deletion.
///
/// The views it hands out hold as long as the table: their bytes lie in an arena of its own that is never reset.
///
/// Safe to share although the arena is not: one thread fills a table, and copies of it that others get are only read. Of
/// all copies one alone is filled further. Text that is there already never moves or changes.
struct TextTable: @unchecked Sendable {
  private let arena = Arena(keeps: 0)
  private var texts: [ByteView] = []
  private var prints: [UInt64] = []
  private var slots: [Int32] = []

  var count: Int { texts.count }

  /// The text of a number.
  subscript(number: Int32) -> ByteView {
    @inline(__always) get { texts[Int(number)] }
  }

  /// The text's number; the next free one when it is new.
  mutating func number(of text: ByteView) -> Int32 { number(of: text, print: text.fingerprint) }

  private mutating func number(of text: ByteView, print: UInt64) -> Int32 {
    if texts.count * 2 >= slots.count { grow() }
    let slot = slot(of: text, print: print)
    if slots[slot] >= 0 { return slots[slot] }
    let number = Int32(truncatingIfNeeded: texts.count)
    slots[slot] = number
    texts.append(arena.copy(text))
    prints.append(print)
    return number
  }

  /// The text's number; nil when it was never met.
  func find(_ text: ByteView) -> Int32? {
    guard !slots.isEmpty else { return nil }
    let number = slots[slot(of: text, print: text.fingerprint)]
    return number >= 0 ? number : nil
  }

  /// This table's numbers for another's, whose texts join it.
  mutating func merge(_ other: TextTable) -> [Int32] {
    var numbers: [Int32] = []
    numbers.reserveCapacity(other.count)
    for index in 0..<other.count { numbers.append(number(of: other.texts[index], print: other.prints[index])) }
    return numbers
  }

  /// Where the text is, or where it would go.
  private func slot(of text: ByteView, print: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: print) & mask
    while true {
      let index = Int(slots[slot])
      if index < 0 || (prints[index] == print && texts[index] == text) { return slot }
      slot = (slot + 1) & mask
    }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: max(64, slots.count * 2))
    let mask = slots.count - 1
    for (index, print) in prints.enumerated() {
      var slot = Int(truncatingIfNeeded: print) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(truncatingIfNeeded: index)
    }
  }
}
