/// What became of every entry that was read: the figures beside `read` add up to it, or the program has a mistake.
public struct EntryFates: Codable, Sendable, Equatable {
  /// Favourites, plays, queue items, playlists, songs of playlists and searches, of dumps and of the documents they meet.
  public var read = 0
  public var kept = 0
  /// Joined with another entry of the same thing.
  public var merged = 0
  /// Part of a queue that lost, or of a section that `replace` put aside.
  public var superseded = 0
  public var beyondLimit = 0
  /// Covered by a tombstone.
  public var removed = 0
  public var quarantined = 0

  enum CodingKeys: String, CodingKey {
    case read, kept, merged, superseded, removed, quarantined
    case beyondLimit = "beyond_limit"
  }

  public init() {}

  /// What an older version has not counted is 0.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    read = try fields.decodeIfPresent(Int.self, forKey: .read) ?? 0
    kept = try fields.decodeIfPresent(Int.self, forKey: .kept) ?? 0
    merged = try fields.decodeIfPresent(Int.self, forKey: .merged) ?? 0
    superseded = try fields.decodeIfPresent(Int.self, forKey: .superseded) ?? 0
    beyondLimit = try fields.decodeIfPresent(Int.self, forKey: .beyondLimit) ?? 0
    removed = try fields.decodeIfPresent(Int.self, forKey: .removed) ?? 0
    quarantined = try fields.decodeIfPresent(Int.self, forKey: .quarantined) ?? 0
  }

  public var isBalanced: Bool { read == kept + merged + superseded + beyondLimit + removed + quarantined }

  public static func += (a: inout EntryFates, b: EntryFates) {
    a.read += b.read
    a.kept += b.kept
    a.merged += b.merged
    a.superseded += b.superseded
    a.beyondLimit += b.beyondLimit
    a.removed += b.removed
    a.quarantined += b.quarantined
  }
}
