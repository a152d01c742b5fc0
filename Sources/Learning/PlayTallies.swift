internal import BSON

/// How often each song, artist and value was played in a range of time, of one user or of all.
struct PlayTallies {
  private let catalogue: Catalogue
  private(set) var songs: Tally
  private var artists: Tally
  private var languages: Tally
  private var genres: Tally
  private var moods: Tally
  private var sources: Tally
  private var lists: RangeLists

  init(_ catalogue: Catalogue) {
    self.catalogue = catalogue
    songs = Tally(numbers: catalogue.lexicon.keys.count)
    artists = Tally(numbers: catalogue.lexicon.texts.count)
    let values = Tally(numbers: catalogue.lexicon.values.count)
    (languages, genres, moods, sources) = (values, values, values, values)
    lists = RangeLists(catalogue)
  }

  mutating func removeAll() {
    songs.removeAll()
    artists.removeAll()
    languages.removeAll()
    genres.removeAll()
    moods.removeAll()
    sources.removeAll()
  }

  /// Counts a play; one for each distinct value that it carries.
  @inline(__always)
  mutating func add(_ play: Play, _ row: Catalogue.Row, isLiked: Bool) {
    let time = play.playedAt
    songs.add(row.song, isLiked: isLiked, at: time)
    if row.artist >= 0 { artists.add(row.artist, isLiked: isLiked, at: time) }
    if row.language >= 0 { languages.add(row.language, isLiked: isLiked, at: time) }
    // By index, for a slice would be counted as a reference for each play.
    for index in row.genres.range { genres.add(catalogue.items[index], isLiked: isLiked, at: time) }
    for index in row.moods.range { moods.add(catalogue.items[index], isLiked: isLiked, at: time) }
    if play.source >= 0 { sources.add(play.source, isLiked: isLiked, at: time) }
  }

  /// Writes figures and lists into a document that is open.
  ///
  /// - Parameter figures: of the same plays; the number of songs is put into it.
  mutating func write(_ figures: inout RangeFigures, to writer: inout BSONWriter) {
    figures.distinctSongs = songs.counts.count
    let artists = lists.grouped(artists: artists.counts)
    figures.write(distinctArtists: artists.count, to: &writer)
    lists.writeTop(songs: songs.counts, to: &writer)
    lists.writeTop(artists: artists, to: &writer)
    lists.writeTop("top_languages", values: languages.counts, to: &writer)
    lists.writeTop("top_genres", values: genres.counts, to: &writer)
    lists.writeTop("top_moods", values: moods.counts, to: &writer)
    lists.writeTop("sources", values: sources.counts, limit: .max, to: &writer)
  }

  func write(_ name: StaticString, songs: [Tallied], to writer: inout BSONWriter) {
    lists.write(name, songs: songs, to: &writer)
  }
}
