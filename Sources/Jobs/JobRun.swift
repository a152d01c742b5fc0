internal import BSON
internal import Digests
internal import Library
internal import Stores
public import Sync

/// One run: its id, its store, its folder and its manifest, which the steps of a job share.
public struct JobRun {
  public let id: RunID
  /// Where the libraries are, as it was named.
  public let storeName: String
  private let server: MongoOptions
  /// Asks the steps to stop: each looks between its batches, and throws ``StepFailure/interrupt(_:)`` when it has
  /// stopped.
  public let cancellation: Cancellation
  /// What the run did so far; steps add to it.
  public internal(set) var manifest: Manifest
  /// What the run leaves beside its manifest: what the steps asked for before the first began, to which they add.
  public var records = RunRecords()

  /// Whether this goes on with a run that was killed or stopped.
  var isResumed: Bool { earlier != nil }
  /// What the attempt before this one has left of itself.
  private let earlier: Manifest?

  private let archive: RunArchive
  private let isResumable: Bool
  private let writes: Bool
  private var opened: (any Store)?
  private var folder: RunFolder?
  private var openJournal: Journal?
  private var openQuarantine: QuarantineFile?
  private let steps: [any JobStep]
  /// The collections that the steps write.
  private let collections: [CollectionSchema]
  /// The right to write into a server's store; a directory has its lock.
  private var lease: Lease?
  /// What is known of the run to the thread that hears signals.
  let snapshot = RunSnapshot()

  init(_ job: Job, _ cancellation: Cancellation) {
    storeName = job.store
    var server = job.server
    server.isToStop = { cancellation.isRequested }
    if job.isDryRun { server.unindexed = Set(job.steps.flatMap(\.makes).map(\.name)) }
    self.server = server
    self.cancellation = cancellation
    archive = RunArchive(state: job.state, store: job.store)
    steps = job.steps
    let writing = job.begun.filter(\.writes)
    writes = !writing.isEmpty
    collections = writing.flatMap(\.collections)
    isResumable = job.isResumable && writes
    let earlier = job.resume && writes ? Self.unfinished(job, in: archive) : nil
    self.earlier = earlier
    id = earlier.flatMap { RunID($0.runID) } ?? RunID(milliseconds: wallClock())
    manifest = Manifest(
      run: id, job: job.name, version: programVersion, store: keptName(of: job.store), parameters: job.parameters,
      asOf: job.asOf)
    // However the run ends, and before whichever step.
    for step in steps { records.take(step.records) }
    if let earlier {
      manifest.asOf = earlier.asOf
      manifest.startedAt = earlier.startedAt
      manifest.attempts = (earlier.attempts ?? 1) + 1
      for name in manifest.parameters.keys where name.isParameter("as-of") {
        manifest.parameters[name] = earlier.parameters[name] ?? earlier.asOf
      }
    }
  }

  /// The clock of a step, in ms since 1970, where the run is gone on with: that of the first attempt.
  func keptClock(of step: String) -> Int64? { isResumed ? manifest.clock(of: step) : nil }

  /// The last run of the job, if it did not end and was asked for the same.
  private static func unfinished(_ job: Job, in archive: RunArchive) -> Manifest? {
    // What may differ, for it does not change what a run gives; the clock is that of the first attempt.
    func same(_ parameters: [String: String]) -> [String: String] {
      parameters.filter { key, _ in
        let name = key.split(separator: ".").last.map(String.init) ?? key
        return !["as-of", "workers", "memory", "allow-quarantine", "state", "diff", "server-timeout"].contains(name)
      }
    }
    let ids: [String]
    // A state directory that cannot be read fails the run as soon as it needs its folder.
    do throws(StoreError) { ids = try archive.ids() } catch { return nil }
    for id in ids {
      guard let earlier = archive.manifest(id), earlier.job.isSame(as: job.name), !earlier.isRehearsal,
        archive.isRun(earlier, of: job.store) == true
      else { continue }
      guard earlier.outcome != .done, same(earlier.parameters) == same(job.parameters) else { return nil }
      return earlier
    }
    return nil
  }

