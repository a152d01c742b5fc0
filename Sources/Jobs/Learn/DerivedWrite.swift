internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync

/// How many documents of a collection were written, and how many removed.
struct WriteCounts: Sendable, Equatable {
  var written = 0
  var removed = 0

  init() {}

  /// - Parameter changes: that were made.
  init(of changes: [DocumentChange]) {
    removed = changes.count { $0.document == nil }
    written = changes.count - removed
  }

  static func += (sum: inout WriteCounts, more: WriteCounts) {
    sum.written += more.written
    sum.removed += more.removed
  }
}

/// Writes of documents that can be made again. What somebody else has written in between is read, and what is to take its
/// place is decided once more.
enum DerivedWrite {
  /// - Parameters:
  ///   - changes: of distinct keys, ascending where the collection does not know positions.
  ///   - again: what a change becomes over the document that is stored now; nil for nothing.
  /// - Returns: how many were made, and, as they were tried last, those of whose documents somebody else wrote every time.
  static func write(
    _ changes: [DocumentChange], to collection: any StoredCollection, with writer: any StoreWriter, in arena: Arena,
    again: (DocumentChange, BSONDocument?) throws(StoreError) -> DocumentChange?
  ) throws(StoreError) -> (made: WriteCounts, left: [DocumentChange]) {
    var rest = changes
    var made = WriteCounts()
    for attempt in 1...Conflicts.mostTries where !rest.isEmpty {
      let refused = Set(try writer.write(rest))
      made += WriteCounts(of: rest.indices.filter { !refused.contains($0) }.map { rest[$0] })
      let conflicts = refused.sorted().map { rest[$0] }
      guard !conflicts.isEmpty, attempt < Conflicts.mostTries else { return (made, conflicts) }
      let stored = try collection.all(of: conflicts.map(\.key), in: arena)
      rest = []
      for (change, found) in zip(conflicts, stored) {
        if let next = try again(change, found.first) { rest.append(next) }
      }
    }
    return (made, [])
  }

  /// A derived document, or that there is none, over the one that is stored now; nil where that says the same, or was
  /// computed for a later time.
  static func change(
    _ change: DocumentChange, over stored: BSONDocument?, in collection: any StoredCollection,
    _ options: LearnOptions, _ arena: Arena
  ) throws(StoreError) -> DocumentChange? {
    do throws(BSONFault) {
      guard let document = change.document else {
        guard let stored, try !options.keeps(stored) else { return nil }
        return DocumentChange(key: change.key, stored: stored, document: nil)
      }
      guard try DerivedDocument.decision(document, over: stored, force: options.force) == .write else { return nil }
      return DocumentChange(key: change.key, stored: stored, document: try document.keepingID(of: stored, in: arena))
    } catch {
      throw collection.refusal(of: change.key, error)
    }
  }

  /// What is said of a document that would be larger than any may be; nil for all others.
  static func tooLarge(
    _ document: BSONDocument?, of subject: String, in collection: any StoredCollection
  ) -> LearnReport? {
    guard let size = document?.bytes.count, size > MergeOutcome.largestDocument else { return nil }
    return LearnReport(
      subject: subject, reason: .documentTooLarge,
      detail: "its document of \(collection.schema.name) would have \(size) bytes, 16 MiB are allowed")
  }

  /// What is said of a document that somebody else wrote every time.
  static func report(_ subject: String, _ collection: any StoredCollection) -> LearnReport {
    LearnReport(
      subject: subject, reason: .conflict,
      detail:
        "somebody else wrote its document of \(collection.schema.name) each of the \(Conflicts.mostTries) times that "
        + "this run did; run again")
  }
}
