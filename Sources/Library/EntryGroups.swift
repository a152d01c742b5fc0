internal import BSON

/// Entries brought together by song key, in the order in which the keys were met.
struct EntryGroups {
  private var table = KeyTable()
  /// The first entry of each key.
  private var first: [Entry] = []
  /// Further entries of the keys that have more than one, by the key's position.
  private var further: [Int: [Entry]] = [:]
  /// Entries that joined another.
  private(set) var duplicates = 0

  var count: Int { first.count }

  /// - Parameter capacity: how many entries will be added, about.
  init(capacity: Int) { first.reserveCapacity(capacity) }

  mutating func add(_ entry: Entry) {
    let index = table.index(of: entry.key)
    if index == first.count {
      first.append(entry)
    } else {
      duplicates += 1
      if entry.document.bytes != first[index].document.bytes { further[index, default: []].append(entry) }
    }
  }

  /// The one entry that the versions of a song make: the greatest `addedAt` first.
  func joined(_ index: Int, in arena: Arena) throws(BSONFault) -> Entry {
    guard let others = further[index] else { return first[index] }
    return try Entry.joined([first[index]] + others, by: \.addedAt, in: arena)
  }
}

/// Gives each song key a number, counted from 0 in the order of first sight: open addressing, no deletion.
struct KeyTable {
  private var slots: [Int32] = []
  private var keys: [SongKey] = []
  private var prints: [UInt64] = []

  /// The key's number; the next free one when it is new.
  mutating func index(of key: SongKey) -> Int {
    if keys.count * 2 >= slots.count { grow() }
    let print = key.fingerprint
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: print) & mask
    while true {
      let index = Int(slots[slot])
      if index < 0 {
        slots[slot] = Int32(truncatingIfNeeded: keys.count)
        keys.append(key)
        prints.append(print)
        return keys.count - 1
      }
      if prints[index] == print, keys[index] == key { return index }
      slot = (slot + 1) & mask
    }
  }

  private mutating func grow() {
    slots = Array(repeating: -1, count: max(64, slots.count * 2))
    keys.reserveCapacity(slots.count / 2)
    prints.reserveCapacity(slots.count / 2)
    let mask = slots.count - 1
    for (index, print) in prints.enumerated() {
      var slot = Int(truncatingIfNeeded: print) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(truncatingIfNeeded: index)
    }
  }
}
