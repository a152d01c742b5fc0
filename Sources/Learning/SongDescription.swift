internal import BSON

/// What an entry says of its song, in numbers of a ``Repertoire``: −1 for what it does not say.
public struct SongDescription: Sendable, Equatable {
  /// The song's key.
  public var song: Int32
  public var title: Int32 = -1
  public var artist: Int32 = -1
  public var artwork: Int32 = -1
  public var language: Int32 = -1
  /// The language as it is stored: what holds U+0000 is dropped when it is counted, and yet has greater bytes or less.
  var storedLanguage: Int32 = -1
  public var genres = ValueList()
  public var moods = ValueList()
  /// The lists as they are stored, likewise.
  var storedGenres = ValueList()
  var storedMoods = ValueList()
  /// Seconds, as they are stored.
  var duration: StoredDuration?

  init(song: Int32) { self.song = song }

  /// Seconds; nil when unknown.
  public var seconds: Double? { duration?.seconds }
}

/// A run of values in ``Lexicon/lists``, in the order of the entry.
public struct ValueList: Sendable, Equatable {
  var start: Int32 = 0
  /// −1 when the entry has no list at all.
  var length: Int32 = -1

  /// Whether the list names anything: an empty one says no more than none.
  public var isEmpty: Bool { length <= 0 }

  var range: Range<Int> { Int(start)..<Int(start) + Int(max(length, 0)) }
}

/// A duration as its number stands in the document, for ties are decided by its bytes.
struct StoredDuration: Sendable, Equatable {
  /// The type byte: double, int32 or int64.
  var type: UInt8
  /// The value's little-endian bytes as a word.
  var word: UInt64

  init?(_ value: BSONValue) {
    type = value.type.rawValue
    switch value.type {
    case .double, .int64: word = value.bytes.load(0, as: UInt64.self)
    case .int32: word = UInt64(value.bytes.load(0, as: UInt32.self))
    default: return nil
    }
  }

  var seconds: Double {
    switch BSONType(rawValue: type) {
    case .double: Double(bitPattern: word)
    case .int32: Double(Int32(truncatingIfNeeded: word))
    default: Double(Int64(bitPattern: word))
    }
  }

  func hasGreaterBytes(than other: StoredDuration) -> Bool {
    type != other.type ? type > other.type : word.byteSwapped > other.word.byteSwapped
  }
}

/// The order of *greater bytes* among texts: their BSON encoding begins with the length, little-endian.
func hasGreaterBytes(_ a: ByteView, than b: ByteView) -> Bool {
  let (lengthA, lengthB) = (UInt32(truncatingIfNeeded: a.count + 1), UInt32(truncatingIfNeeded: b.count + 1))
  return lengthA != lengthB ? lengthA.byteSwapped > lengthB.byteSwapped : a > b
}
