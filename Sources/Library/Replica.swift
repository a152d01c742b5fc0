public import BSON

/// One state of a user's library, in normal form: what a dump says, or the cloud's document.
///
/// A section that is nil is no opinion; one that is empty is the opinion that it is empty.
public struct Replica: Sendable {
  public enum Origin: Sendable {
    /// A browser's export. Its JSON text decides between dumps of the same time.
    case dump(text: ByteView)
    /// The library of a guest whose dumps go to this account; decided by its document's bytes.
    case guest(document: ByteView)
    case cloud
  }

  public var origin: Origin
  /// When this state was taken, in milliseconds; nil is older than any time.
  public var time: Int64?
  public var favorites: [Entry]?
  public var history: [Entry]?
  public var totalSongsPlayed: Int64?
  public var queue: [Entry]?
  public var playlists: [PlaylistVersion]?
  public var preferences: Preferences?
  /// Trimmed, without empty ones, newest first.
  public var recentSearches: [ByteView]?
  public var removed: Tombstones?
  /// Whether the replica has a section that was not read; noted only where that decides something.
  public var hasOtherSections = false
  /// Entries met while reading, those quarantined included.
  public var entriesRead = 0
  public var quarantined: [Quarantined] = []
  /// Whether a playlist has a time that is none because it lies in the future.
  public var hasFutureTimes = false
  /// The newest time of any entry used; `Entry.never` without one.
  public var newestEntry = Entry.never

  public init(origin: Origin, time: Int64?) {
    self.origin = origin
    self.time = time
  }

  public var isDump: Bool { if case .dump = origin { true } else { false } }

  /// Whether the replica has an opinion on anything.
  public var saysSomething: Bool {
    favorites != nil || history != nil || totalSongsPlayed != nil || queue != nil || playlists != nil
      || preferences != nil || recentSearches != nil || removed != nil || hasOtherSections
  }
}

extension Replica {
  /// Newest first; at equal times dumps by descending text, then guests' libraries, then the cloud.
  static func precedes(_ a: Replica, _ b: Replica) -> Bool {
    let (timeA, timeB) = (a.time ?? Entry.never, b.time ?? Entry.never)
    if timeA != timeB { return timeA > timeB }
    switch (a.origin, b.origin) {
    case (.dump(let textA), .dump(let textB)): return textA > textB
    case (.guest(let documentA), .guest(let documentB)): return documentA > documentB
    default: return a.rank < b.rank
    }
  }

  private var rank: Int {
    switch origin {
    case .dump: 0
    case .guest: 1
    case .cloud: 2
    }
  }
}
