/// What somebody likes: a share for each language, genre and mood; the shares of a kind add up to 1.
struct Taste {
  private(set) var languages: [Double]
  private(set) var genres: [Double]
  private(set) var moods: [Double]

  /// A taste of few things, as a sparse Dirichlet distribution gives it: high powers of uniform numbers leave one or
  /// two values large and most near nothing. Great languages are more often among the large ones.
  init(_ random: inout Random) {
    languages = Taste.shares(Language.all.map(\.weight), sharpness: 3, &random)
    genres = Taste.shares([Double](repeating: 1, count: genreNames.count), sharpness: 2, &random)
    moods = Taste.shares([Double](repeating: 1, count: moodNames.count), sharpness: 2, &random)
  }

  private static func shares(_ weights: [Double], sharpness: Int, _ random: inout Random) -> [Double] {
    let values = weights.map { weight in
      var value = random.unit()
      for _ in 0..<sharpness { value *= value }
      return weight * value + 1e-6
    }
    let total = values.reduce(0, +)
    return values.map { $0 / total }
  }

  /// One week later: most weeks move a taste a little, a few turn it.
  mutating func drift(_ random: inout Random) {
    let turns = random.chance(0.06)
    let next = Taste(&random)
    let part = turns ? 0.5 : 0.05
    func moved(_ old: [Double], _ new: [Double]) -> [Double] {
      zip(old, new).map { (1 - part) * $0 + part * $1 }
    }
    languages = moved(languages, next.languages)
    genres = moved(genres, next.genres)
    moods = moved(moods, next.moods)
  }

  /// How well a song fits, 0…1, against the best that each kind could give.
  func match(_ song: Song) -> Double {
    func best(_ choices: Choices, _ shares: [Double]) -> Double {
      var best = 0.0
      for choice in choices { best = max(best, shares[choice]) }
      return best / (shares.max() ?? 1)
    }
    return 0.4 * best(Choices([song.language]), languages) + 0.35 * best(song.genres, genres)
      + 0.25 * best(song.moods, moods)
  }

  /// The `count` greatest shares' indices, the greatest first.
  static func greatest(_ count: Int, of shares: [Double]) -> [Int] {
    Array(shares.indices.sorted { (shares[$0], $1) > (shares[$1], $0) }.prefix(count))
  }
}
