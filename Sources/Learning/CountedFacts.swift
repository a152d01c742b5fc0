/// A play or favourite as it counts: its song resolved, completed from the catalogue, judged.
public struct CountedEntry: Sendable, Equatable {
  /// The song: a number of the repertoire's keys, never of a `t:` key that counts as another.
  public var song: Int32
  /// `playedAt`, or a favourite's `addedAt`; `Entry.never` for a favourite without one. Milliseconds since 1970.
  public var time: Int64
  /// 0…1; −1 when absent, and of favourites.
  public var completionRate: Double
  /// nil for a favourite.
  public var verdict: PlayVerdict?
  /// Distinct numbers of the repertoire's values in each dimension.
  public var values: PerDimension<[Int32]>
}

/// What is counted of a user at an instant, for whoever wants to look at single plays: `explain` and `evaluate`.
public struct CountedFacts: Sendable, Equatable {
  /// Newest first; none later than `asOf`.
  public var plays: [CountedEntry] = []
  public var favorites: [CountedEntry] = []
  /// When favourites without a time count as added, in milliseconds since 1970.
  public var timeOfUndated: Int64
}

extension Catalogue {
  /// The facts of one user as they count at `parameters.asOf`.
  public func counted(_ facts: UserFacts, _ parameters: LearningParameters) -> CountedFacts {
    let facts = keys.settled(facts, asOf: parameters.asOf, lexicon)
    var counted = CountedFacts(timeOfUndated: facts.timeOfUndated(asOf: parameters.asOf))
    for play in facts.plays where play.playedAt <= parameters.asOf {
      let verdict = PlayVerdict(completionRate: play.completionRate, parameters)
      counted.plays.append(
        entry(row(play.description, of: facts), play.playedAt, completionRate: play.completionRate, verdict))
    }
    for favorite in facts.favorites where favorite.addedAt <= parameters.asOf {
      counted.favorites.append(entry(row(favorite.description, of: facts), favorite.addedAt, completionRate: -1, nil))
    }
    return counted
  }

  private func entry(_ row: Row, _ time: Int64, completionRate: Double, _ verdict: PlayVerdict?) -> CountedEntry {
    CountedEntry(
      song: row.song, time: time, completionRate: completionRate, verdict: verdict,
      values: PerDimension(
        language: row.language >= 0 ? [row.language] : [], genre: Array(items[row.genres.range]),
        mood: Array(items[row.moods.range])))
  }
}
