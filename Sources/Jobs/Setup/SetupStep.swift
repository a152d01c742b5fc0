public import Stores

/// ``Setup`` as a step of a job.
public struct SetupStep: JobStep {
  public static let name = "setup"

  public var setup: Setup
  /// What the manifest shows of the flags.
  public let parameters: [String: String]
  /// What was done and found, for whoever shows it.
  public var done: @Sendable (SetupReport) -> Void = { _ in }

  public init(_ setup: Setup, parameters: [String: String]) {
    self.setup = setup
    self.parameters = parameters
  }

  public var writes: Bool { true }
  public var makesStore: Bool { true }

  public var collections: [CollectionSchema] { setup.collections }
  public var reliesOn: [CollectionSchema] { [] }
  public var makes: [CollectionSchema] { setup.collections }

  /// Runs take turns by documents in `job_runs`, so that this one has to be there before all others.
  public func prepare(_ store: any Store) throws(StoreError) {
    var first = setup
    first.collections = [.jobRuns]
    _ = try first.run(on: store)
  }

  public func check() throws(StepFailure) {}

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    let report: SetupReport
    do throws(StoreError) {
      let store = try run.store()
      _ = try run.runFolder()
      report = try setup.run(on: store)
    } catch {
      throw StepFailure(error)
    }
    done(report)
    guard report.refused.isEmpty else {
      throw StepFailure(.refused, "\(report.refused.count) indexes are not as they should be")
    }
    return .done
  }
}
