internal import BSON
internal import Library

/// The `t:` keys that count as `v:` songs: those with the lowercase title and artist of exactly one (docs/learning.md,
/// *The catalogue*).
///
/// Such a key counts as that song everywhere: facts are settled before anything is counted, as if the entries had
/// carried the videoId. So a play that an old dump has without and a new one with its videoId is one play, and a user
/// who knows a song under both keys is one listener with one vote.
public struct KeyResolution: Sendable {
  /// The song that each song counts as; empty when each counts as itself.
  private let targets: [Int32]
  /// Whether the song of each description counts as another.
  private let isResolved: [Bool]

  public var isEmpty: Bool { targets.isEmpty }

  /// Every key counts as itself.
  public init() { (targets, isResolved) = ([], []) }

  /// - Parameter pairs: `t:` keys and the `v:` songs that they count as.
  init(_ pairs: [Int32: Int32], _ lexicon: Lexicon) {
    guard !pairs.isEmpty else {
      (targets, isResolved) = ([], [])
      return
    }
    var targets = (0..<lexicon.keys.count).map { Int32(truncatingIfNeeded: $0) }
    for (song, target) in pairs { targets[Int(song)] = target }
    isResolved = lexicon.descriptions.map { targets[Int($0.song)] != $0.song }
    self.targets = targets
  }

  /// The song that a song counts as.
  @inline(__always)
  func song(_ song: Int32) -> Int32 { targets.isEmpty ? song : targets[Int(song)] }

  // MARK: Facts

  /// The facts with entries joined that are one under the resolved keys.
  ///
  /// - Parameter asOf: in milliseconds since 1970. A favourite that is later does not count, and hides none that does.
  func settled(_ facts: UserFacts, asOf: Int64, _ lexicon: Lexicon) -> UserFacts {
    guard !isEmpty else { return facts }
    let (plays, favorites) = (facts.plays, facts.favorites)
    let hasPlays = plays.contains { isResolved[Int($0.description)] }
    let hasFavorites = favorites.contains { isResolved[Int($0.description)] }
    guard hasPlays || hasFavorites else { return facts }
    var settled = facts
    // Plays of different instants stay two, in their order.
    if hasPlays, zip(plays, plays.dropFirst()).contains(where: { $0.playedAt == $1.playedAt }) {
      settle(plays: plays, into: &settled, lexicon)
    }
    if hasFavorites { settle(favorites: favorites, asOf: asOf, into: &settled, lexicon) }
    return settled
  }

  private func settle(plays: [Play], into facts: inout UserFacts, _ lexicon: Lexicon) {
    func song(_ play: Play) -> Int32 { self.song(lexicon.description(play.description, of: facts).song) }
    facts.plays.removeAll(keepingCapacity: true)
    var start = 0
    while start < plays.count {
      var end = start + 1
      while end < plays.count, plays[end].playedAt == plays[start].playedAt { end += 1 }
      if end - start == 1 {
        facts.plays.append(plays[start])
      } else {
        // Plays of one instant, by the key they count as.
        let together = plays[start..<end].sorted {
          let (a, b) = (song($0), song($1))
          return a != b && lexicon.key(a) < lexicon.key(b)
        }
        for play in together {
          if let last = facts.plays.last, last.playedAt == play.playedAt, song(last) == song(play) {
            facts.plays[facts.plays.count - 1] = joined(last, play, &facts, lexicon)
          } else {
            facts.plays.append(play)
          }
        }
      }
      start = end
    }
  }

  /// One play of two: the rule of `JoinedPlays`, field by field.
  private func joined(_ a: Play, _ b: Play, _ facts: inout UserFacts, _ lexicon: Lexicon) -> Play {
    var play = a
    play.completionRate = max(a.completionRate, b.completionRate)
    if b.source >= 0, a.source < 0 || hasGreaterBytes(lexicon.value(b.source), than: lexicon.value(a.source)) {
      play.source = b.source
    }
    play.description = joined(a.description, b.description, .greaterBytes, &facts, lexicon)
    return play
  }

  private func settle(favorites: [Favorite], asOf: Int64, into facts: inout UserFacts, _ lexicon: Lexicon) {
    var settled: [Favorite] = []
    var indices: [Int32: Int] = [:]
    for favorite in favorites {
      let song = song(lexicon.description(favorite.description, of: facts).song)
      guard favorite.addedAt <= asOf else {
        settled.append(favorite)
        continue
      }
      guard let index = indices[song] else {
        indices[song] = settled.count
        settled.append(favorite)
        continue
      }
      // In their order each is at least as new as those before it.
      let older = settled[index]
      let precedence = older.addedAt == favorite.addedAt ? Precedence.greaterBytes : .second
      settled[index] = Favorite(
        addedAt: favorite.addedAt,
        description: joined(older.description, favorite.description, precedence, &facts, lexicon))
    }
    let joined = facts
    settled.sort {
      if $0.addedAt != $1.addedAt { return $0.addedAt < $1.addedAt }
      let a = song(lexicon.description($0.description, of: joined).song)
      let b = song(lexicon.description($1.description, of: joined).song)
      return a != b && lexicon.key(a) < lexicon.key(b)
    }
    facts.favorites = settled
  }

  // MARK: Descriptions

  private enum Precedence {
    /// Of two values the one with the greater bytes.
    case greaterBytes
    /// The second's where it has one.
    case second
  }

  private func joined(
    _ a: Int32, _ b: Int32, _ precedence: Precedence, _ facts: inout UserFacts, _ lexicon: Lexicon
  ) -> Int32 {
    let (first, second) = (lexicon.description(a, of: facts), lexicon.description(b, of: facts))
    func text(_ field: (SongDescription) -> Int32, _ bytes: (Int32) -> ByteView) -> Int32 {
      let (one, other) = (field(first), field(second))
      guard one >= 0, other >= 0, one != other else { return max(one, other) }
      return precedence == .second || hasGreaterBytes(bytes(other), than: bytes(one)) ? other : one
    }
    func source(of stored: (SongDescription) -> ValueList) -> SongDescription {
      let (one, other) = (stored(first), stored(second))
      guard one.length >= 0, other.length >= 0 else { return one.length >= 0 ? first : second }
      return precedence == .second || lexicon.hasGreaterBytes(other, than: one) ? second : first
    }
    var joined = SongDescription(song: song(first.song))
    joined.title = text(\.title, lexicon.text)
    joined.artist = text(\.artist, lexicon.text)
    joined.artwork = text(\.artwork, lexicon.text)
    joined.storedLanguage = text(\.storedLanguage, lexicon.value)
    joined.language = joined.storedLanguage == first.storedLanguage ? first.language : second.language
    let (genres, moods) = (source(of: \.storedGenres), source(of: \.storedMoods))
    (joined.genres, joined.storedGenres) = (genres.genres, genres.storedGenres)
    (joined.moods, joined.storedMoods) = (moods.moods, moods.storedMoods)
    if let one = first.duration, let other = second.duration {
      joined.duration = precedence == .second || other.hasGreaterBytes(than: one) ? other : one
    } else {
      joined.duration = first.duration ?? second.duration
    }
    facts.joined.append(joined)
    return Int32(truncatingIfNeeded: lexicon.descriptions.count + facts.joined.count - 1)
  }
}