  /// The store, locked for all of the run if a step writes. Opened when the first step asks for it.
  mutating func store() throws(StoreError) -> any Store {
    if let opened { return opened }
    let store = try openStore(storeName, locking: writes, run: id.description, options: server)
    if writes, let store = store as? DirectoryStore { try store.checkReplaceable(collections + [.jobRuns]) }
    try checkIndexes(of: store)
    if writes, !(store is DirectoryStore) {
      for step in steps { try step.prepare(store) }
      lease = try Lease(
        collections, of: store, run: id.description, job: manifest.job, seconds: Lease.secondsAsked()
      ) { [cancellation] in cancellation.request("the run has lost its lease") }
    }
    try checkIsUnfinished()
    opened = store
    try announce()
    return store
  }

  /// Checks what all steps rely on before the first one begins; what an earlier step makes needs not be there yet.
  private func checkIndexes(of store: any Store) throws(StoreError) {
    var known: Set<String> = []
    for step in steps {
      try Jobs.checkIndexes(of: step.reliesOn.filter { !known.contains($0.name) }, in: store)
      known.formUnion((step.reliesOn + step.makes).map(\.name))
    }
  }

  /// Refuses to go on with a run that ended, or that somebody else has gone on with, before this had the right to write.
  private func checkIsUnfinished() throws(StoreError) {
    guard isResumed, let now = archive.manifest(id.description) else { return }
    guard now.outcome == .done || !manifest.isLaterAttempt(than: now) else { return }
    throw .locked(path: storeName, holder: "run \(id), which has just ended or is gone on with by another process")
  }

  /// Why the run must not write any more; nil while it may.
  var lossOfLease: StoreError? { lease?.loss }

  /// Throws when the run has lost the right to write.
  private var permission: @Sendable () throws(StoreError) -> Void {
    { [lease] () throws(StoreError) in try lease?.check() }
  }

  /// The run's folder. Made when the first step asks for it, with a manifest that says that the run goes on.
  mutating func runFolder() throws(StoreError) -> RunFolder {
    if let folder { return folder }
    // Whoever was that slow must not write over the manifest of an attempt that has taken over.
    try permission()
    manifest.nextUser = try firstUser()
    let made = try RunFolder(state: archive.state, run: id)
    try made.write(manifest)
    try records.begin(in: made.path)
    folder = made
    snapshot.show(made, manifest)
    try announce()
    return made
  }

  /// Puts the manifest into the store's `job_runs` as soon as the run has a folder and the right to write: a run that is
  /// killed is seen there too.
  private func announce() throws(StoreError) {
    if let opened, folder != nil, writes { try ManifestDocument.put(manifest, into: opened) }
  }

  /// The folder's path; nil while there is none.
  public var folderPath: String? { folder?.path }

  /// Keeps what the run replaces. Every write of a collection that is not derived goes through it.
  mutating func journal() throws(StoreError) -> Journal {
    if let openJournal { return openJournal }
    // The right to write comes with the store.
    _ = try store()
    let journal = Journal(try runFolder(), run: id.description, store: manifest.store, permission: permission)
    openJournal = journal
    return journal
  }

  /// Keeps what was read of the inputs; nil when nobody will go on with the run.
  mutating func spool() throws(StoreError) -> Spool? {
    guard isResumable else { return nil }
    return try Spool(try runFolder().resume, permission: permission)
  }

  /// Where runs keep which users of the store are settled.
  mutating func settled(scope: String, _ options: SyncOptions) throws(StoreError) -> SettledPlace {
    SettledPlace(
      folder: try runFolder().path, earlier: try archive.ids().map { archive.folder($0).path },
      scope: "\(programVersion) \(manifest.store) \(scope)", options)
  }

  /// Takes what the steps do not use, and why.
  mutating func quarantine() throws(StoreError) -> QuarantineFile {
    if let openQuarantine { return openQuarantine }
    let name = try store().name
    let file = try QuarantineFile(
      try runFolder().quarantine, run: id.description, store: name, isResumed: isResumed)
    openQuarantine = file
    return file
  }

