/// A song as one row of a list names it.
struct Mention {
  let song: Int
  let form: Form

  /// How the row gives the song's identity and picture.
  enum Form {
    /// Title, artist, video id and artwork.
    case full
    /// The same, the video id first: rows that came from the server.
    case fromServer
    /// The video id, but `artwork: null`.
    case withoutArtwork
    /// Neither key is there.
    case bare
    /// `videoId: "", artwork: ""`.
    case empty
    /// `videoId: null, artwork: null`.
    case null
    /// Nothing but the title.
    case titleOnly
  }

  init(_ song: Int, of catalogue: Catalogue, _ random: inout Random) {
    self.song = song
    let part = random.unit()
    if catalogue[song].isKnownByTitle {
      form = part < 0.65 ? .bare : part < 0.83 ? .empty : part < 0.985 ? .null : .titleOnly
    } else {
      form = part < 0.83 ? .full : part < 0.93 ? .fromServer : part < 0.96 ? .withoutArtwork : .bare
    }
  }

  /// Whether the row carries the song's video id.
  var hasVideoID: Bool { form == .full || form == .fromServer || form == .withoutArtwork }

  /// The same for rows with the same song key, different for others.
  var key: Int { song * 3 + (hasVideoID ? 0 : form == .titleOnly ? 1 : 2) }
}

/// How much of a song was heard, in quadrillionths: a decimal fraction that JSON and BSON give exactly alike.
struct Completion: Equatable {
  let quadrillionths: Int64

  static let whole: Int64 = 1_000_000_000_000_000
  /// What the browser writes until the next song starts.
  static let placeholder = Completion(quadrillionths: 0)
  static let complete = Completion(quadrillionths: whole)

  /// The quotient of two integers that a double holds exactly is the double that the decimal text is read as.
  var double: Double { Double(quadrillionths) / Double(Completion.whole) }

  var isLiked: Bool { double > 0.7 }

  /// How a song is heard that fits the taste so well (0…1).
  init(match: Double, _ random: inout Random) {
    let part = random.unit()
    let liked = 0.12 + 0.75 * match
    switch part {
    case ..<liked:
      let rest = random.unit()
      self = random.chance(0.35) ? .complete : Completion(share: 1 - 0.28 * rest * rest)
    case ..<(liked + 0.14): self = Completion(share: 0.3 + 0.4 * random.unit())
    default:
      let rest = random.unit()
      self = Completion(share: 0.005 + 0.29 * rest * rest)
    }
  }

  private init(share: Double) {
    // Odd, so that the last of the fifteen digits is never a zero.
    quadrillionths = Int64(share * Double(Completion.whole - 2)) | 1
  }

  private init(quadrillionths: Int64) { self.quadrillionths = quadrillionths }
}

/// One song heard once.
struct Play {
  let mention: Mention
  /// In ms since 1970.
  let playedAt: Int64
  /// What some servers' clocks add, in thousandths of a millisecond; 0 is a whole number.
  let thousandths: Int64
  var completion: Completion
  /// An index of ``sourceNames``.
  let source: Int
  /// The index of the browser it was played on.
  let browser: Int
  let details: Details

  /// What the row says about the song beside its identity.
  enum Details {
    /// Language, genres and moods.
    case all
    /// `language: null, genres: [], moods: []`.
    case empty
    /// None of the keys, nor completion and source: rows of older clients.
    case missing
  }
}

/// Where a play was started from.
let sourceNames: [StaticString] = [
  "regional_chart", "global_chart", "chart", "search", "unknown", "favorites", "playlist", "queue",
]

/// A song that was marked.
struct Favorite {
  let mention: Mention
  let addedAt: Int64
  let thousandths: Int64
  let browser: Int
}
