internal import BSON
internal import Dispatch
internal import Dumps
internal import Library
internal import Stores
internal import Synchronization

/// The first half of a run: read → recognise → group by user.
///
/// Reading begins while the store is still being opened, for both take their time and neither needs the other: with
/// ``begin()``; once ``place(in:)`` has told it the library, ``end()`` waits for all of it.
///
/// Several inputs are read side by side, each by one thread. Readers hand batches of texts to the workers, which find
/// out whose they are; a reader waits when too many batches are under way.
final class DumpIntake: Sendable {
  /// Inputs that are read side by side, at most: more wait for the workers anyway.
  private static let mostReaders = 32
  /// Texts that are handed over together, in bytes.
  private static let batchSize = 512 << 10

  private let options: SyncOptions
  /// The store's name.
  private let name: String
  private let pool: WorkerPool
  private let grouping: Grouping
  private let quarantine: QuarantineFile
  private let progress: @Sendable (SyncProgress) -> Void
  private let summary = Mutex(SyncSummary())
  private let failure = Mutex<SyncError?>(nil)
  private let work = DispatchQueue(label: "mixdown.recognise", attributes: .concurrent)
  private let slots: DispatchSemaphore
  /// Dumps whose users have no place in the order of the run yet, and their bytes.
  private let unplaced = Mutex<(dumps: [GroupedDump], bytes: Int)>(([], 0))
  /// So many are given their places at once, for a server is asked for them.
  private static let placedAtOnce = 1000
  /// Where the users of the dumps stand; nil until the store is open, or for good if it could not be.
  private let places = Mutex<Places?>(nil)
  /// Left when it is known whether there are any.
  private let opening = DispatchGroup()
  private let reading = DispatchGroup()

  private struct Places {
    let library: any StoredCollection
    /// With whom the run begins, and where; nil when it begins with the first.
    let first: (user: [UInt8], position: Int)?

    /// Whether a user comes after the one with whom the run begins, and all behind.
    func isLate(_ user: [UInt8], at position: Int) -> Bool {
      guard let first else { return false }
      return position != first.position ? position < first.position : user.lexicographicallyPrecedes(first.user)
    }
  }

  /// - Parameter name: the store's.
  init(
    _ options: SyncOptions, name: String, pool: WorkerPool, grouping: Grouping, quarantine: QuarantineFile,
    progress: @escaping @Sendable (SyncProgress) -> Void
  ) {
    self.options = options
    self.name = name
    self.pool = pool
    self.grouping = grouping
    self.quarantine = quarantine
    self.progress = progress
    slots = DispatchSemaphore(value: options.batchesInFlight)
    opening.enter()
  }

  /// Begins to read all inputs.
  func begin() {
    DispatchQueue(label: "mixdown.intake").async(group: reading) {
      self.addGuests()
      let atOnce = DispatchSemaphore(value: min(self.options.workers, Self.mostReaders))
      for (index, input) in self.options.inputs.enumerated() {
        atOnce.wait()
        // Each on a queue of its own, which always gets a thread: of a concurrent queue's few, readers that wait for
        // their dumps to be recognised would leave none to do that.
        DispatchQueue(label: "mixdown.read").async(group: self.reading) {
          self.read(input, index)
          atOnce.signal()
        }
      }
    }
  }

  /// Tells where the users stand. Call once, unless ``abandon(_:)`` is.
  ///
  /// - Throws: when the store cannot be asked where its documents stand.
  func place(in library: any StoredCollection) throws(StoreError) {
    let first = try options.firstUser.map { user throws(StoreError) in
      (user: user, position: try Self.positions(of: [user], in: library)[0])
    }
    places.withLock { $0 = Places(library: library, first: first) }
    opening.leave()
  }

  /// Stops reading, for the store cannot be opened; returns when nothing is under way any more.
  func abandon(_ error: SyncError) {
    failure.withLock { $0 = $0 ?? error }
    if places.withLock({ $0 == nil }) { opening.leave() }
    reading.wait()
    waitForBatches()
  }

  /// Returns when every dump is grouped.
  func end() throws(SyncError) -> SyncSummary {
    reading.wait()
    waitForBatches()
    attempt { () throws(StoreError) in try placeRest() }
    if let failure = failure.withLock({ $0 }) { throw failure }
    return summary.withLock { $0 }
  }

