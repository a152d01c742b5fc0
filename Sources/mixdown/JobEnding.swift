import Jobs
import Pages

/// The line that a job ends with: how it went, and what is to be done. It is what cron mails.
struct JobEnding {
  let line: String

  /// - Parameter isDry: whether the run was asked to write nothing.
  init(_ report: Job.Report, job: String, isDry: Bool) {
    let job = job.printable + (isDry ? ": dry run, nothing written;" : ":")
    let last = report.manifest.steps.last
    let failed = last?.outcome == .failed ? " in step \(last?.name ?? "")" : ""
    let status = "exit status \(report.status.rawValue)"
    let seconds = Quantity.plain(report.elapsed, 2)
    line =
      switch report.status {
      case .done: "\(job) done in \(seconds) s" + (report.folder.map { "; \($0)" } ?? "")
      case .quarantined:
        "\(job) done in \(seconds) s, but something was not used (\(status)). What and why: mixdown quarantine "
          + (report.folder ?? "")
      case .outdone:
        "\(job) done in \(seconds) s, but a simple baseline predicts better (\(status)). See the figures of evaluate"
      case .failed where report.manifest.outcome == .done:
        "\(job) done in \(seconds) s, but \(report.manifest.conflicts) users are as they were, for somebody "
          + "else wrote them each time (\(status)). Run it again"
      case .locked where report.manifest.outcome == .interrupted:
        "\(job) stopped as it was asked to (\(status)). Run it again for the rest; with --resume it reads nothing twice"
      case .locked: "\(job) stopped\(failed) (\(status)). \(Self.advice(report.status))"
      case .failed, .usage, .refused, .unreachable, .inputOutput, .jobFile:
        "\(job) failed\(failed) (\(status)). \(Self.advice(report.status))"
          + (report.folder.map { " Folder: \($0)" } ?? "")
      }
  }

  /// What a failure asks of the operator; docs/operations.md has more.
  private static func advice(_ status: ExitStatus) -> String {
    switch status {
    case .done, .quarantined, .outdone: ""
    case .failed: "Mixdown found a mistake of its own: please report it with the manifest."
    case .usage, .jobFile: "Mend the job, and check it with mixdown run --check."
    case .refused: "Mend or restore what the message names, then run it again."
    case .unreachable: "Bring the store back, then run it again."
    case .inputOutput: "See to permissions, room and the disk, then run it again."
    case .locked: "Run it again when the other run has ended, or wait for the next night."
    }
  }
}
