internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync
internal import Synchronization

/// Reads batches of users for one worker: their facts go to the file of facts, plays that the archive lacks into it.
///
/// Safe to hand from thread to thread: one worker at a time has it, and between the phases nobody.
final class UserReader: @unchecked Sendable {
  let repertoire = Repertoire()
  private(set) var summary = LearnSummary()
  /// By the number of the batch that they were in.
  private(set) var visits: [(batch: Int, visits: [Visit])] = []

  private let intake: UserIntake
  private let number: Int16
  private let arena = Arena()
  private var facts: FactsReader
  private var normalizer: Normalizer
  private var archive: PlayArchive
  private var output = BSONWriter(capacity: 1 << 18)
  private var prints = StoredPrints()

  /// A user with all that the store holds of them.
  private struct Found {
    var id: ByteView
    var library: BSONDocument?
    var months: [BSONDocument] = []
    var account: BSONDocument?
    /// The library's plays, where the archive may lack some.
    var plays: [Entry] = []
    /// Whether some of them cannot go into the archive.
    var hasRefused = false
    var isRecomputed = false
    /// Whether the user is read again, for what has changed for their keys alone.
    var isAgain = false
    /// Whether nothing changed, as far as a server says.
    var isKnown = false
    /// Whether the account has the scores that are stored, where accounts are to have them.
    var isMirrored = true
    var print: UInt64 = 0
  }

  init(_ intake: UserIntake, number: Int) {
    self.intake = intake
    self.number = Int16(truncatingIfNeeded: number)
    facts = FactsReader(into: repertoire)
    normalizer = Normalizer(arena: arena, sections: [.history])
    archive = PlayArchive(asOf: intake.options.parameters.asOf, arena: arena)
  }

  /// The reader's memory for the next batch; what the last one read is gone.
  func emptiedArena() -> Arena {
    arena.reset()
    return arena
  }

  // MARK: Batches

  /// Reads users who have a library.
  func read(libraries: [BSONDocument], batch: Int) throws(StoreError) {
    let users = users(libraries, "user_id")
    // So that no library is looked for with each of their months and figures.
    intake.note(seen: users.map(\.id))
    try read(users, batch: batch) { $0.library = $1 }
  }

  /// Reads users whose library was written lately: those of whom nothing changed since a time, in ms since 1970, are of
  /// use to the days of the service alone.
  func read(
    libraries: [BSONDocument], changedSince time: Int64, or changed: Set<[UInt8]>, batch: Int
  ) throws(StoreError) {
    let users = users(libraries, "user_id")
    intake.note(seen: users.map(\.id))
    try read(users, batch: batch) { user, library in
      user.library = library
      let written = (try? library.value("updated_at"))?.date
      user.isKnown = written.map { $0 < time } ?? false && !changed.contains(user.id.copy())
    }
  }

  /// Why users are read by their ids.
  enum Reason {
    /// Something of theirs may have changed.
    case changed
    /// Nothing has changed, and they are of use to the days of the service.
    case known
    /// The first pass has left them as they are, and their documents are to be made all the same.
    case again
  }

  /// Reads users by their ids, which are distinct and ascending.
  func read(ids: ArraySlice<[UInt8]>, batch: Int, _ reason: Reason) throws(StoreError) {
    let arena = emptiedArena()
    let ids = ids.map { id in id.withView { arena.copy($0) } }
    if reason == .known { intake.note(seen: ids) }
    let libraries = try intake.collections.libraries.all(of: ids, in: arena)
    let users = ids.map { (id: $0, document: BSONDocument.empty) }
    var place = 0
    try read(users, batch: batch) { user, _ in
      if place < libraries.count { user.library = libraries[place].first }
      (user.isKnown, user.isAgain) = (reason == .known, reason == .again)
      place += 1
    }
  }

  /// Reads accounts; who has a library was read with it.
  func read(accounts: [BSONDocument], batch: Int) throws(StoreError) {
    try read(try withoutLibrary(users(accounts, "id")), batch: batch) { $0.account = $1 }
  }

  /// Reads users who have nothing but plays in the archive.
  func read(months: [BSONDocument], batch: Int) throws(StoreError) {
    let found = try withoutLibrary(intake.firstSeen(users(months, "user_id")))
    guard !found.isEmpty else { return }
    let hasAccount = try intake.collections.accounts.contains(found.map(\.id))
    try read(zip(found, hasAccount).filter { !$1 }.map(\.0), batch: batch) { _, _ in }
  }

  /// Reads users of whom there is nothing but figures. A library or an account that cannot be read is there all the
  /// same.
  func read(figures: [BSONDocument], batch: Int) throws(StoreError) {
    let found = try withoutLibrary(intake.firstSeen(users(figures, "user_id")))
    guard !found.isEmpty else { return }
    let ids = found.map(\.id)
    let hasAccount = try intake.collections.accounts.contains(ids)
    let hasPlays = try intake.collections.plays.contains(ids)
    let gone = found.indices.filter { !hasAccount[$0] && !hasPlays[$0] }
    try read(gone.map { found[$0] }, batch: batch) { _, _ in }
  }

