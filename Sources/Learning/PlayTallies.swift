internal import BSON

/// A user's plays as they are counted, newest first: what a range holds is what has been counted so far.
struct PlayTallies {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private(set) var figures = RangeFigures()
  private(set) var songs: Tally
  private var artists: Tally
  private var languages: Tally
  private var genres: Tally
  private var moods: Tally
  private var sources: Tally
  private var byWeekdayHour = [Int32](repeating: 0, count: 168)
  private var lists: RangeLists

  init(_ catalogue: Catalogue, _ parameters: LearningParameters) {
    self.catalogue = catalogue
    self.parameters = parameters
    songs = Tally(numbers: catalogue.lexicon.keys.count)
    artists = Tally(numbers: catalogue.lexicon.texts.count)
    let values = Tally(numbers: catalogue.lexicon.values.count)
    (languages, genres, moods, sources) = (values, values, values, values)
    lists = RangeLists(catalogue)
  }

  mutating func removeAll() {
    figures = RangeFigures()
    songs.removeAll()
    artists.removeAll()
    languages.removeAll()
    genres.removeAll()
    moods.removeAll()
    sources.removeAll()
    for index in byWeekdayHour.indices { byWeekdayHour[index] = 0 }
  }

  /// Counts a play; one for each distinct value that it carries.
  ///
  /// - Parameters:
  ///   - isFirst: whether it is the first ever play of its song.
  ///   - hour: of the user's week: weekday · 24 + hour.
  /// - Returns: what the play says.
  mutating func add(_ play: Play, _ row: Catalogue.Row, isFirst: Bool, hour: Int) -> PlayVerdict {
    let verdict = PlayVerdict(completionRate: play.completionRate, parameters)
    let (isLiked, time) = (verdict == .liked, play.playedAt)
    figures.count(verdict)
    if isFirst { figures.newSongs += 1 }
    if verdict != .unknown {
      figures.completion += play.completionRate
      figures.known.append(play.completionRate)
      if row.seconds >= 0 {
        figures.seconds += play.completionRate * row.seconds
        figures.timed += 1
      }
    }
    songs.add(row.song, isLiked: isLiked, at: time)
    if row.artist >= 0 { artists.add(row.artist, isLiked: isLiked, at: time) }
    if row.language >= 0 { languages.add(row.language, isLiked: isLiked, at: time) }
    // By index, for a slice would be counted as a reference for each play.
    for index in row.genres.range { genres.add(catalogue.items[index], isLiked: isLiked, at: time) }
    for index in row.moods.range { moods.add(catalogue.items[index], isLiked: isLiked, at: time) }
    if play.source >= 0 { sources.add(play.source, isLiked: isLiked, at: time) }
    byWeekdayHour[hour] += 1
    return verdict
  }

  /// Writes what has been counted so far as the document of a range.
  mutating func write(_ name: StaticString, to writer: inout BSONWriter) {
    writer.key(name, .document)
    let start = writer.open()
    let artists = lists.grouped(artists: artists.counts)
    figures.distinctSongs = songs.counts.count
    figures.write(distinctArtists: artists.count, to: &writer)
    lists.writeTop(songs: songs.counts, to: &writer)
    lists.writeTop(artists: artists, to: &writer)
    lists.writeTop("top_languages", values: languages.counts, to: &writer)
    lists.writeTop("top_genres", values: genres.counts, to: &writer)
    lists.writeTop("top_moods", values: moods.counts, to: &writer)
    lists.writeTop("sources", values: sources.counts, limit: .max, to: &writer)
    writer.append("by_hour", counts: (0..<24).map { hour in (0..<7).reduce(0) { $0 + byWeekdayHour[$1 * 24 + hour] } })
    writer.append("by_weekday", counts: (0..<7).map { byWeekdayHour[$0 * 24..<$0 * 24 + 24].reduce(0, +) })
    writer.append("by_weekday_hour", counts: byWeekdayHour)
    writer.close(start)
  }

  func write(_ name: StaticString, songs: [Tallied], to writer: inout BSONWriter) {
    lists.write(name, songs: songs, to: &writer)
  }
}