  /// Returns when all slots are free again: the last batch is grouped.
  private func waitForBatches() {
    for _ in 0..<options.batchesInFlight { slots.wait() }
    for _ in 0..<options.batchesInFlight { slots.signal() }
  }

  /// A guest's library is read even when no dump of the guest is.
  private func addGuests() {
    let guests = options.userMap.accounts.compactMap { guest, account -> GroupedDump? in
      // Nothing of it was handed in, so that nothing is refused: it stays where it is.
      guard !isForgotten(account, named: guest) else { return nil }
      return GroupedDump(user: account, guest: guest, source: Source(input: name), text: [])
    }
    attempt { () throws(StoreError) in try group(guests) }
  }

  private func group(_ dumps: [GroupedDump]) throws(StoreError) {
    let isOpen = places.withLock { $0 != nil }
    let isEnough = unplaced.withLock { unplaced in
      unplaced.dumps += dumps
      unplaced.bytes += dumps.reduce(0) { $0 + $1.footprint }
      // Until the store is open nothing is grouped yet, so that there is room to go on reading.
      guard isOpen else { return unplaced.bytes > options.groupingBudget / 2 }
      return unplaced.dumps.count >= Self.placedAtOnce || unplaced.bytes > options.groupingBudget / 16
    }
    if isEnough { try placeRest() }
  }

  private func placeRest() throws(StoreError) {
    opening.wait()
    guard let places = places.withLock({ $0 }) else { return }
    let dumps = unplaced.withLock { unplaced in
      defer { unplaced = ([], 0) }
      return unplaced.dumps
    }
    if !dumps.isEmpty { try grouping.add(placed(dumps, places)) }
  }

  /// Dumps with the place of their users in the order of the run.
  private func placed(_ dumps: [GroupedDump], _ places: Places) throws(StoreError) -> [GroupedDump] {
    var placed = dumps
    for start in stride(from: 0, to: dumps.count, by: Self.placedAtOnce) {
      let users = dumps[start..<min(dumps.count, start + Self.placedAtOnce)].map(\.user)
      for (offset, position) in try Self.positions(of: users, in: places.library).enumerated() {
        placed[start + offset].position = position
        placed[start + offset].isLate = places.isLate(users[offset], at: position)
      }
    }
    return placed
  }

  private static func positions(
    of users: [[UInt8]], in library: any StoredCollection
  ) throws(StoreError) -> [Int] {
    let arena = Arena()
    return try library.positions(of: users.map { user in user.withView { arena.copy($0) } }).map { $0 ?? Int.max }
  }

  private func read(_ input: String, _ index: Int) {
    if let spool = options.spool {
      if let note = spool.finished(index, input) { return takeUp(note, of: index, from: spool) }
      attempt { () throws(StoreError) in try spool.begin(index, input) }
    }
    let pending = DispatchGroup()
    var batch: [RawDump] = []
    var size = 0
    var reader = InputReader(limits: options.limits)
    reader.onRead = { [progress] in progress(.read(bytes: $0)) }
    do throws(InputError) {
      let digest = try reader.read(input) { event in
        switch event {
        case .dump(let dump):
          size += dump.count
          batch.append(dump)
        case .skipped:
          summary.withLock { $0.counts.dumps.count(\.skipped) }
          attempt { () throws(StoreError) in try options.spool?.add([], quarantine.lines(), skipped: 1, of: index) }
        case .refused(let source, let fault): refuse(fault, source, of: index)
        }
        if size >= Self.batchSize || batch.count >= 512 {
          hand(over: batch, of: index, pending)
          batch = []
          size = 0
        }
        return failure.withLock { $0 == nil } && !options.cancellation.isRequested
      }
      hand(over: batch, of: index, pending)
      summary.withLock { $0.inputs.append(digest) }
      guard let spool = options.spool, digest.finished else { return }
      pending.wait()
      if failure.withLock({ $0 == nil }) { attempt { () throws(StoreError) in try spool.finish(index, digest) } }
    } catch {
      failure.withLock { $0 = $0 ?? .input(error) }
    }
  }

