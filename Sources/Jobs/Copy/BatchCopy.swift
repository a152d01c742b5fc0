internal import BSON
internal import Stores

/// What a collection has of the same names as some documents.
struct StoredCopies {
  let documents: [DocumentIdentity: BSONDocument]

  init(
    of wanted: [BSONDocument], _ schema: CollectionSchema, in collection: any StoredCollection, _ arena: Arena
  ) throws(StoreError) {
    let names = Set(wanted.compactMap { $0.identity(schema) })
    var keys = Set(names.map(\.key)).sorted()[...]
    var found: [DocumentIdentity: BSONDocument] = [:]
    while !keys.isEmpty {
      let answer = try collection.documents(of: Array(keys), limit: .max, in: arena)
      for document in answer.joined() {
        guard let name = document.identity(schema), names.contains(name) else { continue }
        found[name] = document
      }
      keys = keys.dropFirst(answer.count)
    }
    documents = found
  }
}

/// Copies some documents into a collection.
struct BatchCopy {
  private let copy: Copy
  private let schema: CollectionSchema
  private let target: any StoredCollection
  private let writer: any StoreWriter
  private let arena: Arena
  private var result: CopiedCollection

  init(
    _ copy: Copy, _ schema: CollectionSchema, _ target: any StoredCollection, _ writer: any StoreWriter, _ arena: Arena
  ) {
    self.copy = copy
    self.schema = schema
    self.target = target
    self.writer = writer
    self.arena = arena
    result = CopiedCollection(schema.name)
  }

  private typealias Write = (document: BSONDocument, change: DocumentChange)

  func run(_ documents: [BSONDocument]) throws(StoreError) -> CopiedCollection {
    var batch = self
    batch.result.read = documents.count
    try batch.copyAll(documents)
    return batch.result
  }

  private mutating func copyAll(_ documents: [BSONDocument]) throws(StoreError) {
    var open = documents
    for attempt in 1... {
      let stored = try StoredCopies(of: open, schema, in: target, arena).documents
      var writes: [Write] = []
      for document in open {
        if let change = change(document, stored) { writes.append((document, change)) }
      }
      let lost = writes.isEmpty ? [] : Set(try writer.write(writes.map(\.change)))
      for index in writes.indices where !lost.contains(index) {
        if wasStored(writes[index].document, stored) { result.overwritten += 1 } else { result.written += 1 }
      }
      open = lost.sorted().map { writes[$0].document }
      if open.isEmpty { return }
      guard attempt < Conflicts.mostTries else {
        for document in open { differ(document) }
        return
      }
    }
  }

  private func wasStored(_ document: BSONDocument, _ stored: [DocumentIdentity: BSONDocument]) -> Bool {
    document.identity(schema).map { stored[$0] != nil } ?? false
  }

  /// What is to be written for a document; nil where nothing is.
  private mutating func change(
    _ document: BSONDocument, _ stored: [DocumentIdentity: BSONDocument]
  ) -> DocumentChange? {
    guard let name = document.identity(schema) else {
      result.nameless += 1
      return nil
    }
    let old = stored[name]
    if old?.bytes == document.bytes {
      result.present += 1
      return nil
    }
    guard old == nil || copy.overwrites else {
      differ(document)
      return nil
    }
    return DocumentChange(key: name.key, subkey: name.subkey, stored: old, document: document)
  }

  private mutating func differ(_ document: BSONDocument) {
    result.differing += 1
    if result.examples.count < CopiedCollection.mostExamples, let name = document.identity(schema) {
      result.examples.append(name.description)
    }
  }
}
