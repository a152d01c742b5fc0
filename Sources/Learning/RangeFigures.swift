internal import BSON

/// The figures and lists of a range of time (docs/learning.md, *Statistics*), of one user or of all.
struct RangeFigures {
  var plays = 0
  var liked = 0
  var skipped = 0
  var unknown = 0
  var distinctSongs = 0
  var newSongs = 0
  /// Completion × duration, in seconds.
  var seconds = 0.0
  /// Plays that `seconds` is made of.
  var timed = 0
  /// The sum of the known completions.
  var completion = 0.0
  /// The known completions.
  var known: [Double] = []

  mutating func count(_ verdict: PlayVerdict) {
    plays += 1
    switch verdict {
    case .liked: liked += 1
    case .skipped: skipped += 1
    case .unknown: unknown += 1
    case .heard: break
    }
  }

  var repeatRate: Double? { plays > 0 ? 1 - Double(distinctSongs) / Double(plays) : nil }

  /// Of an even number the mean of the middle two.
  static func median(of numbers: [Double]) -> Double? {
    guard !numbers.isEmpty else { return nil }
    var numbers = numbers
    let middle = numbers.count / 2
    numbers.select(middle)
    // Those before it are no greater: of the two in the middle the other is the greatest of them.
    guard numbers.count % 2 == 0, let before = numbers[..<middle].max() else { return numbers[middle] }
    return (before + numbers[middle]) / 2
  }

  /// Writes the figures into a document that is open; a rate of nothing is absent.
  func write(distinctArtists: Int, to writer: inout BSONWriter) {
    func count(_ name: StaticString, _ number: Int) { writer.append(name, integer: Int64(number)) }
    count("plays", plays)
    count("liked", liked)
    count("skipped", skipped)
    count("unknown", unknown)
    count("distinct_songs", distinctSongs)
    count("distinct_artists", distinctArtists)
    count("new_songs", newSongs)
    if let repeatRate { writer.append("repeat_rate", double: repeatRate) }
    if let median = Self.median(of: known) {
      writer.append("mean_completion", double: completion / Double(known.count))
      writer.append("median_completion", double: median)
    }
    writer.append("seconds_listened", double: seconds)
    count("plays_timed", timed)
  }
}

extension [Double] {
  /// Puts the number in its place that would be there if all were sorted, none greater before and none less behind it,
  /// in time that grows with how many there are alone (Hoare's *quickselect*).
  ///
  /// - Parameter place: within the array; no number is NaN.
  fileprivate mutating func select(_ place: Int) {
    var (low, high) = (startIndex, endIndex - 1)
    while low < high {
      let pivot = self[low + (high - low) / 2]
      var (left, right) = (low, high)
      while left <= right {
        while self[left] < pivot { left += 1 }
        while self[right] > pivot { right -= 1 }
        guard left <= right else { break }
        swapAt(left, right)
        (left, right) = (left + 1, right - 1)
      }
      if place <= right {
        high = right
      } else if place >= left {
        low = left
      } else {
        return
      }
    }
  }
}

/// Writes the lists of a range: what was played most, by plays, then liked plays, then name or key.
struct RangeLists {
  private let catalogue: Catalogue
  private let lexicon: Lexicon
  private var groups: Tally

  static let songLimit = 50
  static let artistLimit = 50
  static let valueLimit = 20

  init(_ catalogue: Catalogue) {
    self.catalogue = catalogue
    lexicon = catalogue.lexicon
    groups = Tally(numbers: catalogue.artistGroupCount)
  }

