internal import BSON
internal import Library

/// A play as it was read, before those of several lists are joined.
struct ReadPlay {
  /// The entry in normal form.
  var document: BSONDocument
  var key: SongKey
  var playedAt: Int64
  /// 0…1; −1 when absent.
  var completionRate: Double
  /// Of what the entry says of its song.
  var print: UInt128
  /// Where it was played from: a number of the repertoire, −1 when absent.
  var source: Int32

  /// Newest first, ties by song key.
  static func precedes(_ a: ReadPlay, _ b: ReadPlay) -> Bool {
    a.playedAt != b.playedAt ? a.playedAt > b.playedAt : a.key < b.key
  }
}

/// Reads plays that are in normal form already, which is most of what a store holds, in one walk over each.
///
/// Whatever is not seen to be in normal form at once – a field of another type, another name, a second time – is left
/// to the normalizer: the scanner decides nothing of its own.
struct PlayScanner {
  private let arena: Arena
  private let repertoire: Repertoire
  /// The first sources that were met, as the repertoire keeps them: a service has a few, and looks among these first.
  private var sources: [(text: ByteView, number: Int32)] = []

  private static let mostSources = 16

  init(_ repertoire: Repertoire, arena: Arena) {
    self.repertoire = repertoire
    self.arena = arena
  }

  /// The play; nil when the normalizer has to look at it.
  mutating func scan(_ document: BSONDocument) throws(BSONFault) -> ReadPlay? {
    var videoID: ByteView?
    var title: ByteView?
    var artist: ByteView?
    var source: ByteView?
    var playedAt = Entry.never
    var rate = -1.0
    var seen: UInt16 = 0
    var offset = 4
    var entry = DescribedEntry(document)
    var elements = document.elements
    while let element = try elements.next() {
      let next = offset + element.size
      defer { offset = next }
      let value = element.value
      var bit: UInt16 = 0
      switch DescribedEntry.field(element) {
      case .other:
        switch Other(element) {
        case .unknown: continue
        case .alias: return nil
        case .playedAt:
          guard let time = value.date, time > 0 else { return nil }
          (playedAt, bit) = (time, 1 << 8)
        case .completionRate:
          guard let number = value.double, NormalForm.isFraction(number) else { return nil }
          (rate, bit) = (number, 1 << 9)
        case .source:
          guard let text = value.string, !text.isEmpty else { return nil }
          (source, bit) = (text, 1 << 10)
        case .time:
          guard let time = value.date, time > 0 else { return nil }
          continue
        }
        guard seen & bit == 0 else { return nil }
        seen |= bit
        continue
      case .videoId: (videoID, bit) = (value.string, 1)
      case .title: (title, bit) = (value.string, 2)
      case .artist: (artist, bit) = (value.string, 4)
      case .artwork: bit = 8
      case .language: bit = 16
      case .duration:
        guard NormalForm.duration(value) else { return nil }
        bit = 32
      case .genres:
        guard try NormalForm.isListOfNames(value) else { return nil }
        bit = 64
      case .moods:
        guard try NormalForm.isListOfNames(value) else { return nil }
        bit = 128
      }
      guard seen & bit == 0 else { return nil }
      if bit < 32 { guard let text = value.string, !text.isEmpty else { return nil } }
      seen |= bit
      entry.note(offset, next)
    }
    guard playedAt != Entry.never else { return nil }
    let key: SongKey
    if let videoID {
      key = SongKey(videoID: videoID)
    } else if let title {
      key = SongKey(title: title, artist: artist, in: arena)
    } else {
      return nil
    }
    return ReadPlay(
      document: document, key: key, playedAt: playedAt, completionRate: rate, print: entry.finish(),
      source: number(source))
  }

  /// A play that the normalizer has read, or that others were joined to.
  mutating func play(
    _ document: BSONDocument, key: SongKey, playedAt: Int64, completionRate: Double
  ) throws(BSONFault) -> ReadPlay {
    ReadPlay(
      document: document, key: key, playedAt: playedAt, completionRate: completionRate,
      print: try DescribedEntry.print(of: document), source: number(try document.value("source")?.string))
  }

  private mutating func number(_ source: ByteView?) -> Int32 {
    guard let source else { return -1 }
    for known in sources where known.text == source { return known.number }
    let number = repertoire.intern(value: source)
    if sources.count < Self.mostSources { sources.append((repertoire.value(number), number)) }
    return number
  }

  // MARK: Normal form

  /// Fields that say nothing of the song.
  private enum Other {
    case playedAt, completionRate, source
    /// A time that plays have no use for.
    case time
    /// Another name of a field.
    case alias
    case unknown

    @inline(__always)
    init(_ element: BSONElement) {
      switch (element.key.count, element.keyWord) {
      case (8, 0x7441_6465_7961_6C70): self = .playedAt
      case (6, 0x6563_7275_6F73): self = .source
      case (14, 0x6974_656C_706D_6F63) where element.key == ByteView("completionRate"): self = .completionRate
      case (7, 0x74_4164_6564_6461), (9, 0x4164_6576_6F6D_6572): self = .time
      case (8, _), (9, _), (11, _), (15, _), (16, _): self = EntryField.isAlias(element) ? .alias : .unknown
      default: self = .unknown
      }
    }
  }
}
