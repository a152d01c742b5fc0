import BSON
import Stores
import Synchronization

/// A store in which somebody else does something once, just before what a run has computed is written.
final class ContendedStore: Store {
  private let store: any Store
  private let meanwhile: Mutex<(@Sendable () throws -> Void)?>

  init(_ store: any Store, meanwhile: @escaping @Sendable () throws -> Void) {
    self.store = store
    self.meanwhile = Mutex(meanwhile)
  }

  var name: String { store.name }

  func open(_ schema: CollectionSchema) throws(StoreError) -> any StoredCollection {
    ContendedCollection(store: self, collection: try store.open(schema))
  }

  func now() throws(StoreError) -> Int64 { try store.now() }

  fileprivate func interfere() throws(StoreError) {
    let other = meanwhile.withLock { body in
      defer { body = nil }
      return body
    }
    do { try other?() } catch { throw .inconsistent(path: name, why: "\(error)") }
  }
}

private struct ContendedCollection: StoredCollection {
  let store: ContendedStore
  let collection: any StoredCollection

  var schema: CollectionSchema { collection.schema }
  var name: String { collection.name }
  var hasOneWriter: Bool { collection.hasOneWriter }

  func position(of key: ByteView) -> Int? { collection.position(of: key) }
  func documentSize(of key: ByteView) -> Int { collection.documentSize(of: key) }
  func contains(_ keys: [ByteView]) throws(StoreError) -> [Bool] { try collection.contains(keys) }
  func refusal(of key: ByteView, _ fault: BSONFault) -> StoreError { collection.refusal(of: key, fault) }
  func release(before position: Int) { collection.release(before: position) }

  func documents(
    of keys: [ByteView], since subkey: ByteView?, limit: Int, in arena: Arena
  ) throws(StoreError) -> [[BSONDocument]] {
    try collection.documents(of: keys, since: subkey, limit: limit, in: arena)
  }

  func cursor(updatedSince: Int64?) throws(StoreError) -> any DocumentCursor {
    try collection.cursor(updatedSince: updatedSince)
  }

  func cursor(over selection: Selection) throws(StoreError) -> any DocumentCursor {
    try collection.cursor(over: selection)
  }

  func beginWriting(_ order: WriteOrder) throws(StoreError) -> any StoreWriter {
    ContendedWriter(store, try collection.beginWriting(order))
  }
}

private final class ContendedWriter: StoreWriter {
  private let store: ContendedStore
  private let writer: any StoreWriter

  init(_ store: ContendedStore, _ writer: any StoreWriter) {
    (self.store, self.writer) = (store, writer)
  }

  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    try store.interfere()
    return try writer.write(changes)
  }

  func commit() throws(StoreError) { try writer.commit() }
  func abandon() { writer.abandon() }
}
