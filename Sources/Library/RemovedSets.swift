internal import BSON

/// The removals of all replicas: of each key the newest, without those that no longer count.
struct RemovedSets {
  var favorites = TombstoneSet()
  var playlists = TombstoneSet()
  var playlistSongs = TombstoneSet()
  /// Places of expired removals that the stored document still holds, by list.
  private var expired: [(list: StaticString, position: Int)] = []
  private let decidesFavorites: Bool
  private let decidesPlaylists: Bool

  init(_ replicas: [Replica], parameters: MergeParameters, in arena: Arena) throws(BSONFault) {
    decidesFavorites = parameters.sections.contains(.favorites)
    decidesPlaylists = parameters.sections.contains(.playlists)
    let expiry = parameters.tombstonesExpire
    var stated = Tombstones()
    for replica in replicas {
      guard let removed = replica.removed else { continue }
      let isCloud = if case .cloud = replica.origin { true } else { false }
      func add(_ stones: [Tombstone], to all: inout [Tombstone], _ list: StaticString) {
        for stone in stones {
          if stone.removedAt >= expiry {
            all.append(stone)
          } else if isCloud {
            expired.append((list, stone.position))
          }
        }
      }
      if decidesFavorites { add(removed.favorites, to: &stated.favorites, "favorites") }
      if decidesPlaylists {
        add(removed.playlists, to: &stated.playlists, "playlists")
        add(removed.playlistSongs, to: &stated.playlistSongs, "playlist_songs")
      }
    }
    try favorites.insert(stated.favorites, in: arena)
    try playlists.insert(stated.playlists, in: arena)
    try playlistSongs.insert(stated.playlistSongs, in: arena)
  }

  /// What the documents of all removals take when they are written, in bytes.
  var size: Int { favorites.size + playlists.size + playlistSongs.size }

  /// The `removed` field: lists in ascending order of key, empty ones left out, lists that this run does not decide as
  /// they are stored; nil when nothing is left.
  func written(over stored: BSONDocument?, in arena: Arena) throws(BSONFault) -> BSONValue? {
    func append(_ list: StaticString, _ set: TombstoneSet, _ writer: inout BSONWriter) throws(BSONFault) {
      guard !set.isEmpty else { return }
      writer.key(list, .array)
      let start = writer.open()
      for (position, stone) in set.sorted.enumerated() { try stone.write(at: position, to: &writer) }
      writer.close(start)
    }
    let document = try arena.written { writer throws(BSONFault) in
      let start = writer.open()
      if decidesFavorites { try append("favorites", favorites, &writer) }
      if decidesPlaylists {
        try append("playlists", playlists, &writer)
        try append("playlist_songs", playlistSongs, &writer)
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

  /// The `removed` field as it is stored, without the removals in it that have expired; nil when nothing is left. What
  /// counts as a change is judged by this.
  func withoutExpired(_ stored: BSONValue?, in arena: Arena) throws(BSONFault) -> BSONValue? {
    guard !expired.isEmpty, let document = stored?.document else { return stored }
    let left = try arena.written { writer throws(BSONFault) in
      let start = writer.open()
      var lists = document.elements
      while let list = try lists.next() {
        let places = expired.filter { ByteView($0.list) == list.key }.map(\.position)
        if let array = list.value.array, !places.isEmpty {
          try Self.append(array, as: list.key, without: Set(places), to: &writer)
        } else {
          writer.append(list.key, list.value)
        }
      }
      writer.close(start)
    }
    return left.count <= 5 ? nil : BSONValue(type: .document, bytes: left)
  }

  /// Writes a list without what stands at some places; nothing when nothing is left.
  private static func append(
    _ array: BSONDocument, as key: ByteView, without places: Set<Int>, to writer: inout BSONWriter
  ) throws(BSONFault) {
    var left: [BSONValue] = []
    var elements = array.elements
    var position = 0
    while let element = try elements.next() {
      if !places.contains(position) { left.append(element.value) }
      position += 1
    }
    guard !left.isEmpty else { return }
    writer.key(key, .array)
    let start = writer.open()
    for (position, value) in left.enumerated() {
      writer.index(position, value.type)
      writer.put(bytes: value.bytes)
    }
    writer.close(start)
  }

  private func isDecided(_ list: ByteView) -> Bool {
    switch list {
    case "favorites": decidesFavorites
    case "playlists", "playlist_songs": decidesPlaylists
    default: false
    }
  }
}