  private func users(
    _ documents: [BSONDocument], _ key: StaticString
  ) -> [(id: ByteView, document: BSONDocument)] {
    var users: [(id: ByteView, document: BSONDocument)] = []
    for document in documents {
      if let id = (try? document.value(key))?.string { users.append((id, document)) }
    }
    return users
  }

  /// Those without a library, each once, ascending.
  private func withoutLibrary(
    _ users: [(id: ByteView, document: BSONDocument)]
  ) throws(StoreError) -> [(id: ByteView, document: BSONDocument)] {
    var distinct: [(id: ByteView, document: BSONDocument)] = []
    for user in users.sorted(by: { $0.id < $1.id }) where user.id != distinct.last?.id { distinct.append(user) }
    guard !distinct.isEmpty else { return [] }
    let hasLibrary = try intake.collections.libraries.contains(distinct.map(\.id))
    return zip(distinct, hasLibrary).filter { !$1 }.map(\.0)
  }

  private func read(
    _ users: [(id: ByteView, document: BSONDocument)], batch: Int, _ put: (inout Found, BSONDocument) -> Void
  ) throws(StoreError) {
    guard !users.isEmpty else { return }
    let ids = users.map(\.id)
    try intake.findFigures(of: ids)
    var found: [Found] = []
    let months = try intake.collections.plays.all(of: ids, in: arena)
    let accounts = try intake.collections.accounts.all(of: ids, in: arena)
    for (index, user) in users.enumerated() {
      var next = Found(id: user.id)
      if index < months.count { next.months = months[index] }
      if index < accounts.count { next.account = accounts[index].first }
      put(&next, user.document)
      found.append(next)
    }
    if intake.options.mirrorsUsers, intake.collections.scores.hasOneWriter {
      let scores = try intake.collections.scores.all(of: ids, in: arena)
      for index in found.indices {
        // Not by optional chaining: Swift 6.3.1 looks into an account that is not there (debug build).
        guard let account = found[index].account else { continue }
        found[index].isMirrored = account.hasMirrored(scores[index].first)
      }
    }
    try read(&found, batch: batch)
  }

  // MARK: Users

  private func read(_ users: inout [Found], batch: Int) throws(StoreError) {
    output.removeAll()
    var visits: [Visit] = []
    var notes = LastLearned.Notes()
    var archiving: [(Found, [DocumentChange])] = []
    for index in users.indices {
      do throws(BSONFault) {
        guard let changes = try read(&users[index], &visits, &notes) else { continue }
        if !changes.isEmpty { archiving.append((users[index], changes)) }
      } catch {
        users[index].isRecomputed = true
        leave(users[index], .foreignDocument, "\(error)")
      }
    }
    intake.note(recomputed: users.lazy.filter(\.isRecomputed).map(\.id))
    try write(archiving)
    let offset = try intake.file.append(output.view)
    for index in visits.indices { visits[index].offset += offset }
    self.visits.append((batch, visits))
    try intake.log?.append(notes)
  }

  /// Reads one user.
  ///
  /// - Returns: what changes in the archive; nil for a user of whom nothing has changed.
  private func read(
    _ user: inout Found, _ visits: inout [Visit], _ notes: inout LastLearned.Notes
  ) throws(BSONFault) -> [DocumentChange]? {
    let known = intake.known?.user(user.id)
    let last = intake.last == nil ? nil : known
    user.print = try print(user)
    user.isRecomputed =
      user.isAgain || !user.isKnown && (intake.mustCompute(last, print: user.print) || !user.isMirrored)
    if !user.isRecomputed {
      summary.users.seen += 1
      summary.users.unchanged += 1
      if let last {
        notes.add(user.id, last)
        guard last.lastPlay >= intake.serviceSince else { return nil }
      }
    }
    // What the archive lacks of a user who is read again, the run will add that finds their library changed.
    let isArchiving = user.isRecomputed && !user.isAgain
    var changes = isArchiving ? try outlived(&user) : []
    let facts: UserFacts
    do throws(LearningFault) {
      facts = try self.facts.facts(
        of: StoredUser(
          user: user.id, library: user.library, archive: user.months, account: user.account,
          isArchived: intake.span.firstMonth == nil && known?.isArchived ?? false && known?.print == user.print))
    } catch {
      if isArchiving { changes += try archived(&user) }
      if user.isRecomputed { leave(user, .foreignDocument, "\(error)") }
      return changes
    }
    // Facts are the same before their plays are archived and after: both join them by one rule.
    if isArchiving, !self.facts.isArchived { changes += try archived(&user) }
    guard facts.saysSomething || user.isRecomputed && intake.mayHaveFigures(user.id) else { return changes }
    if user.isRecomputed, facts.saysSomething { summary.unusable += facts.unusable }
    if user.isAgain { uncount(user) }
    let start = output.count
    output.put(changes.isEmpty ? user.print : try print(user))
    facts.encode(to: &output)
    visits.append(
      Visit(
        offset: start, length: Int32(truncatingIfNeeded: output.count - start), reader: number,
        isRecomputed: user.isRecomputed, isRepeated: user.isAgain && intake.hasVisited(user.id),
        // Who is not recomputed is noted as the last run did.
        isArchived: user.isAgain ? known?.isArchived ?? false : !self.facts.hasUnusable && !user.hasRefused,
        position: user.isRecomputed ? intake.collections.statistics.position(of: user.id) ?? .max : .max))
    return changes
  }

