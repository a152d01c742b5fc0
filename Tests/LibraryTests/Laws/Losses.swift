import BSON
import Library

/// What the replicas of a scene had and its result has not, with nothing to excuse it.
struct Losses {
  private(set) var found: [String] = []

  var first: String? { found.first }

  init(_ scene: Scene, _ merged: Merged) throws {
    let arena = Arena()
    let parameters = scene.parameters
    var replicas = try scene.exports.map { try $0.replica(parameters, in: arena) }
    for library in [scene.cloud].compactMap({ $0 }) + scene.guests.map(\.library) {
      replicas.append(try Self.read(library, parameters, in: arena))
    }
    let result = try Self.read(merged.library ?? [:], parameters, in: arena)

    try checkReading(scene, replicas)
    let stones = replicas.compactMap(\.removed)
    let expiry = parameters.asOf - parameters.tombstoneTTL
    checkFavorites(replicas, result, stones.flatMap(\.favorites).filter { $0.removedAt >= expiry })
    checkHistory(replicas, result, limit: parameters.historyLimit)
    checkTheRest(replicas, result, sections: parameters.sections)
    if scene.guests.isEmpty {
      checkPlaylists(
        replicas, result, stones.flatMap(\.playlists).filter { $0.removedAt >= expiry },
        stones.flatMap(\.playlistSongs).filter { $0.removedAt >= expiry })
    }
    if let kept = Self.count(result), parameters.sections.count == Section.allCases.count, kept != merged.fates.kept {
      found.append("\(merged.fates.kept) entries are said to be kept, and \(kept) are there")
    }
  }

  private static func read(_ library: Value, _ parameters: MergeParameters, in arena: Arena) throws -> Replica {
    var normalizer = Normalizer(arena: arena, parameters: parameters)
    var replica = Replica(origin: .cloud, time: nil)
    try normalizer.read(library: library.document(in: arena), into: &replica)
    return replica
  }

  private static func count(_ replica: Replica) -> Int? {
    let playlists = (replica.playlists ?? []).reduce(0) { $0 + 1 + ($1.songs?.count ?? 0) }
    let lists = [replica.favorites, replica.history, replica.queue].reduce(0) { $0 + ($1?.count ?? 0) }
    return playlists + lists + (replica.recentSearches?.count ?? 0)
  }

  // MARK: Reading

  /// Every entry of a list is either read or quarantined.
  private mutating func checkReading(_ scene: Scene, _ replicas: [Replica]) throws {
    let libraries = scene.exports.map(\.library) + [scene.cloud].compactMap { $0 } + scene.guests.map(\.library)
    for (library, replica) in zip(libraries, replicas) {
      func check(_ section: Section, _ read: Int?) {
        guard let items = library[section.rawValue]?.items, scene.parameters.sections.contains(section) else { return }
        let there = items.filter { $0 != nil }.count
        let refused = replica.quarantined.filter { $0.section == section && !$0.detail.hasPrefix("song") }.count
        if there != (read ?? 0) + refused {
          found.append("\(section): \(there) entries, \(read ?? 0) read and \(refused) quarantined")
        }
      }
      check(.favorites, replica.favorites?.count)
      check(.history, replica.history?.count)
      check(.queue, replica.queue?.count)
      check(.playlists, replica.playlists?.count)
    }
  }

  // MARK: Songs and plays

  private mutating func checkFavorites(_ replicas: [Replica], _ result: Replica, _ stones: [Tombstone]) {
    let there = Set((result.favorites ?? []).map(\.key))
    for favorite in replicas.flatMap({ $0.favorites ?? [] }) where !there.contains(favorite.key) {
      if !stones.contains(where: { $0.song == favorite.key && $0.removedAt >= favorite.addedAt }) {
        found.append("the favourite \(favorite.key.description)")
      }
    }
  }

  private struct Play: Hashable {
    var key: SongKey
    var playedAt: Int64
  }

