internal import BSON
internal import Digests

/// The part of a play or favourite that describes its song, as it lies in the entry: what is equal byte for byte says
/// the same, and needs a look only once.
///
/// Bytes are told by a print of 128 bits, with a seed that is drawn anew by each process: of a thousand million
/// descriptions two would be held for one by a chance of one in 10²⁰. To compare the bytes themselves would be a wait for
/// memory with nearly every play, for what was met before lies anywhere.
struct DescribedEntry {
  enum Field { case videoId, title, artist, artwork, duration, language, genres, moods, other }

  private let document: BSONDocument
  private var print: UInt128 = 0
  /// Where the piece of describing elements that is being read begins and ends.
  private var start = 0
  private var end = 0

  private static let seed = UInt64.random(in: 0 ... .max)

  /// - Parameter document: in normal form.
  static func print(of document: BSONDocument) throws(BSONFault) -> UInt128 {
    var entry = DescribedEntry(document)
    var cursor = document.elements
    var offset = 4
    while let element = try cursor.next() {
      let next = offset + element.size
      if field(element) != .other { entry.note(offset, next) }
      offset = next
    }
    return entry.finish()
  }

  /// Begins an entry whose elements somebody else walks over.
  init(_ document: BSONDocument) { self.document = document }

  /// Notes a describing element by where it begins and ends.
  @inline(__always)
  mutating func note(_ offset: Int, _ next: Int) {
    if offset != end {
      addPiece()
      start = offset
    }
    end = next
  }

  /// The print of all describing elements.
  mutating func finish() -> UInt128 {
    addPiece()
    return print
  }

  private mutating func addPiece() {
    guard end > start else { return }
    let piece = document.bytes.slice(start, end - start)
    let next = unsafe piece.withUnsafeBytes { unsafe Checksum.doubleWord(of: $0, seed: Self.seed) }
    print = print &* 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835 ^ next
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

/// The numbers of descriptions by the prints of the bytes that they were read from.
struct DescriptionTable {
  private var prints: [UInt128] = []
  /// Open addressing: a part of the print in the upper half and a number + 1 in the lower, or 0. So hardly ever another
  /// description than the one looked for has to be looked at.
  private var slots: [UInt64] = []

  // Inlined, so that a look through a class does not count references to the whole table.
  @inline(__always)
  func find(_ print: UInt128) -> Int32? {
    guard !slots.isEmpty else { return nil }
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == word >> 32 {
        let number = Self.number(in: slots[slot])
        if prints[Int(number)] == print { return number }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }

  /// The numbers of what plays say of their songs, −1 for what was not met.
  ///
  /// A look is two waits for memory, which lies in no near cache. One step of all after another, they are waited for
  /// together.
  @inline(__always)
  func find(_ plays: [ReadPlay], into numbers: inout [Int32]) {
    numbers.removeAll(keepingCapacity: true)
    for play in plays { numbers.append(likely(play.print)) }
    for (index, play) in plays.enumerated() where numbers[index] >= 0 && prints[Int(numbers[index])] != play.print {
      numbers[index] = find(play.print) ?? -1
    }
  }

  /// The number of the first description that has the same part of its print, and so nearly always all of it; −1 without
  /// one.
  @inline(__always)
  private func likely(_ print: UInt128) -> Int32 {
    guard !slots.isEmpty else { return -1 }
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 {
      if slots[slot] >> 32 == word >> 32 { return Self.number(in: slots[slot]) }
      slot = (slot + 1) & mask
    }
    return -1
  }

  /// Gives a new description the next number.
  mutating func add(_ print: UInt128) -> Int32 {
    if prints.count * 2 >= slots.count { grow() }
    prints.append(print)
    fill(prints.count, print)
    return Int32(truncatingIfNeeded: prints.count - 1)
  }

  /// The number of another table's description here, and whether it is new.
  mutating func merge(_ index: Int, of other: DescriptionTable) -> (Int32, Bool) {
    let print = other.prints[index]
    if let number = find(print) { return (number, false) }
    return (add(print), true)
  }

  private static func number(in slot: UInt64) -> Int32 {
    Int32(truncatingIfNeeded: UInt32(truncatingIfNeeded: slot)) - 1
  }

  /// Puts a number + 1 into the first free slot for its print.
  private mutating func fill(_ successor: Int, _ print: UInt128) {
    let mask = slots.count - 1
    let word = UInt64(truncatingIfNeeded: print)
    var slot = Int(truncatingIfNeeded: word) & mask
    while slots[slot] != 0 { slot = (slot + 1) & mask }
    slots[slot] = (word >> 32) << 32 | UInt64(UInt32(truncatingIfNeeded: successor))
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
