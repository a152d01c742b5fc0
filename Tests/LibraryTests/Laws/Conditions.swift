import BSON

/// Under which conditions on its playlists a scene is one that a law speaks of.
extension Scene {
  private var cloudPlaylists: [Value] { cloud?["playlists"]?.items ?? [] }
  private var dumpPlaylists: [Value] { exports.flatMap { $0.library["playlists"]?.items ?? [] } }

  /// Whether a local id means the same playlist before and after the run.
  ///
  /// Rule 2 looks at the cloud's `client_ids` alone, and takes the least id where several playlists hold one. So a local
  /// id that has two homes, or whose home only a dump knows, may move from one to the other once a run has written
  /// the second or removed the first.
  var hasOneHomeForEachLocalID: Bool {
    var homes: [String: String] = [:]
    func settle(_ local: String, in home: String) -> Bool {
      defer { homes[local] = home }
      return homes[local].map { $0 == home } ?? true
    }
    for playlist in cloudPlaylists {
      guard let id = playlist["id"]?.text else { continue }
      let clients = playlist.clients
      if id.hasPrefix("pl_"), !settle(id, in: id) { return false }
      for local in clients where !settle(local, in: id) { return false }
      for local in ["pl_1", "pl_2", "pl_3"] where SceneMaker.made(local, for: user) == id {
        // The id tells that it came from this local id, so the playlist says so.
        if !clients.contains(local) { return false }
      }
    }
    for playlist in dumpPlaylists {
      guard let id = playlist["id"]?.text else { continue }
      let known = cloudPlaylists.first { $0["id"]?.text == id }?.clients ?? []
      guard playlist.clients.allSatisfy({ known.contains($0) }) else { return false }
      for local in ["pl_1", "pl_2", "pl_3"] where SceneMaker.made(local, for: user) == id {
        if !settle(local, in: id) { return false }
      }
    }
    for guest in guests {
      for playlist in guest.library["playlists"]?.items ?? [] {
        for local in playlist.clients where !settle(local, in: SceneMaker.made(local, for: user)) { return false }
        // An id that rule 4 made for the account tells the account's local id, in a guest's library as in a dump.
        for local in ["pl_1", "pl_2", "pl_3"] where SceneMaker.made(local, for: user) == playlist["id"]?.text {
          if !settle(local, in: SceneMaker.made(local, for: user)) { return false }
        }
      }
    }
    return true
  }

  /// Whether its run may be split in two: no version renames a playlist (the maker names them by their ids), dumps know
  /// the ids of the cloud alone, and no tombstone names a playlist or its songs.
  var isSplittable: Bool {
    let known = cloudPlaylists.compactMap { $0["id"]?.text }
    return hasOneHomeForEachLocalID && cloudPlaylists.allSatisfy { $0["id"] != nil && $0["name"] != nil }
      && dumpPlaylists.allSatisfy { playlist in
        guard let id = playlist["id"]?.text, playlist["name"] != nil else { return false }
        return id.hasPrefix("pl_") || known.contains(id)
      }
  }
}

extension Value {
  fileprivate var clients: [String] { (self["client_ids"]?.items ?? []).compactMap(\.text) }
}
