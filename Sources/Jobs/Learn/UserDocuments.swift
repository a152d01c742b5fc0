internal import BSON
internal import Dispatch
internal import Learning
internal import Library
internal import Stores
internal import Sync
internal import Synchronization

/// The last pass of a run: makes each user's documents and writes those that say something new.
///
/// Users are visited in the order in which `user_stats` has them, then new ones by id, so that a directory's file is
/// written front to back. Batches are numbered and written in order; a slow disk stops the workers. To a server each
/// worker sends its own batch.
final class UserDocuments: Sendable {
  private let options: LearnOptions
  private let collections: LearnCollections
  private let scan: FactsScan
  private let catalogue: Catalogue
  private let population: Population
  private let zones: Zones
  private let log: LastLearned.Writer?
  private let titles: KnownTitles.Writer?
  private let events: LearnEvents

  init(
    _ options: LearnOptions, _ collections: LearnCollections, _ scan: FactsScan, catalogue: Catalogue,
    population: Population, zones: Zones, log: LastLearned.Writer?, titles: KnownTitles.Writer?, events: LearnEvents
  ) {
    self.options = options
    self.collections = collections
    self.scan = scan
    self.catalogue = catalogue
    self.population = population
    self.zones = zones
    self.log = log
    self.titles = titles
    self.events = events
  }

  /// Makes and writes all documents; commits at the end.
  func run() throws(StoreError) -> LearnSummary {
    let output = try LearnedOutput(collections, options, events)
    do throws(StoreError) {
      try inParallel(options.workers) { _, hasFailed throws(StoreError) in
        var learner = Learner(catalogue, population, options.parameters, zones: zones)
        while !hasFailed(), output.failed == nil, !options.cancellation.isRequested {
          guard let number = output.reserve(batches: batchCount) else { break }
          do throws(StoreError) {
            let batch = try documents(of: number, &learner, output.arena())
            if collections.statistics.hasOneWriter {
              output.accept(batch, number: number)
            } else {
              try output.send(batch) { change, stored throws(StoreError) in
                try mirrored(change, into: stored, in: batch.arena)
              }
            }
          } catch {
            output.fail(error)
            throw error
          }
        }
      }
      return options.cancellation.isRequested ? output.stop() : try output.finish()
    } catch {
      output.abandon()
      throw error
    }
  }

  private var batchCount: Int { (scan.visits.count + FactsScan.batchSize - 1) / FactsScan.batchSize }

  private func documents(
    of number: Int, _ learner: inout Learner, _ arena: Arena
  ) throws(StoreError) -> LearnedBatch {
    let start = number * FactsScan.batchSize
    let batch = LearnedBatch(arena)
    var learned: [Learned] = []
    for visit in scan.visits[start..<min(scan.visits.count, start + FactsScan.batchSize)] {
      let (facts, print) = try scan.read(visit)
      let documents = learner.documents(for: facts)
      var one = Learned(user: facts.user.withView { arena.copy($0) })
      one.statistics = documents.statistics.map { BSONDocument(unchecked: arena.copy($0.bytes)) }
      one.scores = documents.scores.map { BSONDocument(unchecked: arena.copy($0.bytes)) }
      if let report = tooLarge(one) {
        // Nothing is noted of them: the next run computes them again.
        batch.summary.leave(report.reason)
        events.left(report)
        continue
      }
      learned.append(one)
      // Of somebody of whom nothing is left there is nothing to note either.
      guard one.scores != nil else { continue }
      batch.summary.computed += 1
      batch.summary.plays += facts.plays.count { $0.playedAt <= options.parameters.asOf }
      if let zone = documents.unknownZone { batch.summary.unknownZones.add(zone) }
      var staleAfter = Int64.max
      // Not by optional chaining under `try`: Swift 6.3.1 looks into what is not there (debug build).
      if let statistics = one.statistics {
        do throws(BSONFault) {
          if let time = try statistics.value("stale_after")?.date { staleAfter = time }
        } catch {
          throw collections.statistics.refusal(of: one.user, error)
        }
      }
      batch.notes.add(
        one.user,
        LastLearned.User(
          print: print, staleAfter: staleAfter, lastPlay: facts.plays.first?.playedAt ?? .min,
          isArchived: visit.isArchived))
      if let titles { batch.titles.add(one.user, titles.table.marks(of: facts)) }
    }
    try decide(learned, in: batch)
    try log?.append(batch.notes)
    try titles?.append(batch.titles)
    return batch
  }

  // MARK: What is written

  /// One user's documents; none of somebody of whom nothing is left.
  private struct Learned {
    var user: ByteView
    var statistics: BSONDocument?
    var scores: BSONDocument?
  }

  /// What is said of somebody one of whose documents would be larger than any may be; nil of all others.
  private func tooLarge(_ one: Learned) -> LearnReport? {
    let user = one.user.string
    return DerivedWrite.tooLarge(one.statistics, of: user, in: collections.statistics)
      ?? DerivedWrite.tooLarge(one.scores, of: user, in: collections.scores)
  }

