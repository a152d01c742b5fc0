internal import BSON

/// Writes changes to a server in unordered bulks, each operation by the version that it replaces.
///
/// What ``write(_:)`` does not give back is on a majority of the servers, journalled, when it returns. An operation may
/// be sent several times, for an answer can be lost: it names the version that it was computed from, so it is done once,
/// and what was done before shows in the document itself.
final class MongoWriter: StoreWriter {
  private let collection: MongoCollection
  private var database: MongoDatabase { collection.database }
  private var operations: BulkOperations

  /// How much one message to the server holds: far less than the 48 000 000 bytes that it takes, since a batch stands in
  /// memory twice and holds up others. A document that is longer goes alone.
  private static let mostBytes = 8 << 20
  private static let mostOperations = 400
  /// How often a document may look as if it had the version that an operation did not find there.
  private static let mostTries = 20

  init(_ collection: MongoCollection) {
    self.collection = collection
    operations = BulkOperations(collection.schema)
  }

  /// A server gives no document another `_id`: there the old one goes, and then the new one comes. Who is killed in
  /// between leaves neither.
  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    var steps = changes
    let moved = changes.indices.filter { changes[$0].changesID }
    for index in moved { steps[index] = changes[index].removal }
    var conflicts = try send(steps)
    // What could not be removed, for somebody has written it since, is not written beside it.
    let free = moved.filter { !conflicts.contains($0) }
    conflicts += try send(free.map { changes[$0].insertion }).map { free[$0] }
    for index in conflicts { collection.noteConflict(changes[index].key) }
    return conflicts.sorted()
  }

  /// - Parameter changes: without one that changes an `_id`.
  private func send(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    var conflicts: [Int] = []
    for kind in ChangeKind.allCases {
      var batch: [Int] = []
      for (index, change) in changes.enumerated() where ChangeKind(change) == kind {
        let size = change.document?.bytes.count ?? 0
        if batch.count == Self.mostOperations || (!batch.isEmpty && operations.bytes.count + size > Self.mostBytes) {
          conflicts += try send(&batch, of: changes, kind)
        }
        try append(change, kind)
        batch.append(index)
      }
      if !batch.isEmpty { conflicts += try send(&batch, of: changes, kind) }
    }
    return conflicts
  }

  /// Every write is durable and visible when it is acknowledged.
  func commit() throws(StoreError) {}

  func abandon() {}

  private func append(_ change: DocumentChange, _ kind: ChangeKind) throws(StoreError) {
    do throws(BSONFault) { try operations.append(change, kind) } catch {
      throw collection.refusal(of: change.key, error)
    }
  }

  // MARK: One batch

  /// Sends the operations until each is done or in conflict.
  ///
  /// - Returns: the conflicts.
  private func send(
    _ batch: inout [Int], of changes: [DocumentChange], _ kind: ChangeKind
  ) throws(StoreError) -> [Int] {
    defer {
      batch = []
      operations.removeAll()
    }
    var open = batch
    var conflicts: [Int] = []
    for attempt in 1... {
      let answer = try execute()
      let unclear = try unclear(open, of: changes, kind, answer)
      if unclear.isEmpty { break }
      let check = WriteCheck(collection, kind)
      let found = try check.states(unclear, of: changes)
      open = []
      for (index, state) in zip(unclear, found) {
        switch state {
        case .made: break
        case .foreign: conflicts.append(index)
        case .unchanged: if attempt < Self.mostTries { open.append(index) } else { conflicts.append(index) }
        }
      }
      if open.isEmpty { break }
      sleep(for: .milliseconds(100))
      operations.removeAll()
      for index in open { try append(changes[index], kind) }
    }
    return conflicts
  }

  private func execute() throws(StoreError) -> BulkAnswer {
    let schema = collection.schema
    return try database.attempt("write to \(schema.name)") { () throws(MongoFailure) in
      let (answer, error) = try database.lease().bulk(
        operations.bytes, into: schema.name, of: database.address.database)
      return try BulkAnswer(answer, error: error)
    }
  }

  /// Of which operations the answer does not say that they were done.
  private func unclear(
    _ sent: [Int], of changes: [DocumentChange], _ kind: ChangeKind, _ answer: BulkAnswer
  ) throws(StoreError) -> [Int] {
    var refused: [Int] = []
    for refusal in answer.refusals {
      guard sent.indices.contains(refusal.index), refusal.isNoMatch(kind) else {
        let key = sent.indices.contains(refusal.index) ? changes[sent[refusal.index]].key.string : "an operation"
        throw .rejected(
          address: collection.name, what: "cannot write \(key) to \(collection.schema.name)",
          why: database.address.shown(refusal.message))
      }
      refused.append(sent[refusal.index])
    }
    let isCounted =
      switch kind {
      case .update: answer.matched + refused.count == sent.count
      case .replacement: answer.matched == sent.count
      case .removal: answer.removed == sent.count
      case .insertion: true
      }
    return isCounted ? refused : sent
  }
}

extension DocumentChange {
  /// Whether what takes the place of the stored document has another `_id`.
  fileprivate var changesID: Bool {
    guard let old = try? stored?.value("_id"), let new = try? document?.value("_id") else { return false }
    return old.type != new.type || old.bytes != new.bytes
  }

  fileprivate var removal: DocumentChange { DocumentChange(key: key, subkey: subkey, stored: stored, document: nil) }

  fileprivate var insertion: DocumentChange {
    DocumentChange(key: key, subkey: subkey, stored: nil, document: document)
  }
}

extension BulkAnswer.Refusal {
  /// Whether the operation was refused because the document is not what it was computed from.
  fileprivate func isNoMatch(_ kind: ChangeKind) -> Bool {
    switch kind {
    // The upsert that can never insert; or it would have, and another `_id` has the key.
    case .update: code == 66 || code == 11000
    case .insertion: code == 11000
    case .replacement, .removal: false
    }
  }
}
