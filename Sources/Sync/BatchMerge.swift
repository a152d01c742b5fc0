internal import BSON
internal import Dumps
internal import Library
internal import Stores

/// What the merge made of a batch; its views hold while the worker that made it is not given back.
struct MergedBatch {
  var users: [MergedUser] = []
  /// Where the last user's document stands: the store need not keep anything at hand that comes before.
  var position: Int?
  /// A user whose dumps cannot be brought into their order: then nothing of the batch is to be written.
  var unordered: ByteView?
}

/// What the merge made of one user. Counts once what it would write is written.
struct MergedUser {
  /// The user's place in the batch.
  var index: Int
  let id: ByteView
  var counts = SyncCounts()
  /// Names of the fields that change.
  var changedFields: [StaticString] = []
  /// What of the dumps cannot be used.
  var quarantine: QuarantineLines
  /// Entries among that.
  var unusable = 0
  /// What the library loses by being written.
  var lost: QuarantineLines?
  var change: DocumentChange?
  var writeBack: WriteBack?
  /// One line about what changes, where that was asked for.
  var difference: String?
  /// Why the user was left as they are.
  var report: UserReport?
  /// Whether the user was not merged, because the order of the dumps hangs on login tokens that are gone.
  var isUnordered = false
  /// Plays that the archive may lack.
  var plays: [Entry] = []
  /// What the library's plays from now on add to the tally; nil where none is kept.
  var tallied: PlayTally.Share?
  /// The archive's months that change.
  var archived: [DocumentChange] = []
  /// Months that were left as they are, and why.
  var archiveReports: [UserReport] = []
  /// What an earlier run has found of the user, who is not merged again.
  var settled: SettledUser?
  /// What the next run may know of the user, once what changes is written.
  var settles: SettledUser?
}

/// A user who was left as they are.
public struct UserReport: Sendable {
  public var user: String
  public var reason: LeftReason
  public var detail: String
}

/// The second half of a run for one batch: parse → normalise → fetch → merge.
struct BatchMerge {
  /// Documents that are fetched at once, in bytes.
  static let fetchLimit = 8 << 20

  let options: SyncOptions
  let library: any StoredCollection
  let archive: any StoredCollection
  let worker: Worker
  let quarantine: QuarantineFile
  let settled: SettledUsers?

  /// Merges users: as many as the documents that were fetched at once are about, and at least one.
  ///
  /// - Parameter indices: places in the batch, ascending.
  func merged(_ users: UserBatch, _ indices: ArraySlice<Int>) throws(StoreError) -> MergedBatch {
    // Ids live in the arena, for the changes name them until they are written.
    let ids = indices.map { index in users.users[index].id.withView { worker.arena.copy($0) } }
    let known = try settledUsers(users, indices, ids)
    let asked = known.isEmpty ? ids : ids.indices.filter { known[$0] == nil }.map { ids[$0] }
    let documents = try library.documents(of: asked, limit: Self.fetchLimit, in: worker.arena)
    let plays = options.parameters.archivesPlays ? ArchiveMerge(archive: archive, worker: worker) : nil
    let archived = try archived(asked.prefix(documents.count), documents)
    var batch = MergedBatch()
    var next = 0
    for (place, index) in indices.enumerated() {
      let merged: MergedUser
      if let user = known.isEmpty ? nil : known[place] {
        merged = MergedUser(user, at: index, id: ids[place], quarantine: quarantine.lines())
      } else {
        guard next < documents.count else { break }
        merged = try self.merged(
          users.users[index], at: index, id: ids[place], stored: documents[next].first,
          isArchived: archived[next])
        guard !merged.isUnordered else {
          batch.unordered = ids[place]
          return batch
        }
        next += 1
      }
      // A directory's writer refuses no user, so that nobody is merged again: count while the plays are in the cache.
      if library.hasOneWriter { worker.count(merged.tallied) }
      batch.users.append(merged)
      batch.position = users.users[index].position
    }
    try plays?.merge(&batch.users)
    return batch
  }

