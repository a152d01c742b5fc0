internal import Dumps
internal import Library
public import Stores
public import Sync

/// The merge as a run of its own, or as a step of one.
public struct SyncStep: JobStep {
  public static let name = "sync"

  public var options: SyncOptions
  /// Where the libraries are: a folder, or an address.
  public var store: String
  /// Where run folders go; nil for `.runs` in the store.
  public var state: String?
  /// The parameters as the manifest shows them.
  public var parameters: [String: String]
  /// Whether a run that quarantined something ends as if it had not.
  public var allowQuarantine = false
  /// Whether a folder is made that is to be the store and is not there.
  public var makesStore = true
  /// Whether users with an active session are left for the next run.
  public var skipsActive = false
  public var events = SyncEvents()
  /// What the run leaves beside its manifest.
  public var records = RunRecords()
  /// When the merge alone is to stop, in ms since 1970.
  public var deadline: Int64?
  /// Whether the merge alone goes on with the last run if that did not end.
  public var resume = false
  /// Whether the merge alone keeps what it has read until it has ended.
  public var isResumable = false
  /// What the run of the merge alone tells.
  public var runEvents = JobEvents()
  /// The merge is over, however it went.
  public var ended: @Sendable () -> Void = {}

  public init(options: SyncOptions, store: String, state: String?, parameters: [String: String]) {
    self.options = options
    self.store = store
    self.state = state
    self.parameters = parameters
  }

  /// Runs the merge alone.
  public func run(server: MongoOptions = MongoOptions()) -> Job.Report {
    var job = Job(
      name: Self.name, store: store, state: state, asOf: options.parameters.asOf, steps: [self], server: server)
    job.deadline = deadline
    job.resume = resume
    job.isResumable = isResumable || resume
    job.events = runEvents
    return job.run()
  }

  public var writes: Bool { !options.dryRun }

  public var reliesOn: [CollectionSchema] { collections + [.forgotten] + (skipsActive ? [.sessionPings] : []) }

  public func check() throws(StepFailure) {
    do throws(InputError) { try InputReader.check(options.inputs) } catch { throw StepFailure(.input(error)) }
  }

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    defer { ended() }
    var summary = SyncSummary()
    do throws(SyncError) { try prepared(in: &run).run(into: &summary) } catch {
      run.manifest.take(summary)
      throw StepFailure(error)
    }
    run.manifest.take(summary)
    run.records.take(summary)
    run.manifest.nextUser = summary.nextUser.map { String(decoding: $0, as: UTF8.self) }
    if summary.isInterrupted {
      var done = summary.counts.users.seen > 0 && writes ? "what is merged was written" : "nothing was written"
      if options.writeBack != nil, writes { done += ", nothing was written back" }
      throw .interrupt("\(run.cancellation.why ?? "asked to stop"): \(done); run again for the rest")
    }
    // Everybody else is done, and so are the steps that follow; but these will not be without another run.
    if summary.left[.conflict] != nil { return .failed }
    let needsALook = !summary.quarantine.isEmpty || summary.left.keys.contains { $0 != .active }
    return needsALook && !allowQuarantine ? .quarantined : .done
  }

  /// The store is locked and sound before a folder is made.
  private func prepared(in run: inout JobRun) throws(SyncError) -> Sync {
    do throws(StoreError) {
      let store = try run.store()
      let folder = try run.runFolder()
      var options = options
      options.cancellation = run.cancellation
      if let clock = run.keptClock(of: Self.name) { options.parameters.asOf = clock }
      options.spool = try run.spool()
      options.firstUser = run.manifest.nextUser.map { Array($0.utf8) }
      if skipsActive { options.leftOut = try Sessions.activeUsers(in: store, asOf: options.parameters.asOf) }
      let forgotten = try ForgottenUsers(store)
      options.forgotten = forgotten.test
      if !options.dryRun {
        options.journal = try run.journal()
        options.settled = try run.settled(scope: forgotten.print, options)
      }
      let quarantine = try run.quarantine()
      return Sync(options, store: store, quarantine: quarantine, spillFolder: folder.path, events: events)
    } catch {
      throw .store(error)
    }
  }
}