  /// Takes what an earlier attempt of the run has read of an input.
  private func takeUp(_ note: Spool.Finished, of index: Int, from spool: Spool) {
    summary.withLock { summary in
      summary.counts.dumps.count(\.skipped, note.skipped)
      summary.counts.dumps.count(\.quarantined, note.quarantined)
      summary.inputs.append(InputDigest(path: note.path, bytes: note.bytes, sha256: note.digest))
      summary.resumedInputs.insert(note.path)
    }
    progress(.read(bytes: note.bytes))
    attempt { () throws(StoreError) in
      try quarantine.append(quarantine.lines(try spool.quarantine(index, note), note.counts))
      try spool.forEachBatch(index) { dumps throws(StoreError) in
        guard !options.cancellation.isRequested else { return }
        var grouped: [GroupedDump] = []
        for dump in dumps {
          if isForgotten(dump.user, named: dump.formerUser ?? dump.user) {
            refuseForgotten(dump.source)
          } else {
            grouped.append(dump)
          }
        }
        // The store may have changed in between.
        try group(grouped)
        progress(.grouped(dumps: grouped.count))
      }
    }
  }

  /// Whether the user who gets a dump or a guest's library has asked to be forgotten, or the one whose it was.
  private func isForgotten(_ user: [UInt8], named: [UInt8]) -> Bool {
    guard let forgotten = options.forgotten else { return false }
    return forgotten(named) || user != named && forgotten(user)
  }

  private func refuseForgotten(_ source: Source) {
    summary.withLock { $0.counts.dumps.count(\.quarantined) }
    var lines = quarantine.lines()
    let fault = DumpFault(reason: .forgotten, detail: "the user has asked to be forgotten", raw: nil)
    lines.add(fault, of: nil, from: Source(input: source.input), size: 0)
    attempt { () throws(StoreError) in try quarantine.append(lines) }
  }

  private func refuse(_ fault: InputFault, _ source: Source, of index: Int) {
    summary.withLock { $0.counts.dumps.count(\.quarantined) }
    var lines = quarantine.lines()
    lines.add(fault, from: source)
    attempt { () throws(StoreError) in
      try quarantine.append(lines)
      try options.spool?.add([], lines, quarantined: 1, of: index)
    }
  }

  private func hand(over batch: [RawDump], of index: Int, _ pending: DispatchGroup) {
    guard !batch.isEmpty else { return }
    slots.wait()
    work.async(group: pending) {
      let worker = self.pool.take()
      self.recognise(batch, of: index, worker)
      self.pool.giveBack(worker)
      self.slots.signal()
    }
  }

  private func recognise(_ batch: [RawDump], of index: Int, _ worker: Worker) {
    var lines = quarantine.lines()
    var grouped: [GroupedDump] = []
    grouped.reserveCapacity(batch.count)
    var refused = 0
    for dump in batch {
      do throws(DumpFault) {
        let named = try worker.user(dump).copy()
        let user = options.userMap.account(of: named) ?? named
        if isForgotten(user, named: named) {
          throw DumpFault(reason: .forgotten, detail: "the user has asked to be forgotten", raw: nil)
        }
        grouped.append(
          GroupedDump(
            user: user, formerUser: user == named ? nil : named, source: dump.source, modifiedAt: dump.modifiedAt,
            text: dump.text,
            checksum: options.settled != nil ? worker.checksum(of: dump.text) : nil))
      } catch {
        refused += 1
        // Where a forgotten user's dump lay may tell who they are.
        let source = error.reason == .forgotten ? Source(input: dump.source.input) : dump.source
        lines.add(error, of: nil, from: source, size: dump.count)
      }
    }
    if refused > 0 { summary.withLock { $0.counts.dumps.count(\.quarantined, refused) } }
    attempt { () throws(StoreError) in
      try quarantine.append(lines)
      try options.spool?.add(grouped, lines, quarantined: refused, of: index)
      try group(grouped)
      progress(.grouped(dumps: grouped.count))
    }
  }

  private func attempt(_ body: () throws(StoreError) -> Void) {
    do throws(StoreError) { try body() } catch { failure.withLock { $0 = $0 ?? .store(error) } }
  }
}
