internal import Learning
internal import Library

/// What an evaluation found, for any language to read: `evaluation.json`.
public struct EvaluationReport: Codable, Sendable {
  public struct Users: Codable, Sendable {
    public var seen: Int
    /// Without liked plays in the tested days that carry a language, genre or mood.
    public var withoutTest: Int
    public var tested: Int
    /// Documents that could not be read.
    public var left: Int

    enum CodingKeys: String, CodingKey {
      case seen, tested, left
      case withoutTest = "without_test"
    }
  }

  public struct Difference: Codable, Sendable {
    /// The scores' figure less the baseline's.
    public var mean: Double
    /// The interval of 95 %.
    public var low: Double
    public var high: Double
  }

  public struct Model: Codable, Sendable {
    public var means: [String: Double]
    /// Of the scores against this baseline.
    public var differences: [String: Difference]?
  }

  public struct Row: Codable, Sendable {
    /// `language`, `genre`, `mood` or `average`.
    public var dimension: String
    public var users: Int
    public var models: [String: Model]
  }

  public struct Group: Codable, Sendable {
    /// `60 plays or more` before the cut, or `fewer than 60 plays`.
    public var name: String
    public var users: Int
    public var rows: [Row]
  }

  public struct Tuning: Codable, Sendable {
    /// With 60 plays or more before the week, who are those by whom it chooses; without any it chooses nothing, and there
    /// are no other figures.
    public var users: Int?
    public var parameters: [String: Double]?
    /// The mean log-loss in the week before the cut, with the present parameters and with these.
    public var lossBefore: Double?
    public var lossAfter: Double?

    enum CodingKeys: String, CodingKey {
      case users, parameters
      case lossBefore = "log_loss_before"
      case lossAfter = "log_loss_after"
    }
  }

  public var cut: String
  public var until: String
  public var withChoices: Bool
  public var resamples: Int
  public var seed: UInt64
  public var users: Users
  public var groups: [Group]
  /// The baselines to which the scores lose: `popularity ndcg_5`.
  public var lostTo: [String]
  public var tuning: Tuning?

  enum CodingKeys: String, CodingKey {
    case cut, until, resamples, seed, users, groups, tuning
    case withChoices = "with_choices"
    case lostTo = "lost_to"
  }

  init(_ outcome: EvaluateRun.Outcome, _ options: EvaluateOptions) {
    let window = EvaluationWindow(cut: options.cut, asOf: options.parameters.asOf)
    cut = Instant.text(window.cut)
    until = Instant.text(window.end)
    withChoices = options.withChoices
    resamples = options.resamples
    seed = options.seed
    users = Users(
      seen: outcome.users, withoutTest: outcome.withoutTest, tested: outcome.users - outcome.withoutTest,
      left: outcome.left)
    groups = outcome.result.groups.map(Group.init)
    lostTo = outcome.result.lostTo.map { "\($0.model.key) \($0.measure.key)" }
    tuning = outcome.tuning.map { tuned in
      guard outcome.tuningUsers > 0 else { return Tuning(users: 0) }
      return Tuning(
        users: outcome.tuningUsers,
        parameters: Dictionary(
          uniqueKeysWithValues: Learning.Tuning.knobs.map { ($0.name, $0.value(tuned.parameters)) }),
        lossBefore: tuned.before, lossAfter: tuned.after)
    }
  }
}

extension EvaluationReport.Group {
  fileprivate init(_ group: EvaluationResult.Group) {
    let enough = EvaluationTrial.enoughPlays
    name = group.isEstablished ? "\(enough) plays or more" : "fewer than \(enough) plays"
    users = group.users
    rows = group.rows.map(EvaluationReport.Row.init)
  }
}

extension EvaluationReport.Row {
  fileprivate init(_ row: EvaluationResult.Row) {
    dimension = row.dimension.map { "\($0.name)" } ?? "average"
    users = row.users
    models = Dictionary(
      uniqueKeysWithValues: EvaluationModel.allCases.map { model in
        (model.key, EvaluationReport.Model(row, model))
      })
  }
}

extension EvaluationReport.Model {
  fileprivate init(_ row: EvaluationResult.Row, _ model: EvaluationModel) {
    means = [:]
    var differences: [String: EvaluationReport.Difference] = [:]
    for measure in EvaluationResult.Measure.allCases {
      means[measure.key] = row.means[model.rawValue][measure.rawValue]
      let difference = row.differences[model.rawValue][measure.rawValue]
      differences[measure.key] = EvaluationReport.Difference(
        mean: difference.mean, low: difference.low, high: difference.high)
    }
    self.differences = model == .affinity ? nil : differences
  }
}
