internal import BSON

/// Which playlist of the cloud a version belongs to.
///
/// 1. equal `id`; 2. a local id that stands in a cloud playlist's `client_ids`; 3. the name of exactly one cloud
/// playlist whose id the API made at random; 4. otherwise it is new, and its id follows from user and local id.
struct PlaylistIdentity {
  private let user: ByteView
  private let arena: Arena
  /// The cloud's ids, each with the local ids that came to it.
  private var clientIDs: [ByteView: [ByteView]] = [:]
  /// The least cloud id that a local id came to.
  private var byClientID: [ByteView: ByteView] = [:]
  /// The ids of the cloud's playlists by name, without spaces around it.
  private var byName: [ByteView: [ByteView]] = [:]
  /// The only one that a name means under rule 3, of names that were asked for.
  private var named: [ByteView: ByteView?] = [:]
  /// Local ids that rules 2 to 4 resolved in this run.
  private var resolved: [ByteView: ByteView] = [:]
  private var made: [ByteView: ByteView] = [:]

  init(user: ByteView, cloud: [PlaylistVersion], arena: Arena) {
    self.user = user
    self.arena = arena
    for playlist in cloud {
      clientIDs[playlist.id, default: []] += playlist.clientIDs
      if let name = playlist.name.map(NormalForm.trimmed) { byName[name, default: []].append(playlist.id) }
      for client in playlist.clientIDs {
        byClientID[client] = min(byClientID[client] ?? playlist.id, playlist.id)
      }
    }
  }

  /// The server's id for a local id under rule 4.
  mutating func made(from local: ByteView) -> ByteView {
    if let known = made[local] { return known }
    let id = PlaylistID.server(user: user, local: local).withView { arena.copy($0) }
    made[local] = id
    return id
  }

  func isInCloud(_ id: ByteView) -> Bool { clientIDs[id] != nil }

  /// The cloud's playlist that an id means by rules 1 and 2.
  func known(_ id: ByteView) -> ByteView? {
    if isInCloud(id) { return id }
    return PlaylistID.isLocal(id) ? byClientID[id] : nil
  }

  /// Resolves a local id for all its versions, given newest first.
  ///
  /// - Parameter isRemoved: whether a playlist's tombstone names the id: rule 3 is neither for it nor to it. A local id
  ///   is named by the id that rule 4 gives it, too.
  mutating func resolve(
    _ local: ByteView, versions: [PlaylistVersion], isRemoved: (ByteView) -> Bool
  ) -> ByteView {
    if let known = known(local) { return known }
    let made = made(from: local)
    let isNamed = isRemoved(local) || isRemoved(made)
    let server = (isNamed ? nil : byName(versions, isRemoved: isRemoved)) ?? made
    resolved[local] = server
    return server
  }

  /// Rule 3: by the name of the newest version whose name exactly one candidate has.
  private mutating func byName(_ versions: [PlaylistVersion], isRemoved: (ByteView) -> Bool) -> ByteView? {
    for version in versions {
      guard let name = version.name.map(NormalForm.trimmed), !name.isEmpty else { continue }
      if let only = only(named: name, isRemoved: isRemoved) { return only }
    }
    return nil
  }

  private mutating func only(named name: ByteView, isRemoved: (ByteView) -> Bool) -> ByteView? {
    if let known = named[name] { return known }
    var candidates: Set<ByteView> = []
    for id in byName[name] ?? [] where !isRemoved(id) && !isMade(id) { candidates.insert(id) }
    let only = candidates.count == 1 ? candidates.first : nil
    named[name] = .some(only)
    return only
  }

  /// Whether rule 4 made the cloud playlist's id from one of its client ids.
  private mutating func isMade(_ id: ByteView) -> Bool {
    for client in clientIDs[id] ?? [] where made(from: client) == id { return true }
    return false
  }

  /// The playlist that a removed song's `playlist_id` means.
  mutating func server(of id: ByteView) -> ByteView {
    if let known = known(id) ?? resolved[id] { return known }
    return PlaylistID.isLocal(id) ? made(from: id) : id
  }
}
