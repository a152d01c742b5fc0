internal import BSON

/// Where the documents of each key begin: a table in memory of 20 to 40 bytes a document.
///
/// The keys stay in the file. What the table keeps of a key is 32 bits of its fingerprint, so that hardly ever another
/// document than the one asked for has to be looked at: on a disk that would be a page read.
struct DocumentIndex {
  /// The documents' offsets in the file, by position, in bytes.
  private(set) var offsets: [Int] = []

  /// Open addressing with linear probing. A slot is a tag in the upper half and a position + 1 in the lower, or 0.
  private var slots = [UInt64](repeating: 0, count: 64)

  /// The number of documents.
  var count: Int { offsets.count }

  /// The greatest number of documents: a position + 1 must fit into 32 bits.
  static var limit: Int { Int(UInt32.max) - 1 }

  /// Appends a document; one without a key is found by no look-up.
  mutating func append(_ key: ByteView?, at offset: Int) {
    offsets.append(offset)
    guard let key else { return }
    if offsets.count * 4 >= slots.count * 3 { grow() }
    let tag = Self.tag(key)
    var slot = home(tag)
    while slots[slot] != 0 { slot = next(slot) }
    slots[slot] = tag << 32 | UInt64(offsets.count)
  }

  /// The position of the first document that is the one looked for.
  ///
  /// - Parameter isMeant: whether the document at this offset is.
  func position(of key: ByteView, isMeant: (Int) -> Bool) -> Int? {
    let tag = Self.tag(key)
    var slot = home(tag)
    // Ends, because a quarter of the slots is free.
    while let position = position(in: slot) {
      if slots[slot] >> 32 == tag, isMeant(offsets[position]) { return position }
      slot = next(slot)
    }
    return nil
  }

  /// The positions of all documents of a key, ascending.
  ///
  /// - Parameter isKey: whether the document at this offset has the key.
  func positions(of key: ByteView, isKey: (Int) -> Bool) -> [Int] {
    let tag = Self.tag(key)
    var found: [Int] = []
    var slot = home(tag)
    while let position = position(in: slot) {
      if slots[slot] >> 32 == tag, isKey(offsets[position]) { found.append(position) }
      slot = next(slot)
    }
    // Slots past the table's end lie at its beginning, and come first when it grows.
    found.sort()
    return found
  }

  // MARK: Probing

  private static func tag(_ key: ByteView) -> UInt64 { key.fingerprint >> 32 }

  /// Where probing for a tag begins: the tag scaled to the table, so that a larger table needs no other hash.
  private func home(_ tag: UInt64) -> Int { Int((tag * UInt64(slots.count)) >> 32) }

  private func next(_ slot: Int) -> Int { slot + 1 == slots.count ? 0 : slot + 1 }

  private func position(in slot: Int) -> Int? {
    slots[slot] == 0 ? nil : Int(truncatingIfNeeded: slots[slot] & 0xFFFF_FFFF) - 1
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    for entry in old where entry != 0 {
      var slot = home(entry >> 32)
      while slots[slot] != 0 { slot = next(slot) }
      slots[slot] = entry
    }
  }
}
