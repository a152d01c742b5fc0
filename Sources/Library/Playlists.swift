internal import BSON

/// Playlists – merge by id; new ones get a server id.
///
/// The versions of one playlist are ordered by `updated_at`, newest first. Each field takes its value from the newest
/// version that has it; songs are united, so that a song added on either side stays.
struct Playlists {
  /// A version and where it stands when `updated_at` decides nothing.
  private struct Ranked {
    var version: PlaylistVersion
    /// Replica order, the cloud last, then the place in its list.
    var order: Int
  }

  private struct Group {
    var id: ByteView
    var versions: [Ranked] = []
    /// Local ids that joined under rules 2 to 4.
    var joined: [ByteView] = []

    /// Ascending.
    var clientIDs: [ByteView] { Set(versions.flatMap(\.version.clientIDs) + joined).sorted() }
  }

  /// A playlist as it will be written.
  struct Merged {
    var id: ByteView
    var createdAt: Int64?
    var document: BSONDocument
  }

  private let arena: Arena
  private var identity: PlaylistIdentity
  private(set) var tombstones: PlaylistTombstones
  /// The removals of songs as the replicas state them.
  private let statedSongs: TombstoneSet
  /// The playlist that each local id of a dump means.
  private var servers: [ByteView: ByteView] = [:]
  private var groups: [Group] = []
  private var groupByID: [ByteView: Int] = [:]

  /// Brings the versions of each playlist together.
  ///
  /// - Parameter replicas: dumps in replica order, newest first.
  init(
    user: ByteView, replicas: [Replica], cloud: [PlaylistVersion]?, removed: TombstoneSet, removedSongs: TombstoneSet,
    in arena: Arena
  ) throws(BSONFault) {
    self.arena = arena
    identity = PlaylistIdentity(user: user, cloud: cloud ?? [], arena: arena)
    var ranked: [Ranked] = []
    for replica in replicas {
      for version in replica.playlists ?? [] { ranked.append(Ranked(version: version, order: ranked.count)) }
    }
    statedSongs = removedSongs
    tombstones = try PlaylistTombstones(
      playlists: removed, songs: removedSongs, cloud: cloud ?? [], identity: &identity, in: arena)

    for (local, versions) in Dictionary(grouping: ranked.filter(\.version.isLocal), by: \.version.id) {
      servers[local] = identity.resolve(
        local, versions: versions.sorted(by: Self.precedes).map(\.version), isRemoved: tombstones.names)
    }
    for (place, version) in (cloud ?? []).enumerated() {
      add(Ranked(version: version, order: ranked.count + place), to: version.id)
    }
    for version in ranked { add(version, to: servers[version.version.id] ?? version.version.id) }
    try tombstones.resolveSongs(&identity, in: arena)
  }

  private mutating func add(_ ranked: Ranked, to id: ByteView) {
    let index: Int
    if let known = groupByID[id] {
      index = known
    } else {
      index = groups.count
      groups.append(Group(id: id))
      groupByID[id] = index
    }
    groups[index].versions.append(ranked)
    if ranked.version.id != id { groups[index].joined.append(ranked.version.id) }
  }

  /// Whether each local id of a dump would mean the same playlist if the result were the cloud's playlists.
  ///
  /// It need not where several playlists have it in their `client_ids`, for then the least of their ids is meant.
  var localIDsStay: Bool {
    groups.allSatisfy { group in
      group.versions.allSatisfy { version in
        version.version.clientIDs.allSatisfy { (servers[$0] ?? group.id) <= group.id }
      }
    }
  }

  /// Drops what the cloud's versions say but their id and client ids, and the playlists that only the cloud has.
  ///
  /// - Parameter replicas: the number of versions that came from dumps, which stand before the cloud's in order.
  mutating func keepOnlyIdentityOfCloud(replicas: Int) {
    for index in groups.indices {
      let clients = groups[index].versions.filter { $0.order >= replicas }.flatMap(\.version.clientIDs)
      groups[index].versions.removeAll { $0.order >= replicas }
      groups[index].joined += clients
    }
    groups.removeAll(where: \.versions.isEmpty)
  }

  private static func precedes(_ a: Ranked, _ b: Ranked) -> Bool {
    let (timeA, timeB) = (a.version.updatedAt ?? Entry.never, b.version.updatedAt ?? Entry.never)
    return timeA != timeB ? timeA > timeB : a.order < b.order
  }

  /// The playlists that are left, by `created_at` descending, those without one last, ties by id.
  mutating func merged(fates: inout EntryFates) throws(BSONFault) -> [Merged] {
    var playlists: [Merged] = []
    var left: [(id: ByteView, clients: [ByteView])] = []
    for var group in groups {
      group.versions.sort(by: Self.precedes)
      fates.merged += group.versions.count - 1
      let updatedAt = group.versions.first?.version.updatedAt ?? Entry.never
      let clients = group.clientIDs
      if let removedAt = tombstones.removedAt(group.id, clients: clients), removedAt >= updatedAt {
        fates.removed += group.versions.reduce(1) { $0 + ($1.version.songs?.count ?? 0) }
        continue
      }
      fates.kept += 1
      left.append((group.id, clients))
      let songs = try PlaylistSongs(
        versions: group.versions.map(\.version), playlist: group.id, removed: tombstones.songs, fates: &fates,
        in: arena)
      playlists.append(try written(group, songs))
    }
    try tombstones.settle(left: left, stated: statedSongs, &identity, in: arena)
    playlists.sort {
      let (timeA, timeB) = ($0.createdAt ?? Entry.never, $1.createdAt ?? Entry.never)
      return timeA != timeB ? timeA > timeB : $0.id < $1.id
    }
    return playlists
  }

