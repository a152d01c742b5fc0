internal import BSON
internal import Dispatch
internal import Dumps
internal import Library
public import Stores
internal import Synchronization

/// What a run tells while it goes on. Called from several threads.
public struct SyncEvents: Sendable {
  /// A user was left as they are.
  public var left: @Sendable (UserReport) -> Void = { _ in }
  /// What changes for one user, where the options ask for it; in the order of users.
  public var difference: @Sendable (String) -> Void = { _ in }
  /// All inputs are read again, because the order of this user's dumps hangs on login tokens that were not kept.
  public var begunAnew: @Sendable (_ user: String) -> Void = { _ in }
  /// A phase begins: `read`, `merge`, `commit`.
  public var phase: @Sendable (String) -> Void = { _ in }
  /// The run has come further. Called often, so that it has to be quick.
  public var progress: @Sendable (SyncProgress) -> Void = { _ in }

  public init() {}
}

/// How much further a run has come.
public enum SyncProgress: Sendable, Equatable {
  /// Bytes of inputs were read.
  case read(bytes: Int)
  /// Dumps that were read are grouped, and will be merged.
  case grouped(dumps: Int)
  /// Users with so many dumps are merged.
  case merged(users: Int, dumps: Int)
  /// All of it begins anew.
  case begunAnew
}

/// The merge in bulk: dumps in, merged libraries out.
///
/// Read → recognise → group by user, then fetch → merge → write, on Dispatch queues, each step bound by the memory
/// budget. The outcome is the same bytes for every number of workers, order of inputs and packing.
public struct Sync: Sendable {
  private let options: SyncOptions
  private let store: any Store
  private let quarantine: QuarantineFile
  private let events: SyncEvents
  /// Where sorted runs of dumps go when memory is full.
  private let spillFolder: String

  public init(
    _ options: SyncOptions, store: any Store, quarantine: QuarantineFile, spillFolder: String,
    events: SyncEvents = SyncEvents()
  ) {
    self.options = options
    self.store = store
    self.quarantine = quarantine
    self.spillFolder = spillFolder
    self.events = events
  }

  /// Runs to the end, or leaves a directory as it was.
  public func run() throws(SyncError) -> SyncSummary {
    var summary = SyncSummary()
    try run(into: &summary)
    return summary
  }

  /// The same, and tells of a run that failed what a server has got of it.
  ///
  /// - Parameter summary: what became of all users, also where only what is written back could not be put in its place;
  ///   of those whose batches were written before another failure, or of nobody in a directory.
  public func run(into summary: inout SyncSummary) throws(SyncError) {
    let begin = try begin()
    do throws(SyncError) {
      try attempt(into: &summary)
    } catch .tokensGone(let user) {
      // Of a server's users those whose batches were written are merged once more, which changes nothing.
      try beginAnew(from: begin, for: user)
      try attempt(into: &summary)
    }
    summary.quarantine = quarantine.counts(since: begin)
  }

  /// Where the quarantine begins.
  private func begin() throws(SyncError) -> QuarantineFile.Mark {
    do throws(StoreError) { return try quarantine.mark() } catch { throw .store(error) }
  }

  /// Forgets what an earlier attempt of the run has read, and what this one has found in it.
  private func beginAnew(from begin: QuarantineFile.Mark, for user: String) throws(SyncError) {
    do throws(StoreError) {
      try options.spool?.clear()
      try quarantine.cut(back: begin)
    } catch {
      throw .store(error)
    }
    events.begunAnew(user)
    events.progress(.begunAnew)
  }

  private func attempt(into summary: inout SyncSummary) throws(SyncError) {
    do throws(InputError) { try InputReader.check(options.inputs) } catch { throw .input(error) }
    let pool = WorkerPool(options)
    var clock = PhaseClock(events.phase)
    clock.begin("read")
    let grouping = Grouping(budget: options.groupingBudget, folder: spillFolder)
    let intake = DumpIntake(
      options, name: store.name, pool: pool, grouping: grouping, quarantine: quarantine, progress: events.progress)
    intake.begin()
    let target: Target
    do throws(SyncError) {
      target = try opened(pool)
    } catch {
      intake.abandon(error)
      throw error
    }
    do throws(SyncError) {
      try place(intake, in: target.library)
      summary = try intake.end()
      summary.spilledRuns = grouping.runCount
      summary.inputs.sort { $0.path < $1.path }
      guard !options.cancellation.isRequested else {
        // Of no user is everything known that the inputs hold: the next run has to read them again.
        target.committer.abandon()
        clock.end()
        (summary.isInterrupted, summary.nextUser) = (true, options.firstUser)
        summary.seconds = clock.seconds
        return
      }

      clock.begin("merge")
      try merge(grouping, into: target, pool, &summary)
      try check(summary.counts)

      clock.begin("commit")
      try target.committer.commit(isWhole: !summary.isInterrupted)
      target.settled?.commit(target.library, target.plays)
      clock.end()
      summary.seconds = clock.seconds
    } catch {
      target.committer.abandon()
      target.settled?.abandon()
      if target.library.hasOneWriter { summary = SyncSummary() }
      throw error
    }
    // Where that fails, the store is merged all the same.
    try target.committer.closeArchive()
  }

  /// Where what is merged goes, and what is known of the users there.
  private struct Target: Sendable {
    let library: any StoredCollection
    let plays: any StoredCollection
    let settled: SettledUsers?
    let committer: Committer
  }