  private mutating func checkHistory(_ replicas: [Replica], _ result: Replica, limit: Int) {
    let plays = (result.history ?? []).map { Play(key: $0.key, playedAt: $0.playedAt) }
    let there = Set(plays)
    let had = Set(replicas.flatMap { $0.history ?? [] }.map { Play(key: $0.key, playedAt: $0.playedAt) })
    for play in had.subtracting(there) {
      let isBeyond = plays.last.map {
        plays.count == limit && (play.playedAt, $0.key) < ($0.playedAt, play.key)
      }
      if isBeyond != true { found.append("the play of \(play.key.description) at \(play.playedAt)") }
    }
    if let total = result.totalSongsPlayed, total < had.count { found.append("plays of the total, which is \(total)") }
  }

  private mutating func checkTheRest(_ replicas: [Replica], _ result: Replica, sections: SectionSet) {
    if sections.contains(.queue) {
      let queues = replicas.compactMap(\.queue).map { $0.map(\.key) }
      if !queues.isEmpty, !queues.contains(result.queue?.map(\.key) ?? []) { found.append("the whole queue") }
    }
    if sections.contains(.recentSearches), (result.recentSearches?.count ?? 0) < 20 {
      let there = Set((result.recentSearches ?? []).map { $0.string.lowercased() })
      for search in replicas.flatMap({ $0.recentSearches ?? [] })
      where !search.string.unicodeScalars.contains(where: { "ΣςİI".unicodeScalars.contains($0) }) {
        if !there.contains(search.string.lowercased()) { found.append("the search \(search.string)") }
      }
    }
  }

  // MARK: Playlists

  private mutating func checkPlaylists(
    _ replicas: [Replica], _ result: Replica, _ stones: [Tombstone], _ songStones: [Tombstone]
  ) {
    let kin = Kinship(
      replicas.flatMap { $0.playlists ?? [] } + (result.playlists ?? []), removed: (stones + songStones).map(\.playlist)
    )
    for version in replicas.flatMap({ $0.playlists ?? [] }) {
      let isRemoved = stones.contains {
        kin.areRelated($0.playlist, version.id) && $0.removedAt >= version.updatedAt ?? Entry.never
      }
      if isRemoved { continue }
      let home = (result.playlists ?? []).filter { $0.id == version.id || $0.clientIDs.contains(version.id) }
      if home.isEmpty {
        found.append("the playlist \(version.id.string)")
        continue
      }
      let there = Set(home.flatMap { $0.songs ?? [] }.map(\.key))
      var met: Set<SongKey> = []
      // Of a key's songs in one version the first counts.
      for song in version.songs ?? [] where met.insert(song.key).inserted && !there.contains(song.key) {
        let isCovered = songStones.contains {
          kin.areRelated($0.playlist, version.id) && $0.song == song.key && $0.removedAt >= song.addedAt
        }
        if !isCovered { found.append("the song \(song.key.description) of the playlist \(version.id.string)") }
      }
    }
  }
}

/// Which ids may mean the same playlist.
private struct Kinship {
  private var parents: [ByteView: ByteView] = [:]

  init(_ versions: [PlaylistVersion], removed: [ByteView]) {
    // Rule 4 relates an id to what it makes of it.
    let ids = versions.flatMap { [$0.id] + $0.clientIDs } + removed
    for id in ids where PlaylistID.isLocal(id) {
      for other in ids where other.string == SceneMaker.made(id.string, for: "ann") { unite(id, other) }
    }
    for version in versions {
      for client in version.clientIDs { unite(version.id, client) }
    }
  }

  private func root(_ id: ByteView) -> ByteView {
    var id = id
    while let parent = parents[id] { id = parent }
    return id
  }

  private mutating func unite(_ a: ByteView, _ b: ByteView) {
    let (a, b) = (root(a), root(b))
    if a != b { parents[a] = b }
  }

  func areRelated(_ a: ByteView, _ b: ByteView) -> Bool { root(a) == root(b) }
}
