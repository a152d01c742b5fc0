public import BSON
internal import Digests
internal import Library

/// The song catalogue (docs/learning.md, *The catalogue*): what all users together say of each song, and what each
/// description counts as.
public final class Catalogue: Sendable {
  let lexicon: Lexicon
  let keys: KeyResolution
  private let songs: [Song]
  /// Songs that the store lacks.
  private let gained: [Int32]
  private let asOf: Int64
  /// The items of the rows' lists: those of the repertoire, then the catalogue's.
  let items: [Int32]
  private let rows: [Row]
  /// Artists by lowercase: the group of each text that is some song's artist.
  private let artistGroups: [Int32]
  let artistGroupCount: Int
  /// What a list says of a song besides how often it was played: elements of a document, of one song after another.
  private let labels: [UInt8]
  private let labelStarts: [Int]
  /// The places of song keys, artists and values in the order of their bytes, for lists that are sorted by name.
  let keyRanks: [Int32]
  let artistRanks: [Int32]
  let valueRanks: [Int32]

  private struct Song {
    var title: Int32 = -1
    var artist: Int32 = -1
    var artwork: Int32 = -1
    var language: Int32 = -1
    /// Seconds; nil when unknown.
    var seconds: Double?
    var genres = ValueList()
    var moods = ValueList()
    var listeners: Int32 = 0
    var plays: Int64 = 0
    var completed: Int64 = 0
    /// What the store had of it already.
    var stored = StoredState.none
  }

  /// What the stored catalogue has of a song, in an incremental run.
  enum StoredState {
    case none
    case neverPlayed
    case played
  }

  /// A description as it counts: completed from the catalogue.
  struct Row {
    /// Seconds; negative when unknown.
    var seconds: Double
    var song: Int32
    /// A number of ``Lexicon/texts``, −1 for none.
    var artist: Int32
    /// A number of ``Lexicon/values``, −1 for none.
    var language: Int32
    var genres: ValueList
    var moods: ValueList
  }

  /// What the votes decide; songs that the store has already (``Repertoire/read(song:)``) stay as they are.
  ///
  /// - Parameter votes: counted with the resolution that they themselves give.
  public init(_ repertoire: Repertoire, _ votes: CatalogueVotes, asOf: Int64) {
    let lexicon = repertoire.lexicon
    self.lexicon = lexicon
    self.asOf = asOf
    keys = votes.resolutionUsed
    var songs = [Song](repeating: Song(), count: lexicon.keys.count)
    var gained: [Int32] = []
    var items = lexicon.lists
    for (number, stored) in repertoire.storedSongs {
      songs[Int(number)] = Song(
        title: stored.title, artist: stored.artist, language: stored.language, seconds: stored.seconds,
        genres: stored.genres, moods: stored.moods, stored: stored.isPlayed ? .played : .neverPlayed)
    }
    votes.forEachSong { song, ballot in
      guard repertoire.storedSongs[song] == nil else { return }
      func list(_ values: [Int32]) -> ValueList {
        defer { items += values }
        return ValueList(
          start: Int32(truncatingIfNeeded: items.count), length: Int32(truncatingIfNeeded: values.count))
      }
      let index = Int(song)
      songs[index] = Song(
        title: ballot.title, artist: ballot.artist, artwork: ballot.winner(.artwork, lexicon.text),
        language: ballot.winner(.language, lexicon.value), seconds: ballot.seconds,
        genres: list(ballot.values(.genre, of: .anyGenre)), moods: list(ballot.values(.mood, of: .anyMood)),
        listeners: votes.songs[index].listeners, plays: votes.songs[index].plays,
        completed: votes.songs[index].completed)
      gained.append(song)
    }
    self.gained = gained.sorted { lexicon.key($0) < lexicon.key($1) }
    self.songs = songs
    self.items = items
    let keys = keys
    rows = lexicon.descriptions.map { Self.row($0, songs, keys) }
    let (groups, groupCount) = Self.groups(songs, lexicon)
    (artistGroups, artistGroupCount) = (groups, groupCount)
    (labels, labelStarts) = Self.labels(songs, lexicon)
    keyRanks = Self.ranks(0..<lexicon.keys.count, lexicon.keys)
    artistRanks = Self.ranks(groups.indices.filter { groups[$0] >= 0 }, lexicon.texts)
    valueRanks = Self.ranks(0..<lexicon.values.count, lexicon.values)
  }

  /// - Parameter numbers: those that have a rank.
  private static func ranks(_ numbers: some Sequence<Int>, _ texts: TextTable) -> [Int32] {
    var ranks = [Int32](repeating: -1, count: texts.count)
    let sorted = numbers.map { Int32(truncatingIfNeeded: $0) }.sorted { texts[$0] < texts[$1] }
    for (rank, number) in sorted.enumerated() { ranks[Int(number)] = Int32(truncatingIfNeeded: rank) }
    return ranks
  }

  /// Artists are grouped by lowercase.
  private static func groups(_ songs: [Song], _ lexicon: Lexicon) -> ([Int32], Int) {
    var groups = [Int32](repeating: -1, count: lexicon.texts.count)
    var names = TextTable()
    let arena = Arena()
    for song in songs where song.artist >= 0 && groups[Int(song.artist)] < 0 {
      arena.reset()
      let name = SongKey(title: lexicon.text(song.artist), artist: nil, in: arena).name
      groups[Int(song.artist)] = names.number(of: name)
    }
    return (groups, names.count)
  }

