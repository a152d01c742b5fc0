internal import Library

/// How one score came about: everything that it is made of, and what it would be without each (docs/learning.md,
/// *Affinities*).
public struct Explanation: Sendable {
  /// A play or favourite that weighs.
  public struct Term: Sendable {
    public var entry: CountedEntry
    /// In days.
    public var age: Double
    /// 2^(−age/H), 0…1.
    public var decay: Double
    /// w: what an entry of its kind weighs before it decays.
    public var kindWeight: Double
    /// s: its share of the entry, which is divided among the values that it carries.
    public var share: Double
    /// What it adds to E(a).
    public var weight: Double
    /// The score without this entry.
    public var without: Double
  }

  /// A number of the repertoire's values.
  public var value: Int32
  public var dimension: Dimension
  public var score: ValueScore
  /// Counted from 1.
  public var rank: Int
  /// Whether it is among the scores that are stored.
  public var isKept: Bool
  /// ΣE.
  public var evidence: Double
  /// m.
  public var priorWeight: Double
  public var confidence: Double
  /// P(a), 0…1.
  public var populationShare: Double
  /// X(a), 0…1; nil where the user has no choice in the dimension.
  public var choiceShare: Double?
  /// λ.
  public var explicitWeight: Double
  /// The greatest weight first; ties by time, the newest first.
  public var terms: [Term]
  /// The score without the prior's part: the share of evidence alone; nil without evidence.
  public var withoutPrior: Double?
  /// The score if the user had chosen nothing in the dimension.
  public var withoutChoices: Double
  /// The score without all favourites.
  public var withoutFavorites: Double
  /// The score of favourites alone.
  public var withoutPlays: Double
  /// The score if nothing lost weight with age.
  public var withoutDecay: Double
}

/// Explains the scores of one user.
public struct Explainer: ~Copyable {
  private let catalogue: Catalogue
  private let population: Population
  private let parameters: LearningParameters
  private var learner: Learner

  public init(_ catalogue: Catalogue, _ population: Population, _ parameters: LearningParameters, zones: Zones) {
    self.catalogue = catalogue
    self.population = population
    self.parameters = parameters
    learner = Learner(catalogue, population, parameters, zones: zones)
  }

  /// Each score of a dimension that is kept, or those of one value.
  ///
  /// - Parameter only: a value's number; nil for all.
  public mutating func explanations(of facts: UserFacts, _ dimension: Dimension, only: Int32? = nil) -> [Explanation] {
    let scores = learner.scores(for: facts)[dimension]
    let entries = weighed(facts, dimension)
    var explanations: [Explanation] = []
    for (rank, score) in scores.values.enumerated() {
      if let only {
        guard score.value == only else { continue }
      } else {
        guard scores.isKept(at: rank) else { continue }
      }
      explanations.append(explanation(score, rank: rank + 1, scores, dimension, entries, facts))
    }
    return explanations
  }

  /// An entry that weighs something in the dimension.
  private struct Weighed {
    var entry: CountedEntry
    var age: Double
    var decay: Double
    var kindWeight: Double
    var total: Double { kindWeight * decay }
  }

  private func weighed(_ facts: UserFacts, _ dimension: Dimension) -> [Weighed] {
    let counted = catalogue.counted(facts, parameters)
    var entries: [Weighed] = []
    for entry in counted.plays + counted.favorites where !entry.values[dimension].isEmpty {
      let weight = entry.verdict.map(parameters.weight(of:)) ?? parameters.favoriteWeight
      guard weight > 0 else { continue }
      let age = parameters.age(of: entry.time == Entry.never ? counted.timeOfUndated : entry.time)
      let decay = LearningParameters.decay(age: age, halfLifeDays: parameters.halfLifeDays)
      entries.append(Weighed(entry: entry, age: age, decay: decay, kindWeight: weight))
    }
    return entries
  }

  private func explanation(
    _ score: ValueScore, rank: Int, _ scores: DimensionScores, _ dimension: Dimension, _ entries: [Weighed],
    _ facts: UserFacts
  ) -> Explanation {
    func affinity(_ weight: Double, _ evidence: Double, prior: Double) -> Double {
      parameters.affinity(weight, of: evidence, prior: prior, in: dimension)
    }
    var terms: [Explanation.Term] = []
    // Of the value, and of all values.
    var (favorites, plays, undecayed) = ((own: 0.0, all: 0.0), (own: 0.0, all: 0.0), (own: 0.0, all: 0.0))
    for weighed in entries {
      let values = weighed.entry.values[dimension]
      let share = values.contains(score.value) ? 1 / Double(values.count) : 0
      let weight = share * weighed.total
      if weighed.entry.verdict == nil {
        favorites = (favorites.own + weight, favorites.all + weighed.total)
      } else {
        plays = (plays.own + weight, plays.all + weighed.total)
      }
      undecayed = (undecayed.own + share * weighed.kindWeight, undecayed.all + weighed.kindWeight)
      guard share > 0 else { continue }
      terms.append(
        Explanation.Term(
          entry: weighed.entry, age: weighed.age, decay: weighed.decay, kindWeight: weighed.kindWeight, share: share,
          weight: weight,
          without: affinity(
            max(0, score.weight - weight), max(0, scores.evidence - weighed.total), prior: score.prior)))
    }
    terms.sort { $0.weight != $1.weight ? $0.weight > $1.weight : $0.entry.time > $1.entry.time }
    let share = population.shares(of: dimension).first { $0.value == score.value }?.share ?? 0
    let choices = facts.choices[dimension]
    return Explanation(
      value: score.value, dimension: dimension, score: score, rank: rank, isKept: scores.isKept(at: rank - 1),
      evidence: scores.evidence,
      priorWeight: parameters.priorWeight[dimension], confidence: scores.confidence, populationShare: share,
      choiceShare: choices.isEmpty ? nil : score.isChoice ? 1 / Double(choices.count) : 0,
      explicitWeight: scores.explicitWeight, terms: terms,
      withoutPrior: scores.evidence > 0 ? score.weight / scores.evidence : nil,
      withoutChoices: affinity(score.weight, scores.evidence, prior: share),
      withoutFavorites: affinity(plays.own, plays.all, prior: score.prior),
      withoutPlays: affinity(favorites.own, favorites.all, prior: score.prior),
      withoutDecay: affinity(undecayed.own, undecayed.all, prior: score.prior))
  }
}