  /// Whom of these users an earlier run has found settled; empty when nobody is asked.
  private func settledUsers(
    _ users: UserBatch, _ indices: ArraySlice<Int>, _ ids: [ByteView]
  ) throws(StoreError) -> [SettledUser?] {
    guard let settled else { return [] }
    var known = zip(indices, ids).map { index, id -> SettledUser? in
      // Whoever is left as they are stays settled.
      guard !options.leftOut.contains(users.users[index].id) else { return nil }
      return settled.user(
        id, with: users.users[index].print, at: options.parameters.asOf, needsPlays: options.talliesPlays)
    }
    guard !library.hasOneWriter else { return known }
    // On a server others write too.
    let asked = ids.indices.filter { known[$0] != nil }
    guard !asked.isEmpty else { return known }
    let versions = try library.versions(of: asked.map { ids[$0] }, in: worker.arena)
    let archived = options.parameters.archivesPlays ? try archive.contains(asked.map { ids[$0] }) : nil
    for (place, index) in asked.enumerated() {
      guard let user = known[index] else { continue }
      if let version = versions[place]?.date, version == user.version, archived?[place] ?? true { continue }
      settled.drop(user)
      known[index] = nil
    }
    return known
  }

  /// Of which users the archive is known to have all plays of the library.
  private func archived(
    _ ids: ArraySlice<ByteView>, _ libraries: [[BSONDocument]]
  ) throws(StoreError) -> [Bool] {
    let known = zip(ids, libraries).map { id, found -> Bool in
      guard let settled, let stored = found.first else { return false }
      let version = version(of: stored)
      return (library.hasOneWriter || version != nil) && settled.hasArchived(id, version)
    }
    // From a server somebody may have removed the archive.
    guard !archive.hasOneWriter, known.contains(true) else { return known }
    return zip(known, try archive.contains(Array(ids))).map { $0 && $1 }
  }

  /// What tells a library on a server from others of the user, in milliseconds since 1970; nil in a directory, where the
  /// file tells.
  private func version(of stored: BSONDocument) -> Int64? {
    library.hasOneWriter ? nil : (try? stored.value(library.schema.version))?.date
  }

  private func merged(
    _ user: UserBatch.User, at index: Int, id: ByteView, stored: BSONDocument?, isArchived: Bool
  ) throws(StoreError) -> MergedUser {
    var merged = MergedUser(index: index, id: id, quarantine: quarantine.lines())
    if options.leftOut.contains(user.id) {
      let dumps = user.dumps.reduce(0) { $0 + ($1.guest == nil ? 1 : 0) }
      merged.counts.users.seen += 1
      let why = "the user has an active session; the next run takes the dumps"
      merged.leave(UserReport(user: id.string, reason: .active, detail: why), dumps: dumps, unusable: 0)
      return merged
    }
    let (replicas, sources, saysWhen) = try read(user, id: id, isKnown: stored != nil, into: &merged)
    guard !replicas.isEmpty else { return merged }
    merged.counts.users.seen += 1
    merged.unusable = replicas.reduce(0) { $0 + $1.entriesQuarantined }
    // A dump without any section says nothing: alone, it is no reason to touch a library.
    let opinions = replicas.filter(\.saysSomething)
    if user.dumps.contains(where: \.isBlanked), Self.hideOrder(opinions) {
      merged.isUnordered = true
      return merged
    }
    var outcome = MergeOutcome()
    do throws(BSONFault) {
      if !opinions.isEmpty {
        outcome = try worker.outcome(user: id, stored: stored, dumps: opinions, isArchived: isArchived)
      }
    } catch {
      throw library.refusal(of: id, error)
    }
    let dumps = replicas.reduce(0) { $0 + ($1.isDump ? 1 : 0) }
    // What a guest's stored library holds that cannot be used stays where it is.
    for (replica, source) in zip(replicas, sources) where replica.isDump {
      merged.quarantine.add(replica.quarantined, of: id, from: source)
    }
    if let left = outcome.left {
      merged.leave(UserReport(left, user: id), dumps: dumps, unusable: merged.unusable)
      return merged
    }
    merged.counts.dumps.count(\.used, dumps)
    merged.counts.entries += outcome.fates
    merged.plays = outcome.plays
    merged.tallied = worker.share(of: outcome.history)
    if !outcome.quarantined.isEmpty {
      var lost = quarantine.lines()
      lost.add(outcome.quarantined, of: id, from: Source(input: library.name, entry: id.string))
      merged.lost = lost
    }
    do throws(BSONFault) {
      try note(outcome, user: id, stored: stored, in: &merged)
      merged.settles = settles(user, outcome, stored: stored, saysWhen: saysWhen, dumps: dumps, merged)
    } catch {
      throw library.refusal(of: id, error)
    }
    return merged
  }

