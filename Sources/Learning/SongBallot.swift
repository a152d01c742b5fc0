internal import BSON

/// The votes on one song, counted, and what they decide.
struct SongBallot {
  private var votes: [(field: CatalogueVotes.Vote.Field, value: UInt64, count: Int32)] = []
  /// Not its lexicon, of whose tables each copy of a ballot would count a reference.
  private let repertoire: Repertoire

  init(_ repertoire: Repertoire) { self.repertoire = repertoire }

  mutating func removeAll() { votes.removeAll(keepingCapacity: true) }

  mutating func add(_ vote: CatalogueVotes.Vote, count: Int32) { votes.append((vote.field, vote.value, count)) }

  /// Adds up equal votes.
  mutating func close() {
    votes.sort { $0.field != $1.field ? $0.field.rawValue < $1.field.rawValue : $0.value < $1.value }
    var kept = 0
    for vote in votes {
      if kept > 0, votes[kept - 1].field == vote.field, votes[kept - 1].value == vote.value {
        votes[kept - 1].count += vote.count
      } else {
        votes[kept] = vote
        kept += 1
      }
    }
    votes.removeSubrange(kept...)
  }

  /// The number of the value with most votes (ties: greater bytes); −1 without votes.
  func winner(_ field: CatalogueVotes.Vote.Field, _ bytes: (Int32) -> ByteView) -> Int32 {
    var best: (number: Int32, count: Int32)?
    for vote in votes where vote.field == field {
      let number = Int32(truncatingIfNeeded: vote.value)
      guard let known = best else {
        best = (number, vote.count)
        continue
      }
      let wins =
        vote.count != known.count
        ? vote.count > known.count : hasGreaterBytes(bytes(number), than: bytes(known.number))
      if wins { best = (number, vote.count) }
    }
    return best?.number ?? -1
  }

  var title: Int32 { winner(.title, repertoire.text) }
  var artist: Int32 { winner(.artist, repertoire.text) }

  /// The duration with most votes in seconds (ties: greater bytes of the double); nil without votes.
  var seconds: Double? {
    var best: (bits: UInt64, count: Int32)?
    for vote in votes where vote.field == .duration {
      guard let known = best else {
        best = (vote.value, vote.count)
        continue
      }
      let wins =
        vote.count != known.count ? vote.count > known.count : vote.value.byteSwapped > known.bits.byteSwapped
      if wins { best = (vote.value, vote.count) }
    }
    return best.map { Double(bitPattern: $0.bits) }
  }

  /// Every value voted for by at least a third of the users who name any, ascending.
  func values(_ field: CatalogueVotes.Vote.Field, of any: CatalogueVotes.Vote.Field) -> [Int32] {
    let voters = Int64(votes.first { $0.field == any }?.count ?? 0)
    return votes.filter { $0.field == field && 3 * Int64($0.count) >= voters }
      .map { Int32(truncatingIfNeeded: $0.value) }
      .sorted { repertoire.value($0) < repertoire.value($1) }
  }
}

extension CatalogueVotes {
  /// Hands on the votes of each song that has any.
  func forEachSong(_ use: (Int32, SongBallot) -> Void) {
    // Descriptions with votes, by the song that they count for.
    var starts = [Int32](repeating: 0, count: songs.count + 1)
    for description in descriptions where description.users > 0 { starts[Int(description.song) + 1] += 1 }
    for index in 1..<max(starts.count, 1) { starts[index] += starts[index - 1] }
    var sorted = [Int32](repeating: 0, count: Int(starts.last ?? 0))
    var next = starts
    for (number, description) in descriptions.enumerated() where description.users > 0 {
      let song = Int(description.song)
      sorted[Int(next[song])] = Int32(truncatingIfNeeded: number)
      next[song] += 1
    }
    let apart = others.bySong
    var position = 0
    var ballot = SongBallot(repertoire)
    for index in songs.indices where songs[index].isCounted {
      let song = Int32(truncatingIfNeeded: index)
      ballot.removeAll()
      for description in sorted[Int(starts[index])..<Int(starts[index + 1])] {
        let count = descriptions[Int(description)].users
        votes(of: lexicon.descriptions[Int(description)], for: song) { ballot.add($0, count: count) }
      }
      while position < apart.count, apart[position].key.song < song { position += 1 }
      while position < apart.count, apart[position].key.song == song {
        ballot.add(apart[position].key, count: apart[position].value)
        position += 1
      }
      ballot.close()
      use(song, ballot)
    }
  }
}

/// The titles and artists of songs: the store's where it has the song, else what the votes decide.
struct SongNames {
  /// Numbers of ``Lexicon/texts``, −1 for none.
  private(set) var title: [Int32]
  private(set) var artist: [Int32]

  init(_ votes: CatalogueVotes) {
    var title = [Int32](repeating: -1, count: votes.songs.count)
    var artist = title
    votes.forEachSong { song, ballot in
      title[Int(song)] = ballot.title
      artist[Int(song)] = ballot.artist
    }
    for (song, stored) in votes.repertoire.storedSongs {
      title[Int(song)] = stored.title
      artist[Int(song)] = stored.artist
    }
    (self.title, self.artist) = (title, artist)
  }
}
