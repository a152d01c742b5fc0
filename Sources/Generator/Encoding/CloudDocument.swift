internal import BSON

/// Writes a listener's `user_library` document as the API had stored it.
struct CloudDocument {
  let listener: Listener
  let catalogue: Catalogue
  let server: Server

  /// Which program wrote the document last.
  enum Server {
    /// Numbers of ms for times, `completion_rate`.
    case older
    /// Dates, and a version that nobody here knows.
    case api
    /// A run of the merge: section times, and `as_of` beside them.
    case merge
  }

  init(_ listener: Listener, _ catalogue: Catalogue, _ random: inout Random) {
    self.listener = listener
    self.catalogue = catalogue
    server = [.older, .api, .merge][random.weighted([0.2, 0.5, 0.3])]
  }

  func write(_ snapshot: Snapshot, into writer: inout BSONWriter, _ random: inout Random) {
    let document = writer.open()
    writer.appendObjectID("_id", kind: 0, index: listener.index)
    writer.append("user_id", string: listener.id)
    if let favorites = snapshot.favorites { write(favorites, into: &writer, &random) }
    if let history = snapshot.history { write(history, into: &writer) }
    if let total = snapshot.totalSongsPlayed { writer.append("total_songs_played", integer: total) }
    if let queue = snapshot.queue { write(queue, into: &writer) }
    if let playlists = snapshot.playlists { write(playlists, into: &writer) }
    if let preferences = snapshot.preferences { write(preferences, into: &writer) }
    if let searches = snapshot.recentSearches {
      writer.append("recent_searches", texts: searches)
    }
    if random.chance(0.1) { writer.append("timezone", string: ByteView(listener.zone.name)) }
    writer.append("updated_at", date: snapshot.time)
    if server == .merge { writeSectionTimes(snapshot, into: &writer, &random) }
    if server == .api { writer.append("api_version", string: "2.3") }
    writer.close(document)
  }

  // MARK: Sections

  private func write(_ favorites: [Favorite], into writer: inout BSONWriter, _ random: inout Random) {
    writer.list("favorites", favorites) { writer, favorite in
      mention(favorite.mention, into: &writer)
      append("addedAt", favorite.addedAt, into: &writer)
      // The API looks songs up: it knows what the browser does not send.
      if random.chance(0.4) {
        let song = catalogue[favorite.mention.song]
        writer.append("language", string: ByteView(Language.all[song.language].code))
        append("genres", song.genres, of: genreNames, into: &writer)
        writer.append("duration", integer: song.duration)
      }
    }
  }

  private func write(_ plays: [Play], into writer: inout BSONWriter) {
    writer.list("history", plays) { writer, play in
      mention(play.mention, into: &writer)
      append("playedAt", play.playedAt, into: &writer)
      if play.details == .missing { return }
      writer.append(server == .older ? "completion_rate" : "completionRate", double: play.completion.double)
      writer.append("source", string: ByteView(sourceNames[play.source]))
      let song = catalogue[play.mention.song]
      if play.details == .all { writer.append("language", string: ByteView(Language.all[song.language].code)) }
      append("genres", play.details == .all ? song.genres : Choices(), of: genreNames, into: &writer)
      append("moods", play.details == .all ? song.moods : Choices(), of: moodNames, into: &writer)
    }
  }

  private func write(_ queue: [Snapshot.QueueItem], into writer: inout BSONWriter) {
    var position: Int32 = 0
    writer.list("queue", queue) { writer, item in
      mention(item.mention, into: &writer)
      if let id = item.id { writer.append("id", integer: id) }
      writer.append("position", int32: position)
      position += 1
    }
  }