  private func written(_ group: Group, _ songs: PlaylistSongs) throws(BSONFault) -> Merged {
    let versions = group.versions.map(\.version)
    var others = FieldMerge()
    for (rank, version) in versions.enumerated() {
      for element in version.others { others.add(element, rank: rank) }
    }
    let createdAt = versions.compactMap(\.createdAt).min()
    let document = try arena.written(capacity: 4096) { writer throws(BSONFault) in
      let start = writer.open()
      writer.append("id", string: group.id)
      writer.key("songs", .array)
      songs.write(to: &writer)
      writer.append("song_count", integer: Int64(songs.songs.count))
      try writeCovers(versions, songs, to: &writer)
      writer.append("is_public", bool: versions.lazy.compactMap(\.isPublic).first ?? false)
      if let createdAt { writer.append("created_at", date: createdAt) }
      if let updatedAt = versions.first?.updatedAt { writer.append("updated_at", date: updatedAt) }
      let clients = group.clientIDs
      if !clients.isEmpty { writer.append("client_ids", strings: clients) }
      others.writeElements(to: &writer)
      writer.close(start)
    }
    return Merged(id: group.id, createdAt: createdAt, document: BSONDocument(unchecked: document))
  }

  /// The newest covers, else the first four artworks.
  private func writeCovers(
    _ versions: [PlaylistVersion], _ songs: PlaylistSongs, to writer: inout BSONWriter
  ) throws(BSONFault) {
    if let covers = versions.lazy.compactMap(\.coverURLs).first {
      return writer.append("cover_urls", BSONValue(type: .array, bytes: covers.bytes))
    }
    var artworks: [ByteView] = []
    for song in songs.songs where artworks.count < 4 {
      if let artwork = try song.document.value("artwork")?.string { artworks.append(artwork) }
    }
    writer.append("cover_urls", strings: artworks)
  }
}

/// The songs of one playlist: those of the newest version in its order, then those that only older versions have.
private struct PlaylistSongs {
  private(set) var songs: [Entry] = []

  /// A song as one version of the playlist has it, at most once.
  private struct Version {
    let rank: Int
    let song: Entry
    /// Where the song's next older version is.
    var next: Int?
  }

  /// - Parameter versions: newest first.
  init(
    versions: [PlaylistVersion], playlist: ByteView, removed: TombstoneSet, fates: inout EntryFates, in arena: Arena
  ) throws(BSONFault) {
    var table = KeyTable()
    var found: [Version] = []
    found.reserveCapacity(versions.reduce(0) { $0 + ($1.songs?.count ?? 0) })
    /// Where each song's newest version is, and its oldest one so far.
    var ends: [(first: Int, last: Int)] = []
    ends.reserveCapacity(found.capacity)
    var ofNewest = 0
    var isNewest = true
    for (rank, version) in versions.enumerated() {
      guard let list = version.songs else { continue }
      for song in list {
        let index = table.index(of: song.key)
        if index == ends.count {
          ends.append((found.count, found.count))
        } else {
          fates.merged += 1
          if found[ends[index].last].rank == rank { continue }
          found[ends[index].last].next = found.count
          ends[index].last = found.count
        }
        found.append(Version(rank: rank, song: song))
      }
      if isNewest { ofNewest = ends.count }
      isNewest = false
    }
    var fields = FieldMerge()
    var older: [Entry] = []
    for (index, end) in ends.enumerated() {
      let song = try Self.joined(found, from: end.first, &fields, in: arena)
      if let removedAt = removed.removedAt(playlist: playlist, song: song.key), removedAt >= song.addedAt {
        fates.removed += 1
      } else if index < ofNewest {
        songs.append(song)
      } else {
        older.append(song)
      }
    }
    older.sort { $0.addedAt != $1.addedAt ? $0.addedAt < $1.addedAt : $0.key < $1.key }
    songs += older
    fates.kept += songs.count
  }

  func write(to writer: inout BSONWriter) {
    let start = writer.open()
    for (position, song) in songs.enumerated() { writer.append(at: position, song.document) }
    writer.close(start)
  }

  /// Each field from the newest version whose song has it, but `addedAt` is the greatest.
  private static func joined(
    _ versions: [Version], from first: Int, _ fields: inout FieldMerge, in arena: Arena
  ) throws(BSONFault) -> Entry {
    var song = versions[first].song
    guard versions[first].next != nil else { return song }
    fields.removeAll()
    var place: Int? = first
    while let version = place.map({ versions[$0] }) {
      try fields.add(version.song.document, rank: version.rank)
      song.addedAt = max(song.addedAt, version.song.addedAt)
      place = version.next
    }
    song.document = fields.written(
      in: arena, date: song.addedAt == Entry.never ? nil : (name: "addedAt", value: song.addedAt))
    return song
  }
}
