public import BSON

extension PlayTally {
  /// What one user adds to a tally, in a form that can be kept for a tally of the same clock or one up to ``lifetime``
  /// later.
  ///
  /// Holds views: of the entries that it is made of, or of the document that it is read from.
  public struct Share: Sendable {
    /// How long it can be kept, in milliseconds.
    public static let lifetime: Int64 = 366 * 24 * PlayTally.millisecondsOfHour

    struct Song: Sendable {
      var key: SongKey
      /// Milliseconds since 1970.
      var playedAt: Int64
      /// Its fields `title` and `artist` count.
      var document: BSONDocument
    }

    /// The first hour of the tally, since 1970.
    let firstHour: Int64
    /// When each play began, in hours from ``firstHour`` on, which is 1; 0 before, and the greatest in 7 years and later.
    let hours: [UInt16]
    /// Plays whose song counts, for this clock or later.
    private(set) var songs: [Song] = []

    /// What a user with these plays adds.
    ///
    /// - Parameter asOf: the clock of the tally, in milliseconds since 1970.
    public init(_ history: [Entry], asOf: Int64) {
      let firstHour = PlayTally.firstHour(asOf: asOf)
      let start = firstHour * PlayTally.millisecondsOfHour
      let firstSongTime = start + Int64(PlayTally.firstSongHour) * PlayTally.millisecondsOfHour
      var recent: [Int] = []
      hours = Array(capacity: history.count) { hours in
        for index in history.indices {
          let time = history[index].playedAt
          guard time >= start, time > 0 else {
            hours.append(0)
            continue
          }
          hours.append(UInt16(clamping: (time &- start) / PlayTally.millisecondsOfHour + 1))
          if time >= firstSongTime { recent.append(index) }
        }
      }
      self.firstHour = firstHour
      songs = recent.map { index in
        Song(key: history[index].key, playedAt: history[index].playedAt, document: history[index].document)
      }
    }

    /// Writes it as fields of the document that is open.
    public func write(to writer: inout BSONWriter) {
      writer.append("first_hour", integer: firstHour)
      // The view ends with the closure. The bytes are little-endian, as every machine is that this is built for, and are
      // read as such.
      unsafe hours.withUnsafeBytes { bytes in writer.append("hours", binary: unsafe ByteView(bytes)) }
      writer.key("songs", .array)
      let list = writer.open()
      for (position, song) in songs.enumerated() {
        writer.index(position, .document)
        let start = writer.open()
        writer.append("video", bool: song.key.isVideo)
        writer.append("key", string: song.key.name)
        writer.append("playedAt", date: song.playedAt)
        let (title, artist) = song.document.titleAndArtist
        writer.append("title", string: title)
        writer.append("artist", string: artist)
        writer.close(start)
      }
      writer.close(list)
    }

    /// Reads what ``write(to:)`` wrote into this document; nil when that is not there.
    public init?(_ document: BSONDocument) throws(BSONFault) {
      guard let firstHour = try document.value("first_hour")?.integer, let hours = try document.value("hours")?.binary,
        let list = try document.value("songs")?.array
      else { return nil }
      self.firstHour = firstHour
      self.hours = (0..<hours.count / 2).map { hours.load($0 * 2, as: UInt16.self) }
      var elements = list.elements
      while let song = try elements.next()?.value.document {
        guard let isVideo = try song.value("video")?.bool, let name = try song.value("key")?.string,
          let playedAt = try song.value("playedAt")?.date
        else { return nil }
        songs.append(Song(key: SongKey(isVideo: isVideo, name: name), playedAt: playedAt, document: song))
      }
    }
  }
}

extension BSONDocument {
  /// Title and artist of a play, cut to ``PlayTally/longestText``; nothing for what it lacks.
  var titleAndArtist: (title: ByteView, artist: ByteView) {
    // An entry in normal form is whole; what could not be read has no title.
    let title = (try? value("title"))?.string ?? .empty
    let artist = (try? value("artist"))?.string ?? .empty
    let longest = PlayTally.longestText
    return (title.slice(0, min(title.count, longest)), artist.slice(0, min(artist.count, longest)))
  }
}
