internal import BSON

/// The removals of playlists and of their songs, known under every id that the playlist has.
///
/// A playlist's removal holds for its `id`, for each of its `client_ids`, and for the id that rule 4 gives a local id;
/// it is kept under each but the last. Which those are is settled twice, for the playlists of the cloud before anything
/// is joined and for those that are left after it: with any more or less a second run would write.
struct PlaylistTombstones {
  /// Of playlists, by id.
  private(set) var playlists: TombstoneSet
  /// Of songs, by playlist id and song.
  private(set) var songs: TombstoneSet
  /// The newest removal of a local id to which rule 4 gives this id, in milliseconds.
  private var held: [ByteView: Int64] = [:]
  /// The local ids with a removal to which rule 4 gives this id.
  private var makers: [ByteView: [ByteView]] = [:]

  init(
    playlists: TombstoneSet, songs: TombstoneSet, cloud: [PlaylistVersion], identity: inout PlaylistIdentity,
    in arena: Arena
  ) throws(BSONFault) {
    self.playlists = playlists
    self.songs = songs
    try spread(over: cloud.map { ($0.id, $0.clientIDs) }, &identity, in: arena)
  }

  /// Keeps each playlist's removal under all its ids, until nothing is added.
  mutating func spread(
    over known: [(id: ByteView, clients: [ByteView])], _ identity: inout PlaylistIdentity, in arena: Arena
  ) throws(BSONFault) {
    guard !playlists.isEmpty else { return }
    hold(&identity)
    // Which playlists a removal of this id may concern: looked at again when there is one.
    var owners: [ByteView: [Int]] = [:]
    for (index, playlist) in known.enumerated() {
      for name in [playlist.id] + playlist.clients { owners[name, default: []].append(index) }
    }
    // The newest removal is last, and goes first: what has it is not looked at for an older one.
    var removed: [(index: Int, at: Int64)] = []
    for index in known.indices {
      if let stone = try newest(known[index], in: arena) { removed.append((index, stone.removedAt)) }
    }
    var waiting = removed.sorted { $0.at < $1.at }.map(\.index)
    var isWaiting = [Bool](repeating: false, count: known.count)
    for index in waiting { isWaiting[index] = true }
    while let index = waiting.popLast() {
      isWaiting[index] = false
      let playlist = known[index]
      guard let stone = try newest(playlist, in: arena) else { continue }
      for name in [playlist.id] + playlist.clients where try playlists.insert(stone, as: name, in: arena) {
        // No document holds them any more, and the user is left as they are.
        guard playlists.size <= MergeOutcome.largestDocument else { return }
        let made = note(maker: name, stone.removedAt, &identity)
        for id in [name, made].compactMap(\.self) {
          // One that waits already is not looked at twice: a playlist of many ids is the owner of each of them.
          for owner in owners[id] ?? [] where !isWaiting[owner] {
            isWaiting[owner] = true
            waiting.append(owner)
          }
        }
      }
    }
  }

  /// The newest removal that holds for a playlist; several of one time are one, field by field the greater bytes.
  private func newest(
    _ playlist: (id: ByteView, clients: [ByteView]), in arena: Arena
  ) throws(BSONFault) -> Tombstone? {
    var newest: Tombstone?
    var others: [Tombstone] = []
    for name in Set([playlist.id] + playlist.clients + (makers[playlist.id] ?? [])).sorted() {
      guard let stone = playlists.byKey[Tombstone.Key(playlist: name, song: nil)] else { continue }
      guard let known = newest, stone.removedAt <= known.removedAt else {
        (newest, others) = (stone, [])
        continue
      }
      if stone.removedAt == known.removedAt, stone.document.bytes != known.document.bytes { others.append(stone) }
    }
    guard var joined = newest, !others.isEmpty else { return newest }
    joined.document = try TombstoneSet.joined([joined.document] + others.map(\.document), in: arena)
    return joined
  }

  private mutating func hold(_ identity: inout PlaylistIdentity) {
    for stone in playlists.byKey.values { note(maker: stone.playlist, stone.removedAt, &identity) }
  }

  /// Notes that an id was removed at a time, in milliseconds.
  ///
  /// - Returns: the id that rule 4 gives it if it is a local one.
  @discardableResult
  private mutating func note(
    maker id: ByteView, _ removedAt: Int64, _ identity: inout PlaylistIdentity
  ) -> ByteView? {
    guard PlaylistID.isLocal(id) else { return nil }
    let made = identity.made(from: id)
    if makers[made]?.contains(id) != true { makers[made, default: []].append(id) }
    held[made] = max(held[made] ?? Entry.never, removedAt)
    return made
  }

  /// Whether a removal is kept under this id, whenever it was.
  func names(_ id: ByteView) -> Bool { playlists.removedAt(playlist: id) != nil }

  /// When a playlist was removed, in milliseconds.
  func removedAt(_ id: ByteView, clients: [ByteView]) -> Int64? {
    guard !playlists.isEmpty else { return nil }
    return ([id] + clients).compactMap { playlists.removedAt(playlist: $0) }.max().map { max($0, held[id] ?? $0) }
      ?? held[id]
  }

  /// Keeps each song's removal under the id of the playlist that its `playlist_id` means, too.
  mutating func resolveSongs(_ identity: inout PlaylistIdentity, in arena: Arena) throws(BSONFault) {
    var named: [Tombstone] = []
    for stone in songs.sorted {
      let server = identity.server(of: stone.playlist)
      if server != stone.playlist { named.append(stone.renamed(server)) }
    }
    try songs.insert(named, in: arena)
  }

  /// Settles what is kept once it is known which playlists are left.
  ///
  /// - Parameters:
  ///   - left: the playlists of the result.
  ///   - stated: the removals of songs as the replicas state them.
  mutating func settle(
    left: [(id: ByteView, clients: [ByteView])], stated: TombstoneSet, _ identity: inout PlaylistIdentity,
    in arena: Arena
  ) throws(BSONFault) {
    try spread(over: left, &identity, in: arena)
    guard !playlists.isEmpty else { return }
    let isLeft = Set(left.map(\.id))
    // Under an id that rule 4 gives to a playlist which is gone, no later run would find a reason to keep more.
    try songs.revert(to: stated) { stone in
      !isLeft.contains(stone.playlist) && !identity.isInCloud(stone.playlist) && held[stone.playlist] != nil
    }
  }
}
