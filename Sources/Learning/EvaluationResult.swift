internal import BSON

/// What an evaluation found: means by model, and how far the scores are ahead (docs/learning.md, *Judged, not
/// believed*).
public struct EvaluationResult: Sendable, Equatable {
  public enum Measure: Int, Sendable, CaseIterable {
    case gain, area, loss

    /// The name in reports.
    public var name: String {
      switch self {
      case .gain: "nDCG@5"
      case .area: "AUC"
      case .loss: "log-loss"
      }
    }

    /// The name in JSON.
    public var key: String {
      switch self {
      case .gain: "ndcg_5"
      case .area: "auc"
      case .loss: "log_loss"
      }
    }

    public var moreIsBetter: Bool { self != .loss }
  }

  /// A mean difference, the scores' figure less a baseline's, with its interval of 95 % by bootstrap over users.
  public struct Difference: Sendable, Equatable {
    public let mean: Double
    public let low: Double
    public let high: Double

    /// Whether the interval lies wholly where the scores are better; worse; nil where it holds zero.
    public func favoursScores(_ measure: Measure) -> Bool? {
      if low > 0 { return measure.moreIsBetter }
      if high < 0 { return !measure.moreIsBetter }
      return nil
    }
  }

  /// One line of the table: a dimension, or the average over them.
  public struct Row: Sendable, Equatable {
    /// nil for the average over each user's dimensions.
    public let dimension: Dimension?
    public let users: Int
    /// By model, then by measure.
    public let means: [[Double]]
    /// By model, then by measure; the first model's, the scores', are nothing.
    public let differences: [[Difference]]
  }

  /// Users with enough plays before the cut, or those with fewer.
  public struct Group: Sendable, Equatable {
    public let isEstablished: Bool
    public let users: Int
    /// Language, genre, mood, average; only those that any user has.
    public let rows: [Row]
  }

  public let groups: [Group]

  /// The baselines that the scores lose to, by the average over dimensions of users with enough plays.
  public var lostTo: [(model: EvaluationModel, measure: Measure)] {
    guard let row = groups.first(where: \.isEstablished)?.rows.last, row.dimension == nil else { return [] }
    var lost: [(model: EvaluationModel, measure: Measure)] = []
    for model in EvaluationModel.allCases.dropFirst() {
      for measure in [Measure.gain, .loss] {
        let difference = row.differences[model.rawValue][measure.rawValue]
        if difference.favoursScores(measure) == false { lost.append((model, measure)) }
      }
    }
    return lost
  }

  /// - Parameters:
  ///   - trials: in any order.
  ///   - resamples: of the bootstrap.
  ///   - seed: where its random numbers start.
  public init(_ trials: [EvaluationTrial], resamples: Int, seed: UInt64) {
    let sorted = trials.sortedByUser
    groups = [true, false].compactMap { isEstablished in
      let group = sorted.filter { $0.isEstablished == isEstablished }
      guard !group.isEmpty else { return nil }
      var rows: [Row] = []
      for dimension in Dimension.allCases {
        let table = group.compactMap { $0.figures[dimension].map(Self.numbers) }
        if let row = Self.row(dimension, table, resamples: resamples, seed: seed) { rows.append(row) }
      }
      let table = group.map { trial in Self.mean(Dimension.allCases.compactMap { trial.figures[$0].map(Self.numbers) })
      }
      if let row = Self.row(nil, table, resamples: resamples, seed: seed) { rows.append(row) }
      return Group(isEstablished: isEstablished, users: group.count, rows: rows)
    }
  }

  private static let columns = EvaluationModel.allCases.count * Measure.allCases.count

  private static func column(_ model: EvaluationModel, _ measure: Measure) -> Int {
    model.rawValue * Measure.allCases.count + measure.rawValue
  }

  /// The figures of all models in a row; an area that is none counts as half.
  private static func numbers(_ figures: [EvaluationFigures]) -> [Double] {
    figures.flatMap { [$0.gain, $0.area ?? 0.5, $0.loss] }
  }

  private static func mean(_ rows: [[Double]]) -> [Double] {
    (0..<columns).map { column in rows.reduce(0) { $0 + $1[column] } / Double(max(rows.count, 1)) }
  }

  private static func row(_ dimension: Dimension?, _ table: [[Double]], resamples: Int, seed: UInt64) -> Row? {
    guard !table.isEmpty else { return nil }
    let means = mean(table)
    let differences = table.map { figures in
      EvaluationModel.allCases.flatMap { model in
        Measure.allCases.map { figures[column(.affinity, $0)] - figures[column(model, $0)] }
      }
    }
    let intervals = Bootstrap(resamples: resamples, seed: seed).intervals(differences, columns: columns)
    let centre = mean(differences)
    return Row(
      dimension: dimension, users: table.count,
      means: EvaluationModel.allCases.map { model in Measure.allCases.map { means[column(model, $0)] } },
      differences: EvaluationModel.allCases.map { model in
        Measure.allCases.map { measure in
          let column = column(model, measure)
          return Difference(mean: centre[column], low: intervals[column].low, high: intervals[column].high)
        }
      })
  }
}

/// Intervals of means by drawing users again and again, with as many in each draw as there are.
struct Bootstrap {
  let resamples: Int
  let seed: UInt64

  /// The interval of 95 % of each column's mean: between the percentiles 2.5 and 97.5.
  func intervals(_ rows: [[Double]], columns: Int) -> [(low: Double, high: Double)] {
    var state = seed
    var means = [[Double]](repeating: [], count: columns)
    let flat = rows.flatMap { $0 }
    var sums = [Double](repeating: 0, count: columns)
    for _ in 0..<max(1, resamples) {
      for column in 0..<columns { sums[column] = 0 }
      for _ in rows.indices {
        let start = Self.below(rows.count, &state) * columns
        for column in 0..<columns { sums[column] += flat[start + column] }
      }
      for column in 0..<columns { means[column].append(sums[column] / Double(rows.count)) }
    }
    return means.map { means in
      let sorted = means.sorted()
      func percentile(_ part: Double) -> Double {
        sorted[min(sorted.count - 1, max(0, Int((part * Double(sorted.count - 1)).rounded())))]
      }
      return (percentile(0.025), percentile(0.975))
    }
  }

  /// 0 ..< bound, from a stream that is the same on every machine: SplitMix64.
  private static func below(_ bound: Int, _ state: inout UInt64) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    word ^= word >> 31
    return Int(truncatingIfNeeded: word.multipliedFullWidth(by: UInt64(bound)).high)
  }
}
