internal import BSON
internal import Dispatch
internal import Stores
internal import Sync
internal import Synchronization

/// The documents of a batch of users, in an arena that is the batch's until it is written.
///
/// Safe to hand to the writing queue: the worker that made it is done with it.
final class LearnedBatch: @unchecked Sendable {
  let arena: Arena
  var statistics: [DocumentChange] = []
  var scores: [DocumentChange] = []
  var accounts: [DocumentChange] = []
  var notes = LastLearned.Notes()
  var titles = KnownTitles.Notes()
  var summary = LearnSummary()

  init(_ arena: Arena) { self.arena = arena }
}

/// Takes the batches of the last pass and writes them.
final class LearnedOutput: Sendable {
  /// What the writing queue alone touches.
  ///
  /// Safe to share: every use is on the serial queue, or after it is drained, and then each writer is one thread's.
  private final class State: @unchecked Sendable {
    var writers: Writers?
    var waiting: [Int: LearnedBatch] = [:]
    var next = 0
    var summary = LearnSummary()
  }

  /// A directory's writers, or one batch's to a server.
  private struct Writers {
    var statistics: any StoreWriter
    var scores: any StoreWriter
    var accounts: (any StoreWriter)?
    var all: [any StoreWriter] { [statistics, scores] + (accounts.map { [$0] } ?? []) }
  }

  /// What was made of a batch's changes, by collection.
  private struct Made {
    var statistics: WriteCounts
    var scores: WriteCounts
    var accounts: WriteCounts
  }

  /// Arenas that wait for their next batch.
  ///
  /// Safe to share: an arena is in the list, or with one batch.
  private struct Arenas: @unchecked Sendable { var idle: [Arena] = [] }

  private let options: LearnOptions
  private let collections: LearnCollections
  private let events: LearnEvents
  private let slots: DispatchSemaphore
  private let queue = DispatchQueue(label: "mixdown.learn.write")
  private let state = State()
  private let failure = Mutex<StoreError?>(nil)
  private let begun = Mutex(0)
  private let arenas = Mutex(Arenas())

  init(_ collections: LearnCollections, _ options: LearnOptions, _ events: LearnEvents) throws(StoreError) {
    self.collections = collections
    self.options = options
    self.events = events
    slots = DispatchSemaphore(value: options.batchesInFlight)
    if collections.statistics.hasOneWriter { state.writers = try writers(.stored) }
  }

  private func writers(_ order: WriteOrder) throws(StoreError) -> Writers? {
    guard !options.dryRun else { return nil }
    return Writers(
      statistics: try collections.statistics.beginWriting(order), scores: try collections.scores.beginWriting(.any),
      accounts: options.mirrorsUsers ? try collections.accounts.beginWriting(.any) : nil)
  }

  /// What went wrong first, if anything did.
  var failed: StoreError? { failure.withLock { $0 } }

  /// Gives up: later batches are not written.
  func fail(_ error: StoreError) {
    failure.withLock { $0 = $0 ?? error }
    // Whoever waits for a batch that never comes goes on, and sees the failure.
    for _ in 0..<options.batchesInFlight { slots.signal() }
  }

  /// Waits until another batch may be begun, and gives its number; nil when there is none.
  func reserve(batches: Int) -> Int? {
    slots.wait()
    guard failed == nil else { return nil }
    let number = begun.withLock { number in
      defer { number += 1 }
      return number
    }
    guard number < batches else {
      slots.signal()
      return nil
    }
    return number
  }

  func arena() -> Arena { arenas.withLock { $0.idle.popLast() ?? Arena() } }

  private func giveBack(_ batch: LearnedBatch) {
    batch.arena.reset()
    arenas.withLock { $0.idle.append(batch.arena) }
  }

  // MARK: A directory

  /// Takes the batch with this number; numbers are counted from 0 without gaps.
  func accept(_ batch: LearnedBatch, number: Int) {
    queue.async {
      let state = self.state
      state.waiting[number] = batch
      while let batch = state.waiting.removeValue(forKey: state.next) {
        state.next += 1
        self.write(batch)
        self.giveBack(batch)
        self.slots.signal()
      }
    }
  }

