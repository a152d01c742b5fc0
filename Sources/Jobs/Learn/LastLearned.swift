internal import BSON
internal import Digests
internal import Glibc
internal import Library
internal import Stores
internal import Synchronization

/// What the last run knew: how a run finds the users of whom something changed.
///
/// On a server it is the times in `job_runs`; the server itself is asked who changed since. A directory's documents bear
/// the clocks of whoever wrote them, so there it is a print of each user's, in a file in the state folder. When it is
/// missing, or was written with other parameters, for a later time, or beside other figures than those that are there,
/// everything is counted again: nothing is lost with it but time.
struct LastLearned: Sendable {
  struct User: Sendable, Equatable {
    /// Of the documents that the figures were computed from: see ``StoredPrints``.
    var print: UInt64
    /// When the figures are due again although nothing changed; in milliseconds since 1970.
    var staleAfter: Int64
    /// The newest play, in milliseconds since 1970; `Int64.min` without one.
    var lastPlay: Int64
    /// Whether the documents of that print are such that the archive has all plays of the library.
    var isArchived: Bool
  }

  /// Of the run, in milliseconds since 1970.
  let asOf: Int64
  /// When everything was counted last.
  let fullAsOf: Int64
  /// The server's own time when the run began to read.
  let watermark: Int64
  /// The print of the catalogue that the run left, as far as `job_runs` tells: see ``TitleChanges/after``.
  let catalogue: UInt64?
  /// The print of a directory's files of what was learned, as the run left them; nil of a server's run: see
  /// ``LearnCollections/learnedPrint()``.
  let files: UInt64?
  /// What runs that have written since may have put into `updated_at`: their clocks may be of the past. In milliseconds
  /// since 1970; `Int64.max` where there are none.
  private(set) var oldestClock = Int64.max
  private var users: [UInt64: User] = [:]

  func user(_ id: ByteView) -> User? { users[id.fingerprint] }

  // MARK: A server

  /// What the last successful run noted in the store's own `job_runs`; nil when there is none that this run can begin
  /// with, or one has since put documents back as they were before: those do not tell that they have changed.
  init?(runsOf store: any Store, parameters: String) throws(StoreError) {
    var newest: (run: [UInt8], mark: Mark?)?
    var writers: [(run: [UInt8], asOf: Int64, ended: Int64)] = []
    try store.open(.jobRuns).cursor(updatedSince: nil).forEachDocument { document in
      guard let run = (try? document.value("run_id"))?.string else { return }
      let mark = try? Mark(document)
      if let writer = Self.writer(document) { writers.append((run.copy(), writer.asOf, writer.ended)) }
      guard mark != nil || Self.turnsBack(document) else { return }
      if newest.map({ known in known.run.withView { $0 < run } }) ?? true { newest = (run.copy(), mark) }
    }
    guard let newest, let mark = newest.mark, mark.figures == parameters else { return nil }
    (asOf, fullAsOf, watermark, catalogue) = (mark.asOf, mark.fullAsOf, mark.watermark, mark.catalogue)
    files = nil
    // Also one that had begun before, and went on while the last run read.
    for writer in writers where writer.run != newest.run && writer.ended >= watermark {
      oldestClock = min(oldestClock, writer.asOf)
    }
  }

  /// The clock of a run that may have written libraries or plays, and when it ended by the clock of its machine; nil for
  /// any other run.
  private static func writer(_ run: BSONDocument) -> (asOf: Int64, ended: Int64)? {
    guard let job = (try? run.value("job"))?.string?.string, let asOf = (try? run.value("as_of"))?.date,
      ![LearnStep.name, SessionsStep.name, EvaluateStep.name, SetupStep.name].contains(job)
    else { return nil }
    // One that was killed is not known to have ended; no run goes on for longer than a day.
    let started = (try? run.value("started_at"))?.date ?? 0
    let (dayLater, isPastEnd) = started.addingReportingOverflow(Instant.day)
    return (asOf, (try? run.value("ended_at"))?.date ?? (isPastEnd ? .max : dayLater))
  }

  /// How far the clocks of machines may lie apart, in milliseconds.
  private static let margin: Int64 = 3_600_000

  /// A document of which nothing changed since the run bears an `updated_at` before this, in milliseconds since 1970.
  var since: Int64 { min(watermark - Self.margin, oldestClock) }

  private static func turnsBack(_ run: BSONDocument) -> Bool {
    guard let job = (try? run.value("job"))?.string else { return false }
    return [UndoStep.name, ForgetStep.name].contains(job.string)
  }

  private struct Mark {
    let asOf: Int64
    let fullAsOf: Int64
    let watermark: Int64
    let figures: String
    let catalogue: UInt64?

    /// - Parameter run: of `job_runs`; nil for a run that learned nothing or did not end well.
    init?(_ run: BSONDocument) throws(BSONFault) {
      guard try run.value("outcome")?.string == ByteView("done"),
        let mark = try run.value("learning")?.document?.value("mark")?.document,
        let asOf = try Self.time(mark, "as_of"), let fullAsOf = try Self.time(mark, "full_as_of"),
        let watermark = try Self.time(mark, "watermark"), let figures = try mark.value("figures")?.string
      else { return nil }
      (self.asOf, self.fullAsOf, self.watermark, self.figures) = (asOf, fullAsOf, watermark, figures.string)
      catalogue = try mark.value("catalogue")?.string.flatMap { UInt64($0.string, radix: 16) }
    }

