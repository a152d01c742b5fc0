internal import BSON

/// The ids that rule 4 gave a guest's playlists, and those that it gives the account's.
///
/// A guest's browser that has loaded its library knows its playlists by the ids of the guest. With the library's copies
/// taken over under the account's, they would be playlists of their own.
public struct GuestPlaylists {
  private let arena: Arena
  private var servers: [ByteView: ByteView] = [:]

  /// - Parameter library: the guest's, as it is stored.
  init(of library: Replica, guest: ByteView, account: ByteView, arena: Arena) {
    self.arena = arena
    for playlist in library.playlists ?? [] {
      for client in playlist.clientIDs
      where PlaylistID.server(user: guest, local: client).withView({ $0 == playlist.id }) {
        servers[playlist.id] = PlaylistID.server(user: account, local: client).withView { arena.copy($0) }
      }
    }
  }

  /// Gives the playlists of a replica of the guest's, and the removals that name them, the account's ids.
  public func rename(in replica: inout Replica) {
    guard !servers.isEmpty else { return }
    for index in (replica.playlists ?? []).indices {
      guard let id = replica.playlists?[index].id, let server = servers[id] else { continue }
      replica.playlists?[index].id = server
    }
    guard var removed = replica.removed else { return }
    removed.playlists = removed.playlists.map(renamed)
    removed.playlistSongs = removed.playlistSongs.map(renamed)
    replica.removed = removed
  }

  private func renamed(_ stone: Tombstone) -> Tombstone {
    servers[stone.playlist].map { stone.renamed($0) } ?? stone
  }
}
