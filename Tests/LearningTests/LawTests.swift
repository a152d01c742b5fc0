import Foundation
import Learning
import Testing

/// Random choices that a seed repeats (SplitMix64).
private struct Dice: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func percent(_ likelihood: Int) -> Bool { Int.random(in: 0..<100, using: &self) < likelihood }
  mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &self)] }
}

/// What holds for any listeners (docs/learning.md), on some that chance makes: few songs and values, many ties.
///
/// `MIXDOWN_SEED` repeats a failure: the argument of the failing test.
@Suite struct LawTests {
  static let seeds: [UInt64] = {
    if let seed = ProcessInfo.processInfo.environment["MIXDOWN_SEED"].flatMap({ UInt64($0) }) { return [seed] }
    let first = UInt64.random(in: 0..<1 << 40)
    return (0..<12).map { first + $0 }
  }()
  static let parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))

  /// Some users' plays, in no order, spread over library and archive with overlaps.
  private func listeners(_ dice: inout Dice) -> Listeners {
    var listeners = Listeners()
    listeners.libraries = []
    let zones: [Value] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Mars/Olympus"]
    for number in 0..<Int.random(in: 1...6, using: &dice) {
      let user = "user\(number)"
      var plays: [Value] = []
      for _ in 0..<dice.pick([0, 1, 5, 30]) { plays.append(entry(&dice, isPlay: true)) }
      let favorites = (0..<dice.pick([0, 0, 3])).map { _ in entry(&dice, isPlay: false) }
      listeners.add(user, plays: plays, favorites: favorites, ["total_songs_played": 40, "timezone": dice.pick(zones)])
      if dice.percent(40) {
        listeners.accounts.append(
          (user, ["onboarding": ["languages": dice.pick([[], ["hi"], ["en", "xx"]]), "genres": ["pop", "new"]]]))
      }
    }
    return listeners
  }

  private func entry(_ dice: inout Dice, isPlay: Bool) -> Value {
    let song = dice.pick([1, 2, 3, 4, 5])
    var entry: Value = dice.percent(75) ? ["videoId": .string("v\(song)")] : ["title": .string("Song \(song % 3)")]
    if dice.percent(50) { entry["title"] = .string(dice.pick(["Song \(song % 3)", "SONG \(song % 3)"])) }
    if dice.percent(30) { entry["artist"] = dice.pick(["ABBA", "abba"]) }
    if dice.percent(40) { entry["language"] = dice.pick(["hi", "en", "ta"]) }
    if dice.percent(40) { entry["genres"] = dice.pick([["pop"], ["pop", "rock"], [], ["jazz", "filmi", "rock"]]) }
    if dice.percent(40) { entry["moods"] = dice.pick([["calm"], ["sad", "calm"]]) }
    if dice.percent(40) { entry["duration"] = dice.pick([100, 200.5, 1e9]) }
    let day = Int64.random(in: -2...400, using: &dice) * 86_400_000
    let second = Int64(dice.pick([0, 0, 1, 60, 1801, 5400])) * 1000
    let instant = Self.parameters.asOf - day - second
    if isPlay || dice.percent(70) { entry[isPlay ? "playedAt" : "addedAt"] = .date(instant) }
    if isPlay, dice.percent(80) { entry["completionRate"] = dice.pick([0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 1]) }
    return entry
  }

  @Test(arguments: seeds)
  func `no order of users, no batches and no number of workers changes a byte`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    let listeners = listeners(&dice)
    let expected = try learn(listeners, Self.parameters).bytes
    for _ in 0..<4 {
      let division = Division(
        order: listeners.users.shuffled(using: &dice), batch: dice.pick([1, 2, 100]), workers: dice.pick([1, 2, 5]),
        isReadInPasses: dice.percent(50))
      #expect(try learn(listeners, Self.parameters, division).bytes == expected)
    }
  }

  @Test(arguments: seeds)
  func `plays may lie in library or archive, in any order and more than once`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    let listeners = listeners(&dice)
    let expected = try learn(listeners, Self.parameters).bytes
    var moved = listeners
    for index in moved.libraries.indices {
      let plays = moved.libraries[index].document["history"]?.items ?? []
      let user = moved.libraries[index].user
      moved.libraries[index].document["history"] = .array(plays.filter { _ in dice.percent(50) }.shuffled(using: &dice))
      let kept = moved.libraries[index].document["history"]?.items ?? []
      let missing = plays.filter { play in !kept.contains(play) }
      let again = plays.filter { _ in dice.percent(30) }
      for part in [missing, again] {
        moved.archive.append((user, ["plays": .array(part.shuffled(using: &dice))]))
      }
    }
    #expect(try learn(moved, Self.parameters).bytes == expected)
  }

  @Test(arguments: seeds)
  func `the scores of a dimension add up to 1 before any is left out`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    for scores in try learn(listeners(&dice), Self.parameters).allScores.values {
      for dimension in Dimension.allCases where !scores[dimension].isEmpty {
        #expect(isNear(scores[dimension].values.reduce(0) { $0 + $1.affinity }, 1))
        #expect(isNear(scores[dimension].values.reduce(0) { $0 + $1.prior }, 1))
      }
    }
  }

  @Test(arguments: seeds)
  func `an added liked play of a value never lowers its score`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var listeners = listeners(&dice)
    let before = try learn(listeners, Self.parameters)
    // The same population and catalogue as before.
    listeners.population = Array(before.population.values)
    listeners.songs = Array(before.songs.values)
    let language = dice.pick(["hi", "en", "ta", "xx"])
    let played = play(
      "another", "2025-03-01T00:00:00Z", 0.9,
      ["language": .string(language), "genres": ["rock"], "moods": ["calm"]])
    let user = dice.pick(listeners.users)
    for index in listeners.libraries.indices where listeners.libraries[index].user == user {
      let plays = listeners.libraries[index].document["history"]?.items ?? []
      listeners.libraries[index].document["history"] = .array(plays + [played])
    }
    let after = try learn(listeners, Self.parameters)
    for (dimension, value) in [(Dimension.language, language), (.genre, "rock"), (.mood, "calm")] {
      let old = before.allScores[user]?[dimension][value]?.affinity ?? 0
      let new = try #require(after.allScores[user]?[dimension][value]?.affinity)
      #expect(new >= old - 1e-15)
    }
  }

  @Test(arguments: seeds)
  func `given the same catalogue and population an incremental run makes the same documents`(seed: UInt64) throws {
    var dice = Dice(seed: seed)
    var listeners = listeners(&dice)
    let full = try learn(listeners, Self.parameters)
    listeners.population = Array(full.population.values)
    listeners.songs = Array(full.songs.values)
    let incremental = try learn(listeners, Self.parameters)
    #expect(incremental.bytes["statistics"] == full.bytes["statistics"])
    #expect(incremental.bytes["scores"] == full.bytes["scores"])
    #expect(incremental.songs.isEmpty)
  }

  @Test(arguments: seeds)
  func `a run that reads who changed and whom new songs concern makes the statistics of one that reads all`(
    seed: UInt64
  ) throws {
    var dice = Dice(seed: seed)
    let (everybody, parameters) = (listeners(&dice), Self.parameters)
    func only(_ isWanted: (String) -> Bool, knowing songs: [Value] = [], _ population: [Value] = []) -> Listeners {
      var some = everybody
      some.libraries.removeAll { !isWanted($0.user) }
      some.accounts.removeAll { !isWanted($0.user) }
      (some.songs, some.population) = (songs, population)
      return some
    }
    let unchanged = Set(everybody.users.filter { _ in dice.percent(60) })
    let last = try learn(only(unchanged.contains), parameters)
    let (songs, population) = (Array(last.songs.values), Array(last.population.values))
    let first = try learn(only({ !unchanged.contains($0) }, knowing: songs, population), parameters)
    let changes = try #require(first.titleChanges)
    #expect(changes.before == last.titleChanges?.after)
    let left = unchanged.filter { last.marks[$0]?.contains(where: changes.marks.contains) != true }
    let night = try learn(only({ !left.contains($0) }, knowing: songs, population), parameters)

    let all = try learn(only({ _ in true }, knowing: songs + night.songs.values, population), parameters)
    #expect(all.songs.isEmpty && all.titleChanges?.before == night.titleChanges?.after)
    for user in everybody.users {
      #expect(all.statistics[user] == (left.contains(user) ? last : night).statistics[user], "\(user)")
    }
  }

  @Test(arguments: seeds)
  func `until they are stale figures stay as they are, and scores drift no further than is tolerable`(seed: UInt64)
    throws
  {
    var dice = Dice(seed: seed)
    var listeners = listeners(&dice)
    let before = try learn(listeners, Self.parameters)
    listeners.population = Array(before.population.values)
    listeners.songs = Array(before.songs.values)
    for user in listeners.users {
      guard case .date(let stale)? = before.statistics[user]?["stale_after"] else { continue }
      var parameters = Self.parameters
      for instant in [stale - 1, Int64.random(in: parameters.asOf..<stale, using: &dice)] {
        parameters.asOf = instant
        let after = try learn(listeners, parameters)
        #expect(clockless(after.statistics[user]) == clockless(before.statistics[user]))
        for dimension in Dimension.allCases {
          let (old, new) = (before.allScores[user]?[dimension] ?? [:], after.allScores[user]?[dimension] ?? [:])
          let difference = Set(old.keys).union(new.keys).reduce(0) {
            $0 + abs((old[$1]?.affinity ?? 0) - (new[$1]?.affinity ?? 0))
          }
          #expect(difference / 2 <= LearningParameters.tolerableDrift)
        }
      }
    }
  }

  private func clockless(_ statistics: Value?) -> Value? {
    var statistics = statistics
    for name in ["as_of", "computed_at", "stale_after"] { statistics?[name] = nil }
    return statistics
  }
}
