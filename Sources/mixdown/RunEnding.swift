import ArgumentParser
import Jobs
import Logging

extension SpeakingCommand {
  /// Ends a command that was one run: says what went wrong and what was done, and throws the status to end with.
  ///
  /// - Parameters:
  ///   - store: that the run was to work on.
  ///   - sayDone: what was done, for a person; left out where all is well and nobody wants to hear it.
  func end(_ report: Job.Report, on store: String, sayDone: () -> Void = {}) throws {
    let logger = log.logger()
    if let error = report.manifest.error { logger.error("\(error)") }
    if report.status == .unreachable { sayAdvice(forStore: store) }
    if !log.quiet || report.status != .done { sayDone() }
    if let folder = report.folder { logger.info("run folder", metadata: ["path": "\(folder)"]) }
    guard report.status == .done else { throw ExitCode(report.status.rawValue) }
  }
}
