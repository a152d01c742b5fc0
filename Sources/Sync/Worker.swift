internal import BSON
internal import Digests
internal import Dumps
internal import Library
internal import Synchronization

/// What one thread needs to read and merge: its arena, its JSON parser and its merge.
///
/// Safe to hand from thread to thread: a worker is taken out of the pool by one batch and given back when the batch
/// is done, so that at any time at most one thread has it.
final class Worker: @unchecked Sendable {
  let arena = Arena()
  private var reader: DumpReader
  private var merge: Merge
  private var archive: PlayArchive
  /// The plays of the users that this worker merged.
  private(set) var tally: PlayTally
  private let talliesPlays: Bool
  private let asOf: Int64
  private var checksum = Checksum()

  init(_ options: SyncOptions) {
    asOf = options.parameters.asOf
    tally = PlayTally(asOf: asOf)
    talliesPlays = options.talliesPlays
    reader = DumpReader(
      arena: arena, limits: options.limits, parameters: options.parameters, users: options.users)
    merge = Merge(parameters: options.parameters, arena: arena)
    archive = PlayArchive(asOf: asOf, arena: arena)
  }

  func user(_ dump: RawDump) throws(DumpFault) -> ByteView {
    try dump.text.withView { text in
      Result { () throws(DumpFault) in try reader.user(text, pathUser: dump.pathUser) }
    }.get()
  }

  /// - Parameter text: a dump's, with its padding.
  func checksum(of text: [UInt8]) -> [UInt8] {
    unsafe text.withUnsafeBytes { text in
      unsafe checksum.update(UnsafeRawBufferPointer(rebasing: text.dropLast(RawDump.padding)))
    }
    return checksum.finish()
  }

  /// - Parameter text: with its padding; copied into the arena.
  func replica(_ text: [UInt8], modifiedAt: Int64?) throws(DumpFault) -> ReadDump {
    try reader.replica(text.withView { arena.copy($0) }, modifiedAt: modifiedAt)
  }

  /// What the journal knows a document by.
  func journalDigest(_ document: BSONDocument) -> [UInt8] { digest(document, with: &checksum) }

  func guest(
    _ document: BSONDocument, of guest: [UInt8], for account: ByteView
  ) throws(BSONFault) -> (library: Replica, playlists: GuestPlaylists) {
    try guest.withView { name in
      Result { () throws(BSONFault) in try merge.guest(document, of: name, for: account) }
    }.get()
  }

  func outcome(
    user: ByteView, stored: BSONDocument?, dumps: [Replica], isArchived: Bool
  ) throws(BSONFault) -> MergeOutcome {
    try merge.outcome(user: user, stored: stored, dumps: dumps, isArchived: isArchived)
  }

  /// - Parameter decided: the sections that the merge has decided.
  func normalForm(
    of library: BSONDocument, user: ByteView, except decided: SectionSet
  ) throws(BSONFault) -> BSONDocument {
    try merge.normalForm(of: library, user: user, except: decided)
  }

  func months(
    adding plays: [Entry], of user: ByteView, to stored: [BSONDocument]
  ) throws(BSONFault) -> [PlayArchive.Month] {
    try archive.months(adding: plays, of: user, to: stored)
  }

  /// Counts the plays of a user whose turn is over.
  func count(_ plays: PlayTally.Share?) {
    if let plays { tally.add(plays) }
  }

  /// What a user's plays add to the tally; nil where none is kept.
  func share(of history: [Entry]) -> PlayTally.Share? { talliesPlays ? PlayTally.Share(history, asOf: asOf) : nil }

  func firstMonth(of plays: [Entry]) -> ByteView? { archive.firstMonth(of: plays) }
}

/// Workers that wait for their next batch.
final class WorkerPool: Sendable {
  private let options: SyncOptions
  private let idle = Mutex<[Worker]>([])

  init(_ options: SyncOptions) { self.options = options }

  /// A worker with an empty arena.
  func take() -> Worker {
    idle.withLock { $0.popLast() } ?? Worker(options)
  }

  /// What the workers have counted. To be called when all are given back.
  func tally() -> PlayTally {
    idle.withLock { workers in
      workers.reduce(into: PlayTally(asOf: options.parameters.asOf)) { sum, worker in sum.merge(worker.tally) }
    }
  }

  /// Everything that was read or merged with the worker is gone after this.
  func giveBack(_ worker: Worker) {
    worker.arena.reset()
    idle.withLock { $0.append(worker) }
  }
}
