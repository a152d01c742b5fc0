import Stores
import Testing

@testable import Jobs

/// What becomes of a run that is asked to stop for the second time.
@Suite struct RunSnapshotTests {
  @Test(arguments: [
    (Manifest.Outcome.running, Jobs.ExitStatus.done, true, Manifest.Outcome.interrupted),
    (.interrupted, .locked, true, .interrupted), (.done, .quarantined, false, .done),
    (.failed, .refused, false, .failed),
  ])
  func `it ends at once, but where its manifest says how it has ended`(
    _ outcome: Manifest.Outcome, _ status: Jobs.ExitStatus, _ endsAtOnce: Bool, _ left: Manifest.Outcome
  ) throws {
    let folder = try Folder()
    let id = RunID(milliseconds: wallClock())
    let run = try RunFolder(state: folder.path, run: id)
    var manifest = Manifest(
      run: id, job: "night", version: "1", store: "store", parameters: [:], asOf: 1_767_225_600_000)
    let snapshot = RunSnapshot()
    snapshot.show(run, manifest)
    if outcome != .running { manifest.end(outcome, status) }
    try run.write(manifest)
    #expect(snapshot.interrupt() == endsAtOnce)
    #expect(run.manifest?.outcome == left)
    #expect(run.manifest?.exitStatus == (outcome == .running ? Jobs.ExitStatus.locked : status).rawValue)
  }
}