  /// Whether the order of dumps of the same time, one of which is blanked, cannot be told.
  ///
  /// It is enough to look at neighbours: what two texts have in common, those between them have too.
  private static func hideOrder(_ replicas: [Replica]) -> Bool {
    let dumps = Dictionary(grouping: replicas.filter(\.isDump), by: \.time)
    return dumps.values.filter { $0.count > 1 }.contains { tied in
      let texts = tied.map(blankedText).sorted { $0.lexicographicallyPrecedes($1) }
      return zip(texts, texts.dropFirst()).contains { TokenBlanking.hidesOrder(of: $0, $1) }
    }
  }

  private static func blankedText(_ replica: Replica) -> [UInt8] {
    guard case .dump(let text) = replica.origin else { return [] }
    var blanked = text.copy()
    // What names a token otherwise was never blanked, and is compared as it is.
    _ = TokenBlanking.blank(&blanked)
    return blanked
  }

  /// What the next run may know of the user; nil for nothing.
  ///
  /// - Parameter saysWhen: whether no dump's place in time hangs on that of its file.
  private func settles(
    _ user: UserBatch.User, _ outcome: MergeOutcome, stored: BSONDocument?, saysWhen: Bool, dumps: Int,
    _ merged: MergedUser
  ) -> SettledUser? {
    guard settled != nil, let library = outcome.document ?? stored else { return nil }
    let (clock, version) = (options.parameters.asOf, version(of: library))
    if let again = outcome.again, merged.quarantine.isEmpty, merged.lost == nil, merged.counts.dumps.quarantined == 0,
      let print = user.print
    {
      return SettledUser(
        id: merged.id, content: print.content, stamped: saysWhen ? nil : print.stamped, noted: clock, version: version,
        isArchived: outcome.archivesAll, dumps: dumps, fates: again, plays: merged.tallied)
    }
    return outcome.archivesAll ? SettledUser(archived: merged.id, noted: clock, version: version) : nil
  }

  /// Notes what becomes of the user.
  private func note(
    _ outcome: MergeOutcome, user: ByteView, stored: BSONDocument?, in merged: inout MergedUser
  ) throws(BSONFault) {
    if let document = outcome.document {
      if stored == nil { merged.counts.users.created += 1 } else { merged.counts.users.changed += 1 }
      merged.changedFields = outcome.changed
      // Who decided a timed section, and when, is written with every change.
      let written = outcome.changed + ["section_updated_at", "updated_at"]
      var change = DocumentChange(key: user, stored: stored, document: document, changedFields: written)
      // Here, where the document still lies in the core's cache, and not on the one queue that writes.
      if options.journal != nil { change.digest = worker.journalDigest(document) }
      merged.change = change
      if options.diff {
        merged.difference = try Difference(user: user, old: stored, new: document, outcome.changed).line
      }
    } else {
      merged.counts.users.unchanged += 1
    }
    if options.writeBack != nil, let library = outcome.document ?? stored {
      let whole = try worker.normalForm(of: library, user: user, except: outcome.decided)
      merged.writeBack = try WriteBack(user: user, library: whole)
    }
  }

