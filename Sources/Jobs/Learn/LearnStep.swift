internal import Learning
internal import Library
public import Stores
internal import Sync

/// Learning as a run of its own, or as a step of one.
public struct LearnStep: JobStep {
  public static let name = "learn"

  public var options: LearnOptions
  /// Where the libraries are.
  public var store: String
  /// Where run folders go; nil for `.runs` in the store.
  public var state: String?
  /// The parameters as the manifest shows them.
  public var parameters: [String: String]
  public var events = LearnEvents()
  /// What the run leaves beside its manifest.
  public var records = RunRecords()

  public init(options: LearnOptions, store: String, state: String?, parameters: [String: String]) {
    self.options = options
    self.store = store
    self.state = state
    self.parameters = parameters
  }

  /// Learns, and does nothing else.
  public func run(server: MongoOptions = MongoOptions()) -> Job.Report {
    Job(
      name: Self.name, store: store, state: state, asOf: options.parameters.asOf, steps: [self], server: server
    ).run()
  }

  public var writes: Bool { !options.dryRun }

  public var collections: [CollectionSchema] {
    [.playArchive, .songs, .userStats, .userScores, .serviceStats, .population] + (options.mirrorsUsers ? [.users] : [])
  }

  /// What an earlier run has learned stands in `job_runs`.
  public var reliesOn: [CollectionSchema] { LearnCollections.schemas + [.jobRuns] }

  public func check() throws(StepFailure) {}

  /// Accounts that are written are looked for by `id`: without an index each batch would read all of them.
  public func prepare(_ store: any Store) throws(StoreError) {
    guard options.mirrorsUsers, !options.dryRun, let server = store as? MongoStore else { return }
    let indexes = try server.database.indexes(of: CollectionSchema.users.name)
    guard !indexes.contains(where: { $0.fields.first?.name == "id" && !$0.isRestricted }) else { return }
    throw .rejected(
      address: store.name, what: "cannot put scores into users",
      why: "it has no index on id, and every batch would read all of it. Make one, "
        + "db.users.createIndex({id: 1}, {collation: {locale: \"simple\"}}), or leave out --mirror-users")
  }

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    let summary: LearnSummary
    do throws(StoreError) {
      let store = try run.store()
      let folder = try run.runFolder()
      let reports = ReportList()
      var options = options
      options.cancellation = run.cancellation
      if let clock = run.keptClock(of: Self.name) { options.parameters.asOf = clock }
      if !options.dryRun { options.journal = try run.journal() }
      var events = events
      let tell = events.left
      events.left = { report in
        reports.add(report)
        tell(report)
      }
      let learn = LearnRun(
        options: options, store: store, folder: folder.path, state: folder.state, events: events)
      summary = try learn.run()
      guard summary.users.isBalanced else {
        throw .inconsistent(path: store.name, why: "the counts of users do not balance: \(summary.users)")
      }
      run.manifest.take(summary, reports: reports.first)
      run.records.report.take(summary)
      try run.records.report.takeUsers(of: store)
    } catch {
      throw StepFailure(error)
    }
    if summary.isInterrupted {
      throw .interrupt("\(run.cancellation.why ?? "asked to stop"): run again, and all of it is counted")
    }
    return summary.left.isEmpty ? .done : .quarantined
  }
}