    private static func time(_ mark: BSONDocument, _ name: StaticString) throws(BSONFault) -> Int64? {
      try mark.value(name)?.string.flatMap { Instant.parse($0) }
    }
  }

  // MARK: A directory

  private static let version: Int32 = 3
  /// What a user takes in the file beside their id, in bytes.
  private static let bytesOfUser = 29
  /// What the print of the files takes, with which the file ends, in bytes.
  private static let bytesOfPrint = 8

  /// What the names of these files begin with.
  static let prefix = "learned-"

  /// The file of a store in a state folder, which may be that of several.
  static func path(state: String, store: String) -> String {
    StateFile.path(state: state, prefix: prefix, store: store)
  }

  /// Removes the file, so that the next run counts everything.
  static func forget(state: String, store: String) { removeFile(path(state: state, store: store)) }

  /// Reads the file; nil when there is none, or none that this run can begin with.
  static func read(_ path: String, store: String, parameters: String) throws(StoreError) -> LastLearned? {
    let file: PosixFile
    do throws(StoreError) {
      file = try PosixFile(path, O_RDONLY)
    } catch .inputOutput(_, _, ENOENT) {
      return nil
    }
    var bytes: [UInt8] = []
    while true {
      let more = try file.read(upTo: 8 << 20, at: bytes.count)
      if more.isEmpty { break }
      bytes += more
    }
    return bytes.withView { try? LastLearned($0, store: store, parameters: parameters) }
  }

  private init?(_ bytes: ByteView, store: String, parameters: String) throws(BSONFault) {
    guard let header = bytes.document(at: 0), let run = try RunStamp(header, version: Self.version),
      run.store == store, run.parameters == parameters, let fullAsOf = try header.value("full_as_of")?.date
    else { return nil }
    (asOf, self.fullAsOf, watermark, catalogue) = (run.asOf, fullAsOf, run.watermark, nil)
    let end = bytes.count - Self.bytesOfPrint
    var offset = header.bytes.count
    guard end >= offset else { return nil }
    files = bytes.load(end, as: UInt64.self)
    while offset + Self.bytesOfUser <= end {
      let count = Int(bytes.load(offset, as: UInt32.self))
      guard offset + Self.bytesOfUser + count <= end else { return nil }
      let id = bytes.slice(offset + Self.bytesOfUser, count)
      // Of a user who was read twice there are two, and the later one tells of what was computed.
      users[id.fingerprint] = User(
        print: bytes.load(offset + 4, as: UInt64.self), staleAfter: bytes.load(offset + 12, as: Int64.self),
        lastPlay: bytes.load(offset + 20, as: Int64.self), isArchived: bytes[offset + 28] == 1)
      offset += Self.bytesOfUser + count
    }
    guard offset == end else { return nil }
  }

  /// The file of the next run, which takes the place of this one's once that has written everything else.
  struct Writer: Sendable {
    private let file: StateFile

    init(_ path: String, of run: RunStamp, fullAsOf: Int64) throws(StoreError) {
      var writer = BSONWriter()
      run.write(version: LastLearned.version, to: &writer) { $0.append("full_as_of", date: fullAsOf) }
      file = try StateFile(path, header: writer.view)
    }

    /// Writes what a batch noted. Order means nothing but where a user is noted twice: there the later counts. From any
    /// thread.
    func append(_ users: borrowing Notes) throws(StoreError) { try file.append(users.writer.view) }

    /// - Parameter files: the print of the files of what was learned, once all of them are written.
    func commit(files: UInt64) throws(StoreError) {
      var end = BSONWriter()
      end.put(files)
      try file.append(end.view)
      try file.commit()
    }
  }

  /// What a batch has to say for the next run.
  struct Notes: ~Copyable {
    fileprivate var writer = BSONWriter(capacity: 4096)

    mutating func add(_ id: ByteView, _ user: User) {
      writer.put(UInt32(truncatingIfNeeded: id.count))
      writer.put(user.print)
      writer.put(user.staleAfter)
      writer.put(user.lastPlay)
      writer.put(UInt8(user.isArchived ? 1 : 0))
      writer.put(bytes: id)
    }
  }
}

/// Prints of users' stored documents, one after another: when a user's is the same, so are the figures that are made of
/// them.
///
/// Of libraries and months of the archive it takes every byte, for who writes them may leave `updated_at` as it was; of an
/// account what the figures are made of.
struct StoredPrints: ~Copyable {
  private var checksum = Checksum()

  mutating func of(
    library: BSONDocument?, months: [BSONDocument], account: BSONDocument?
  ) throws(BSONFault) -> UInt64 {
    if let library { add(library.bytes) }
    for month in months { add(month.bytes) }
    do throws(BSONFault) {
      if let account { try add(account: account) }
    } catch {
      _ = checksum.finish()
      throw error
    }
    return checksum.finish().prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  private mutating func add(account: BSONDocument) throws(BSONFault) {
    var elements = account.elements
    while let element = try elements.next() {
      switch element.key {
      case "timezone", "explicit_preferences", "onboarding":
        add(element.key)
        // Keys hold no zero, so that this ends one, and no two accounts give the same bytes.
        [0, element.value.type.rawValue].withView { add($0) }
        add(element.value.bytes)
      default: break
      }
    }
  }

  private mutating func add(_ bytes: ByteView) {
    unsafe bytes.withUnsafeBytes { unsafe checksum.update($0) }
  }
}
