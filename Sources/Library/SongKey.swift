public import BSON

/// What makes two entries the same song: `v:` + videoId, else `t:` + lowercase title + U+001F + lowercase artist.
///
/// The prefix is kept as a flag, the rest as a view: a key costs no allocation where the videoId names the song.
@frozen
public struct SongKey: Sendable, Hashable {
  /// Whether the song is named by its videoId.
  public let isVideo: Bool
  /// The key without its prefix, UTF-8.
  public let name: ByteView

  @inlinable
  public init(videoID: ByteView) {
    isVideo = true
    name = videoID
  }

  /// A key that was computed before.
  init(isVideo: Bool, name: ByteView) { (self.isVideo, self.name) = (isVideo, name) }

  /// The key of a song without videoId; the lowercase text is computed into the arena.
  public init(title: ByteView, artist: ByteView?, in arena: Arena) {
    isVideo = false
    name = Lowercase.joined(title, artist ?? .empty, in: arena)
  }

  public var fingerprint: UInt64 { isVideo ? name.fingerprint : ~name.fingerprint }

  /// The whole key as text, for messages and tests.
  public var description: String { (isVideo ? "v:" : "t:") + name.string }
}

extension SongKey: Comparable {
  /// By the UTF-8 bytes of the whole key.
  public static func < (a: SongKey, b: SongKey) -> Bool {
    a.isVideo == b.isVideo ? a.name < b.name : !a.isVideo
  }
}
