internal import BSON

/// A library as one replica has it at one time. A section that is nil is not there.
struct Snapshot {
  var favorites: [Favorite]?
  /// Newest first.
  var history: [Play]?
  var totalSongsPlayed: Int64?
  var queue: [QueueItem]?
  var playlists: [PlaylistVersion]?
  var preferences: Preferences?
  var recentSearches: [String]?
  /// Favourites that the user has taken back here; others may still have them.
  var removed: [Favorite] = []
  /// When it was taken, or last written.
  var time: Int64

  struct QueueItem {
    let mention: Mention
    /// The time it was put there; missing or repeated at times, for it is all but an id.
    let id: Int64?
  }

  struct PlaylistVersion {
    let playlist: Playlist
    let songs: ArraySlice<Playlist.Item>
    let updatedAt: Int64
  }

  struct Preferences {
    let shuffle: Bool
    let repeatMode: StaticString
    let volume: Double
  }
}

extension Snapshot {
  /// Takes back the oldest favourites, and says so: no client of today does, but the merge honours it.
  mutating func removeFavorites(_ count: Int) {
    guard let favorites else { return }
    removed = Array(favorites.prefix(count))
    self.favorites = Array(favorites.dropFirst(count))
  }
}

extension Listener {
  /// What one browser's storage holds at that time.
  func snapshot(of browser: Int, at time: Int64, _ catalogue: Catalogue, _ random: inout Random) -> Snapshot {
    // A browser that loads the cloud's library shows what others had brought there when it last synced.
    let loadedAt = browsers[browser].loadsCloud ? min(time, browsers[browser].syncedAt) : 0
    func sees(_ owner: Int, _ moment: Int64) -> Bool { moment <= (owner == browser ? time : loadedAt) }

    let seen = plays.filter { sees($0.browser, $0.playedAt) }
    var history: [Play] = []
    var keys: [Int] = []
    for play in seen.reversed() where keys.count < 50 && !keys.contains(play.mention.key) {
      keys.append(play.mention.key)
      history.append(play)
    }
    if !history.isEmpty && random.chance(0.6) { history[0].completion = .placeholder }

    var snapshot = Snapshot(time: time)
    snapshot.favorites = favorites.filter { sees($0.browser, $0.addedAt) }
    snapshot.history = history
    snapshot.totalSongsPlayed = Int64(seen.count)
    snapshot.queue = random.chance(0.03) ? nil : queue(from: history, catalogue, &random)
    snapshot.playlists = playlists.filter { $0.kind == .synced || $0.browser == browser }.compactMap {
      $0.version(at: $0.browser == browser ? time : loadedAt)
    }
    snapshot.preferences = random.chance(0.14) ? nil : Snapshot.Preferences(&random)
    snapshot.recentSearches = random.chance(0.08) ? nil : searches(from: history, catalogue, &random)
    return snapshot
  }

  /// What the cloud holds at that time of what the browsers had sent by then.
  func cloudSnapshot(until time: Int64, _ catalogue: Catalogue, _ random: inout Random) -> Snapshot {
    func arrived(_ owner: Int, _ moment: Int64) -> Bool { moment <= min(time, browsers[owner].syncedAt) }
    let seen = plays.filter { arrived($0.browser, $0.playedAt) }
    var history = Array(seen.suffix(500).reversed())
    // The play that was on when the browser synced.
    if !history.isEmpty && random.chance(0.4) { history[0].completion = .placeholder }

    let lastSync = browsers.map(\.syncedAt).max() ?? 0
    var snapshot = Snapshot(time: max(joinedAt, min(time, lastSync)))
    snapshot.favorites = favorites.filter { arrived($0.browser, $0.addedAt) }
    snapshot.history = history
    snapshot.totalSongsPlayed = Int64(seen.count)
    snapshot.queue = queue(from: history, catalogue, &random)
    snapshot.playlists = playlists.compactMap { $0.version(at: min(time, browsers[$0.browser].syncedAt)) }
    snapshot.preferences = random.chance(0.25) ? nil : Snapshot.Preferences(&random)
    snapshot.recentSearches = random.chance(0.1) ? nil : searches(from: history, catalogue, &random)
    return snapshot
  }

  private func queue(
    from history: [Play], _ catalogue: Catalogue, _ random: inout Random
  ) -> [Snapshot.QueueItem] {
    guard !history.isEmpty else { return [] }
    var items: [Snapshot.QueueItem] = []
    let hasIDs = random.chance(0.65)
    for _ in 0..<random.skewed(0...14) {
      let play = random.pick(history)
      let id: Int64? =
        if let previous = items.last, random.chance(0.05) { previous.id } else {
          hasIDs && !random.chance(0.08) ? play.playedAt + Int64(random.within(-600_000...600_000)) : nil
        }
      items.append(Snapshot.QueueItem(mention: Mention(play.mention.song, of: catalogue, &random), id: id))
    }
    return items
  }

  private func searches(from history: [Play], _ catalogue: Catalogue, _ random: inout Random) -> [String] {
    (0..<random.within(0...10)).map { _ in
      guard !history.isEmpty && random.chance(0.35) else { return random.pick(searchTerms) }
      return catalogue[random.pick(history).mention.song].title.string
    }
  }
}

extension Playlist {
  /// This playlist as it was at that time; nil before it was made.
  fileprivate func version(at time: Int64) -> Snapshot.PlaylistVersion? {
    guard createdAt <= time else { return nil }
    let songs = songs(until: time)
    return Snapshot.PlaylistVersion(playlist: self, songs: songs, updatedAt: songs.last?.addedAt ?? createdAt)
  }
}

extension Snapshot.Preferences {
  fileprivate init(_ random: inout Random) {
    shuffle = random.chance(0.45)
    repeatMode = random.pick(["off", "all", "one"])
    volume = Double(random.within(0...20)) / 20
  }
}

/// What people type, in the scripts they type it in; the merge is to fold case and trim.
private let searchTerms = [
  "lofi", "LoFi", "jazz", "  focus ", "workout", "sad songs", "edm 2025", "rock 'n' roll", "पुराने गाने", "தமிழ்", "ليل",
  "ਪੰਜਾਬੀ ਗੀਤ", "తెలుగు పాటలు", "비 오는 날", "canción de otoño", "İyi geceler", "iyi geceler", "ΟΔΟΣ", "οδοσ", "🌧️ mix",
  "tamil hits",
  "Straße", "\"quoted\"", "back\\slash", "mornings", "Mornings",
]
