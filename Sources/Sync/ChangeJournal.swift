public import BSON
internal import Digests
public import Stores

/// Keeps what a run is about to replace, so that it can be put back.
public protocol ChangeJournal: Sendable {
  /// Notes changes before they are written; for a server's store they are on disk when this returns. From any thread.
  ///
  /// - Throws: what keeps the changes from being written, a lost lock among it.
  func record(_ changes: [DocumentChange], of collection: any StoredCollection) throws(StoreError)

  /// Notes that recorded changes were not made, because somebody else has written the documents. From any thread.
  func withdraw(_ changes: [DocumentChange], of collection: any StoredCollection) throws(StoreError)

  /// Called once everything is recorded and before a directory's files are replaced: brings all of it to disk.
  func seal() throws(StoreError)
}

/// What a journal knows a written document by: the checksum of its elements in ascending order of their keys' bytes.
///
/// A server to which the changed fields alone are sent keeps those that are new to it behind the others, so that a
/// document need not lie there in the order in which the merge has it.
public func digest(_ document: BSONDocument) -> [UInt8] {
  var sum = Checksum()
  return digest(document, with: &sum)
}

/// The same for who has many documents: a checksum costs something to begin with.
func digest(_ document: BSONDocument, with sum: inout Checksum) -> [UInt8] {
  do throws(BSONFault) {
    var parts: [(key: ByteView, element: ByteView)] = []
    parts.reserveCapacity(16)
    var elements = document.elements
    var start = elements.position
    while let element = try elements.next() {
      parts.append((element.key, document.bytes.slice(start, elements.position - start)))
      start = elements.position
    }
    parts.sort { $0.key < $1.key }
    for part in parts { sum.update(part.element) }
  } catch {
    // What is no document has no elements to be told apart.
    sum.update(document.bytes)
  }
  return sum.finish()
}

extension Checksum {
  fileprivate mutating func update(_ part: ByteView) { unsafe part.withUnsafeBytes { unsafe update($0) } }
}
