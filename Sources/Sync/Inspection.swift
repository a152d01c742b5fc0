internal import BSON
internal import Dispatch
public import Dumps
public import Library
internal import Synchronization

/// What lies in some inputs, seen without a store.
public struct Inspection: Sendable {
  /// An example of something that would be quarantined.
  public struct Example: Sendable {
    public var source: Source
    public var user: String?
    public var section: Section?
    public var detail: String
  }

  public var dumps = DumpCounts()
  public var shapes: [DumpShape: Int] = [:]
  public var withoutSections = 0
  public var sections: [Section: Int] = [:]
  /// Fingerprints of distinct users and devices: tens of bytes each, whatever their number.
  var userPrints: Set<UInt64> = []
  var devicePrints: Set<UInt64> = []
  public var entries = 0
  /// When the dumps were taken, in milliseconds.
  public var oldest: Int64?
  public var newest: Int64?
  public var quarantine: [QuarantineReason: Int] = [:]
  public var examples: [QuarantineReason: [Example]] = [:]
  public var skipped: [String: Int] = [:]
  public var inputs: [InputDigest] = []

  public var users: Int { userPrints.count }
  public var devices: Int { devicePrints.count }

  /// Reads and parses all inputs, each dump by itself.
  public static func inspect(_ options: SyncOptions) throws(InputError) -> Inspection {
    try InputReader.check(options.inputs)
    let workers = InspectionWorkers(options)
    var inputs: [InputDigest] = []
    for input in options.inputs {
      let digest = try InputReader(limits: options.limits).read(input) { event in
        workers.take(event)
        return true
      }
      workers.handOver()
      inputs.append(digest)
    }
    var inspection = workers.finish()
    inspection.inputs = inputs
    return inspection
  }

  fileprivate init() {}

  fileprivate mutating func note(_ reason: QuarantineReason, _ example: @autoclosure () -> Example) {
    quarantine[reason, default: 0] += 1
    if examples[reason, default: []].count < 3 { examples[reason, default: []].append(example()) }
  }

  fileprivate mutating func note(_ read: ReadDump, user: ByteView, from source: Source) {
    dumps.count(\.used)
    if let shape = read.shape { shapes[shape, default: 0] += 1 }
    userPrints.insert(user.fingerprint)
    if let device = read.device { devicePrints.insert(device.fingerprint) }
    let replica = read.replica
    entries += replica.entriesRead
    var hasSection = replica.totalSongsPlayed != nil
    for section in Section.allCases where replica.has(section) {
      sections[section, default: 0] += 1
      hasSection = true
    }
    if !hasSection { withoutSections += 1 }
    if let time = replica.time {
      oldest = min(oldest ?? time, time)
      newest = max(newest ?? time, time)
    }
    for part in replica.quarantined {
      note(part.reason, Example(source: source, user: user.string, section: part.section, detail: part.detail))
    }
  }

  fileprivate mutating func refuse(_ fault: DumpFault, from source: Source) {
    dumps.count(\.quarantined)
    note(fault.reason, Example(source: source, user: nil, section: nil, detail: fault.detail))
  }

  fileprivate mutating func take(_ event: InputEvent) {
    switch event {
    case .dump: break
    case .skipped(_, let why):
      dumps.count(\.skipped)
      skipped[why, default: 0] += 1
    case .refused(let source, let fault):
      dumps.count(\.quarantined)
      note(
        QuarantineReason(fault.reason), Example(source: source, user: nil, section: nil, detail: fault.detail))
    }
  }
}

/// Parses batches of dumps on all workers while the reader reads on.
private final class InspectionWorkers: Sendable {
  private struct State {
    var inspection = Inspection()
    var batch: [RawDump] = []
    var size = 0
  }

  private let options: SyncOptions
  private let pool: WorkerPool
  private let state = Mutex(State())
  private let work = DispatchQueue(label: "mixdown.inspect", attributes: .concurrent)
  private let group = DispatchGroup()
  private let slots: DispatchSemaphore

  init(_ options: SyncOptions) {
    self.options = options
    pool = WorkerPool(options)
    slots = DispatchSemaphore(value: options.batchesInFlight)
  }

  func take(_ event: InputEvent) {
    guard case .dump(let dump) = event else { return state.withLock { $0.inspection.take(event) } }
    let isFull = state.withLock { state in
      state.batch.append(dump)
      state.size += dump.count
      return state.size >= options.batchBudget || state.batch.count >= 64
    }
    if isFull { handOver() }
  }

  func handOver() {
    let batch = state.withLock { state in
      defer { (state.batch, state.size) = ([], 0) }
      return state.batch
    }
    guard !batch.isEmpty else { return }
    slots.wait()
    work.async(group: group) {
      let worker = self.pool.take()
      for dump in batch { self.parse(dump, worker) }
      self.pool.giveBack(worker)
      self.slots.signal()
    }
  }

  private func parse(_ dump: RawDump, _ worker: Worker) {
    do throws(DumpFault) {
      let user = try worker.user(dump)
      let read = try worker.replica(dump.text, modifiedAt: dump.modifiedAt)
      state.withLock { $0.inspection.note(read, user: user, from: dump.source) }
    } catch {
      state.withLock { $0.inspection.refuse(error, from: dump.source) }
    }
  }

  func finish() -> Inspection {
    group.wait()
    return state.withLock { $0.inspection }
  }
}
