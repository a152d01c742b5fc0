internal import BSON
internal import Library

/// Users' votes on what songs are called and are like (docs/learning.md, *The catalogue*); partial votes are whole
/// numbers and add up in any order.
///
/// Each user has one vote for each value of a field that any of their counted plays and favourites of the song carries.
/// A song of a user is nearly always described by one description, so votes are counted by description; only where a
/// user has several of one song are they taken apart.
public struct CatalogueVotes: Sendable {
  let repertoire: Repertoire
  let lexicon: Lexicon
  private let parameters: LearningParameters
  private let keys: KeyResolution
  /// The songs that are counted, by key; nil for all.
  private let counted: [Bool]?
  /// By number. What a play needs lies together, for each looks at another description and song.
  private(set) var descriptions: [Description]
  private(set) var songs: [Song]
  /// Votes of users who describe a song in several ways, for what the first of these does not say.
  private(set) var others = VoteTable()
  /// What songs that the store lacks mean for `t:` keys; known once all votes are counted.
  public private(set) var titleChanges = TitleChanges.none
  /// The number of the present user, from 1.
  private var user: Int32 = 0

  struct Description {
    /// The song that its own counts as.
    let song: Int32
    /// Users of whom it is the first description of its song.
    var users: Int32 = 0
    /// In whom it was met last.
    fileprivate var user: Int32 = 0
  }

  struct Song {
    var plays: Int64 = 0
    var completed: Int64 = 0
    var listeners: Int32 = 0
    /// In whom it was met last, and with which description first; and who played it last.
    fileprivate var user: Int32 = 0
    fileprivate var description: Int32 = 0
    fileprivate var listener: Int32 = 0
    /// Whether there is a counted play or favourite of it.
    var isCounted = false
  }

  /// A value of a field of a song.
  struct Vote: Hashable {
    enum Field: UInt8 { case title, artist, artwork, language, duration, genre, mood, anyGenre, anyMood }
    var song: Int32
    var field: Field
    /// A number of the repertoire; a duration's bit pattern.
    var value: UInt64
  }

  /// - Parameters:
  ///   - repertoire: in whose numbers the facts are; complete from now on.
  public init(_ repertoire: Repertoire, _ parameters: LearningParameters) {
    self.init(repertoire, parameters, KeyResolution(), counted: nil)
  }

  private init(
    _ repertoire: Repertoire, _ parameters: LearningParameters, _ keys: KeyResolution, counted: [Bool]?
  ) {
    self.repertoire = repertoire
    lexicon = repertoire.lexicon
    self.parameters = parameters
    self.keys = keys
    self.counted = counted
    descriptions = lexicon.descriptions.map { Description(song: keys.song($0.song)) }
    songs = Array(repeating: Song(), count: lexicon.keys.count)
  }

  /// Which keys count as others in these votes.
  var resolutionUsed: KeyResolution { keys }

  /// All votes: counted, and where keys turn out to count as others, on those songs once more.
  ///
  /// - Parameters:
  ///   - repertoire: in whose numbers the facts are; complete from now on.
  ///   - count: adds everybody's facts to votes in which there are none yet.
  public static func counted<Failure: Error>(
    _ repertoire: Repertoire, _ parameters: LearningParameters,
    _ count: (_ empty: CatalogueVotes) throws(Failure) -> CatalogueVotes
  ) throws(Failure) -> CatalogueVotes {
    let first = try count(CatalogueVotes(repertoire, parameters))
    let (resolution, changes) = first.titles()
    var votes = resolution.isEmpty ? first : try count(first.recount(resolution))
    votes.complete(with: first)
    votes.titleChanges = changes
    return votes
  }

  // MARK: Counting

  public mutating func add(_ own: UserFacts) {
    let facts = keys.settled(own, asOf: parameters.asOf, lexicon)
    user += 1
    // Songs that the user describes in several ways, with each further description.
    var several: [(song: Int32, description: Int32)] = []
    for play in facts.plays where play.playedAt <= parameters.asOf && isCounted(play.description, facts) {
      let song = Int(meet(play.description, facts, &several))
      songs[song].plays += 1
      if PlayVerdict(completionRate: play.completionRate, parameters) == .liked { songs[song].completed += 1 }
      if songs[song].listener != user {
        songs[song].listener = user
        songs[song].listeners += 1
      }
    }
    // As the user has them: two favourites that count as one song both have a say in what it is called.
    for favorite in own.favorites
    where favorite.addedAt <= parameters.asOf && isCounted(favorite.description, facts) {
      _ = meet(favorite.description, facts, &several)
    }
    if !several.isEmpty { takeApart(&several, facts) }
  }

  private func isCounted(_ description: Int32, _ facts: UserFacts) -> Bool {
    guard let counted else { return true }
    return counted[Int(lexicon.description(description, of: facts).song)]
  }

  /// Notes that the user has an entry of this description, and says of which song.
  private mutating func meet(
    _ description: Int32, _ facts: UserFacts, _ several: inout [(song: Int32, description: Int32)]
  ) -> Int32 {
    let index = Int(description)
    let isShared = index < descriptions.count
    let song: Int32
    if isShared {
      song = descriptions[index].song
      if descriptions[index].user == user { return song }
      descriptions[index].user = user
    } else {
      song = keys.song(lexicon.description(description, of: facts).song)
    }
    songs[Int(song)].isCounted = true
    if songs[Int(song)].user == user {
      several.append((song, description))
    } else {
      songs[Int(song)].user = user
      songs[Int(song)].description = description
      if isShared { descriptions[index].users += 1 } else { several.append((song, description)) }
    }
    return song
  }