  /// Key, title and artist of each song, encoded once: they are in many people's lists, and lie far from one another.
  private static func labels(_ songs: [Song], _ lexicon: Lexicon) -> ([UInt8], [Int]) {
    var writer = BSONWriter()
    var starts = [0]
    for (number, song) in songs.enumerated() {
      writer.append("key", string: lexicon.key(Int32(truncatingIfNeeded: number)))
      if song.title >= 0 { writer.append("title", string: lexicon.text(song.title)) }
      if song.artist >= 0 { writer.append("artist", string: lexicon.text(song.artist)) }
      starts.append(writer.count)
    }
    return (writer.view.copy(), starts)
  }

  private static func row(_ description: SongDescription, _ songs: [Song], _ keys: KeyResolution) -> Row {
    let number = keys.song(description.song)
    let song = songs[Int(number)]
    return Row(
      seconds: description.seconds ?? song.seconds ?? -1, song: number, artist: song.artist,
      language: description.language >= 0 ? description.language : song.language,
      genres: description.genres.isEmpty ? song.genres : description.genres,
      moods: description.moods.isEmpty ? song.moods : description.moods)
  }

  // MARK: What counts

  /// The row of an entry's description.
  @inline(__always)
  func row(_ description: Int32, of facts: UserFacts) -> Row {
    let index = Int(description)
    return index < rows.count ? rows[index] : Self.row(facts.joined[index - rows.count], songs, keys)
  }

  /// The rows of a user's plays, one after another.
  ///
  /// Each of them lies elsewhere. Fetched together they are waited for together, and not one by one between counts.
  func fill(_ rows: inout [Row], with facts: UserFacts) {
    rows.removeAll(keepingCapacity: true)
    rows.reserveCapacity(facts.plays.count)
    for play in facts.plays { rows.append(row(play.description, of: facts)) }
  }

  /// The numbers of descriptions that are everybody's end here.
  var rowCount: Int { rows.count }

  /// The row of one of a user's own descriptions.
  func row(ofJoined index: Int, of facts: UserFacts) -> Row { Self.row(facts.joined[index], songs, keys) }

  /// The row of a number that is a description's, or follows those as a place in a list of others, counted from one of
  /// them.
  @inline(__always)
  func row(_ number: Int32, or others: [Row], from first: Int = 0) -> Row {
    let index = Int(number)
    return index < rows.count ? rows[index] : others[first + index - rows.count]
  }

  /// The song of an entry's description.
  @inline(__always)
  func song(of description: Int32, of facts: UserFacts) -> Int32 {
    let index = Int(description)
    return index < rows.count ? rows[index].song : keys.song(facts.joined[index - rows.count].song)
  }

  /// The group that an artist belongs to.
  @inline(__always)
  func group(ofArtist artist: Int32) -> Int32 { artistGroups[Int(artist)] }

  /// A song's title and artist, UTF-8.
  public func names(of song: Int32) -> (title: ByteView?, artist: ByteView?) {
    let song = songs[Int(song)]
    return (
      song.title >= 0 ? lexicon.text(song.title) : nil, song.artist >= 0 ? lexicon.text(song.artist) : nil
    )
  }

  /// Appends a song's key, title and artist to a document that is open.
  func append(labelOf song: Int32, to writer: inout BSONWriter) {
    let start = labelStarts[Int(song)]
    labels.withView { writer.put(bytes: $0.slice(start, labelStarts[Int(song) + 1] - start)) }
  }

  /// What the stored catalogue had of a song before this run.
  func stored(_ song: Int) -> StoredState { songs[song].stored }

  // MARK: Documents

  /// Hands on the documents of the songs that the store lacks – on a full run, which reads none from it, all – in
  /// ascending order of their keys. Views hold for the time of the call.
  public func writeDocuments<Failure: Error>(
    _ use: (_ key: ByteView, BSONDocument) throws(Failure) -> Void
  ) throws(Failure) {
    var writer = BSONWriter()
    for number in gained {
      writer.removeAll()
      write(number, to: &writer)
      try use(lexicon.key(number), BSONDocument(unchecked: writer.view))
    }
  }

  private func write(_ number: Int32, to writer: inout BSONWriter) {
    let song = songs[Int(number)]
    let start = writer.open()
    let key = lexicon.key(number)
    DerivedDocument.appendID(of: key, to: &writer)
    writer.append("key", string: key)
    if song.title >= 0 { writer.append("title", string: lexicon.text(song.title)) }
    if song.artist >= 0 { writer.append("artist", string: lexicon.text(song.artist)) }
    if song.artwork >= 0 { writer.append("artwork", string: lexicon.text(song.artwork)) }
    if let seconds = song.seconds { writer.append("duration", double: seconds) }
    if song.language >= 0 { writer.append("language", string: lexicon.value(song.language)) }
    writer.append("genres", values: items[song.genres.range], of: lexicon)
    writer.append("moods", values: items[song.moods.range], of: lexicon)
    writer.append("listeners", integer: Int64(song.listeners))
    writer.append("plays", integer: song.plays)
    writer.append("completed", integer: song.completed)
    writer.append("as_of", date: asOf)
    writer.close(start)
  }
}

extension BSONWriter {
  /// An array of values' names.
  mutating func append(_ key: StaticString, values: some Sequence<Int32>, of lexicon: Lexicon) {
    self.key(key, .array)
    let start = open()
    for (index, value) in values.enumerated() {
      self.index(index, .string)
      put(string: lexicon.value(value))
    }
    close(start)
  }
}
