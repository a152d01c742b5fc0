import Testing

@testable import Jobs
@testable import mixdown

/// The line that a job ends with.
@Suite struct JobEndingTests {
  @Test(
    arguments: [
      (.done, .failed, .done, "night: done in 1.50 s, but 2 users are as they were"),
      // The steps went well, and what came behind them found a mistake.
      (.failed, .failed, .done, "night: failed (exit status 1). Mixdown found a mistake of its own"),
      (.failed, .failed, .failed, "night: failed in step sync (exit status 1). Mixdown found a mistake of its own"),
      (.failed, .inputOutput, .done, "night: failed (exit status 74). See to permissions"),
      (.interrupted, .locked, .interrupted, "night: stopped as it was asked to (exit status 75)"),
    ] as [(Manifest.Outcome, Jobs.ExitStatus, Manifest.Outcome, String)])
  func `a job says how it ended by its own outcome, not by its last step's`(
    _ outcome: Manifest.Outcome, _ status: Jobs.ExitStatus, _ ofStep: Manifest.Outcome, _ line: String
  ) {
    var manifest = Manifest(
      run: RunID(milliseconds: 0), job: "night", version: "1", store: "store", parameters: [:], asOf: 0)
    var step = Manifest.Step(name: "sync")
    step.end(ofStep, ofStep == .done ? .done : status, seconds: 1)
    manifest.steps = [step]
    manifest.left = outcome == .done ? ["conflict": 2] : [:]
    manifest.end(outcome, status)
    let report = Job.Report(manifest: manifest, folder: "runs/1", status: status, elapsed: 1.5)
    let ending = JobEnding(report, job: "night", isDry: false).line
    #expect(ending.hasPrefix(line), "\(ending)")
    let coloured = JobEnding(report, job: "\u{1B}[31m\u{202E}", isDry: false).line
    #expect(coloured.hasPrefix("\u{FFFD}[31m\u{FFFD}: "))
  }
}
