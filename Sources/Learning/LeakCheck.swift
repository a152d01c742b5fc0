/// Training has seen what it must not.
public struct EvaluationLeak: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String
}

/// The check of an evaluation against its own mistakes: what was trained on all facts, with the clock at the cut, must
/// be the same as what is trained on facts from which everything after the cut has been taken out.
public enum LeakCheck {
  /// - Parameters:
  ///   - seen: trained on all facts.
  ///   - blind: trained on the facts before the cut alone.
  public static func check(_ seen: EvaluationTraining, against blind: EvaluationTraining) throws(EvaluationLeak) {
    guard seen.print == blind.print else {
      throw EvaluationLeak(
        description: "the catalogue or the population's shares know what was played or liked after the cut")
    }
  }

  /// - Parameters:
  ///   - seen: scores of a user of whom all facts were handed over.
  ///   - blind: of the same user, of the facts before the cut alone.
  public static func check(
    _ seen: PerDimension<DimensionScores>, against blind: PerDimension<DimensionScores>
  ) throws(EvaluationLeak) {
    guard seen == blind else {
      throw EvaluationLeak(description: "a user's scores know what was played or liked after the cut")
    }
  }
}