  private func opened(_ pool: WorkerPool) throws(SyncError) -> Target {
    let (library, plays): (any StoredCollection, any StoredCollection)
    let settled: SettledUsers?
    do throws(StoreError) {
      (library, plays) = (try store.open(.userLibrary), try store.open(.playArchive))
      settled = try options.settled.map { place throws(StoreError) in
        // Who writes libraries back has to read them.
        try SettledUsers(place, library: library, plays: plays, passesOver: options.writeBack == nil)
      }
    } catch {
      throw .store(error)
    }
    let committer = try Committer(
      options, library: library, plays: plays, pool: pool, quarantine: quarantine, settled: settled, events: events)
    return Target(library: library, plays: plays, settled: settled, committer: committer)
  }

  /// Tells the intake where the users stand.
  private func place(_ intake: DumpIntake, in library: any StoredCollection) throws(SyncError) {
    do throws(StoreError) {
      try intake.place(in: library)
    } catch {
      intake.abandon(.store(error))
      throw .store(error)
    }
  }

  /// Merges what is grouped; the summary says what became of it, also where the committer has failed.
  private func merge(
    _ grouping: Grouping, into target: Target, _ pool: WorkerPool, _ summary: inout SyncSummary
  ) throws(SyncError) {
    do throws(StoreError) {
      summary.nextUser = try merge(grouping, into: target, pool)
    } catch {
      throw .store(error)
    }
    summary.isInterrupted = summary.nextUser != nil
    summary.add(target.committer.summary)
    summary.plays = pool.tally()
    if let failure = target.committer.failed { throw failure }
  }

  /// Merges batch by batch on the workers, which take the next batch whenever they are done with one; the committer
  /// writes behind them.
  ///
  /// - Returns: the first user who was left because the run was asked to stop.
  private func merge(
    _ grouping: Grouping, into target: Target, _ pool: WorkerPool
  ) throws(StoreError) -> [UInt8]? {
    let (library, settled, committer) = (target.library, target.settled, target.committer)
    let budget = library.hasOneWriter ? options.batchBudget : options.serverBatchBudget
    let batches = Mutex(
      try UserBatches(try grouping.sorted(), library: library, settled: settled, budget: budget))
    let work = DispatchQueue(label: "mixdown.merge", attributes: .concurrent)
    let running = DispatchGroup()
    for _ in 0..<options.workers {
      work.async(group: running) {
        while committer.failed == nil, !self.options.cancellation.isRequested {
          // Before the batch is taken: of all who have one, the first in order must never wait.
          committer.reserve()
          do throws(StoreError) {
            guard let (batch, number) = try batches.withLock({ (all) throws(StoreError) in try all.nextBatch() })
            else {
              return committer.release()
            }
            let worker = pool.take()
            let merge = BatchMerge(
              options: self.options, library: library, archive: target.plays, worker: worker,
              quarantine: self.quarantine, settled: settled)
            self.merge(batch, number, merge, committer)
          } catch {
            committer.release()
            committer.fail(.store(error))
          }
        }
      }
    }
    running.wait()
    return options.cancellation.isRequested ? batches.withLock { $0.nextUser } : nil
  }

  /// Merges one batch, and hands it to the committer or sends it.
  private func merge(_ batch: UserBatch, _ number: Int, _ merge: BatchMerge, _ committer: Committer) {
    do throws(StoreError) {
      if merge.library.hasOneWriter {
        let merged = try merge.merged(batch, Array(batch.users.indices)[...])
        if let user = merged.unordered { committer.fail(.tokensGone(user: user.string)) }
        committer.accept(Committer.Parcel(batch: merged, worker: merge.worker), number: number)
      } else {
        try send(batch, merge, committer)
        committer.skip(number: number, worker: merge.worker)
      }
    } catch {
      committer.fail(.store(error))
      committer.skip(number: number, worker: merge.worker)
    }
  }

  /// Merges a batch and sends it, then once more the users whom somebody else has written in between.
  private func send(_ batch: UserBatch, _ merge: BatchMerge, _ committer: Committer) throws(StoreError) {
    let writers: Committer.Writers? =
      options.dryRun
      ? nil
      : Committer.Writers(
        library: try merge.library.beginWriting(.any), plays: try merge.archive.beginWriting(.any))
    var indices = Array(batch.users.indices)
    for attempt in 1...Conflicts.mostTries {
      var conflicts: [Int] = []
      while !indices.isEmpty {
        let merged = try merge.merged(batch, indices[...])
        if let user = merged.unordered { return committer.fail(.tokensGone(user: user.string)) }
        indices.removeFirst(merged.users.count)
        let met = try committer.send(merged, with: writers)
        if attempt == Conflicts.mostTries { committer.settle(met.map { $0.givenUp(tries: attempt) }) }
        let again = Set(met.map(\.index))
        for user in merged.users where !again.contains(user.index) { merge.worker.count(user.tallied) }
        conflicts += met.map(\.index)
        // What was sent is needed no more, and what is read next may be as large.
        merge.worker.arena.reset()
      }
      indices = conflicts
    }
    try writers?.plays.commit()
    try writers?.library.commit()
  }

  /// The check of the program against its own mistakes: everything that was read is accounted for.
  private func check(_ counts: SyncCounts) throws(SyncError) {
    var counts = counts
    if isPlanted("unbalanced") { counts.dumps.read += 1 }
    guard !counts.isBalanced else { return }
    throw .unbalanced("dumps \(counts.dumps), entries \(counts.entries), users \(counts.users)")
  }
}
