internal import BSON

/// What one user's evidence says of one value (docs/learning.md, *Affinities*).
public struct ValueScore: Sendable, Equatable {
  /// A number of ``Lexicon/values``.
  public var value: Int32
  /// The value's share of what the user is expected to like next, 0…1.
  public var affinity = 0.0
  /// E(a).
  public var weight = 0.0
  /// p(a).
  public var prior = 0.0
  /// Entries that carry the value.
  public var liked = 0
  public var skipped = 0
  public var unknown = 0
  public var favorites = 0
  /// Whether the user chose it.
  public var isChoice = false
}

/// The scores of one user in one dimension: a posterior mean under a Dirichlet prior.
public struct DimensionScores: Sendable, Equatable {
  /// Every value with a prior, a choice or evidence, the greatest first (by score rounded to 12 decimals, then name).
  public var values: [ValueScore] = []
  /// ΣE.
  public var evidence = 0.0
  /// ΣE / (ΣE + m), 0…1.
  public var confidence = 0.0
  /// λ as it was used: 0 without choices, 1 where nobody has evidence.
  public var explicitWeight = 0.0

  public init() {}

  /// Whether a value is written: by its rank, by choice, or by its share of the evidence.
  public func isKept(at rank: Int) -> Bool {
    let value = values[rank]
    return rank < LearningParameters.keptValues || value.isChoice
      || value.weight > LearningParameters.keptShare * evidence
  }
}

/// Makes scores of evidence, choices and what the population likes.
struct Affinity {
  private let population: Population
  private let parameters: LearningParameters
  /// The order of the values' names, by number.
  private let ranks: [Int32]
  /// The place of each value among the scores that are being made, −1 for those that are not there.
  private var places: [Int32]

  init(_ catalogue: Catalogue, _ population: Population, _ parameters: LearningParameters) {
    self.population = population
    self.parameters = parameters
    ranks = catalogue.valueRanks
    places = Array(repeating: -1, count: ranks.count)
  }

  /// - Parameters:
  ///   - choices: distinct values.
  ///   - limit: how many of the values for which neither choice nor evidence speaks are there, the greatest; not zero.
  mutating func scores(
    _ dimension: Dimension, _ evidence: Evidence, choices: [Int32], others limit: Int
  ) -> DimensionScores {
    var scores = DimensionScores()
    let shares = population.dimensions[dimension].values
    let lambda = shares.isEmpty ? 1 : choices.isEmpty ? 0 : parameters.explicitWeight
    for value in choices {
      let place = place(of: value, &scores)
      scores.values[place].prior = lambda / Double(choices.count)
      scores.values[place].isChoice = true
    }
    for value in evidence.values where value.weight > 0 {
      scores.values[place(of: value.value, &scores)].weight = value.weight
    }
    let ranks = ranks
    var others = Foremost<ValueScore>(limit, of: shares.count)
    for (value, share) in shares {
      let prior = (1 - lambda) * share
      let place = places[Int(value)]
      if place >= 0 {
        scores.values[Int(place)].prior += prior
      } else {
        var score = ValueScore(value: value)
        score.prior = prior
        score.affinity = parameters.affinity(0, of: evidence.total, prior: prior, in: dimension)
        others.offer(score) { Self.precedes($0, $1, ranks) }
      }
    }

    let sum = evidence.total + parameters.priorWeight[dimension]
    scores.explicitWeight = lambda
    scores.evidence = evidence.total
    scores.confidence = sum > 0 ? evidence.total / sum : 0
    for index in scores.values.indices {
      let value = scores.values[index]
      places[Int(value.value)] = -1
      scores.values[index].affinity =
        parameters.affinity(value.weight, of: evidence.total, prior: value.prior, in: dimension)
    }
    scores.values += others.elements
    for index in scores.values.indices {
      let counts = evidence.value(scores.values[index].value)
      scores.values[index].liked = Int(counts.liked)
      scores.values[index].skipped = Int(counts.skipped)
      scores.values[index].unknown = Int(counts.unknown)
      scores.values[index].favorites = Int(counts.favorites)
    }
    scores.values.sort { Self.precedes($0, $1, ranks) }
    return scores
  }

  @inline(__always)
  private static func precedes(_ a: ValueScore, _ b: ValueScore, _ ranks: [Int32]) -> Bool {
    let (first, second) = (rounded(a.affinity), rounded(b.affinity))
    return first != second ? first > second : ranks[Int(a.value)] < ranks[Int(b.value)]
  }

  /// The score in whole units of the twelfth decimal: sums of the same terms in another order rank alike.
  private static func rounded(_ score: Double) -> Double { (score * 1e12).rounded(.toNearestOrEven) }

  private mutating func place(of value: Int32, _ scores: inout DimensionScores) -> Int {
    let known = places[Int(value)]
    if known >= 0 { return Int(known) }
    places[Int(value)] = Int32(truncatingIfNeeded: scores.values.count)
    scores.values.append(ValueScore(value: value))
    return scores.values.count - 1
  }
}
