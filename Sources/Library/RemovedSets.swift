internal import BSON

/// The removals of all replicas: of each key the newest, without those that no longer count.
struct RemovedSets {
  var favorites = TombstoneSet()
  var playlists = TombstoneSet()
  var playlistSongs = TombstoneSet()
  /// Expired removals that the stored document still holds, by list.
  private(set) var expired: [(list: StaticString, stone: Tombstone)] = []
  private let decidesFavorites: Bool
  private let decidesPlaylists: Bool

  init(_ replicas: [Replica], parameters: MergeParameters, in arena: Arena) throws(BSONFault) {
    decidesFavorites = parameters.sections.contains(.favorites)
    decidesPlaylists = parameters.sections.contains(.playlists)
    let expiry = parameters.tombstonesExpire
    for replica in replicas {
      guard let removed = replica.removed else { continue }
      let isCloud = if case .cloud = replica.origin { true } else { false }
      func add(_ stones: [Tombstone], to set: inout TombstoneSet, _ list: StaticString) throws(BSONFault) {
        for stone in stones {
          if stone.removedAt >= expiry {
            try set.insert(stone, in: arena)
          } else if isCloud {
            expired.append((list, stone))
          }
        }
      }
      if decidesFavorites { try add(removed.favorites, to: &favorites, "favorites") }
      if decidesPlaylists {
        try add(removed.playlists, to: &playlists, "playlists")
        try add(removed.playlistSongs, to: &playlistSongs, "playlist_songs")
      }
    }
  }

  /// The `removed` field: lists in ascending order of key, empty ones left out, lists that this run does not decide as
  /// they are stored; nil when nothing is left.
  ///
  /// - Parameter expired: removals to be listed although they no longer count, where none that counts has their key.
  func written(
    over stored: BSONDocument?, expired: [(list: StaticString, stone: Tombstone)], in arena: Arena
  ) throws(BSONFault) -> BSONValue? {
    func append(_ list: StaticString, _ set: TombstoneSet, _ writer: inout BSONWriter) {
      let old = expired.filter { ByteView($0.list) == ByteView(list) && set.byKey[$0.stone.key] == nil }
      let stones = (set.sorted + old.map(\.stone)).sorted { $0.key < $1.key }
      guard !stones.isEmpty else { return }
      writer.key(list, .array)
      let start = writer.open()
      for (position, stone) in stones.enumerated() { writer.append(at: position, stone.document) }
      writer.close(start)
    }
    let document = try arena.written { writer throws(BSONFault) in
      let start = writer.open()
      if decidesFavorites { append("favorites", favorites, &writer) }
      if decidesPlaylists {
        append("playlists", playlists, &writer)
        append("playlist_songs", playlistSongs, &writer)
      }
      if let stored {
        var elements = stored.elements
        while let element = try elements.next() {
          if !isDecided(element.key) { writer.append(element.key, element.value) }
        }
      }
      writer.close(start)
    }
    return document.count <= 5 ? nil : BSONValue(type: .document, bytes: document)
  }

  private func isDecided(_ list: ByteView) -> Bool {
    switch list {
    case "favorites": decidesFavorites
    case "playlists", "playlist_songs": decidesPlaylists
    default: false
    }
  }
}
