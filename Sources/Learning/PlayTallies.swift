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

  /// Counts plays: each for its song and artist, and for each distinct value that it carries.
  ///
  /// One table after another: all plays of one go through a table that lies in the nearest cache.
  ///
  /// - Parameters:
  ///   - rows: of the plays.
  ///   - likes: 1 for a play that is liked, else 0.
  mutating func add(_ plays: Span<Play>, _ rows: Span<Catalogue.Row>, likes: Span<Int32>) {
    let lists = catalogue.items
    let items = lists.span
    songs.add(plays, likes: likes) { rows[$0].song }
    artists.add(plays, likes: likes) { rows[$0].artist }
    languages.add(plays, likes: likes) { rows[$0].language }
    sources.add(plays, likes: likes) { plays[$0].source }
    genres.add(plays, likes: likes, items: items) { rows[$0].genres.range }
    moods.add(plays, likes: likes, items: items) { rows[$0].moods.range }
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