  private func decide(_ learned: [Learned], in batch: LearnedBatch) throws(StoreError) {
    let users = learned.map(\.user)
    let statistics = try collections.statistics.all(of: users, in: batch.arena)
    let scores = try collections.scores.all(of: users, in: batch.arena)
    let accounts = options.mirrorsUsers ? try collections.accounts.all(of: users, in: batch.arena) : []
    for (index, one) in learned.enumerated() {
      // A server is asked for what is stored of everybody of whom nothing is left.
      if one.scores == nil, statistics[index].isEmpty, scores[index].isEmpty { continue }
      var fate = Fate()
      let user = one.user
      if let change = try change(
        collections.statistics, user, one.statistics, statistics[index].first, &fate, in: batch.arena)
      {
        batch.statistics.append(change)
      }
      let scoresChange = try change(
        collections.scores, user, one.scores, scores[index].first, &fate, in: batch.arena)
      if let scoresChange { batch.scores.append(scoresChange) }
      // What `user_scores` has after this run, and not what differs from it in its clock alone.
      let newest = if let scoresChange { scoresChange.document } else { scores[index].first }
      if options.mirrorsUsers, let scores = newest {
        if let account = accounts[index].first {
          if let change = try mirror(scores, user, account, in: batch.arena) { note(change, in: batch) }
        } else {
          batch.summary.withoutAccount += 1
        }
      }
      batch.summary.count(fate)
      if fate.isNewer {
        let detail = "what is stored was computed for a later time; --force takes it"
        events.left(LearnReport(subject: user.string, reason: .newer, detail: detail))
      }
    }
  }

  /// What becomes of a stored document; where there is to be none any more, it is removed.
  private func change(
    _ collection: any StoredCollection, _ user: ByteView, _ document: BSONDocument?, _ stored: BSONDocument?,
    _ fate: inout Fate, in arena: Arena
  ) throws(StoreError) -> DocumentChange? {
    do throws(BSONFault) {
      guard let document else {
        guard let stored else { return nil }
        if try options.keeps(stored) {
          fate.isNewer = true
          return nil
        }
        fate.isChanged = true
        return DocumentChange(key: user, stored: stored, document: nil)
      }
      switch try DerivedDocument.decision(document, over: stored, force: options.force) {
      case .write:
        if stored == nil { fate.isNew = true } else { fate.isChanged = true }
        return DocumentChange(key: user, stored: stored, document: try document.keepingID(of: stored, in: arena))
      case .unchanged: return nil
      case .newer:
        fate.isNewer = true
        return nil
      }
    } catch {
      throw collection.refusal(of: user, error)
    }
  }

  /// Notes an account that is to have the user's scores, if it is not too large with them.
  private func note(_ change: DocumentChange, in batch: LearnedBatch) {
    guard let report = DerivedWrite.tooLarge(change.document, of: change.key.string, in: collections.accounts) else {
      return batch.accounts.append(change)
    }
    batch.summary.left[report.reason, default: 0] += 1
    events.left(report)
  }

  /// The user's account with the scores in it; nil when it has them already.
  private func mirror(
    _ scores: BSONDocument, _ user: ByteView, _ account: BSONDocument, in arena: Arena
  ) throws(StoreError) -> DocumentChange? {
    do throws(BSONFault) {
      var writer = BSONWriter()
      let start = writer.open()
      var fields = scores.elements
      while let field = try fields.next() {
        if field.key != ByteView("_id"), field.key != ByteView("user_id") { writer.append(field.key, field.value) }
      }
      writer.close(start)
      return try setting(BSONDocument(unchecked: arena.copy(writer.view)), user, account, in: arena)
    } catch {
      throw collections.accounts.refusal(of: user, error)
    }
  }

  /// The scores of a change of an account, put into the account as it is now.
  private func mirrored(
    _ change: DocumentChange, into account: BSONDocument, in arena: Arena
  ) throws(StoreError) -> DocumentChange? {
    do throws(BSONFault) {
      guard let scores = try change.document?.value("scores")?.document else { return nil }
      return try setting(scores, change.key, account, in: arena)
    } catch {
      throw collections.accounts.refusal(of: change.key, error)
    }
  }

  private func setting(
    _ scores: BSONDocument, _ user: ByteView, _ account: BSONDocument, in arena: Arena
  ) throws(BSONFault) -> DocumentChange? {
    let known = try account.value("scores")?.document
    guard try DerivedDocument.decision(scores, over: known, force: options.force) == .write else { return nil }
    let value = BSONValue(type: .document, bytes: scores.bytes)
    return DocumentChange(
      key: user, stored: account, document: try account.setting("scores", to: value, in: arena),
      changedFields: ["scores"])
  }
}

/// What became of one user's documents.
struct Fate {
  var isNew = false
  var isChanged = false
  var isNewer = false
}

extension LearnSummary {
  fileprivate mutating func count(_ fate: Fate) {
    if fate.isNewer { return leave(.newer) }
    users.seen += 1
    if fate.isChanged {
      users.changed += 1
    } else if fate.isNew {
      users.created += 1
    } else {
      users.unchanged += 1
    }
  }
}

extension BSONDocument {
  /// The document with the `_id` of the one that it replaces: a server refuses to change it.
  func keepingID(of stored: BSONDocument?, in arena: Arena) throws(BSONFault) -> BSONDocument {
    guard let stored, let id = try stored.value("_id"), let own = try value("_id") else { return self }
    if id.type == own.type, id.bytes == own.bytes { return self }
    var writer = BSONWriter(capacity: bytes.count + 64)
    try DerivedDocument.replacing(stored, with: self, to: &writer)
    return BSONDocument(unchecked: arena.copy(writer.view))
  }
}
