internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync
internal import Synchronization

/// A cursor that workers take turns at.
///
/// Safe to share for that reason alone: `UserIntake.read(_:_:_:)` calls it with the lock of the batches' number held.
final class SharedCursor: @unchecked Sendable {
  private let cursor: any DocumentCursor
  private let limit: Int

  init(_ cursor: any DocumentCursor, limit: Int) {
    self.cursor = cursor
    self.limit = limit
  }

  func next(in arena: Arena) throws(StoreError) -> [BSONDocument]? {
    let documents = try cursor.next(upTo: limit, in: arena)
    return documents.isEmpty ? nil : documents
  }
}

/// The first pass of a run: reads every user's documents once; of a server between full runs those of whom something
/// changed. Then, between full runs, those whom the songs that were found concern.
///
/// Libraries first, then accounts of people without one, then what the archive alone knows of, and those of whom nothing
/// is left but figures.
final class UserIntake: Sendable {
  let options: LearnOptions
  let collections: LearnCollections
  let file: FactsFile
  let archive: ArchiveStage
  let span: ArchiveSpan
  let events: LearnEvents
  /// What the last run left; nil when everything is counted.
  let last: LastLearned?
  /// The same, and of use when everything is counted too: whose plays the archive has.
  let known: LastLearned?
  /// What this run leaves for the next; nil where nothing is written.
  let log: LastLearned.Writer?
  /// Users with a play at or after this are read although nothing changed, for the days of `service_stats` since the
  /// last run; in milliseconds since 1970.
  let serviceSince: Int64
  /// Whether people of whom nothing is left are visited too, for what is stored of them is to be removed.
  let removesFigures: Bool
  /// Fingerprints of the users who had their turn.
  private let seen = Mutex<Set<UInt64>>([])
  /// Fingerprints of those whose documents are made, or who are left: between full runs, who need not be read again.
  private let recomputed = Mutex<Set<UInt64>>([])

  init(
    _ options: LearnOptions, _ collections: LearnCollections, folder: String, last: LastLearned?,
    known: LastLearned?, log: LastLearned.Writer?, serviceSince: Int64, removesFigures: Bool, events: LearnEvents
  ) throws(StoreError) {
    self.options = options
    self.collections = collections
    self.last = last
    self.known = known
    self.log = log
    self.serviceSince = serviceSince
    self.removesFigures = removesFigures
    self.events = events
    file = try FactsFile(in: folder)
    archive = try ArchiveStage(collections.plays, options)
    span = ArchiveSpan(asOf: options.parameters.asOf, months: options.archiveMonths)
  }

  /// Reads everybody; what each reader found is with it.
  func run() throws(StoreError) -> [UserReader] {
    let readers = (0..<options.workers).map { UserReader(self, number: $0) }
    do throws(StoreError) {
      if let last, !collections.libraries.hasOneWriter {
        try readChanged(since: last, readers)
      } else {
        try readAll(readers)
      }
      try archive.commit()
    } catch {
      archive.abandon()
      throw error
    }
    return readers
  }

  private func readAll(_ readers: [UserReader]) throws(StoreError) {
    try read(collections.libraries.cursor(updatedSince: nil), readers) {
      reader, documents, number throws(StoreError) in
      try reader.read(libraries: documents, batch: number)
    }
    // What a library's user has was found with it: nearly all there is, which is not gone through once more.
    var rest = Selection()
    rest.leavesOutFound = true
    try read(collections.accounts.cursor(over: rest), readers) { reader, documents, number throws(StoreError) in
      try reader.read(accounts: documents, batch: 1 << 40 | number)
    }
    try read(collections.plays.cursor(over: rest), readers) { reader, documents, number throws(StoreError) in
      try reader.read(months: documents, batch: 1 << 41 | number)
    }
    guard removesFigures else { return }
    var wanted = rest
    wanted.fields = ["_id"]
    for (place, figures) in allFigures.enumerated() {
      try read(figures.cursor(over: wanted), readers) { reader, documents, number throws(StoreError) in
        try reader.read(figures: documents, batch: (4 + place) << 40 | number)
      }
    }
  }

  /// By what it is known of whom there is nothing but figures. A run that was killed may have left either without the
  /// other. Of statistics alone a full run finds the owner: they are ten times as large as scores.
  private var allFigures: [any StoredCollection] {
    last == nil ? [collections.scores, collections.statistics] : [collections.scores]
  }

  /// Says that these users are none of whom there is nothing but figures.
  func findFigures(of ids: [ByteView]) throws(StoreError) {
    guard removesFigures, collections.scores.hasOneWriter else { return }
    for figures in allFigures { _ = try figures.contains(ids) }
  }

  /// How long before a play the library or month may have been written that holds it, in milliseconds: a sync takes
  /// plays of the future as far as `--max-clock-skew` allows, and this is what it allows by default.
  private static let clockSkew = Instant.day

  /// Of a server those of whom something changed: what was written since the watermark less an hour, choices and zones
  /// that are not those of the stored figures, and figures that are due. Besides, whoever may have played on the days of
  /// the service that are counted again, as what was written since they began tells.
  private func readChanged(since last: LastLearned, _ readers: [UserReader]) throws(StoreError) {
    let since = last.since
    let playedSince = serviceSince - Self.clockSkew
    let month = CalendarMonth(of: max(1, serviceSince)).name
    let changed = try ChangedUsers(collections, since: since, playedSince: playedSince, inMonthsFrom: month, options)
    let cursor = try collections.libraries.cursor(updatedSince: min(since, playedSince))
    try read(cursor, readers) { reader, documents, number throws(StoreError) in
      try reader.read(libraries: documents, changedSince: since, or: changed.ids, batch: number)
    }
    // The others among them, in batches of one size.
    try read(ids: unseen(changed.ids), readers, from: 1 << 40, .changed)
    try read(ids: unseen(changed.players), readers, from: 1 << 41, .known)
  }

