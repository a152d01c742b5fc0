/// Which parameters a window would choose: one after another, each at its best among a few (docs/learning.md, *Judged,
/// not believed*).
public enum Tuning {
  /// One parameter and the values that are tried.
  public struct Knob: Sendable {
    /// As the flag is called.
    public let name: String
    public let values: [Double]
    let parameter: any WritableKeyPath<LearningParameters, Double> & Sendable

    init(_ name: String, _ values: [Double], _ parameter: any WritableKeyPath<LearningParameters, Double> & Sendable) {
      self.name = name
      self.values = values
      self.parameter = parameter
    }

    /// The parameter's value.
    public func value(_ parameters: LearningParameters) -> Double { parameters[keyPath: parameter] }
  }

  public static let knobs: [Knob] = [
    Knob("half-life-days", [7, 14, 30, 60, 120, 240], \.halfLifeDays),
    Knob("unknown-weight", [0, 0.1, 0.25, 0.5, 1], \.unknownWeight),
    Knob("favorite-weight", [0, 0.5, 1, 2, 4], \.favoriteWeight),
    Knob("prior-weight-language", [0.5, 1, 2, 4, 8, 16], \.priorWeight.language),
    Knob("prior-weight-genre", [1, 3.5, 7, 14, 28], \.priorWeight.genre),
    Knob("prior-weight-mood", [1, 2.5, 5, 10, 20], \.priorWeight.mood),
  ]

  /// What parameters cost by users' trials with them: the mean log-loss of the scores, each user's dimensions averaged.
  ///
  /// - Parameter trials: in any order.
  public static func loss(of trials: [EvaluationTrial]) -> Double {
    let losses = trials.sortedByUser.map { trial in
      let figures = Dimension.allCases.compactMap { trial.figures[$0]?[EvaluationModel.affinity.rawValue].loss }
      return figures.reduce(0, +) / Double(max(1, figures.count))
    }
    return losses.reduce(0, +) / Double(max(1, losses.count))
  }

  public typealias Outcome = (parameters: LearningParameters, before: Double, after: Double)

  /// Parameters that cost less than the first; of several that cost the same, those that were met first.
  ///
  /// - Parameter loss: what parameters cost: the mean log-loss. The same parameters cost the same bits each time.
  public static func tuned<Failure: Error>(
    _ start: LearningParameters, _ loss: (LearningParameters) throws(Failure) -> Double
  ) throws(Failure) -> Outcome {
    let before = try loss(start)
    var (best, least) = (start, before)
    for knob in knobs {
      for value in knob.values where value != knob.value(best) {
        var candidate = best
        candidate[keyPath: knob.parameter] = value
        let cost = try loss(candidate)
        if cost < least { (best, least) = (candidate, cost) }
      }
    }
    return (best, before, least)
  }
}
