internal import BSON
internal import Stores
internal import Sync

/// One pass over the stored sessions: newer pings are written, what has ended is removed, and the rest counted.
///
/// The live API pings at the same time. A session that it wrote meanwhile is read and decided again.
struct SessionUpdate {
  /// Bytes of documents that are looked at together.
  private static let batchSize = 4 << 20

  private(set) var summary = SessionsSummary()

  private let collection: any StoredCollection
  private let clock: SessionClock
  private let writer: (any StoreWriter)?
  private let journal: (any ChangeJournal)?
  private let cancellation: Cancellation
  private let arena = Arena()
  /// The pings that no stored session has met yet.
  private var pings: [SessionID: Int64]
  private var active: [[UInt8]: Int] = [:]

  init(
    _ collection: any StoredCollection, _ clock: SessionClock, pings: [SessionID: Int64], _ sessions: Sessions
  ) throws(StoreError) {
    self.collection = collection
    self.clock = clock
    self.pings = pings
    cancellation = sessions.cancellation
    journal = sessions.dryRun ? nil : sessions.journal
    writer = sessions.dryRun ? nil : try collection.beginWriting(.stored)
  }

  /// What becomes of one session.
  private struct Decision {
    enum Fate { case kept, new, renewed, removed, unreadable, gone }

    let id: SessionID
    /// Of the inputs, in ms since 1970.
    let ping: Int64?
    let fate: Fate
    let change: DocumentChange?
  }

  mutating func run() throws(StoreError) {
    do throws(StoreError) {
      try updateStored()
      try addNew()
      try journal?.seal()
      try writer?.commit()
    } catch {
      writer?.abandon()
      throw error
    }
    let users = active.sorted { $0.key.isLess(than: $1.key) }
    summary.users = users.map { SessionsSummary.User(id: $0.key, activeSessions: $0.value) }
  }

  private mutating func updateStored() throws(StoreError) {
    let cursor = try collection.cursor(updatedSince: nil)
    while goesOn() {
      arena.reset()
      let documents = try cursor.next(upTo: Self.batchSize, in: arena)
      guard !documents.isEmpty else { return }
      var decisions: [Decision] = []
      for document in documents {
        guard let session = try collection.session(document) else { continue }
        decisions.append(try decide(session, pings.removeValue(forKey: session.id)))
      }
      try make(decisions)
    }
  }

  private mutating func addNew() throws(StoreError) {
    let ids = pings.keys.sorted()
    for start in stride(from: 0, to: ids.count, by: 1000) where goesOn() {
      let decisions = ids[start..<min(start + 1000, ids.count)].map { decideNew($0, pings[$0]) }
      try make(decisions)
      arena.reset()
    }
  }

  /// Whether another batch is to be begun; once it is not, none is: pings that have met no stored session yet may have
  /// one all the same.
  private mutating func goesOn() -> Bool {
    if cancellation.isRequested { summary.isInterrupted = true }
    return !summary.isInterrupted
  }

  // MARK: Deciding

  private func decide(_ stored: StoredSession, _ ping: Int64?) throws(StoreError) -> Decision {
    func decision(_ fate: Decision.Fate, _ change: DocumentChange? = nil) -> Decision {
      Decision(id: stored.id, ping: ping, fate: fate, change: change)
    }
    guard let lastPing = [stored.lastPing, ping].compactMap({ $0 }).max() else { return decision(.unreadable) }
    guard clock.isActive(lastPing) else {
      return decision(.removed, change(stored, to: nil))
    }
    if lastPing == stored.lastPing, stored.expires { return decision(.kept) }
    let document: BSONDocument
    do throws(BSONFault) {
      document = try stored.pinged(at: lastPing, clock, in: arena)
    } catch {
      throw collection.refusal(of: stored.document.text("user_id") ?? .empty, error)
    }
    return decision(.renewed, change(stored, to: document))
  }

  private func change(_ stored: StoredSession, to document: BSONDocument?) -> DocumentChange {
    DocumentChange(
      key: stored.document.text("user_id") ?? .empty, subkey: stored.document.text("session_id"),
      stored: stored.document, document: document,
      changedFields: document == nil ? [] : ["last_ping_at", "expires_at"])
  }

  /// Decides on a session that is not stored.
  private func decideNew(_ id: SessionID, _ ping: Int64?) -> Decision {
    guard let ping, clock.isActive(ping) else { return Decision(id: id, ping: ping, fate: .gone, change: nil) }
    let document = StoredSession.new(id, ping, clock, in: arena)
    let change = DocumentChange(
      key: document.text("user_id") ?? .empty, subkey: document.text("session_id"), stored: nil, document: document)
    return Decision(id: id, ping: ping, fate: .new, change: change)
  }

  // MARK: Writing

  /// Writes what was decided, and decides again where somebody else was faster.
  private mutating func make(_ decisions: [Decision]) throws(StoreError) {
    var open = decisions
    for attempt in 1... {
      let changing = open.indices.filter { open[$0].change != nil }
      let changes = changing.compactMap { open[$0].change }
      let conflicts = try write(changes)
      let lost = Set(conflicts.map { changing[$0] })
      for index in open.indices where !lost.contains(index) { count(open[index]) }
      if lost.isEmpty { return }
      guard attempt < Conflicts.mostTries else {
        summary.left += lost.count
        return
      }
      var again: [Decision] = []
      for index in lost.sorted() { again.append(try decideAgain(open[index])) }
      open = again
    }
  }

  /// - Returns: the indices of changes that met what somebody else wrote.
  private func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    guard !changes.isEmpty, let writer else { return [] }
    try journal?.record(changes, of: collection)
    let conflicts = try writer.write(changes)
    if !conflicts.isEmpty { try journal?.withdraw(conflicts.map { changes[$0] }, of: collection) }
    return conflicts
  }

  private func decideAgain(_ decision: Decision) throws(StoreError) -> Decision {
    let key = decision.id.user.withView { arena.copy($0) }
    for document in try collection.documents(of: [key], limit: .max, in: arena).first ?? [] {
      if let session = try collection.session(document), session.id == decision.id {
        return try decide(session, decision.ping)
      }
    }
    return decideNew(decision.id, decision.ping)
  }

  private mutating func count(_ decision: Decision) {
    switch decision.fate {
    case .kept: break
    case .new: summary.new += 1
    case .renewed: summary.renewed += 1
    case .removed: summary.removed += 1
    case .unreadable: summary.unreadable += 1
    case .gone: break
    }
    switch decision.fate {
    case .kept, .new, .renewed: active[decision.id.user, default: 0] += 1
    case .removed, .unreadable, .gone: break
    }
  }
}
