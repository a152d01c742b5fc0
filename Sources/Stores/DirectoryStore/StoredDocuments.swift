public import BSON

/// Steps through a collection's documents in the order of its file, giving back the memory of those behind.
public final class StoredDocuments: DocumentCursor {
  private let collection: DirectoryCollection
  private let leftOut: PositionSet
  private var position = 0
  private var discarded = 0

  /// - Parameter leftOut: documents that are passed over.
  init(_ collection: DirectoryCollection, but leftOut: PositionSet = PositionSet()) {
    (self.collection, self.leftOut) = (collection, leftOut)
  }

  /// - Throws: ``StoreError/refused(path:offset:why:)`` when the file was written to after it was opened.
  public func next(upTo bytes: Int, in arena: Arena) throws(StoreError) -> [BSONDocument] {
    var documents: [BSONDocument] = []
    var size = 0
    if collection.offset(of: position) - collection.offset(of: discarded) >= MappedFile.window { discard() }
    while position < collection.count, documents.isEmpty || size < bytes {
      if leftOut.contains(position) {
        position += 1
        continue
      }
      let document = try collection.document(at: position)
      documents.append(document)
      size += document.bytes.count
      position += 1
    }
    if documents.isEmpty { discard() }
    return documents
  }

  private func discard() {
    collection.discard(discarded..<position)
    discarded = position
  }
}
