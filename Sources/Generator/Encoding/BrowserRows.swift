internal import BSON

/// Writes the lists of a library as the browser does: what `localStorage` holds and what a sync request sends.
struct BrowserRows {
  let catalogue: Catalogue
  let owner: String

  // MARK: Lists

  func favorites(_ favorites: [Favorite], into text: inout GeneratedJSON) {
    text.beginArray()
    for favorite in favorites {
      text.beginObject()
      mention(favorite.mention, into: &text)
      // Rows of so little come from imports that knew no time either.
      if favorite.mention.form != .titleOnly {
        text.key("addedAt")
        text.time(favorite.addedAt, thousandths: favorite.thousandths)
      }
      text.endObject()
    }
    text.endArray()
  }

  func tombstones(_ removed: [Favorite], at time: Int64, into text: inout GeneratedJSON) {
    text.beginArray()
    for favorite in removed {
      text.beginObject()
      mention(favorite.mention, into: &text)
      text.key("removedAt")
      text.integer(time)
      text.endObject()
    }
    text.endArray()
  }

  func history(_ plays: [Play], into text: inout GeneratedJSON) {
    text.beginArray()
    for play in plays {
      text.beginObject()
      mention(play.mention, into: &text)
      text.key("playedAt")
      text.time(play.playedAt, thousandths: play.thousandths)
      if play.details != .missing {
        text.key("completionRate")
        text.completion(play.completion)
        text.key("source")
        text.string(sourceNames[play.source])
        details(play, into: &text)
      }
      text.endObject()
    }
    text.endArray()
  }

  func queue(_ items: [Snapshot.QueueItem], into text: inout GeneratedJSON) {
    text.beginArray()
    for item in items {
      text.beginObject()
      mention(item.mention, into: &text)
      if let id = item.id {
        text.key("id")
        text.integer(id)
      }
      text.endObject()
    }
    text.endArray()
  }

  func recentSearches(_ searches: [String], into text: inout GeneratedJSON) {
    text.beginArray()
    for search in searches { text.string(search) }
    text.endArray()
  }

  // MARK: Parts of a row

  private func details(_ play: Play, into text: inout GeneratedJSON) {
    let song = catalogue[play.mention.song]
    let isKnown = play.details == .all
    text.key("language")
    if isKnown { text.string(Language.all[song.language].code) } else { text.null() }
    names(isKnown ? song.genres : Choices(), of: genreNames, as: "genres", into: &text)
    names(isKnown ? song.moods : Choices(), of: moodNames, as: "moods", into: &text)
  }

  private func names(_ choices: Choices, of names: [StaticString], as key: StaticString, into text: inout GeneratedJSON)
  {
    text.key(key)
    text.beginArray()
    for choice in choices { text.string(names[choice]) }
    text.endArray()
  }

  private func mention(_ mention: Mention, into text: inout GeneratedJSON) {
    let song = catalogue[mention.song]
    if mention.form == .fromServer {
      text.key("videoId")
      text.string(song.videoID)
    }
    text.key("title")
    text.string(song.title)
    if mention.form == .titleOnly { return }
    text.key("artist")
    text.string(song.artist)
    if mention.form == .bare { return }
    if mention.form != .fromServer {
      text.key("videoId")
      if mention.form == .null { text.null() } else { text.string(mention.form == .empty ? .empty : song.videoID) }
    }
    text.key("artwork")
    switch mention.form {
    case .null, .withoutArtwork: text.null()
    case .empty: text.string(.empty)
    default: text.string(song.artwork)
    }
  }

  // MARK: Playlists

  func playlists(_ versions: [Snapshot.PlaylistVersion], into text: inout GeneratedJSON) {
    text.beginArray()
    for version in versions { playlist(version, into: &text) }
    text.endArray()
  }

  private func playlist(_ version: Snapshot.PlaylistVersion, into text: inout GeneratedJSON) {
    let playlist = version.playlist
    text.beginObject()
    text.key("id")
    text.string(playlist.kind == .synced ? playlist.syncedID : playlist.localID)
    text.key("name")
    if playlist.isCutName { text.string(cutAfter: playlist.name) } else { text.string(playlist.name) }
    text.key("description")
    text.string(playlist.description)
    if playlist.kind == .synced {
      text.key("owner_id")
      text.string(owner)
    }
    songs(version, into: &text)
    if playlist.kind == .older { olderTimes(version, into: &text) }
    text.key("song_count")
    text.integer(Int64(version.songs.count))
    text.key("cover_urls")
    text.beginArray()
    for cover in covers(of: version, in: catalogue) { text.string(cover) }
    text.endArray()
    text.key("is_public")
    text.bool(playlist.isPublic)
    if playlist.kind == .generated { olderTimes(version, into: &text) }
    if playlist.kind == .synced { sharedFields(into: &text) }
    text.key("is_owner")
    text.bool(true)
    if playlist.kind == .local || playlist.kind == .synced {
      text.key("created_at")
      text.time(playlist.createdAt, thousandths: playlist.thousandths)
      text.key("updated_at")
      text.integer(version.updatedAt)
    }
    if playlist.kind == .synced {
      text.key("artwork_url")
      text.null()
      text.key("custom_artwork")
      text.bool(false)
    }
    text.endObject()
  }

  private func songs(_ version: Snapshot.PlaylistVersion, into text: inout GeneratedJSON) {
    text.key("songs")
    text.beginArray()
    for item in version.songs {
      text.beginObject()
      mention(item.mention, into: &text)
      switch version.playlist.kind {
      case .generated: break
      case .older:
        text.key("addedAt")
        text.integer(item.addedAt)
      case .local, .synced:
        text.key("added_at")
        text.integer(item.addedAt)
      }
      text.endObject()
    }
    text.endArray()
  }

  private func olderTimes(_ version: Snapshot.PlaylistVersion, into text: inout GeneratedJSON) {
    text.key("createdAt")
    text.integer(version.playlist.createdAt)
    text.key("updatedAt")
    text.integer(version.updatedAt)
    text.key("isPublic")
    text.bool(version.playlist.isPublic)
  }

  private func sharedFields(into text: inout GeneratedJSON) {
    text.key("follower_count")
    text.integer(0)
    text.key("is_following")
    text.bool(false)
  }
}

/// The pictures of the first four songs that have one.
func covers(of version: Snapshot.PlaylistVersion, in catalogue: Catalogue) -> [ByteView] {
  Array(
    version.songs.lazy
      .filter { $0.mention.form == .full || $0.mention.form == .fromServer }
      .map { catalogue[$0.mention.song].artwork }
      .prefix(4))
}
