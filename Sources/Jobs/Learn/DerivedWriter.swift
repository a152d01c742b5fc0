internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync

/// Writes the documents of a derived collection that is not about single users – `songs`, `service_stats`,
/// `population` – one after another. It holds few of them at once, and of all that it was handed a print of the key.
struct DerivedWriter {
  private static let most = 512

  private let collection: any StoredCollection
  private let options: LearnOptions
  private let events: LearnEvents
  /// Whether a document says nothing that the stored one does not.
  var isSame: (_ document: BSONDocument, _ stored: BSONDocument) throws(BSONFault) -> Bool =
    DerivedDocument.isSameButForClock
  private let writer: (any StoreWriter)?
  private let arena = Arena()
  private var waiting: [(key: ByteView, document: BSONDocument)] = []
  /// Prints of the keys that were handed over.
  private var keys: Set<UInt64> = []
  private(set) var made = WriteCounts()
  /// Documents that were left as they are, by reason.
  private(set) var left: [LeftReason: Int] = [:]
  /// Of these, how many are of a later run and say something else.
  private var newer = 0

  init(_ collection: any StoredCollection, _ options: LearnOptions, _ events: LearnEvents) throws(StoreError) {
    self.collection = collection
    self.options = options
    self.events = events
    writer = options.dryRun ? nil : try collection.beginWriting(.any)
  }

  /// - Parameter key: keys are distinct and come in ascending order.
  mutating func add(_ key: ByteView, _ document: BSONDocument) throws(StoreError) {
    keys.insert(key.fingerprint)
    if let report = DerivedWrite.tooLarge(document, of: key.string, in: collection) {
      left[report.reason, default: 0] += 1
      return events.left(report)
    }
    waiting.append((arena.copy(key), BSONDocument(unchecked: arena.copy(document.bytes))))
    if waiting.count == Self.most { try flush() }
  }

  private mutating func flush() throws(StoreError) {
    let stored = try collection.all(of: waiting.map(\.key), in: arena)
    var changes: [DocumentChange] = []
    for ((key, document), found) in zip(waiting, stored) {
      do throws(BSONFault) {
        if let stored = found.first {
          if try isSame(document, stored) { continue }
          if try options.keeps(stored) {
            newer += 1
            continue
          }
        }
        let replacement = try document.keepingID(of: found.first, in: arena)
        changes.append(DocumentChange(key: key, stored: found.first, document: replacement))
      } catch {
        throw collection.refusal(of: key, error)
      }
    }
    try write(changes)
    waiting = []
    arena.reset()
  }

  /// Makes changes; a dry run counts those that would be made.
  private mutating func write(_ changes: [DocumentChange]) throws(StoreError) {
    guard !changes.isEmpty else { return }
    guard let writer else {
      made += WriteCounts(of: changes)
      return
    }
    let (collection, options, arena) = (collection, options, arena)
    let outcome = try DerivedWrite.write(changes, to: collection, with: writer, in: arena) {
      change, stored throws(StoreError) in
      try DerivedWrite.change(change, over: stored, in: collection, options, arena)
    }
    made += outcome.made
    for change in outcome.left {
      let report = DerivedWrite.report(change.key.string, collection)
      left[report.reason, default: 0] += 1
      events.left(report)
    }
  }

  /// Ends the writing.
  ///
  /// - Parameter isWhole: whether everything there is was handed over: documents of other keys are removed, unless they
  ///   are of a later run.
  mutating func finish(isWhole: Bool) throws(StoreError) {
    do throws(StoreError) {
      try flush()
      if isWhole { try removeOthers() }
      try writer?.commit()
    } catch {
      writer?.abandon()
      throw error
    }
    guard newer > 0 else { return }
    left[.newer, default: 0] += newer
    // One line for all: there may be as many as songs.
    let detail = "\(newer) of its documents were computed for a later time, and say something else; --force takes them"
    events.left(LearnReport(subject: collection.schema.name, reason: .newer, detail: detail))
  }

  private mutating func removeOthers() throws(StoreError) {
    let cursor = try collection.cursor(updatedSince: nil)
    try cursor.forEachBatch(upTo: 1 << 20, in: arena) { documents throws(StoreError) in
      var changes: [DocumentChange] = []
      for document in documents {
        guard let key = (try? document.value(collection.schema.key))?.string, !keys.contains(key.fingerprint) else {
          continue
        }
        if (try? options.keeps(document)) ?? false {
          newer += 1
          continue
        }
        changes.append(DocumentChange(key: key, stored: document, document: nil))
      }
      try write(changes)
    }
  }
}
