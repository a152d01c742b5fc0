internal import BSON

/// The part of a play or favourite that describes its song, as it lies in the entry: what is equal byte for byte says
/// the same, and needs a look only once.
struct DescribedEntry {
  enum Field { case videoId, title, artist, artwork, duration, language, genres, moods, other }

  private let document: BSONDocument
  private var print: UInt128 = 0
  /// Where the piece of describing elements that is being read begins and ends.
  private var start = 0
  private var end = 0

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
    let next = PrintTable.print(of: document.bytes.slice(start, end - start))
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

/// A text behind a prefix, as bytes of its own.
func prefixed(_ prefix: StaticString, _ text: ByteView) -> [UInt8] { ByteView(prefix).copy() + text.copy() }

extension TextTable {
  mutating func number(of text: [UInt8]) -> Int32 { text.withView { number(of: $0) } }
  func find(_ text: [UInt8]) -> Int32? { text.withView { find($0) } }
}
