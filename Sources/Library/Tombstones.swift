public import BSON

/// What the user removed: a union of lists would bring it back.
public struct Tombstones: Sendable {
  public var favorites: [Tombstone] = []
  public var playlists: [Tombstone] = []
  public var playlistSongs: [Tombstone] = []

  public init() {}
}

/// One removal, in normal form.
public struct Tombstone: Sendable {
  /// As it will be written, but for ``playlist``.
  public var document: BSONDocument
  /// The place in its list, from 0, where it was read.
  public var position: Int
  /// Milliseconds since 1970.
  public var removedAt: Int64
  /// The playlist's id, of a removed playlist or of a song removed from one; empty for a favourite. A removal that holds
  /// for many ids has one document, which is of any size and names one of them.
  public var playlist: ByteView
  /// The song; nil for a removed playlist.
  public var song: SongKey?

  /// What is removed: a later removal of the same replaces this one.
  var key: Key { Key(playlist: playlist, song: song) }

  /// The same removal under another playlist id.
  func renamed(_ id: ByteView) -> Tombstone {
    var renamed = self
    renamed.playlist = id
    return renamed
  }

  /// Where the document names the playlist.
  private var name: StaticString { song == nil ? "id" : "playlist_id" }

  /// What the document takes when it is written, in bytes.
  func size() throws(BSONFault) -> Int {
    guard !playlist.isEmpty, let named = try document.value(name)?.string else { return document.bytes.count }
    return document.bytes.count - named.count + playlist.count
  }

  /// Writes the document as an item of a list, with the playlist's id.
  func write(at position: Int, to writer: inout BSONWriter) throws(BSONFault) {
    guard !playlist.isEmpty, try document.value(name)?.string != playlist else {
      writer.append(at: position, document)
      return
    }
    writer.index(position, .document)
    let start = writer.open()
    var elements = document.elements
    while let element = try elements.next() {
      if element.key == ByteView(name) {
        writer.append(name, string: playlist)
      } else {
        writer.append(element.key, element.value)
      }
    }
    writer.close(start)
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

  /// What the documents of all removals take when they are written, in bytes.
  private(set) var size = 0

  /// When this was removed, in milliseconds; nil when it was not.
  func removedAt(playlist: ByteView = .empty, song: SongKey? = nil) -> Int64? {
    byKey.isEmpty ? nil : byKey[Tombstone.Key(playlist: playlist, song: song)]?.removedAt
  }

  private mutating func put(_ stone: Tombstone) throws(BSONFault) {
    if let old = byKey.updateValue(stone, forKey: stone.key) { size -= try old.size() }
    size += try stone.size()
  }

  /// Adds removals; of several of one key the newest stay, at equal times field by field the greater bytes.
  mutating func insert(_ stones: [Tombstone], in arena: Arena) throws(BSONFault) {
    /// Where there are several of the newest. They are joined once, for they may be many, and one of them large.
    var versions: [Tombstone.Key: [BSONDocument]] = [:]
    for new in stones {
      guard let old = byKey[new.key], new.removedAt <= old.removedAt else {
        versions[new.key] = nil
        try put(new)
        continue
      }
      guard new.removedAt == old.removedAt, new.document.bytes != old.document.bytes else { continue }
      versions[new.key, default: [old.document]].append(new.document)
    }
    for (key, documents) in versions {
      guard var stone = byKey[key] else { continue }
      stone.document = try Self.joined(documents, in: arena)
      try put(stone)
    }
  }

  /// Adds the removal of a playlist or song under a playlist's id.
  ///
  /// - Returns: whether the set changed.
  mutating func insert(_ stone: Tombstone, as playlist: ByteView, in arena: Arena) throws(BSONFault) -> Bool {
    guard let old = byKey[Tombstone.Key(playlist: playlist, song: stone.song)], stone.removedAt <= old.removedAt else {
      try put(stone.renamed(arena.copy(playlist)))
      return true
    }
    guard stone.removedAt == old.removedAt, stone.document.bytes != old.document.bytes else { return false }
    var joined = old
    joined.document = try Self.joined([old.document, stone.document], in: arena)
    guard joined.document.bytes != old.document.bytes else { return false }
    try put(joined)
    return true
  }

  /// One document of several, field by field the greater bytes.
  static func joined(_ documents: [BSONDocument], in arena: Arena) throws(BSONFault) -> BSONDocument {
    var fields = FieldMerge()
    for document in documents { try fields.add(document, rank: 0) }
    return fields.written(in: arena)
  }

  /// Gives the removals that are meant the state that they have in another set, which may be none.
  mutating func revert(to other: TombstoneSet, where isMeant: (Tombstone) -> Bool) throws(BSONFault) {
    for (key, stone) in byKey where isMeant(stone) {
      byKey[key] = nil
      size -= try stone.size()
      if let old = other.byKey[key] { try put(old) }
    }
  }

  /// In ascending order of key, as the document keeps them.
  var sorted: [Tombstone] { byKey.values.sorted { $0.key < $1.key } }
}