  /// The user with whom the last run of this job would have gone on, had it not been stopped.
  private func firstUser() throws(StoreError) -> String? {
    for earlier in try archive.ids() where earlier < id.description || isResumed && earlier == id.description {
      guard let manifest = archive.manifest(earlier), manifest.job.isSame(as: self.manifest.job), !manifest.isRehearsal,
        archive.isRun(manifest, of: storeName) == true
      else { continue }
      return manifest.nextUser
    }
    return nil
  }

  /// Notes how a step ended, and what the run has not used so far.
  mutating func note(_ step: Manifest.Step) {
    manifest.steps.append(step)
    if let openQuarantine { manifest.quarantine = openQuarantine.counts.byName }
  }

  /// Notes how the run ended, in its folder and in the store's `job_runs`.
  ///
  /// - Returns: the exit status; a run whose manifest cannot be written has failed.
  mutating func end(_ status: ExitStatus, _ failure: StepFailure?, seconds: Double) -> ExitStatus {
    let outcome: Manifest.Outcome =
      if let failure { failure.isInterrupt ? .interrupted : .failed } else { .done }
    if outcome != .done, let store = opened as? DirectoryStore { openJournal?.takeBack(in: store) }
    // What an earlier attempt has written is the run's, too, where this one did not get so far.
    if isResumed, openJournal == nil, let folder {
      openJournal = Journal(folder, run: id.description, store: manifest.store)
    }
    // So are the figures of its merge, where this one has not begun with its own.
    if let earlier, openQuarantine == nil, steps.contains(where: { $0 is SyncStep }) { manifest.take(earlier) }
    if let written = openJournal?.written {
      manifest.written = Manifest.Written(documents: written.documents, root: hexadecimal(written.root))
    }
    manifest.end(outcome, status, error: failure?.description)
    manifest.seconds["total"] = seconds
    defer { lease?.end() }
    guard let folder else {
      do throws(StoreError) { try records.end(manifest) } catch { return ended(status, leaving: error) }
      return status
    }
    guard !folder.isTaken(from: manifest) else { return superseded(status) }
    if outcome == .done { folder.removeSpool() }
    folder.closeBefore()
    folder.releaseRoom()
    var status = status
    // First of all, for it is what tells how the run ended.
    do throws(StoreError) { try folder.write(manifest) } catch { status = ended(status, leaving: error) }
    let first = manifest.error
    do throws(StoreError) {
      if let opened, writes { try ManifestDocument.put(manifest, into: opened) }
    } catch {
      status = ended(status, leaving: error)
    }
    do throws(StoreError) {
      try records.end(manifest, in: folder.path)
    } catch {
      status = ended(status, leaving: error)
    }
    if manifest.error != first {
      do throws(StoreError) { try folder.write(manifest) } catch { status = ended(status, leaving: error) }
    }
    return status
  }

  /// Ends an attempt that was frozen until another had taken its place: folder and documents are that one's.
  private mutating func superseded(_ status: ExitStatus) -> ExitStatus {
    guard manifest.outcome == .done else { return status }
    let why = StoreError.leaseLost(address: manifest.store, why: "another attempt has taken the run over")
    manifest.end(.failed, .locked, error: why.description)
    return .locked
  }

  /// Notes that something could not be left. A run that went well has failed by it; of one that did not, it stands beside
  /// what ended the run, and does not hide it.
  ///
  /// - Returns: the status, which is still that of what ended the run.
  private mutating func ended(_ status: ExitStatus, leaving error: StoreError) -> ExitStatus {
    let wentWell = manifest.outcome == .done
    let status = wentWell ? ExitStatus(error) : status
    // A server that is gone is so for all who ask.
    let isSaid = manifest.error?.contains(error.description) == true
    let errors = [manifest.error, isSaid ? nil : error.description].compactMap(\.self).joined(separator: "; ")
    manifest.end(wentWell ? .failed : manifest.outcome, status, error: errors)
    return status
  }
}
