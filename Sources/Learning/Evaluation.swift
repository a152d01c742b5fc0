internal import Glibc
internal import Library

/// What ranks values for a user: the scores, and what they are held against (docs/learning.md, *Judged, not believed*).
public enum EvaluationModel: Int, Sendable, CaseIterable {
  /// The affinities (docs/learning.md, *Affinities*).
  case affinity
  /// P: what the population likes.
  case popularity
  /// The undecayed share of liked plays: these alone, as they are.
  case undecayed
  /// The shares of the last ``recentPlays`` plays.
  case recent

  /// The name in reports.
  public var name: String {
    switch self {
    case .affinity: "affinity"
    case .popularity: "popularity"
    case .undecayed: "undecayed share of liked plays"
    case .recent: "last \(Self.recentPlays) plays"
    }
  }

  /// The name in JSON.
  public var key: String {
    switch self {
    case .affinity: "affinity"
    case .popularity: "popularity"
    case .undecayed: "undecayed_share"
    case .recent: "last_\(Self.recentPlays)_plays"
    }
  }

  /// How many plays ``recent`` looks at.
  public static let recentPlays = 50
}

/// The figures of one ranking.
public struct EvaluationFigures: Sendable, Equatable {
  /// nDCG@5, 0…1; more is better.
  public var gain = 0.0
  /// The chance that a value which is played ranks before one which is not, 0…1; more is better. nil where every
  /// value, or none, is played.
  public var area: Double?
  /// Log-loss of the shares in nats, 0 or more; less is better.
  public var loss = 0.0

  public init() {}

  /// - Parameters:
  ///   - shares: what a model expects of each value, in the order of the values' names.
  ///   - truth: each value's share of what was played, in the same order.
  public init(shares: [Double], truth: [Double]) {
    let order = Self.ranked(shares)
    gain = Self.gain(order, truth)
    area = Self.area(order, truth)
    loss = Self.loss(shares, truth)
  }

  /// The greatest first, by shares rounded to 12 decimals; ties by name, which is the order of the values.
  static func ranked(_ shares: [Double]) -> [Int] {
    let rounded = shares.map { ($0 * 1e12).rounded(.toNearestOrEven) }
    return shares.indices.sorted { rounded[$0] != rounded[$1] ? rounded[$0] > rounded[$1] : $0 < $1 }
  }

  /// Ranks that count.
  static let ranks = 5

  /// nDCG@5: the gain of the first five, discounted by the logarithm of the rank, over that of the best order.
  static func gain(_ order: [Int], _ truth: [Double]) -> Double {
    func discounted(_ gains: some Sequence<Double>) -> Double {
      var sum = 0.0
      for (rank, gain) in gains.prefix(ranks).enumerated() { sum += gain / log2(Double(rank + 2)) }
      return sum
    }
    let best = discounted(truth.sorted(by: >))
    return best > 0 ? discounted(order.lazy.map { truth[$0] }) / best : 0
  }

  static func area(_ order: [Int], _ truth: [Double]) -> Double? {
    let played = truth.count { $0 > 0 }
    let others = truth.count - played
    guard played > 0, others > 0 else { return nil }
    // Pairs in the right order: for each that is not played, those before it that are.
    var (before, pairs) = (0, 0)
    for index in order {
      if truth[index] > 0 { before += 1 } else { pairs += before }
    }
    return Double(pairs) / Double(played * others)
  }

  /// The least share that a model is taken to expect.
  static let floor = 0.001

  /// The mean of −ln of the expected share, weighted by what was played; shares are raised to a floor and made to add
  /// up to 1 again, so that a surprise costs much and not everything.
  static func loss(_ shares: [Double], _ truth: [Double]) -> Double {
    let raised = shares.map { max($0, floor) }
    let total = raised.reduce(0, +)
    var loss = 0.0
    for (index, part) in truth.enumerated() where part > 0 { loss -= part * log(raised[index] / total) }
    return loss
  }
}

/// When training ends and what is tested, in milliseconds since 1970.
public struct EvaluationWindow: Sendable, Equatable {
  /// The first instant that trains nothing.
  public let cut: Int64
  /// The first instant that is not tested.
  public let end: Int64

  /// How long it is, in milliseconds, unless less is known.
  public static let length: Int64 = 7 * Instant.day

  /// - Parameter asOf: the clock; a play after it does not count, and the window may be shorter for that.
  public init(cut: Int64, asOf: Int64) {
    self.cut = cut
    end = min(cut + Self.length, asOf + 1)
  }

  /// The window before the cut, by which parameters may be chosen.
  public var previous: EvaluationWindow { EvaluationWindow(cut: cut - Self.length, asOf: cut - 1) }

  /// The clock of training.
  public var trainingClock: Int64 { cut - 1 }
}

extension UserFacts {
  /// The facts without what could be from after the cut: nothing later, and no favourite that bears no time.
  ///
  /// - Parameter withChoices: choices bear no time either; what was chosen when an account was made is as a rule older
  ///   than its plays, what was changed later may not be.
  public func before(_ cut: Int64, withChoices: Bool) -> UserFacts {
    var facts = dated(withChoices: withChoices)
    facts.plays.removeAll { $0.playedAt >= cut }
    facts.favorites.removeAll { $0.addedAt >= cut }
    return facts
  }

  /// The facts without what bears no time, by which it could be told whether it is from after the cut.
  public func dated(withChoices: Bool) -> UserFacts {
    var facts = self
    facts.favorites.removeAll { $0.addedAt <= 0 }
    if !withChoices { facts.choices = PerDimension(language: [], genre: [], mood: []) }
    return facts
  }
}
