public import BSON
internal import Glibc
internal import Library

/// What a run of learning decides about its figures (docs/learning.md), with the defaults that stand there.
public struct LearningParameters: Sendable, Equatable {
  /// The run's clock, in milliseconds since 1970: nothing later is counted.
  public var asOf: Int64
  /// A `completionRate` above this is liked.
  public var likedAbove = 0.7
  /// A known `completionRate` below this is skipped.
  public var skippedBelow = 0.3
  /// H: after how many days a play or favourite weighs half; infinite where nothing decays.
  public var halfLifeDays = 30.0
  /// m: how many plays the prior is worth.
  public var priorWeight = PerDimension(language: 2.0, genre: 7.0, mood: 5.0)
  /// λ: the share of the explicit choices in the prior, 0…1.
  public var explicitWeight = 0.25
  public var favoriteWeight = 1.0
  /// What an unknown play weighs; 0 counts it as nothing.
  public var unknownWeight = 0.25
  /// The job's zone: of the days of `service_stats`, and of users who have none.
  public var timezone = "UTC"

  public init(asOf: Int64) { self.asOf = asOf }

  /// How far the scores of an untouched user may drift before they are computed again, in total variation.
  public static let tolerableDrift = 0.02
  /// What a weight may be: with more, sums of many plays would come to their end.
  public static let weights = 0...1e6
  /// Values of a dimension that are kept by their rank alone.
  public static let keptValues = 20
  /// A value whose evidence is a greater share than this is kept.
  public static let keptShare = 0.01

  /// Reads what ``write(to:)`` has written; of what is missing the default stands.
  public init(_ document: BSONDocument, asOf: Int64) throws(BSONFault) {
    self.init(asOf: asOf)
    func read(_ key: StaticString, in document: BSONDocument, into value: inout Double) throws(BSONFault) {
      if let stored = try document.value(key)?.double { value = stored }
    }
    try read("half_life_days", in: document, into: &halfLifeDays)
    if let weights = try document.value("prior_weight")?.document {
      for dimension in Dimension.allCases {
        try read(dimension.name, in: weights, into: &priorWeight[dimension])
      }
    }
    try read("explicit_weight", in: document, into: &explicitWeight)
    try read("favorite_weight", in: document, into: &favoriteWeight)
    try read("unknown_weight", in: document, into: &unknownWeight)
    try read("liked_above", in: document, into: &likedAbove)
    try read("skipped_below", in: document, into: &skippedBelow)
  }

  /// Writes the document `parameters` of `user_scores` after its key.
  ///
  /// `timezone` and `asOf` are no part of it: neither changes a score.
  public func write(to writer: inout BSONWriter) {
    let start = writer.open()
    writer.append("half_life_days", double: halfLifeDays)
    writer.key("prior_weight", .document)
    let weights = writer.open()
    for dimension in Dimension.allCases { writer.append(dimension.name, double: priorWeight[dimension]) }
    writer.close(weights)
    writer.append("explicit_weight", double: explicitWeight)
    writer.append("favorite_weight", double: favoriteWeight)
    writer.append("unknown_weight", double: unknownWeight)
    writer.append("liked_above", double: likedAbove)
    writer.append("skipped_below", double: skippedBelow)
    writer.close(start)
  }
}

/// The terms of an affinity (docs/learning.md, *Affinities*), for what computes scores and what explains them.
extension LearningParameters {
  /// w: what a play weighs before it decays; 0 where it is no evidence.
  @inline(__always)
  func weight(of verdict: PlayVerdict) -> Double {
    switch verdict {
    case .liked: 1
    case .unknown: unknownWeight
    case .skipped, .heard: 0
    }
  }

  /// How old something is by the clock of the run, in days.
  @inline(__always)
  func age(of time: Int64) -> Double { Double(max(0, asOf - time)) / Double(Instant.day) }

  /// 2^(−age/H), 0…1.
  ///
  /// - Parameter age: in days.
  @inline(__always)
  static func decay(age: Double, halfLifeDays: Double) -> Double {
    halfLifeDays.isFinite ? exp2(-age / halfLifeDays) : 1
  }

  /// (E(a) + m · p(a)) / (ΣE + m), the posterior mean; without evidence the prior itself, to the last bit.
  @inline(__always)
  func affinity(_ weight: Double, of evidence: Double, prior: Double, in dimension: Dimension) -> Double {
    let strength = priorWeight[dimension]
    let sum = evidence + strength
    return evidence > 0 && sum > 0 ? (weight + strength * prior) / sum : prior
  }
}
