internal import Dispatch
internal import Library
internal import Stores
internal import Synchronization

/// The end of the pipeline: takes merged batches as they come and writes them.
///
/// Into a directory batches are written in the order of the users, each by the worker that merged it or by one that has
/// just written the batch before: so what is written mostly comes from the core's own cache. A batch keeps its slot
/// until it is written, so a slow disk stops the workers, and they the readers. To a server each worker sends its own
/// batch, for it has to merge again what somebody else has written in between.
final class Committer: Sendable {
  /// A merged batch and the worker whose arena holds it.
  ///
  /// Safe to hand to whoever writes: the worker's thread is done with both.
  struct Parcel: @unchecked Sendable {
    let batch: MergedBatch
    let worker: Worker
  }

  /// The writers of a server's store, which each batch has of its own.
  struct Writers {
    let library: any StoreWriter
    let plays: any StoreWriter
  }

  /// What is written and counted.
  ///
  /// Safe to share: every use is by whoever has ``turn``, or when no worker is left.
  private final class State: @unchecked Sendable {
    var library: (any StoreWriter)?
    var plays: (any StoreWriter)?
    var archive: WriteBackArchive?
    var summary = SyncSummary()
  }

  /// Batches that wait for those before them.
  private struct Line {
    var waiting: [Int: Parcel] = [:]
    /// The number of the batch that is to be written next.
    var next = 0
    /// Whether somebody is writing, and takes the next batch too if it is there then.
    var isServed = false
  }

  private let library: any StoredCollection
  private let plays: any StoredCollection
  private let options: SyncOptions
  private let quarantine: QuarantineFile
  private let events: SyncEvents
  private let pool: WorkerPool
  private let settled: SettledUsers?
  private let slots: DispatchSemaphore
  private let state = State()
  private let line = Mutex(Line())
  /// For one batch at a time.
  private let turn = Mutex(())
  private let failure = Mutex<SyncError?>(nil)

  init(
    _ options: SyncOptions, library: any StoredCollection, plays: any StoredCollection, pool: WorkerPool,
    quarantine: QuarantineFile, settled: SettledUsers?, events: SyncEvents
  ) throws(SyncError) {
    self.options = options
    self.library = library
    self.plays = plays
    self.pool = pool
    self.quarantine = quarantine
    self.settled = settled
    self.events = events
    slots = DispatchSemaphore(value: options.batchesInFlight)
    if let path = options.writeBack, !options.dryRun {
      state.archive = try WriteBackArchive(path, clock: options.parameters.asOf)
    }
    if !options.dryRun, library.hasOneWriter {
      do throws(StoreError) {
        state.library = try library.beginWriting(options.firstUser == nil ? .stored : .any)
        state.plays = try plays.beginWriting(.any)
      } catch {
        throw .store(error)
      }
    }
  }

  /// What went wrong first, if anything did.
  var failed: SyncError? { failure.withLock { $0 } }

  /// Waits until another batch may be begun.
  func reserve() { slots.wait() }

  /// Says that the batch for which ``reserve()`` waited does not come.
  func release() { slots.signal() }

  /// Takes the batch with this number; numbers are counted from 0 without gaps.
  func accept(_ parcel: Parcel, number: Int) {
    let isServed = line.withLock { line in
      line.waiting[number] = parcel
      defer { line.isServed = true }
      return line.isServed
    }
    if isServed { return }
    while let parcel = nextInLine() {
      turn.withLock { _ in write(parcel.batch) }
      pool.giveBack(parcel.worker)
      slots.signal()
    }
  }

  /// The batch whose turn it is; where it is not there yet, whoever brings it writes it.
  private func nextInLine() -> Parcel? {
    line.withLock { line in
      guard let parcel = line.waiting.removeValue(forKey: line.next) else {
        line.isServed = false
        return nil
      }
      line.next += 1
      return parcel
    }
  }

  /// Gives up: later batches are not written.
  func fail(_ error: SyncError) { failure.withLock { $0 = $0 ?? error } }

  /// A batch that could not be merged takes its turn, so that the others go on.
  func skip(number: Int, worker: Worker) { accept(Parcel(batch: MergedBatch(), worker: worker), number: number) }

  private func write(_ batch: MergedBatch) {
    guard failed == nil else { return }
    do throws(StoreError) {
      let (changes, months) = (batch.users.compactMap(\.change), batch.users.flatMap(\.archived))
      try record(changes, months)
      // In a directory there is nobody else whose writes these could meet.
      if !months.isEmpty { _ = try state.plays?.write(months) }
      if !changes.isEmpty { _ = try state.library?.write(changes) }
      if let position = batch.position { library.release(before: position) }
    } catch {
      return fail(.store(error))
    }
    count(batch.users)
  }

