internal import BSON
internal import Learning
internal import Library

/// Explained scores of one person, for a table or any language to read.
public struct PersonExplanation: Codable, Sendable {
  public struct Term: Codable, Sendable {
    /// `liked play`, `unknown play` or `favourite`.
    public var kind: String
    public var title: String
    public var artist: String?
    /// nil for a favourite that bears no time.
    public var time: String?
    public var ageDays: Double
    public var decay: Double
    public var kindWeight: Double
    public var share: Double
    public var weight: Double
    public var without: Double

    enum CodingKeys: String, CodingKey {
      case kind, title, artist, time, decay, share, weight, without
      case ageDays = "age_days"
      case kindWeight = "kind_weight"
    }
  }

  public struct Value: Codable, Sendable {
    public var dimension: String
    public var value: String
    public var rank: Int
    public var affinity: Double
    /// What is stored, which may be of other facts than there are now; nil where it is not stored, or the clock is
    /// another.
    public var storedAffinity: Double?
    /// Whether it is one that learning keeps.
    public var isKept: Bool
    public var confidence: Double
    /// E(a), ΣE and m.
    public var weight: Double
    public var evidence: Double
    public var priorWeight: Double
    /// p(a), P(a), X(a) and λ.
    public var prior: Double
    public var populationShare: Double
    public var choiceShare: Double?
    public var explicitWeight: Double
    public var withoutPrior: Double?
    public var withoutChoices: Double
    public var withoutFavorites: Double
    public var withoutPlays: Double
    public var withoutDecay: Double
    public var skipped: Int
    public var terms: [Term]

    enum CodingKeys: String, CodingKey {
      case dimension, value, rank, affinity, confidence, weight, evidence, prior, skipped, terms
      case storedAffinity = "stored_affinity"
      case isKept = "kept"
      case priorWeight = "prior_weight"
      case populationShare = "population_share"
      case choiceShare = "choice_share"
      case explicitWeight = "explicit_weight"
      case withoutPrior = "without_prior"
      case withoutChoices = "without_choices"
      case withoutFavorites = "without_favorites"
      case withoutPlays = "without_plays"
      case withoutDecay = "without_decay"
    }
  }

  /// A score that is stored, and that the facts of now do not give.
  public struct Stored: Codable, Sendable {
    public var dimension: String
    public var value: String
    public var storedAffinity: Double

    enum CodingKeys: String, CodingKey {
      case dimension, value
      case storedAffinity = "stored_affinity"
    }
  }

  public var user: String
  public var asOf: String
  public var halfLifeDays: Double
  public var values: [Value]
  /// Scores of other values than these; nil where the clock is another than that of the stored scores.
  public var storedAlone: [Stored]?

  enum CodingKeys: String, CodingKey {
    case user, values
    case storedAlone = "stored_alone"
    case asOf = "as_of"
    case halfLifeDays = "half_life_days"
  }

  init(
    user: String, _ explanations: [Explanation], _ catalogue: Catalogue, _ repertoire: Repertoire,
    _ parameters: LearningParameters
  ) {
    self.user = user
    asOf = Instant.text(parameters.asOf)
    halfLifeDays = parameters.halfLifeDays
    values = explanations.map { Value($0, catalogue, repertoire) }
  }

  /// Puts what is stored beside what is explained.
  ///
  /// - Parameter value: the one that was asked for; nil for all.
  mutating func compare(with stored: StoredAffinities, value: String?) {
    var alone: [Stored] = []
    for score in stored.scores {
      let name = "\(score.dimension.name)"
      if let place = values.firstIndex(where: { $0.dimension == name && $0.value.isSame(as: score.value) }) {
        values[place].storedAffinity = score.affinity
      } else if value.map({ $0.isSame(as: score.value) }) ?? true {
        alone.append(Stored(dimension: name, value: score.value, storedAffinity: score.affinity))
      }
    }
    storedAlone = alone
  }
}

extension PersonExplanation.Value {
  fileprivate init(_ explanation: Explanation, _ catalogue: Catalogue, _ repertoire: Repertoire) {
    dimension = "\(explanation.dimension.name)"
    value = repertoire.value(explanation.value).string
    rank = explanation.rank
    affinity = explanation.score.affinity
    isKept = explanation.isKept
    confidence = explanation.confidence
    weight = explanation.score.weight
    evidence = explanation.evidence
    priorWeight = explanation.priorWeight
    prior = explanation.score.prior
    populationShare = explanation.populationShare
    choiceShare = explanation.choiceShare
    explicitWeight = explanation.explicitWeight
    withoutPrior = explanation.withoutPrior
    withoutChoices = explanation.withoutChoices
    withoutFavorites = explanation.withoutFavorites
    withoutPlays = explanation.withoutPlays
    withoutDecay = explanation.withoutDecay
    skipped = explanation.score.skipped
    terms = explanation.terms.map { term in
      let names = catalogue.names(of: term.entry.song)
      let kind =
        switch term.entry.verdict {
        case nil: "favourite"
        case .unknown: "unknown play"
        default: "liked play"
        }
      return PersonExplanation.Term(
        kind: kind, title: names.title?.string ?? repertoire.key(term.entry.song).string,
        artist: names.artist?.string,
        time: term.entry.time == Entry.never ? nil : Instant.text(term.entry.time), ageDays: term.age,
        decay: term.decay, kindWeight: term.kindWeight, share: term.share, weight: term.weight,
        without: term.without)
    }
  }
}
