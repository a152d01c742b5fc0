internal import Library
public import Stores
internal import Sync

/// Steps that are run one after another as one run: one id, one folder, one manifest, one exit status.
public struct Job: Sendable {
  public var name: String
  /// Where the libraries are: a folder, or an address.
  public var store: String
  /// Where run folders go; nil for `.runs` in the store.
  public var state: String?
  /// The run's clock, in ms since 1970.
  public var asOf: Int64
  public var steps: [any JobStep]
  /// When no further step or batch is to begin, in ms since 1970.
  public var deadline: Int64?
  /// Whether to go on with the last run of the job if that did not end.
  public var resume = false
  /// Whether the run keeps what it has read until it has ended, so that it can be gone on with.
  public var isResumable = false
  /// Whether steps that write are left out, and what they make is taken for there.
  public var isDryRun = false
  /// How a server is spoken to.
  public var server: MongoOptions
  public var events = JobEvents()

  public init(
    name: String, store: String, state: String?, asOf: Int64, steps: [any JobStep],
    server: MongoOptions = MongoOptions()
  ) {
    self.name = name
    self.store = store
    self.state = state
    self.asOf = asOf
    self.steps = steps
    self.server = server
  }

  /// The clock of a run of these steps, in ms since 1970: the earliest of those that write, or of all where none does;
  /// nil where none has one.
  ///
  /// The earliest, for learning on a server asks what runs may have put into `updated_at`.
  public static func clock(of steps: [any JobStep]) -> Int64? {
    let writing = steps.filter(\.writes)
    return (writing.isEmpty ? steps : writing).compactMap { $0.parameters["as-of"].flatMap { Instant.parse($0) } }.min()
  }

  /// Those of the steps that are begun.
  var begun: [any JobStep] { isDryRun ? steps.filter { !$0.writes } : steps }

  /// How a run ended.
  public struct Report: Sendable {
    public var manifest: Manifest
    /// Nil for a run that ended before it had one.
    public var folder: String?
    public var status: ExitStatus
    /// In seconds, from the start to the end.
    public var elapsed: Double
  }

  /// Those of a job's steps bear the step's name in front, as `--set` writes them.
  var parameters: [String: String] {
    if let only = steps.first, steps.count == 1, type(of: only).name == name {
      return only.parameters.mapValues(withoutPasswords)
    }
    let named = steps.flatMap { step in step.parameters.map { ("\(type(of: step).name).\($0.key)", $0.value) } }
    return Dictionary(named) { $1 }.mapValues(withoutPasswords)
  }

  /// Looks whether the steps can begin, as ``run()`` does first. Touches nothing.
  public func check() throws(StepFailure) {
    do throws(StoreError) { try checkAddress(store) } catch { throw StepFailure(error) }
    for step in steps {
      try step.check()
      try step.records.check()
    }
  }

  /// Runs the steps; the first that fails is the last.
  public func run() -> Report {
    let clock = ContinuousClock()
    let start = clock.now
    let cancellation = Cancellation(deadline: deadline)
    var run = JobRun(self, cancellation)
    let snapshot = run.snapshot
    let watch = SignalWatch(cancellation, heard: events.interrupted) { snapshot.interrupt() }
    defer { withExtendedLifetime(watch) {} }
    var worst = ExitStatus.done
    var failure: StepFailure?
    do throws(StepFailure) {
      try check()
      // Before anything is made in it, the folder of the run among that.
      do throws(StoreError) {
        if !steps.contains(where: \.makesStore) { try checkStore(store) }
      } catch {
        throw StepFailure(error)
      }
      if run.isResumed { events.resumed(run.manifest) }
      for step in begun {
        if let why = cancellation.why { throw .interrupt("\(why) before the step \(type(of: step).name)") }
        worst = max(worst, try self.run(step, in: &run))
      }
    } catch {
      failure = error
    }
    // Who has lost the lease was not asked to stop by anybody, and may miss files that another attempt has taken away.
    if failure?.isInterrupt == true || failure?.status == .inputOutput, let loss = run.lossOfLease {
      failure = StepFailure(loss)
    }
    let seconds = (clock.now - start) / .seconds(1)
    let status = run.end(failure?.status ?? worst, failure, seconds: seconds)
    return Report(manifest: run.manifest, folder: run.folderPath, status: status, elapsed: seconds)
  }

  private func run(_ step: any JobStep, in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    let clock = ContinuousClock()
    let start = clock.now
    let name = type(of: step).name
    events.begins(name)
    var record = Manifest.Step(name: name)
    do throws(StepFailure) {
      let status = try step.run(in: &run)
      record.end(.done, status, seconds: (clock.now - start) / .seconds(1))
      run.note(record)
      events.ended(record, run.manifest)
      return status
    } catch {
      record.end(error.isInterrupt ? .interrupted : .failed, error.status, seconds: (clock.now - start) / .seconds(1))
      run.note(record)
      throw error
    }
  }
}
