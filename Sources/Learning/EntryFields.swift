internal import BSON

/// The fields of one entry, to be compared with another's without regard to their order: the archive writes them in one
/// order, a library has them as its writers did.
struct EntryFields {
  private var fields: [BSONElement] = []
  /// In bytes.
  private var size = 0
  /// The time of a play, in milliseconds since 1970; nil where it is not in normal form.
  private(set) var playedAt: Int64?

  mutating func read(_ document: BSONDocument) throws(BSONFault) {
    fields.removeAll(keepingCapacity: true)
    size = document.bytes.count
    playedAt = nil
    var elements = document.elements
    while let element = try elements.next() {
      // "playedAt"
      if element.keyWord == 0x7441_6465_7961_6C70, element.key.count == 8 { playedAt = element.value.date }
      fields.append(element)
    }
  }

  /// Whether the document has these fields, each with the same bytes, and no other.
  func areThose(of document: BSONDocument) throws(BSONFault) -> Bool {
    guard document.bytes.count == size, fields.count <= UInt64.bitWidth else { return false }
    var met: UInt64 = 0
    var place = 0
    var elements = document.elements
    next: while let element = try elements.next() {
      // Most fields follow one another in both.
      for _ in fields.indices {
        if place == fields.count { place = 0 }
        let field = fields[place]
        let bit: UInt64 = 1 &<< UInt64(place)
        place += 1
        guard field.keyWord == element.keyWord, met & bit == 0, field.key == element.key else { continue }
        guard field.value.type == element.value.type, field.value.bytes == element.value.bytes else { return false }
        met |= bit
        continue next
      }
      return false
    }
    return met.nonzeroBitCount == fields.count
  }
}