  private func write(_ playlists: [Snapshot.PlaylistVersion], into writer: inout BSONWriter) {
    writer.list("playlists", playlists) { writer, version in
      let playlist = version.playlist
      let isSynced = playlist.kind == .synced
      writer.append("id", string: isSynced ? playlist.syncedID : playlist.cloudID)
      writer.append("name", string: ByteView(playlist.name))
      writer.append("description", string: ByteView(playlist.description))
      if isSynced { writer.append("owner_id", string: listener.id) }
      writer.append("is_public", bool: playlist.isPublic)
      writer.list("songs", version.songs) { writer, item in
        mention(item.mention, into: &writer)
        if playlist.kind != .generated { writer.append("addedAt", date: item.addedAt) }
      }
      writer.append("song_count", int32: Int32(version.songs.count))
      if isSynced {
        writer.append("follower_count", int32: 0)
        writer.append("is_following", bool: false)
        writer.appendNull("artwork_url")
        writer.append("custom_artwork", bool: false)
      }
      writer.append("is_owner", bool: true)
      writer.append("created_at", date: playlist.createdAt)
      writer.append("updated_at", date: version.updatedAt)
      writer.append("cover_urls", strings: covers(of: version, in: catalogue))
      if !isSynced && playlist.remembersLocalID { writer.append("client_ids", texts: [playlist.localID]) }
    }
  }

  private func write(_ preferences: Snapshot.Preferences, into writer: inout BSONWriter) {
    writer.key("preferences", .document)
    let document = writer.open()
    writer.append("shuffle", bool: preferences.shuffle)
    writer.append("repeat", string: ByteView(preferences.repeatMode))
    if server != .older { writer.append("volume", double: preferences.volume) }
    writer.close(document)
  }

  private func writeSectionTimes(_ snapshot: Snapshot, into writer: inout BSONWriter, _ random: inout Random) {
    // In one of four the API has written since: `as_of` is no longer the document's time.
    let asOf = random.chance(0.25) ? snapshot.time - Span.hour : snapshot.time
    writer.key("section_updated_at", .document)
    let document = writer.open()
    if snapshot.queue != nil { writer.append("queue", date: asOf) }
    if snapshot.preferences != nil { writer.append("preferences", date: asOf) }
    if snapshot.recentSearches != nil { writer.append("recent_searches", date: asOf) }
    writer.append("as_of", date: asOf)
    writer.close(document)
  }

  // MARK: Parts of a row

  private func mention(_ mention: Mention, into writer: inout BSONWriter) {
    let song = catalogue[mention.song]
    writer.append("title", string: song.title)
    if mention.form != .titleOnly { writer.append("artist", string: song.artist) }
    if mention.hasVideoID {
      writer.append("videoId", string: song.videoID)
      if mention.form != .withoutArtwork { writer.append("artwork", string: song.artwork) }
    } else if mention.form == .null && server == .older {
      writer.appendNull("videoId")
      writer.appendNull("artwork")
    }
  }

  private func append(_ key: StaticString, _ time: Int64, into writer: inout BSONWriter) {
    if server == .older { writer.append(key, integer: time) } else { writer.append(key, date: time) }
  }

  private func append(_ key: StaticString, _ choices: Choices, of names: [StaticString], into writer: inout BSONWriter)
  {
    writer.append(key, strings: choices.lazy.map { ByteView(names[$0]) })
  }
}

extension BSONWriter {
  /// An array of documents, each filled by `fill`.
  fileprivate mutating func list<Items: Collection>(
    _ key: StaticString, _ items: Items, _ fill: (inout BSONWriter, Items.Element) -> Void
  ) {
    self.key(key, .array)
    let array = open()
    for (index, item) in items.enumerated() {
      self.index(index, .document)
      let document = open()
      fill(&self, item)
      close(document)
    }
    close(array)
  }

  fileprivate mutating func append(_ key: StaticString, texts: [String]) {
    self.key(key, .array)
    let array = open()
    for (index, text) in texts.enumerated() {
      self.index(index, .string)
      Array(text.utf8).withView { put(string: $0) }
    }
    close(array)
  }
}
