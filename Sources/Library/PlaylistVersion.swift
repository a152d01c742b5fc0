public import BSON

/// One version of a playlist, in normal form.
public struct PlaylistVersion: Sendable {
  public var id: ByteView
  public var name: ByteView?
  /// nil when the version has no songs field.
  public var songs: [Entry]?
  /// The covers when there is at least one.
  public var coverURLs: BSONDocument?
  public var isPublic: Bool?
  /// Milliseconds since 1970.
  public var createdAt: Int64?
  public var updatedAt: Int64?
  /// The `pl_…` ids that it came from.
  public var clientIDs: [ByteView] = []
  /// Every other field as it is, the name included.
  public var others: [BSONElement] = []

  /// An id that a browser made.
  public var isLocal: Bool { PlaylistID.isLocal(id) }
}
