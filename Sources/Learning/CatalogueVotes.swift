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
  /// Users whose only description of its song each is.
  private(set) var alone: [Int32]
  /// Votes of users who describe a song in several ways.
  private(set) var others = VoteTable()
  private(set) var listeners: [Int32]
  private(set) var plays: [Int64]
  private(set) var completed: [Int64]
  /// What songs that the store lacks mean for `t:` keys; known once all votes are counted.
  public private(set) var titleChanges = TitleChanges.none
  /// Songs of a counted play or favourite.
  private(set) var isCounted: [Bool]
  // The present user's: which descriptions and songs were met, and the first description of each song.
  private var user: Int32 = 0
  private var descriptionUser: [Int32]
  private var songUser: [Int32]
  private var songListener: [Int32]
  private var songDescription: [Int32]

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
    let (songs, descriptions) = (lexicon.keys.count, lexicon.descriptions.count)
    alone = Array(repeating: 0, count: descriptions)
    listeners = Array(repeating: 0, count: songs)
    plays = Array(repeating: 0, count: songs)
    completed = Array(repeating: 0, count: songs)
    isCounted = Array(repeating: false, count: songs)
    descriptionUser = Array(repeating: 0, count: descriptions)
    songUser = Array(repeating: 0, count: songs)
    songListener = Array(repeating: 0, count: songs)
    songDescription = Array(repeating: 0, count: songs)
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
      plays[song] += 1
      if PlayVerdict(completionRate: play.completionRate, parameters) == .liked { completed[song] += 1 }
      if songListener[song] != user {
        songListener[song] = user
        listeners[song] += 1
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
    let isShared = index < descriptionUser.count
    let song = keys.song(lexicon.description(description, of: facts).song)
    if isShared {
      if descriptionUser[index] == user { return song }
      descriptionUser[index] = user
    }
    isCounted[Int(song)] = true
    if songUser[Int(song)] == user {
      several.append((song, description))
    } else {
      songUser[Int(song)] = user
      songDescription[Int(song)] = description
      if isShared { alone[index] += 1 } else { several.append((song, description)) }
    }
    return song
  }

  /// Counts each value of a song once for this user, however many descriptions carry it.
  private mutating func takeApart(_ several: inout [(song: Int32, description: Int32)], _ facts: UserFacts) {
    several.sort { $0.song != $1.song ? $0.song < $1.song : $0.description < $1.description }
    var cast = DistinctList<Vote>()
    var song: Int32?
    func note(_ description: Int32, of song: Int32) {
      votes(of: lexicon.description(description, of: facts), for: song) { cast.append($0) }
    }
    for next in several {
      if next.song != song {
        song = next.song
        for vote in cast.items { others.add(vote) }
        cast.removeAll()
        let first = songDescription[Int(next.song)]
        if Int(first) < alone.count { alone[Int(first)] -= 1 }
        note(first, of: next.song)
      }
      note(next.description, of: next.song)
    }
    for vote in cast.items { others.add(vote) }
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
    for index in alone.indices { alone[index] += other.alone[index] }
    others.merge(other.others)
    for song in listeners.indices {
      listeners[song] += other.listeners[song]
      plays[song] += other.plays[song]
      completed[song] += other.completed[song]
      if other.isCounted[song] { isCounted[song] = true }
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
    for index in alone.indices where !counted[Int(lexicon.descriptions[index].song)] {
      alone[index] = first.alone[index]
    }
    for song in counted.indices where !counted[song] {
      (listeners[song], plays[song]) = (first.listeners[song], first.plays[song])
      (completed[song], isCounted[song]) = (first.completed[song], first.isCounted[song])
    }
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
    for index in isCounted.indices {
      let song = Int32(truncatingIfNeeded: index)
      let isStored = repertoire.storedSongs[song] != nil
      guard isCounted[index] || isStored, lexicon.isVideo(song) else { continue }
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
    for index in isCounted.indices {
      let song = Int32(truncatingIfNeeded: index)
      let isStored = repertoire.storedSongs[song] != nil
      // The catalogue does not take in what counts as another song.
      guard isStored || isCounted[index] && target[song] == nil, !lexicon.isVideo(song) else { continue }
      census.add(song: lexicon.key(song).print(), isStored: isStored)
    }
    return (KeyResolution(target, lexicon), census.changes)
  }
}
