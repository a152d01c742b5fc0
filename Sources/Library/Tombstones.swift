public import BSON

/// What the user removed: a union of lists would bring it back.
public struct Tombstones: Sendable {
  public var favorites: [Tombstone] = []
  public var playlists: [Tombstone] = []
  public var playlistSongs: [Tombstone] = []

  public init() {}

  public var isEmpty: Bool { favorites.isEmpty && playlists.isEmpty && playlistSongs.isEmpty }
}

/// One removal, in normal form.
public struct Tombstone: Sendable {
  /// As it will be written.
  public var document: BSONDocument
  /// The place in its list, from 0, where it was read.
  public var position: Int
  /// Milliseconds since 1970.
  public var removedAt: Int64
  /// The playlist's id, of a removed playlist or of a song removed from one; empty for a favourite.
  public var playlist: ByteView
  /// The song; nil for a removed playlist.
  public var song: SongKey?

  /// What is removed: a later removal of the same replaces this one.
  var key: Key { Key(playlist: playlist, song: song) }

  /// The same removal under another playlist id.
  func renamed(_ id: ByteView, in arena: Arena) throws(BSONFault) -> Tombstone {
    var renamed = self
    renamed.playlist = arena.copy(id)
    let name: StaticString = song == nil ? "id" : "playlist_id"
    renamed.document = BSONDocument(
      unchecked: try arena.written { writer throws(BSONFault) in
        let start = writer.open()
        var elements = document.elements
        while let element = try elements.next() {
          if element.key == ByteView(name) {
            writer.append(name, string: id)
          } else {
            writer.append(element.key, element.value)
          }
        }
        writer.close(start)
      })
    return renamed
  }

  struct Key: Hashable, Comparable {
    let playlist: ByteView
    let song: SongKey?

    static func < (a: Key, b: Key) -> Bool {
      if a.playlist != b.playlist { return a.playlist < b.playlist }
      guard let songA = a.song, let songB = b.song else { return a.song == nil && b.song != nil }
      return songA < songB
    }
  }
}

/// The newest removal of each key.
struct TombstoneSet {
  private(set) var byKey: [Tombstone.Key: Tombstone] = [:]

  var isEmpty: Bool { byKey.isEmpty }

  /// When this was removed, in milliseconds; nil when it was not.
  func removedAt(playlist: ByteView = .empty, song: SongKey? = nil) -> Int64? {
    byKey.isEmpty ? nil : byKey[Tombstone.Key(playlist: playlist, song: song)]?.removedAt
  }

  /// Adds a removal; of two of the same key the newer stays, at equal times field by field the greater bytes.
  ///
  /// - Returns: whether the set changed.
  @discardableResult
  mutating func insert(_ new: Tombstone, in arena: Arena) throws(BSONFault) -> Bool {
    guard let old = byKey[new.key], new.removedAt <= old.removedAt else {
      byKey[new.key] = new
      return true
    }
    guard new.removedAt == old.removedAt, new.document.bytes != old.document.bytes else { return false }
    var fields = FieldMerge()
    try fields.add(old.document, rank: 0)
    try fields.add(new.document, rank: 0)
    let joined = fields.written(in: arena)
    byKey[new.key]?.document = joined
    return joined.bytes != old.document.bytes
  }

  /// Adds the same removal under another playlist id, as which the playlist is known too.
  @discardableResult
  mutating func insert(
    _ tombstone: Tombstone, as playlist: ByteView, in arena: Arena
  ) throws(BSONFault) -> Bool {
    if let known = removedAt(playlist: playlist, song: tombstone.song), known > tombstone.removedAt { return false }
    return try insert(tombstone.renamed(playlist, in: arena), in: arena)
  }

  /// Gives the removals that are meant the state that they have in another set, which may be none.
  mutating func revert(to other: TombstoneSet, where isMeant: (Tombstone) -> Bool) {
    for (key, stone) in byKey where isMeant(stone) { byKey[key] = other.byKey[key] }
  }

  /// In ascending order of key, as the document keeps them.
  var sorted: [Tombstone] { byKey.values.sorted { $0.key < $1.key } }
}
