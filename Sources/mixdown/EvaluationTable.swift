import Jobs
import Learning
import Pages

/// An evaluation as a person reads it.
struct EvaluationTable {
  let text: String

  init(_ report: EvaluationReport) {
    let users = report.users
    var lines = [
      "Trained before \(report.cut), tested until \(report.until).",
      "\(users.tested) users tested; \(users.withoutTest) of \(users.seen) without liked plays in those days are left out"
        + (users.left > 0 ? "; \(users.left) could not be read." : "."),
    ]
    for group in report.groups {
      lines += ["", "\(group.users) users with \(group.name) before the cut"]
      for row in group.rows { lines += [""] + Self.table(row) }
    }
    lines += ["", Self.legend(report)]
    lines.append(
      report.lostTo.isEmpty
        ? "The scores lose to no baseline." : "The scores lose to: " + report.lostTo.joined(separator: ", ") + ".")
    if let tuning = report.tuning { lines += [""] + Self.lines(tuning) }
    text = lines.joined(separator: "\n")
  }

  private static func table(_ row: EvaluationReport.Row) -> [String] {
    var cells = [[row.dimension, "nDCG@5", "AUC", "log-loss", "ahead in nDCG@5", "ahead in log-loss"]]
    for model in EvaluationModel.allCases {
      guard let figures = row.models[model.key] else { continue }
      var line = ["  " + model.name]
      for measure in EvaluationResult.Measure.allCases {
        line.append(Quantity.plain(figures.means[measure.key] ?? 0, 4))
      }
      if let differences = figures.differences {
        line.append(interval(differences["ndcg_5"], sign: 1))
        line.append(interval(differences["log_loss"], sign: -1))
      } else {
        line += ["", ""]
      }
      cells.append(line)
    }
    return aligned(cells)
  }

  /// By how much the scores are better, whichever way better is.
  private static func interval(_ difference: EvaluationReport.Difference?, sign: Double) -> String {
    guard let difference else { return "" }
    let ends = [difference.low * sign, difference.high * sign].sorted()
    let mark = ends[0] > 0 ? " +" : ends[1] < 0 ? " −" : ""
    return "\(Quantity.plain(difference.mean * sign, 4)) [\(Quantity.plain(ends[0], 4)), \(Quantity.plain(ends[1], 4))]"
      + mark
  }

  private static func legend(_ report: EvaluationReport) -> String {
    "ahead: by how much the scores are better, with an interval of 95 % from \(report.resamples) draws of users; "
      + "+ beyond it, − behind beyond it."
  }

  private static func lines(_ tuning: EvaluationReport.Tuning) -> [String] {
    guard tuning.users != 0, let parameters = tuning.parameters, let before = tuning.lossBefore,
      let after = tuning.lossAfter
    else {
      let enough = EvaluationTrial.enoughPlays
      return ["Nobody with \(enough) plays or more was heard in the week before the cut: it chooses no parameters."]
    }
    return [
      "The week before the cut would choose (log-loss \(Quantity.plain(after, 4)), now \(Quantity.plain(before, 4))):"
    ] + parameters.sorted { $0.key < $1.key }.map { "  --\($0.key) \($0.value)" }
  }
}

/// Columns under each other, the first to the left. What would steer the terminal is shown as U+FFFD.
func aligned(_ rows: [[String]]) -> [String] {
  let rows = rows.map { $0.map(\.printable) }
  var widths: [Int] = []
  for row in rows {
    for (column, cell) in row.enumerated() {
      if column == widths.count { widths.append(0) }
      widths[column] = max(widths[column], cell.count)
    }
  }
  return rows.map { row in
    var line = ""
    for (column, cell) in row.enumerated() {
      let blanks = String(repeating: " ", count: widths[column] - cell.count)
      line += column == 0 ? cell + blanks : "  " + blanks + cell
    }
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
