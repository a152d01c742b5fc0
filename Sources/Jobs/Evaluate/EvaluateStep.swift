internal import Foundation
internal import Learning
public import Stores
internal import Sync

/// The judging of the scores as a run of its own, or as a step of one.
public struct EvaluateStep: JobStep {
  public static let name = "evaluate"

  public var options: EvaluateOptions
  /// Where the libraries are.
  public var store: String
  /// Where run folders go; nil for `.runs` in the store.
  public var state: String?
  /// The parameters as the manifest shows them.
  public var parameters: [String: String]
  public var events = LearnEvents()

  public init(options: EvaluateOptions, store: String, state: String?, parameters: [String: String]) {
    self.options = options
    self.store = store
    self.state = state
    self.parameters = parameters
  }

  /// Judges, and does nothing else.
  public func run(server: MongoOptions = MongoOptions()) -> Job.Report {
    Job(
      name: Self.name, store: store, state: state, asOf: options.parameters.asOf, steps: [self], server: server
    ).run()
  }

  public var writes: Bool { false }
  public var collections: [CollectionSchema] { [] }
  public var reliesOn: [CollectionSchema] { LearnCollections.schemas }

  public func check() throws(StepFailure) {}

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    do throws(EvaluateError) {
      let (store, folder) = try opened(&run)
      var options = options
      options.cancellation = run.cancellation
      if let clock = run.keptClock(of: Self.name) { options.parameters.asOf = clock }
      let outcome = try EvaluateRun(options: options, store: store, folder: folder.path, events: events).run()
      let report = EvaluationReport(outcome, options)
      do throws(StoreError) { try folder.write(report) } catch { throw .store(error) }
      run.manifest.evaluation = report
      run.records.report.tables += report.tables
      return report.lostTo.isEmpty ? .done : .outdone
    } catch {
      switch error {
      case .store(let error): throw StepFailure(error)
      case .leak(let leak):
        throw StepFailure(.failed, "the evaluation is void: \(leak). Please report this.")
      case .interrupted:
        throw .interrupt("\(run.cancellation.why ?? "asked to stop"): nothing was judged; run again")
      }
    }
  }

  private func opened(_ run: inout JobRun) throws(EvaluateError) -> (any Store, RunFolder) {
    do throws(StoreError) {
      return (try run.store(), try run.runFolder())
    } catch {
      throw .store(error)
    }
  }
}

extension RunFolder {
  fileprivate func write(_ report: EvaluationReport) throws(StoreError) {
    guard let json = try? JSONEncoder.steady(isIndented: true).encode(report) else {
      throw .inconsistent(path: path, why: "the evaluation cannot be written as JSON")
    }
    try writeWhole([UInt8](json) + [0x0A], to: path + "/evaluation.json")
  }
}
