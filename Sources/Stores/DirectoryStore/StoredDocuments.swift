public import BSON

/// Steps through a collection's documents in the order of its file, giving back the memory of those behind.
public final class StoredDocuments: DocumentCursor {
  private let collection: DirectoryCollection
  private var position = 0
  private var discarded = 0

  init(_ collection: DirectoryCollection) { self.collection = collection }

  /// - Throws: ``StoreError/refused(path:offset:why:)`` when the file was written to after it was opened.
  public func next(upTo bytes: Int, in arena: Arena) throws(StoreError) -> [BSONDocument] {
    var documents: [BSONDocument] = []
    var size = 0
    if collection.offset(of: position) - collection.offset(of: discarded) >= MappedFile.window { discard() }
    while position < collection.count, documents.isEmpty || size < bytes {
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