  /// Counts each value of a song once for this user, however many descriptions carry it: those of the first, where it is
  /// everybody's, are counted with it.
  private mutating func takeApart(_ several: inout [(song: Int32, description: Int32)], _ facts: UserFacts) {
    several.sort { $0.song != $1.song ? $0.song < $1.song : $0.description < $1.description }
    var cast = DistinctList<Vote>()
    var song: Int32?
    for next in several {
      if next.song != song {
        song = next.song
        cast.removeAll()
        let first = songs[Int(next.song)].description
        votes(of: lexicon.description(first, of: facts), for: next.song) { cast.append($0) }
        if Int(first) >= descriptions.count { for vote in cast.items { others.add(vote) } }
      }
      let known = cast.items.count
      votes(of: lexicon.description(next.description, of: facts), for: next.song) { cast.append($0) }
      for vote in cast.items[known...] { others.add(vote) }
    }
  }

  /// Each value that a description gives to a song.
  func votes(of description: SongDescription, for song: Int32, _ use: (Vote) -> Void) {
    func vote(_ field: Vote.Field, _ number: Int32) {
      if number >= 0 { use(Vote(song: song, field: field, value: UInt64(number))) }
    }
    vote(.title, description.title)
    vote(.artist, description.artist)
    vote(.artwork, description.artwork)
    vote(.language, description.language)
    if let duration = description.duration {
      use(Vote(song: song, field: .duration, value: (duration.seconds + 0).bitPattern))
    }
    if !description.genres.isEmpty { vote(.anyGenre, 0) }
    for genre in lexicon.items(description.genres) { vote(.genre, genre) }
    if !description.moods.isEmpty { vote(.anyMood, 0) }
    for mood in lexicon.items(description.moods) { vote(.mood, mood) }
  }

  /// Adds votes that were counted in the same numbers.
  public mutating func merge(_ other: CatalogueVotes) {
    for index in descriptions.indices { descriptions[index].users += other.descriptions[index].users }
    others.merge(other.others)
    for index in songs.indices {
      let song = other.songs[index]
      songs[index].listeners += song.listeners
      songs[index].plays += song.plays
      songs[index].completed += song.completed
      if song.isCounted { songs[index].isCounted = true }
    }
  }

  // MARK: Keys

  /// No votes yet, to be counted once more: of those songs alone for which keys turned out to count as others.
  /// ``complete(with:)`` brings the others.
  ///
  /// Votes that join a song because of that can change its spelling, never its lowercase title and artist, so that once
  /// is enough.
  private func recount(_ resolution: KeyResolution) -> CatalogueVotes {
    var counted = [Bool](repeating: false, count: lexicon.keys.count)
    for index in counted.indices {
      let target = Int(resolution.song(Int32(truncatingIfNeeded: index)))
      if target != index { (counted[index], counted[target]) = (true, true) }
    }
    return CatalogueVotes(repertoire, parameters, resolution, counted: counted)
  }

  /// Takes the votes on songs that a recount left out from the count before.
  private mutating func complete(with first: CatalogueVotes) {
    guard let counted else { return }
    for index in descriptions.indices where !counted[Int(lexicon.descriptions[index].song)] {
      descriptions[index].users = first.descriptions[index].users
    }
    for song in counted.indices where !counted[song] { songs[song] = first.songs[song] }
    others.merge(first.others) { !counted[Int($0.song)] }
  }

  /// Which `t:` keys have the lowercase title and artist of exactly one `v:` song of the catalogue, and of which that has
  /// changed since the catalogue was stored.
  private func titles() -> (resolution: KeyResolution, changes: TitleChanges) {
    let names = SongNames(self)
    let arena = Arena()
    let isFirst = repertoire.storedSongs.isEmpty
    var target: [Int32: Int32] = [:]
    var isAmbiguous: Set<Int32> = []
    var census = TitleCensus()
    for index in songs.indices {
      let song = Int32(truncatingIfNeeded: index)
      let isStored = repertoire.storedSongs[song] != nil
      guard songs[index].isCounted || isStored, lexicon.isVideo(song) else { continue }
      let title = names.title[index]
      guard title >= 0 else {
        census.add(song: lexicon.key(song).print(), isStored: isStored)
        continue
      }
      let artist = names.artist[index]
      let name = SongKey(
        title: lexicon.text(title), artist: artist >= 0 ? lexicon.text(artist) : nil, in: arena
      ).name
      let key = prefixed("t:", name)
      let print = key.withView { $0.print() }
      census.add(song: lexicon.key(song).print(seed: print), isStored: isStored)
      let plain = lexicon.keys.find(key)
      if !isFirst {
        census.add(
          key: print, isStored: isStored, isKeyStored: plain.map { repertoire.storedSongs[$0] != nil } ?? false)
      }
      guard let plain else { continue }
      if target.updateValue(song, forKey: plain) != nil { isAmbiguous.insert(plain) }
    }
    target = target.filter { !isAmbiguous.contains($0.key) }
    for index in songs.indices {
      let song = Int32(truncatingIfNeeded: index)
      let isStored = repertoire.storedSongs[song] != nil
      // The catalogue does not take in what counts as another song.
      guard isStored || songs[index].isCounted && target[song] == nil, !lexicon.isVideo(song) else { continue }
      census.add(song: lexicon.key(song).print(), isStored: isStored)
    }
    return (KeyResolution(target, lexicon), census.changes)
  }
}
