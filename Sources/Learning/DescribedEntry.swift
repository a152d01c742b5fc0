internal import BSON

/// The part of a play or favourite that describes its song, as it lies in the entry: what is equal byte for byte says
/// the same, and needs a look only once.
struct DescribedEntry {
  enum Field { case videoId, title, artist, artwork, duration, language, genres, moods, other }

  private(set) var document = BSONDocument.empty
  /// The bytes of the describing elements, in as few pieces as they lie in: eight at most, for there are as many fields
  /// and normal form has none twice. No array, for references to one would be counted with every play.
  private var pieces = InlineArray<8, ByteView>(repeating: .empty)
  private var pieceCount = 0
  private(set) var fingerprint: UInt64 = 0
  /// The piece that is being read.
  private var start = 0
  private var end = 0

  /// The bytes of all pieces, one after another.
  func copy() -> [UInt8] {
    var bytes: [UInt8] = []
    for index in 0..<pieceCount { bytes += pieces[index].copy() }
    return bytes
  }

  /// Takes the next entry.
  ///
  /// - Parameter document: in normal form.
  mutating func read(_ document: BSONDocument) throws(BSONFault) {
    begin(document)
    var cursor = document.elements
    var offset = 4
    while let element = try cursor.next() {
      let next = offset + element.size
      if Self.field(element) != .other { note(offset, next) }
      offset = next
    }
    finish()
  }

  /// Begins an entry whose elements somebody else walks over.
  mutating func begin(_ document: BSONDocument) {
    self.document = document
    pieceCount = 0
    fingerprint = 0
    (start, end) = (0, 0)
  }

  /// Notes a describing element by where it begins and ends.
  @inline(__always)
  mutating func note(_ offset: Int, _ next: Int) {
    if offset != end {
      if end > start { add(document.bytes.slice(start, end - start)) }
      start = offset
    }
    end = next
  }

  mutating func finish() {
    if end > start { add(document.bytes.slice(start, end - start)) }
  }

  private mutating func add(_ piece: ByteView) {
    pieces[pieceCount] = piece
    pieceCount += 1
    fingerprint = fingerprint &* 0x9E37_79B9_7F4A_7C15 ^ piece.fingerprint
  }

  /// Whether the pieces, one after another, are these bytes.
  func isSame(as bytes: ByteView) -> Bool {
    var offset = 0
    for index in 0..<pieceCount {
      let piece = pieces[index]
      guard piece.count <= bytes.count - offset, bytes.slice(offset, piece.count) == piece else { return false }
      offset += piece.count
    }
    return offset == bytes.count
  }

  /// Which describing field an element of an entry in normal form is, told by its length and first eight bytes.
  static func field(_ element: BSONElement) -> Field {
    switch (element.key.count, element.keyWord) {
    case (5, 0x65_6C74_6974): .title
    case (6, 0x7473_6974_7261): .artist
    case (7, 0x64_496F_6564_6976): .videoId
    case (7, 0x6B_726F_7774_7261): .artwork
    case (8, 0x6E6F_6974_6172_7564): .duration
    case (8, 0x6567_6175_676E_616C): .language
    case (6, 0x7365_726E_6567): .genres
    case (5, 0x73_646F_6F6D): .moods
    default: .other
    }
  }
}

extension BSONElement {
  /// The bytes of type, key, terminator and value.
  @inline(__always)
  var size: Int { 2 + key.count + value.bytes.count }
}

/// The numbers of descriptions by the bytes that they were read from.
struct DescriptionTable {
  private let arena = Arena(keeps: 0)
  private var texts: [ByteView] = []
  private var prints: [UInt64] = []
  /// Open addressing: half of the print in the upper half and a number + 1 in the lower, or 0. So hardly ever another
  /// description than the one looked for has to be looked at.
  private var slots: [UInt64] = []

  // Inlined, so that a look through a class does not count references to the whole table.
  @inline(__always)
  func find(_ entry: DescribedEntry) -> Int32? {
    guard !slots.isEmpty else { return nil }
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: entry.fingerprint) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == entry.fingerprint >> 32 {
        let number = Self.number(in: slots[slot])
        if entry.isSame(as: texts[Int(number)]) { return number }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// Gives a new description the next number.
  mutating func add(_ entry: DescribedEntry) -> Int32 {
    add(entry.copy().withView { arena.copy($0) }, entry.fingerprint)
  }

  /// The number of another table's description here, and whether it is new.
  mutating func merge(_ index: Int, of other: DescriptionTable) -> (Int32, Bool) {
    let (text, print) = (other.texts[index], other.prints[index])
    if !slots.isEmpty {
      let mask = slots.count - 1
      var slot = Int(truncatingIfNeeded: print) & mask
      while slots[slot] != 0 {
        let number = Self.number(in: slots[slot])
        if slots[slot] >> 32 == print >> 32, texts[Int(number)] == text { return (number, false) }
        slot = (slot + 1) & mask
      }
    }
    return (add(arena.copy(text), print), true)
  }

  private mutating func add(_ text: ByteView, _ print: UInt64) -> Int32 {
    if texts.count * 2 >= slots.count { grow() }
    texts.append(text)
    prints.append(print)
    fill(texts.count, print)
    return Int32(truncatingIfNeeded: texts.count - 1)
  }

  private static func number(in slot: UInt64) -> Int32 {
    Int32(truncatingIfNeeded: UInt32(truncatingIfNeeded: slot)) - 1
  }

  /// Puts a number + 1 into the first free slot for its print.
  private mutating func fill(_ successor: Int, _ print: UInt64) {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: print) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = (print >> 32) << 32 | UInt64(UInt32(truncatingIfNeeded: successor))
  }

  private mutating func grow() {
    slots = Array(repeating: 0, count: max(64, slots.count * 2))
    for (index, print) in prints.enumerated() { fill(index + 1, print) }
  }
}

/// A text behind a prefix, as bytes of its own.
func prefixed(_ prefix: StaticString, _ text: ByteView) -> [UInt8] { ByteView(prefix).copy() + text.copy() }

extension TextTable {
  mutating func number(of text: [UInt8]) -> Int32 { text.withView { number(of: $0) } }
  func find(_ text: [UInt8]) -> Int32? { text.withView { find($0) } }
}