  /// Those of these users who have not had their turn, ascending.
  private func unseen(_ ids: Set<[UInt8]>) -> [[UInt8]] {
    seen.withLock { seen in ids.filter { id in id.withView { !seen.contains($0.fingerprint) } } }
      .sorted { $0.isLess(than: $1) }
  }

  /// Reads users once more whom the first pass has left as they are, to make their documents all the same. The archive
  /// has their plays.
  ///
  /// - Parameters:
  ///   - ids: distinct and ascending.
  ///   - number: of the first of the readers.
  func readAgain(_ ids: [[UInt8]], number: Int) throws(StoreError) -> [UserReader] {
    let readers = (0..<options.workers).map { UserReader(self, number: number + $0) }
    try read(ids: ids, readers, from: 0, .again)
    return readers
  }

  private func read(
    ids: [[UInt8]], _ readers: [UserReader], from batch: Int, _ reason: UserReader.Reason
  ) throws(StoreError) {
    let next = Atomic(0)
    try inParallel(readers.count) { worker, hasFailed throws(StoreError) in
      while !hasFailed(), !options.cancellation.isRequested {
        let start = next.add(FactsScan.batchSize, ordering: .relaxed).oldValue
        guard start < ids.count else { break }
        let some = ids[start..<min(ids.count, start + FactsScan.batchSize)]
        try readers[worker].read(ids: some, batch: batch | start, reason)
      }
    }
  }

  private func read(
    _ documents: any DocumentCursor, _ readers: [UserReader],
    _ body: @Sendable (UserReader, [BSONDocument], Int) throws(StoreError) -> Void
  ) throws(StoreError) {
    let cursor = SharedCursor(documents, limit: options.readLimit)
    let number = Mutex(0)
    try inParallel(readers.count) { worker, hasFailed throws(StoreError) in
      let reader = readers[worker]
      while !hasFailed(), !options.cancellation.isRequested {
        let next = try number.withLock { number throws(StoreError) -> (documents: [BSONDocument], number: Int)? in
          guard let documents = try cursor.next(in: reader.emptiedArena()) else { return nil }
          defer { number += 1 }
          return (documents, number)
        }
        guard let next else { break }
        try body(reader, next.documents, next.number)
      }
    }
  }

  /// Whether the figures of a user may differ from those that are stored.
  func mustCompute(_ last: LastLearned.User?, print: UInt64) -> Bool {
    guard let last else { return true }
    return last.print != print || last.staleAfter <= options.parameters.asOf
  }

  /// Whether anything may be stored of a user of whom nothing is left: a directory knows, a server is asked later, of
  /// many at once.
  func mayHaveFigures(_ id: ByteView) -> Bool {
    guard removesFigures, collections.scores.hasOneWriter else { return removesFigures }
    return collections.scores.position(of: id) != nil || collections.statistics.position(of: id) != nil
  }

  /// Notes users who had their turn.
  func note(seen ids: [ByteView]) { seen.withLock { seen in for id in ids { seen.insert(id.fingerprint) } } }

  /// Notes users whose documents are made, or who are left.
  func note(recomputed ids: some Sequence<ByteView>) {
    guard last != nil else { return }
    recomputed.withLock { recomputed in for id in ids { recomputed.insert(id.fingerprint) } }
  }

  /// Fingerprints of the users whose documents are made, or who are left.
  var allRecomputed: Set<UInt64> { recomputed.withLock { $0 } }

  /// Whether the first pass has counted a user, whom it left as they are, among those of whom nothing has changed: in a
  /// directory everybody whom the last run knew.
  func hasCounted(_ id: ByteView) -> Bool { last?.user(id) != nil || hasSeen(id) }

  /// Whether the first pass has visited a user whom it left as they are: see ``serviceSince``.
  func hasVisited(_ id: ByteView) -> Bool { last?.user(id).map { $0.lastPlay >= serviceSince } ?? hasSeen(id) }

  private func hasSeen(_ id: ByteView) -> Bool { seen.withLock { $0.contains(id.fingerprint) } }

  /// Leaves one document of each user, and none of users who had their turn.
  func firstSeen(
    _ documents: [(id: ByteView, document: BSONDocument)]
  ) -> [(id: ByteView, document: BSONDocument)] {
    seen.withLock { seen in documents.filter { seen.insert($0.id.fingerprint).inserted } }
  }
}

extension BSONDocument {
  /// The fields of scores by which an account is known to have them, and where it has them. Their time alone does not
  /// tell, for two runs of one clock may give different scores; the evidence, which is most of the bytes, is not read.
  static let mirrored: [(field: StaticString, path: StaticString)] = [
    ("last_computed", "scores.last_computed"), ("implicit_affinities", "scores.implicit_affinities"),
    ("explicit_preferences", "scores.explicit_preferences"), ("confidence", "scores.confidence"),
    ("parameters", "scores.parameters"),
  ]

  /// Whether the account has these scores of its user; so it has where there are none.
  func hasMirrored(_ scores: BSONDocument?) -> Bool {
    guard let scores else { return true }
    guard let mirrored = (try? value("scores"))?.document else { return false }
    return Self.mirrored.allSatisfy { name in
      let (ours, theirs) = (try? scores.value(name.field), try? mirrored.value(name.field))
      return ours?.type == theirs?.type && ours?.bytes == theirs?.bytes
    }
  }
}
