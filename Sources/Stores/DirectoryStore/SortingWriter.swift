internal import BSON
internal import Glibc

/// Takes changes in any order: they wait in a file beside the collection, and are handed on in order at the end.
///
/// Costs one more copy of the changed documents than ``OrderedWriter`` alone, and 32 bytes of memory for each.
final class SortingWriter: StoreWriter {
  /// A change that waits.
  private struct Waiting {
    /// Of the document that it replaces; `Int.max` for a new one.
    var position: Int
    /// Where its document lies in the waiting file; −1 for a removal.
    var offset: Int
  }

  private let collection: DirectoryCollection
  private let writer: OrderedWriter
  private var file: PartialFile?
  private var waiting: [Waiting] = []
  /// By how many bytes the changes that wait make the collection longer.
  private var growth = 0

  init(_ collection: DirectoryCollection, _ writer: OrderedWriter) {
    self.collection = collection
    self.writer = writer
  }

  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    for change in changes {
      let position = collection.position(of: change)
      guard (position == nil) == (change.stored == nil) else {
        throw .inconsistent(path: collection.name, why: "\(change.identity) came as new and is stored, or the reverse")
      }
      growth += change.growth
      guard let document = change.document else {
        waiting.append(Waiting(position: position ?? Int.max, offset: -1))
        continue
      }
      let file: PartialFile
      if let known = self.file { file = known } else { file = try begin() }
      waiting.append(Waiting(position: position ?? Int.max, offset: file.size))
      try file.append(document.bytes)
    }
    // What waits takes room itself, and at the end the next file does too: better to find out early that it cannot.
    try file?.checkRoom(for: collection.size + growth)
    return []
  }

  private func begin() throws(StoreError) -> PartialFile {
    let file = try PartialFile(collection.files.changes, replacing: nil)
    self.file = file
    return file
  }

  func commit() throws(StoreError) {
    defer { file?.remove() }
    let documents = try file?.finished()
    defer { withExtendedLifetime(documents) {} }
    writer.knownGrowth = growth
    try handOn(documents?.bytes ?? .empty)
    try writer.commit()
  }

  /// Hands the changes on: by position, then new documents by key and subkey.
  private func handOn(_ bytes: ByteView) throws(StoreError) {
    let schema = collection.schema
    func document(_ change: Waiting) -> BSONDocument? {
      guard change.offset >= 0 else { return nil }
      return BSONDocument(unchecked: bytes.slice(change.offset, Int(bytes.load(change.offset, as: Int32.self))))
    }
    var stored = waiting.filter { $0.position < Int.max }
    var new = waiting.filter { $0.position == Int.max }
    waiting = []
    stored.sort { $0.position < $1.position }
    new.sort { document($0)?.identity(schema) < document($1)?.identity(schema) }
    for change in stored {
      let old = try collection.document(at: change.position)
      guard let identity = old.identity(schema) else { continue }
      _ = try writer.write([
        DocumentChange(key: identity.key, subkey: identity.subkey, stored: old, document: document(change))
      ])
    }
    for change in new {
      guard let document = document(change), let identity = document.identity(schema) else { continue }
      _ = try writer.write([DocumentChange(key: identity.key, subkey: identity.subkey, stored: nil, document: document)]
      )
    }
  }

  func abandon() {
    file?.remove()
    file = nil
    writer.abandon()
  }
}