  /// The first `limit` of what was counted.
  ///
  /// Most of what was played was played once: what cannot come among the first is seen without a look at its name.
  ///
  /// - Parameter ranks: the order of names, by number.
  static func ranked(_ counts: [Tallied], limit: Int, _ ranks: [Int32]) -> [Tallied] {
    // In one number: plays and liked plays, the most first, the name's rank, and the place in `counts`.
    func order(_ place: Int) -> UInt128 {
      let count = counts[place]
      let most = UInt64(UInt32(bitPattern: ~count.plays)) << 32 | UInt64(UInt32(bitPattern: ~count.liked))
      let rank = UInt64(UInt32(bitPattern: ranks[Int(count.number)]))
      return UInt128(most) << 64 | UInt128(rank << 32 | UInt64(UInt32(truncatingIfNeeded: place)))
    }
    let orders: [UInt128]
    if counts.count > limit {
      var first = Foremost<UInt128>(limit, of: counts.count)
      for place in counts.indices { first.offer(order(place), by: <) }
      orders = first.elements
    } else {
      orders = counts.indices.map(order).sorted()
    }
    return orders.map { counts[Int(UInt32(truncatingIfNeeded: $0))] }
  }

  // MARK: Songs

  func write(_ name: StaticString, songs: some Sequence<Tallied>, to writer: inout BSONWriter) {
    writer.key(name, .array)
    let array = writer.open()
    for (index, song) in songs.enumerated() {
      writer.index(index, .document)
      let start = writer.open()
      catalogue.append(labelOf: song.number, to: &writer)
      writeCounts(of: song, to: &writer)
      writer.close(start)
    }
    writer.close(array)
  }

  func writeTop(songs: [Tallied], to writer: inout BSONWriter) {
    write("top_songs", songs: Self.ranked(songs, limit: Self.songLimit, catalogue.keyRanks), to: &writer)
  }

  private func writeCounts(of tallied: Tallied, to writer: inout BSONWriter) {
    writer.append("plays", integer: Int64(tallied.plays))
    writer.append("liked", integer: Int64(tallied.liked))
    writer.append("last_played", date: tallied.last)
  }

  // MARK: Artists

  /// Artists brought together by lowercase, each with the number of its commonest spelling (ties: greater bytes).
  ///
  /// - Parameter artists: counted by spelling.
  mutating func grouped(artists: [Tallied]) -> [Tallied] {
    groups.removeAll()
    var spelling: [Tallied] = []
    for artist in artists {
      let place = groups.place(of: catalogue.group(ofArtist: artist.number))
      groups.add(artist, as: groups.counts[place].number)
      if place == spelling.count {
        spelling.append(artist)
      } else {
        let known = spelling[place]
        let isCommoner =
          artist.plays != known.plays
          ? artist.plays > known.plays
          : hasGreaterBytes(lexicon.text(artist.number), than: lexicon.text(known.number))
        if isCommoner { spelling[place] = artist }
      }
    }
    return zip(groups.counts, spelling).map { group, spelling in
      var shown = group
      shown.number = spelling.number
      return shown
    }
  }

  func writeTop(artists: [Tallied], to writer: inout BSONWriter) {
    let ranked = Self.ranked(artists, limit: Self.artistLimit, catalogue.artistRanks)
    write("top_artists", ranked, lexicon.texts, to: &writer)
  }

  // MARK: Values

  func writeTop(_ name: StaticString, values: [Tallied], limit: Int = Self.valueLimit, to writer: inout BSONWriter) {
    write(name, Self.ranked(values, limit: limit, catalogue.valueRanks), lexicon.values, to: &writer)
  }

  private func write(_ name: StaticString, _ ranked: [Tallied], _ names: TextTable, to writer: inout BSONWriter) {
    writer.key(name, .array)
    let array = writer.open()
    for (index, tallied) in ranked.enumerated() {
      writer.index(index, .document)
      let start = writer.open()
      writer.append("name", string: names[tallied.number])
      writeCounts(of: tallied, to: &writer)
      writer.close(start)
    }
    writer.close(array)
  }
}

extension BSONWriter {
  /// An array of counts.
  mutating func append(_ key: StaticString, counts: [Int32]) {
    self.key(key, .array)
    let start = open()
    for (index, count) in counts.enumerated() {
      self.index(index, .int32)
      put(UInt32(bitPattern: count))
    }
    close(start)
  }
}