  private func write(_ batch: LearnedBatch) {
    guard failed == nil else { return }
    do throws(StoreError) {
      // In a directory there is nobody else whose writes these could meet.
      if !batch.statistics.isEmpty { _ = try state.writers?.statistics.write(batch.statistics) }
      if !batch.scores.isEmpty { _ = try state.writers?.scores.write(batch.scores) }
      if !batch.accounts.isEmpty {
        try options.journal?.record(batch.accounts, of: collections.accounts)
        _ = try state.writers?.accounts?.write(batch.accounts)
      }
    } catch {
      return fail(error)
    }
    count(batch, made(of: batch))
  }

  /// What is made of a batch where nobody else's writes meet it.
  private func made(of batch: LearnedBatch) -> Made {
    Made(
      statistics: WriteCounts(of: batch.statistics), scores: WriteCounts(of: batch.scores),
      accounts: WriteCounts(of: batch.accounts))
  }

  private func count(_ batch: LearnedBatch, _ made: Made) {
    batch.summary.note("user_stats", made.statistics)
    batch.summary.note("user_scores", made.scores)
    batch.summary.note("users", made.accounts)
    state.summary.add(batch.summary)
  }

  // MARK: A server

  /// Sends a batch at once. What somebody else has written in between is read and decided again.
  ///
  /// - Parameter mirror: an account with the scores of its change in it; nil where it has them.
  func send(
    _ batch: LearnedBatch, mirror: (DocumentChange, BSONDocument) throws(StoreError) -> DocumentChange?
  ) throws(StoreError) {
    var made = made(of: batch)
    if let writers = try writers(.any) {
      made.statistics = try send(batch.statistics, to: collections.statistics, with: writers.statistics, of: batch)
      made.scores = try send(batch.scores, to: collections.scores, with: writers.scores, of: batch)
      if let writer = writers.accounts, !batch.accounts.isEmpty {
        try options.journal?.record(batch.accounts, of: collections.accounts)
        let outcome = try DerivedWrite.write(
          batch.accounts, to: collections.accounts, with: writer, in: batch.arena
        ) { change, stored throws(StoreError) in
          try options.journal?.withdraw([change], of: collections.accounts)
          guard let stored, let next = try mirror(change, stored) else { return nil }
          try options.journal?.record([next], of: collections.accounts)
          return next
        }
        if !outcome.left.isEmpty { try options.journal?.withdraw(outcome.left, of: collections.accounts) }
        made.accounts = outcome.made
        note(outcome.left, collections.accounts, in: batch)
      }
      for writer in writers.all { try writer.commit() }
    }
    queue.sync { count(batch, made) }
    giveBack(batch)
    slots.signal()
  }

  private func send(
    _ changes: [DocumentChange], to collection: any StoredCollection, with writer: any StoreWriter,
    of batch: LearnedBatch
  ) throws(StoreError) -> WriteCounts {
    guard !changes.isEmpty else { return WriteCounts() }
    let outcome = try DerivedWrite.write(changes, to: collection, with: writer, in: batch.arena) {
      change, stored throws(StoreError) in
      try DerivedWrite.change(change, over: stored, in: collection, options, batch.arena)
    }
    note(outcome.left, collection, in: batch)
    return outcome.made
  }

  private func note(_ left: [DocumentChange], _ collection: any StoredCollection, in batch: LearnedBatch) {
    guard !left.isEmpty else { return }
    batch.summary.left[.conflict, default: 0] += left.count
    for change in left { events.left(DerivedWrite.report(change.key.string, collection)) }
  }

  // MARK: The end

  /// Waits for all batches to be written, and makes them visible.
  func finish() throws(StoreError) -> LearnSummary {
    queue.sync {}
    if let error = failed { throw error }
    if let writers = state.writers {
      if options.mirrorsUsers { try options.journal?.seal() }
      // The two are files of their own, and each waits for the disk.
      try inParallel(2) { number, _ throws(StoreError) in
        try (number == 0 ? self.state.writers?.statistics : self.state.writers?.scores)?.commit()
      }
      try writers.accounts?.commit()
    }
    return state.summary
  }

  /// Waits for the batches in flight of a run that was asked to stop: a directory stays as it was, a server keeps what
  /// it has.
  func stop() -> LearnSummary {
    abandon()
    var summary = state.summary
    summary.isInterrupted = true
    return summary
  }

  /// Takes everything back.
  func abandon() {
    queue.sync { for writer in state.writers?.all ?? [] { writer.abandon() } }
  }
}
