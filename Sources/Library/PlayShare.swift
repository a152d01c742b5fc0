public import BSON

extension PlayTally {
  /// What one user adds to a tally, in a form that can be kept for a tally of the same clock or a later one.
  ///
  /// Holds views: of the entries that it is made of, or of the document that it is read from.
  public struct Share: Sendable {
    struct Song: Sendable {
      var key: SongKey
      /// Milliseconds since 1970.
      var playedAt: Int64
      var title: ByteView
      var artist: ByteView
    }

    /// When each play began: whole hours, in milliseconds since 1970.
    var times: [Int64]
    /// Plays whose song counts.
    var songs: [Song]
  }

  /// What a user with these plays adds.
  public func share(of history: [Entry]) -> Share {
    let songs = history.filter { mayBeInSongDays($0.playedAt) }.map { play in
      let (title, artist) = play.titleAndArtist
      return Share.Song(key: play.key, playedAt: play.playedAt, title: title, artist: artist)
    }
    return Share(times: history.map { Share.hour(of: $0.playedAt) * Self.millisecondsOfHour }, songs: songs)
  }
}

extension Entry {
  /// Title and artist, cut to ``PlayTally/longestText``; nothing for what it lacks.
  var titleAndArtist: (title: ByteView, artist: ByteView) {
    // An entry in normal form is whole; what could not be read has no title.
    let title = (try? document.value("title"))?.string ?? .empty
    let artist = (try? document.value("artist"))?.string ?? .empty
    let longest = PlayTally.longestText
    return (title.slice(0, min(title.count, longest)), artist.slice(0, min(artist.count, longest)))
  }
}

extension PlayTally.Share {
  /// Whole hours since 1970; what is before counts nowhere, so that it may be rounded up.
  fileprivate static func hour(of time: Int64) -> Int64 { time / PlayTally.millisecondsOfHour }

  /// Writes it as fields of the document that is open: `hours`, from play to play the difference as a zigzag varint
  /// (plays follow one another closely, so that most take a byte), and `songs`.
  public func write(to writer: inout BSONWriter) {
    var hours: [UInt8] = []
    hours.reserveCapacity(times.count * 2)
    var last: Int64 = 0
    for time in times {
      let hour = Self.hour(of: time)
      let difference = hour - last
      var rest = UInt64(bitPattern: difference << 1 ^ difference >> 63)
      while rest >= 0x80 {
        hours.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
      }
      hours.append(UInt8(truncatingIfNeeded: rest))
      last = hour
    }
    hours.withView { writer.append("hours", binary: $0) }
    writer.key("songs", .array)
    let list = writer.open()
    for (position, song) in songs.enumerated() {
      writer.index(position, .document)
      let start = writer.open()
      writer.append("video", bool: song.key.isVideo)
      writer.append("key", string: song.key.name)
      writer.append("playedAt", date: song.playedAt)
      writer.append("title", string: song.title)
      writer.append("artist", string: song.artist)
      writer.close(start)
    }
    writer.close(list)
  }

  /// Reads what ``write(to:)`` wrote into this document; nil when that is not there.
  public init?(_ document: BSONDocument) throws(BSONFault) {
    guard let hours = try document.value("hours")?.binary, let list = try document.value("songs")?.array else {
      return nil
    }
    (times, songs) = ([], [])
    times.reserveCapacity(hours.count)
    var (hour, coded, shift): (Int64, UInt64, UInt64) = (0, 0, 0)
    for place in 0..<hours.count {
      coded |= UInt64(hours[place] & 0x7F) << shift
      shift += 7
      guard hours[place] < 0x80 else { continue }
      hour &+= Int64(bitPattern: coded >> 1) ^ -Int64(bitPattern: coded & 1)
      times.append(hour &* PlayTally.millisecondsOfHour)
      (coded, shift) = (0, 0)
    }
    var elements = list.elements
    while let song = try elements.next()?.value.document {
      guard let isVideo = try song.value("video")?.bool, let name = try song.value("key")?.string,
        let playedAt = try song.value("playedAt")?.date, let title = try song.value("title")?.string,
        let artist = try song.value("artist")?.string
      else { return nil }
      songs.append(
        Song(key: SongKey(isVideo: isVideo, name: name), playedAt: playedAt, title: title, artist: artist))
    }
  }
}
