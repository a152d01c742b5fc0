import ArgumentParser
import Jobs

/// What a run leaves beside its manifest.
struct RecordOptions: ParsableArguments {
  @Option(
    help: "Where the run's metrics go besides, for the textfile collector of Prometheus.", completion: .file())
  var metricsFile: String?

  @Option(help: "How many users the report may name. Default: 0.")
  var reportUsers: Int?

  func validate() throws {
    guard (reportUsers ?? 0) >= 0 else { throw ValidationError("--report-users cannot be negative.") }
  }

  var records: RunRecords { RunRecords(metricsFile: metricsFile, namedUsers: reportUsers ?? 0) }

  /// As the manifest shows them.
  var shown: [String: String] {
    var shown = ["report-users": "\(reportUsers ?? 0)"]
    shown["metrics-file"] = metricsFile
    return shown
  }
}