  /// Sends a batch to a server at once, from the worker that merged it.
  ///
  /// - Returns: the users whose document somebody else has written since it was read; they do not count yet.
  func send(_ batch: MergedBatch, with writers: Writers?) throws(StoreError) -> [MergedUser] {
    var conflicts: Set<Int> = []
    if let writers {
      try record(batch.users.compactMap(\.change), batch.users.flatMap(\.archived))
      // What a library loses is on the disk before: of a run that dies now nobody would find it any more.
      if batch.users.contains(where: { $0.lost != nil }) {
        try quarantineLost(by: batch.users)
        try quarantine.synchronizeLibraries()
      }
      // Plays first: what a library's limit cuts off is in the archive before.
      let months = batch.users.flatMap { user in user.archived.map { (user.index, $0) } }
      let metMonths = try writers.plays.write(months.map(\.1))
      for place in metMonths { conflicts.insert(months[place].0) }
      let changing = batch.users.filter { $0.change != nil && !conflicts.contains($0.index) }
      let unchanged = batch.users.filter { $0.change != nil && conflicts.contains($0.index) }.compactMap(\.change)
      let metUsers = try writers.library.write(changing.compactMap(\.change))
      for place in metUsers { conflicts.insert(changing[place].index) }
      try withdraw(unchanged + metUsers.compactMap { changing[$0].change }, metMonths.map { months[$0].1 })
    }
    settle(batch.users.filter { !conflicts.contains($0.index) })
    return batch.users.filter { conflicts.contains($0.index) }
  }

  private func record(_ changes: [DocumentChange], _ months: [DocumentChange]) throws(StoreError) {
    guard let journal = options.journal, !options.dryRun else { return }
    if !months.isEmpty { try journal.record(months, of: plays) }
    if !changes.isEmpty { try journal.record(changes, of: library) }
  }

  private func withdraw(_ changes: [DocumentChange], _ months: [DocumentChange]) throws(StoreError) {
    guard let journal = options.journal else { return }
    if !months.isEmpty { try journal.withdraw(months, of: plays) }
    if !changes.isEmpty { try journal.withdraw(changes, of: library) }
  }

  private func quarantineLost(by users: [MergedUser]) throws(StoreError) {
    for user in users { if let lost = user.lost { try quarantine.append(ofLibraries: lost) } }
  }

  /// Counts users of a server's store whose turn is over.
  func settle(_ users: [MergedUser]) { turn.withLock { _ in count(users) } }

  /// Notes what became of users. For whoever has the turn.
  private func count(_ users: [MergedUser]) {
    do throws(SyncError) {
      do throws(StoreError) {
        for user in users { try quarantine.append(user.quarantine) }
        try quarantineLost(by: users)
      } catch {
        throw .store(error)
      }
      try state.archive?.add(users.compactMap(\.writeBack))
    } catch {
      return fail(error)
    }
    settled?.note(users)
    state.summary.throughput.note(users: users.count)
    events.progress(.merged(users: users.count, dumps: users.reduce(0) { $0 + $1.counts.dumps.read }))
    for user in users {
      state.summary.add(user)
      for report in user.archiveReports + (user.report.map { [$0] } ?? []) { events.left(report) }
      if let difference = user.difference { events.difference(difference) }
    }
  }

  /// What became of all users. To be asked when no worker is left: then all batches are written.
  var summary: SyncSummary { turn.withLock { _ in state.summary } }

  /// Puts everything in its place, except what is written back: that is on the disk then, beside its own. Call once, when
  /// no worker is left.
  ///
  /// - Parameter isWhole: whether every user had their turn. Else nothing takes the place of what was written back
  ///   earlier: it would lack the users who were left.
  func commit(isWhole: Bool) throws(SyncError) {
    if isWhole { try state.archive?.finish() } else { state.archive = nil }
    do throws(StoreError) {
      try options.journal?.seal()
      try quarantine.synchronizeLibraries()
      // Plays first: what a library's limit cuts off is in the archive before.
      try state.plays?.commit()
      try state.library?.commit()
    } catch {
      throw .store(error)
    }
  }

  /// Puts what is written back in its place, once the store is in its own.
  func closeArchive() throws(SyncError) { try state.archive?.close() }

  /// Takes everything back.
  func abandon() {
    turn.withLock { _ in
      state.library?.abandon()
      state.plays?.abandon()
      state.archive = nil
    }
  }
}
