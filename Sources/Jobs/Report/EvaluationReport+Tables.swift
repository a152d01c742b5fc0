internal import Learning
internal import Pages

extension EvaluationReport {
  /// The evaluation as a run's report shows it: a table for each group of users and dimension, the average first.
  var tables: [ReportData.Table] {
    let verdict =
      lostTo.isEmpty ? "The scores lose to no baseline." : "The scores lose to: \(lostTo.joined(separator: ", "))."
    let introduction =
      "Trained before \(cut), tested until \(until) on \(Quantity.count(users.tested, "user")). \(verdict) Ahead: by how "
      + "much the scores are better, with an interval of 95 %."
    return groups.flatMap { group in
      (group.rows.filter { $0.dimension == "average" } + group.rows.filter { $0.dimension != "average" }).map { row in
        ReportData.Table(
          heading: "Evaluation", introduction: introduction,
          caption: "\(ReportPage.capitalized(row.dimension)), \(Quantity.count(row.users, "user")) with \(group.name)",
          columns: ["Model", "nDCG@5", "AUC", "Log-loss", "Ahead in nDCG@5", "Ahead in log-loss"],
          rows: EvaluationModel.allCases.compactMap { model in row.models[model.key].map { $0.cells(model) } })
      }
    }
  }
}

extension EvaluationReport.Model {
  fileprivate func cells(_ model: EvaluationModel) -> [String] {
    [model.name] + EvaluationResult.Measure.allCases.map { Quantity.fixed(means[$0.key] ?? 0, 4) }
      + [ahead("ndcg_5", sign: 1), ahead("log_loss", sign: -1)]
  }

  private func ahead(_ measure: String, sign: Double) -> String {
    guard let difference = differences?[measure] else { return "" }
    let ends = [difference.low * sign, difference.high * sign].sorted().map { Quantity.fixed($0, 4) }
    return "\(Quantity.fixed(difference.mean * sign, 4)) [\(ends[0]), \(ends[1])]"
  }
}
