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
    var changed = true
    while changed {
      changed = false
      hold(&identity)
      for playlist in known {
        for stone in newest(playlist, &identity) {
          for name in [playlist.id] + playlist.clients where try playlists.insert(stone, as: name, in: arena) {
            changed = true
          }
        }
      }
    }
  }

  /// The newest removals that hold for a playlist: several when they are of one time.
  private func newest(
    _ playlist: (id: ByteView, clients: [ByteView]), _ identity: inout PlaylistIdentity
  ) -> [Tombstone] {
    var newest: [Tombstone] = []
    for stone in playlists.sorted {
      let isMeant = stone.playlist == playlist.id || playlist.clients.contains(stone.playlist)
      guard isMeant || (PlaylistID.isLocal(stone.playlist) && identity.made(from: stone.playlist) == playlist.id)
      else { continue }
      let known = newest.first?.removedAt ?? Entry.never
      if stone.removedAt > known { newest = [] }
      if stone.removedAt >= known { newest.append(stone) }
    }
    return newest
  }

  private mutating func hold(_ identity: inout PlaylistIdentity) {
    for stone in playlists.sorted where PlaylistID.isLocal(stone.playlist) {
      let made = identity.made(from: stone.playlist)
      held[made] = max(held[made] ?? Entry.never, stone.removedAt)
    }
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
    for stone in songs.sorted {
      let server = identity.server(of: stone.playlist)
      if server != stone.playlist { try songs.insert(stone, as: server, in: arena) }
    }
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
    songs.revert(to: stated) { stone in
      !isLeft.contains(stone.playlist) && !identity.isInCloud(stone.playlist) && held[stone.playlist] != nil
    }
  }
}
