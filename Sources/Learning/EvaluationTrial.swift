internal import BSON

/// How well each model told what one user would play to the end in the test window.
public struct EvaluationTrial: Sendable, Equatable {
  /// UTF-8.
  public let user: [UInt8]
  /// Plays before the cut.
  public let trainingPlays: Int
  /// Figures by model; nil for a dimension that no tested play carries.
  public let figures: PerDimension<[EvaluationFigures]?>

  /// Fewer than this, and a user is reported apart.
  public static let enoughPlays = 60

  public var isEstablished: Bool { trainingPlays >= Self.enoughPlays }
}

extension [EvaluationTrial] {
  /// Ascending by user, so that sums over the trials are the same bits whoever tried whom.
  var sortedByUser: [EvaluationTrial] {
    sorted { $0.user.isLess(than: $1.user) }
  }
}

/// Tries the models on users, one after another. One worker's.
public struct EvaluationTrials: ~Copyable {
  private let catalogue: Catalogue
  private let population: Population
  private let parameters: LearningParameters
  private let window: EvaluationWindow
  private var learner: Learner
  /// What each value of the population expects, by number, in each dimension.
  private let popularity: PerDimension<[Int32: Double]>

  /// - Parameters:
  ///   - catalogue: of what is before the cut.
  ///   - population: of what is before the cut.
  ///   - parameters: their clock is the cut's.
  public init(
    _ catalogue: Catalogue, _ population: Population, _ parameters: LearningParameters, window: EvaluationWindow,
    zones: Zones
  ) {
    self.catalogue = catalogue
    self.population = population
    self.parameters = parameters
    self.window = window
    learner = Learner(catalogue, population, parameters, zones: zones)
    popularity = PerDimension { dimension in
      Dictionary(population.shares(of: dimension).map { ($0.value, $0.share) }) { $1 }
    }
  }

  /// The scores that are judged.
  public mutating func scores(for training: UserFacts) -> PerDimension<DimensionScores> {
    learner.scores(for: training)
  }

  /// - Parameters:
  ///   - facts: all that is known of the user.
  ///   - training: what the models see.
  /// - Returns: nil for a user without plays in the window that were liked and carry anything.
  public mutating func trial(of facts: UserFacts, training: UserFacts) -> EvaluationTrial? {
    let truth = truth(of: facts)
    guard Dimension.allCases.contains(where: { !truth[$0].isEmpty }) else { return nil }
    let counted = catalogue.counted(training, parameters)
    let scores = learner.scores(for: training)
    let figures = PerDimension<[EvaluationFigures]?> { dimension in
      truth[dimension].isEmpty ? nil : self.figures(dimension, scores[dimension], counted, truth[dimension])
    }
    return EvaluationTrial(user: facts.user, trainingPlays: counted.plays.count, figures: figures)
  }

  /// The shares of each value of the liked plays in the window.
  private func truth(of facts: UserFacts) -> PerDimension<[Int32: Double]> {
    var clock = parameters
    clock.asOf = window.end - 1
    let plays = catalogue.counted(facts, clock).plays
    let liked = plays.prefix { $0.time >= window.cut }.filter { $0.verdict == .liked }
    return PerDimension { Self.shares(liked, $0) }
  }

  /// What each value's share of some plays is, a play being divided among the values that it carries.
  static func shares(_ plays: some Collection<CountedEntry>, _ dimension: Dimension) -> [Int32: Double] {
    var shares: [Int32: Double] = [:]
    var count = 0
    for play in plays {
      let values = play.values[dimension]
      guard !values.isEmpty else { continue }
      count += 1
      for value in values { shares[value, default: 0] += 1 / Double(values.count) }
    }
    return shares.mapValues { $0 / Double(count) }
  }

  private func figures(
    _ dimension: Dimension, _ scores: DimensionScores, _ training: CountedFacts, _ truth: [Int32: Double]
  ) -> [EvaluationFigures] {
    let liked = training.plays.filter { $0.verdict == .liked }
    let models: [[Int32: Double]] = EvaluationModel.allCases.map { model in
      switch model {
      case .affinity: Dictionary(scores.values.map { ($0.value, $0.affinity) }) { $1 }
      case .popularity: popularity[dimension]
      case .undecayed: Self.shares(liked, dimension)
      case .recent: Self.shares(training.plays.prefix(EvaluationModel.recentPlays), dimension)
      }
    }
    // All models are asked about the same values: those that anybody could know, and those that were played.
    var known = Set(truth.keys)
    for model in models { known.formUnion(model.keys) }
    let lexicon = catalogue.lexicon
    let values = known.sorted { lexicon.value($0) < lexicon.value($1) }
    let played = values.map { truth[$0] ?? 0 }
    return models.map { model in EvaluationFigures(shares: values.map { model[$0] ?? 0 }, truth: played) }
  }
}
