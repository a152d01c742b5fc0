internal import BSON

/// Writes the dumps of one listener, one after another into the same buffers.
struct DumpWriter {
  let catalogue: Catalogue
  let listener: Listener
  /// The dump; valid until the next is written.
  private(set) var text = GeneratedJSON()
  /// Whether dumps hold `\u` escapes in the place of everything beyond ASCII.
  var escapesNonASCII: Bool {
    get { text.isASCII }
    set { text.isASCII = newValue }
  }
  /// A section on its way into a string.
  private var section = GeneratedJSON()

  init(_ listener: Listener, _ catalogue: Catalogue) {
    self.listener = listener
    self.catalogue = catalogue
  }

  private var rows: BrowserRows { BrowserRows(catalogue: catalogue, owner: listener.id) }

  // MARK: localStorage

  /// What the developer tools' "copy all" gives: every value a string.
  ///
  /// - Parameter isLoggedIn: logging out removes tokens, user, favourites, history, total and playlists.
  mutating func writeLocalStorage(
    _ snapshot: Snapshot, of browser: Browser, isLoggedIn: Bool, onLines: Bool, _ random: inout Random
  ) {
    text.removeAll()
    text.beginObject()
    if let device = browser.deviceID, isLoggedIn { item("tldr-device-id", device, onLines) }
    if isLoggedIn { writeIdentity(onLines, &random) }
    writeLists(snapshot, isLoggedIn: isLoggedIn, onLines)
    if let preferences = snapshot.preferences {
      item("tldr-shuffle", preferences.shuffle ? "true" : "false", onLines)
      item("tldr-repeat", ByteView(preferences.repeatMode).string, onLines)
    }
    writeOtherKeys(snapshot, onLines, &random)
    if onLines { text.append("\n") }
    text.endObject()
  }

  private mutating func writeIdentity(_ onLines: Bool, _ random: inout Random) {
    item("tldr-access-token", "FAKE.SECRET.TOKEN.acc." + random.hexadecimal(8), onLines)
    item("tldr-refresh-token", "FAKE.SECRET.TOKEN.ref." + random.hexadecimal(8), onLines)
    section.removeAll()
    listener.writeUser(into: &section)
    storeSection("tldr-user", onLines)
  }

  private mutating func writeLists(_ snapshot: Snapshot, isLoggedIn: Bool, _ onLines: Bool) {
    if isLoggedIn {
      if let favorites = snapshot.favorites {
        store("tldr-favorites", onLines) { $0.favorites(favorites, into: &$1) }
      }
      if let total = snapshot.totalSongsPlayed { item("tldr-total-songs-played", String(total), onLines) }
      if let history = snapshot.history { store("tldr-history", onLines) { $0.history(history, into: &$1) } }
      if let playlists = snapshot.playlists {
        store("tldr-playlists", onLines) { $0.playlists(playlists, into: &$1) }
      }
    }
    if let queue = snapshot.queue { store("tldr-queue", onLines) { $0.queue(queue, into: &$1) } }
    if let searches = snapshot.recentSearches {
      store("tldr-recent-searches", onLines) { $0.recentSearches(searches, into: &$1) }
    }
  }

  /// Keys that say nothing about the library, and that a reader passes over.
  private mutating func writeOtherKeys(_ snapshot: Snapshot, _ onLines: Bool, _ random: inout Random) {
    if random.chance(0.3) { item("theme", random.chance(0.5) ? "dark" : "light", onLines) }
    if random.chance(0.4) { item("playlistSortOrder", random.pick(["recent", "songs", "created", "name"]), onLines) }
    if random.chance(0.6), let list = snapshot.playlists?.first {
      section.removeAll()
      section.beginArray()
      section.beginObject()
      section.key("id")
      section.string(list.playlist.localID)
      section.key("playedAt")
      section.integer(snapshot.time - Span.minute)
      section.endObject()
      section.endArray()
      storeSection("recentlyPlayedPlaylists", onLines)
    }
    if random.chance(0.12) {
      writeChart(&random)
      storeSection("tldr-chart-cache", onLines)
      item("tldr-chart-cache-time", String(snapshot.time), onLines)
    }
  }

