public import BSON

/// A favourite, a play, a queue item or a playlist's song in normal form.
///
/// `document` is the entry's BSON exactly as it will be written; the rest is what the rules of the merge look at.
@frozen
public struct Entry: Sendable {
  public var document: BSONDocument
  public var key: SongKey
  /// Of a tombstone, the playlist it is about; else empty.
  public var playlist: ByteView
  /// Milliseconds since 1970; `Entry.never` when absent, which is older than any time.
  public var addedAt: Int64
  /// Milliseconds since 1970; `Entry.never` when absent.
  public var playedAt: Int64
  /// Of a tombstone, milliseconds since 1970; `Entry.never` when absent.
  public var removedAt: Int64
  /// 0…1; −1 when absent.
  public var completionRate: Double

  /// The order of plays: newest first, ties by song key.
  static func precedesAsPlay(_ a: Entry, _ b: Entry) -> Bool {
    a.playedAt != b.playedAt ? a.playedAt > b.playedAt : a.key < b.key
  }

  /// The time of what has none.
  @inlinable public static var never: Int64 { .min }
}
