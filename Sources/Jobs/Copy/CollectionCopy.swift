internal import BSON
internal import Dispatch
internal import Stores
internal import Synchronization

/// Copies one collection, and compares both sides at the end.
///
/// One thread steps through the source; batches of it are worked on by several, as far as the target takes changes in
/// any order.
struct CollectionCopy {
  /// Bytes of documents that are handed on together.
  private static let batchSize = 4 << 20

  private let copy: Copy
  private let schema: CollectionSchema
  private let source: any Store
  private let target: any Store

  private let lease: Lease?

  init(_ copy: Copy, _ schema: CollectionSchema, from source: any Store, to target: any Store, _ lease: Lease?) {
    self.copy = copy
    self.schema = schema
    self.source = source
    self.target = target
    self.lease = lease
  }

  func run() throws(StoreError) -> CopiedCollection {
    let from = try source.open(schema)
    var result = try write(from, into: try target.open(schema))
    // What was written is read as others will read it: a directory has another file now.
    let (own, other) = try digests(from, try target.open(schema))
    result.source = CopiedCollection.Side(own)
    result.target = CopiedCollection.Side(other)
    return result
  }

  private func write(
    _ from: any StoredCollection, into target: any StoredCollection
  ) throws(StoreError) -> CopiedCollection {
    guard target.hasOneWriter else {
      let total = Mutex(CopiedCollection(schema.name))
      let writers = Pool { @Sendable () throws(StoreError) in try target.beginWriting(.any) }
      try eachBatch(of: from) { [lease] documents, arena throws(StoreError) in
        if let lease { try lease.check() }
        let writer = try writers.take()
        let part = try BatchCopy(copy, schema, target, writer, arena).run(documents)
        writers.giveBack(writer)
        total.withLock { $0.add(part) }
      }
      try writers.commit()
      return total.withLock { $0 }
    }
    // A server gives documents by key, and that is the order of new ones; but others' collections it gives by _id.
    let isNew = (target as? DirectoryCollection)?.count == 0
    let writer = try target.beginWriting(isNew && !from.hasOneWriter && schema.isOwn ? .stored : .any)
    do throws(StoreError) {
      var total = CopiedCollection(schema.name)
      let cursor = try from.cursor(updatedSince: nil)
      while true {
        let batch = try DocumentBatch(cursor, of: schema, upTo: Self.batchSize)
        if batch.isLast { break }
        total.add(try BatchCopy(copy, schema, target, writer, batch.arena).run(batch.documents))
      }
      try writer.commit()
      return total
    } catch {
      writer.abandon()
      throw error
    }
  }

  /// Reads all documents of the source, and from the target those of the same names.
  private func digests(
    _ from: any StoredCollection, _ target: any StoredCollection
  ) throws(StoreError) -> (SetDigest, SetDigest) {
    let sums = Mutex((SetDigest(), SetDigest()))
    try eachBatch(of: from) { documents, arena throws(StoreError) in
      var (own, other) = (SetDigest(), SetDigest())
      for document in documents { own.add(document) }
      for document in try StoredCopies(of: documents, schema, in: target, arena).documents.values {
        other.add(document)
      }
      sums.withLock { sums in
        sums.0.add(own)
        sums.1.add(other)
      }
    }
    return sums.withLock { $0 }
  }

  // MARK: Batches

  /// Steps through a collection, several batches at once.
  ///
  /// - Parameters:
  ///   - body: is handed documents and the arena that they lie in, which it may use.
  private func eachBatch(
    of collection: any StoredCollection,
    _ body: @escaping @Sendable ([BSONDocument], Arena) throws(StoreError) -> Void
  ) throws(StoreError) {
    let cursor = try collection.cursor(updatedSince: nil)
    let failure = Mutex<StoreError?>(nil)
    let slots = DispatchSemaphore(value: copy.workers)
    let queue = DispatchQueue(label: "mixdown.copy", attributes: .concurrent)
    let group = DispatchGroup()
    defer { group.wait() }
    while failure.withLock({ $0 }) == nil {
      slots.wait()
      let batch: DocumentBatch
      do throws(StoreError) {
        batch = try DocumentBatch(cursor, of: schema, upTo: Self.batchSize)
      } catch {
        slots.signal()
        throw error
      }
      if batch.isLast {
        slots.signal()
        break
      }
      queue.async(group: group) {
        do throws(StoreError) {
          try body(batch.documents, batch.arena)
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
        slots.signal()
      }
    }
    group.wait()
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

/// Documents and where they lie.
///
/// Safe to hand to another thread: it is handed on once, and who made it does not touch it any more.
private final class DocumentBatch: @unchecked Sendable {
  let arena = Arena()
  /// Without leases.
  let documents: [BSONDocument]
  /// Whether nothing is left.
  let isLast: Bool

  init(_ cursor: any DocumentCursor, of schema: CollectionSchema, upTo bytes: Int) throws(StoreError) {
    let all = try cursor.next(upTo: bytes, in: arena)
    isLast = all.isEmpty
    documents = schema.name == CollectionSchema.jobRuns.name ? all.filter { !Lease.isLease($0) } : all
  }
}

/// Writers that wait for the next batch.
///
/// Safe to share: the writers are behind the lock, and one that was taken, or made, is its taker's alone. Several takers
/// may make one at once, outside of the lock.
private final class Pool: @unchecked Sendable {
  private let make: @Sendable () throws(StoreError) -> any StoreWriter
  private let lock = Mutex(())
  private var free: [any StoreWriter] = []

  init(_ make: @escaping @Sendable () throws(StoreError) -> any StoreWriter) { self.make = make }

  func take() throws(StoreError) -> any StoreWriter {
    if let writer = lock.withLock({ _ in free.popLast() }) { return writer }
    return try make()
  }

  func giveBack(_ writer: any StoreWriter) { lock.withLock { _ in free.append(writer) } }

  /// Ends the writing, once all have been given back.
  func commit() throws(StoreError) {
    for writer in lock.withLock({ _ in free }) { try writer.commit() }
  }
}