  private mutating func writeChart(_ random: inout Random) {
    section.removeAll()
    section.beginObject()
    section.key("chart")
    section.beginArray()
    for rank in 1...3 {
      let song = catalogue[random.below(catalogue.songs.count)]
      section.beginObject()
      section.key("title")
      section.string(song.title)
      section.key("youtube_video_id")
      section.string(song.videoID)
      section.key("rank")
      section.integer(Int64(rank))
      section.endObject()
    }
    section.endArray()
    section.endObject()
  }

  private mutating func storeKey(_ key: StaticString, _ onLines: Bool) {
    if onLines { text.lineKey(key) } else { text.key(key) }
  }

  private mutating func item(_ key: StaticString, _ value: String, _ onLines: Bool) {
    storeKey(key, onLines)
    text.string(value)
  }

  private mutating func store(
    _ key: StaticString, _ onLines: Bool, _ write: (BrowserRows, inout GeneratedJSON) -> Void
  ) {
    section.removeAll()
    write(rows, &section)
    storeSection(key, onLines)
  }

  private mutating func storeSection(_ key: StaticString, _ onLines: Bool) {
    storeKey(key, onLines)
    text.string(holding: section)
  }

  // MARK: Sync request

  /// The body of `POST /api/me/library/sync`.
  mutating func writeSyncRequest(_ snapshot: Snapshot) {
    text.removeAll()
    text.beginObject()
    send(snapshot.favorites, "local_favorites") { $0.favorites($1, into: &$2) }
    send(snapshot.history, "local_history") { $0.history($1, into: &$2) }
    send(snapshot.queue, "local_queue") { $0.queue($1, into: &$2) }
    send(snapshot.playlists, "local_playlists") { $0.playlists($1, into: &$2) }
    send(snapshot.recentSearches, "local_recent_searches") { $0.recentSearches($1, into: &$2) }
    send(snapshot.preferences, "local_preferences") { _, preferences, text in
      text.beginObject()
      text.key("shuffle")
      text.bool(preferences.shuffle)
      text.key("repeat")
      text.string(preferences.repeatMode)
      text.key("volume")
      text.double(preferences.volume)
      text.endObject()
    }
    send(snapshot.totalSongsPlayed, "local_total_songs_played") { $2.integer($1) }
    if !snapshot.removed.isEmpty {
      text.key("removed")
      text.beginObject()
      text.key("favorites")
      rows.tombstones(snapshot.removed, at: snapshot.time, into: &text)
      text.endObject()
    }
    text.endObject()
  }

  private mutating func send<Section>(
    _ section: Section?, _ key: StaticString, _ write: (BrowserRows, Section, inout GeneratedJSON) -> Void
  ) {
    guard let section else { return }
    text.key(key)
    write(rows, section, &text)
  }

  // MARK: Library

  /// The cloud's document as one line of a `mongoexport`.
  mutating func writeLibrary(_ document: BSONDocument, canonical: Bool) {
    text.removeAll()
    text.extended(document, canonical: canonical)
  }

  // MARK: Changes to a written dump

  /// Puts the envelope on what was written last.
  mutating func wrap(_ envelope: Envelope, exportedAt: Int64, device: String?) {
    guard envelope != .none else { return }
    let body = text.bytes
    text.removeAll()
    text.beginObject()
    text.key("user_id")
    text.string(listener.id)
    text.key("exported_at")
    // Both forms of a time occur.
    if exportedAt % 2 == 0 { text.integer(exportedAt) } else { text.string(timestamp(exportedAt)) }
    if let device {
      text.key("device_id")
      text.string(device)
    }
    if envelope == .around {
      text.key("data")
      body.withView { text.append($0) }
      text.endObject()
    } else {
      if body.count > 2 { text.append(",") }
      body.withView { text.append($0.dropFirst(1)) }
    }
  }

  /// Puts a byte order mark before what was written last.
  mutating func markByteOrder() {
    let body = text.bytes
    text.removeAll()
    text.append("\u{FEFF}")
    body.withView { text.append($0) }
  }

  /// Lets a damage have its way with what was written last.
  mutating func edit(_ change: (inout GeneratedJSON) -> Void) { change(&text) }
}