  /// A user's dumps that can be used, guests' libraries among them, each with where it comes from, and whether all of
  /// them say when they were taken.
  private func read(
    _ user: UserBatch.User, id: ByteView, isKnown: Bool, into merged: inout MergedUser
  ) throws(StoreError) -> (replicas: [Replica], sources: [Source], saysWhen: Bool) {
    var replicas: [Replica] = []
    var sources: [Source] = []
    /// What the guests' playlists are called, and which replicas call them so.
    var guests: [[UInt8]: GuestPlaylists] = [:]
    var ofGuests: [(guest: [UInt8], index: Int)] = []
    var saysWhen = true
    for dump in user.dumps {
      if let guest = dump.guest {
        guard let known = try guestLibrary(guest, account: id, isKnown: isKnown) else { continue }
        guests[guest] = known.playlists
        replicas.append(known.library)
        sources.append(Source(input: self.library.name, entry: String(decoding: guest, as: UTF8.self)))
      } else if let read = read(dump, user: id, isKnown: isKnown, into: &merged) {
        if let guest = dump.formerUser { ofGuests.append((guest, replicas.count)) }
        replicas.append(read.replica)
        sources.append(dump.source)
        saysWhen = saysWhen && read.saysWhen
      }
    }
    for (guest, index) in ofGuests { guests[guest]?.rename(in: &replicas[index]) }
    return (replicas, sources, saysWhen)
  }

  /// A dump in normal form; nil when it goes to the quarantine.
  private func read(
    _ dump: GroupedDump, user: ByteView, isKnown: Bool, into merged: inout MergedUser
  ) -> ReadDump? {
    do throws(DumpFault) {
      var read = try worker.replica(dump.text, modifiedAt: dump.modifiedAt)
      if options.noCreate, !isKnown {
        throw DumpFault(
          reason: .unknownUser, detail: "no library of this user is in the store", raw: read.document)
      }
      if let isForgotten = options.forgotten {
        do throws(BSONFault) {
          try read.replica.disown(isForgotten, of: user, in: worker.arena)
        } catch {
          throw DumpFault(reason: .invalidField, detail: "\(error)", raw: read.document)
        }
      }
      return read
    } catch {
      merged.counts.dumps.count(\.quarantined)
      merged.quarantine.add(error, of: user, from: dump.source, size: dump.text.count - RawDump.padding)
      return nil
    }
  }

  private func guestLibrary(
    _ guest: [UInt8], account: ByteView, isKnown: Bool
  ) throws(StoreError) -> (library: Replica, playlists: GuestPlaylists)? {
    if options.noCreate, !isKnown { return nil }
    let name = guest.withView { worker.arena.copy($0) }
    let found = try library.documents(of: [name], limit: .max, in: worker.arena)
    guard let document = found.first?.first else { return nil }
    do throws(BSONFault) {
      return try worker.guest(document, of: guest, for: account)
    } catch {
      throw library.refusal(of: name, error)
    }
  }
}

extension MergedUser {
  /// A user of whom an earlier run has found that nothing changes.
  init(_ user: SettledUser, at index: Int, id: ByteView, quarantine: QuarantineLines) {
    self.init(index: index, id: id, quarantine: quarantine)
    counts.users.seen = 1
    counts.users.unchanged = 1
    counts.dumps.count(\.used, user.dumps)
    counts.entries = user.fates
    tallied = user.plays
    settled = user
  }

  /// Leaves the user as they are: the dumps are skipped, and of their entries only what cannot be used counts.
  mutating func leave(_ report: UserReport, dumps: Int, unusable: Int) {
    counts.entries.read += unusable
    counts.entries.quarantined += unusable
    counts.dumps.count(\.skipped, dumps)
    counts.users.left += 1
    self.report = report
  }

  /// The same user left as they are, after others have written the document again and again.
  func givenUp(tries: Int) -> MergedUser {
    var left = MergedUser(index: index, id: id, quarantine: quarantine)
    left.counts.dumps.count(\.quarantined, counts.dumps.quarantined)
    left.counts.users.seen = counts.users.seen
    let report = UserReport(
      user: id.string, reason: .conflict,
      detail: "somebody else wrote the library each of the \(tries) times that it was merged; run again")
    left.leave(report, dumps: counts.dumps.used, unusable: unusable)
    return left
  }
}

extension UserReport {
  fileprivate init(_ left: MergeOutcome.Left, user: ByteView) {
    self.user = user.string
    (reason, detail) =
      switch left {
      case .documentTooLarge(let size):
        (.documentTooLarge, "the merged document would have \(size) bytes, 16 MiB are allowed")
      case .wouldEmpty(let section):
        (.wouldEmpty, "replace would empty \(section.rawValue); --allow-empty lets it")
      }
  }
}
