/// Positions of documents in a file, one bit each.
struct PositionSet {
  private var words: [UInt64] = []

  func contains(_ position: Int) -> Bool {
    position >> 6 < words.count && words[position >> 6] >> UInt64(position & 63) & 1 == 1
  }

  mutating func insert(_ position: Int) {
    while position >> 6 >= words.count { words += repeatElement(0, count: max(64, words.count)) }
    words[position >> 6] |= 1 << UInt64(position & 63)
  }
}