  private func print(_ user: Found) throws(BSONFault) -> UInt64 {
    try prints.of(library: user.library, months: user.months, account: user.account)
  }

  private func leave(_ user: Found, _ reason: LeftReason, _ detail: String) {
    if user.isAgain { uncount(user) }
    summary.leave(reason)
    intake.events.left(LearnReport(subject: user.id.string, reason: reason, detail: detail))
  }

  /// Takes a user who is counted once more out of those of whom nothing has changed.
  private func uncount(_ user: Found) {
    guard intake.hasCounted(user.id) else { return }
    summary.users.seen -= 1
    summary.users.unchanged -= 1
  }

  // MARK: The archive

  /// The months that are kept no longer, which leave `user`.
  private func outlived(_ user: inout Found) throws(BSONFault) -> [DocumentChange] {
    guard intake.span.firstMonth != nil else { return [] }
    var changes: [DocumentChange] = []
    var kept: [BSONDocument] = []
    for month in user.months {
      if try intake.span.keeps(month) {
        kept.append(month)
      } else {
        let name = try month.value("month")?.string
        changes.append(DocumentChange(key: user.id, subkey: name, stored: month, document: nil))
      }
    }
    user.months = kept
    return changes
  }

  /// The months that change, which take the place of the stored ones in `user`.
  private func archived(_ user: inout Found) throws(BSONFault) -> [DocumentChange] {
    if let library = user.library, let history = try library.value("history") {
      var replica = Replica(origin: .cloud, time: nil)
      try normalizer.read(.history, history, into: &replica)
      user.plays = (replica.history ?? []).filter { $0.playedAt >= intake.span.start }
    }
    return try added(&user)
  }

  /// What the user's plays add to the months that are stored.
  private func added(_ user: inout Found) throws(BSONFault) -> [DocumentChange] {
    guard !user.plays.isEmpty else { return [] }
    var changes: [DocumentChange] = []
    for month in try archive.months(adding: user.plays, of: user.id, to: user.months) {
      guard let change = month.change(of: user.id) else {
        user.hasRefused = true
        summary.left[.documentTooLarge, default: 0] += 1
        intake.events.left(LearnReport(subject: user.id.string, reason: .documentTooLarge, detail: month.excess))
        continue
      }
      changes.append(change)
      user.months.removeAll { $0.bytes.isSamePlace(as: month.stored?.bytes ?? .empty) }
      user.months.append(month.document)
    }
    try user.months.sortByMonth()
    return changes
  }

  /// Writes changes; months that somebody else has written in between are read and joined again.
  private func write(_ archiving: [(user: Found, changes: [DocumentChange])]) throws(StoreError) {
    var rest = archiving
    for attempt in 1...Conflicts.mostTries where !rest.isEmpty {
      let owners = rest.indices.flatMap { index in rest[index].changes.map { _ in index } }
      let changes = rest.flatMap(\.changes)
      let conflicts = try intake.archive.write(changes)
      let made = changes.indices.filter { !conflicts.contains($0) }.map { changes[$0] }
      summary.note("play_archive", WriteCounts(of: made))
      guard !conflicts.isEmpty else { return }
      var again: [(user: Found, changes: [DocumentChange])] = []
      for index in Set(conflicts.map { owners[$0] }).sorted() {
        var user = rest[index].user
        guard attempt < Conflicts.mostTries else {
          summary.left[.conflict, default: 0] += 1
          intake.events.left(
            LearnReport(
              subject: user.id.string, reason: .conflict,
              detail: "somebody else wrote the archive each of the \(attempt) times that plays were added; run again"))
          continue
        }
        user.months = try intake.collections.plays.all(of: [user.id], in: arena).first ?? []
        do throws(BSONFault) {
          again.append((user, try added(&user)))
        } catch {
          throw intake.collections.plays.refusal(of: user.id, error)
        }
      }
      rest = again
    }
  }
}

extension [BSONDocument] {
  /// By month, ascending: as the store hands them out.
  fileprivate mutating func sortByMonth() throws(BSONFault) {
    var named: [(name: ByteView, document: BSONDocument)] = []
    for document in self { named.append((try document.value("month")?.string ?? .empty, document)) }
    named.sort { $0.name < $1.name }
    self = named.map(\.document)
  }
}
