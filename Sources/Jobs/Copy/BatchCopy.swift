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
  private static let mostTries = 5

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

  /// What one document needs.
  private enum Step {
    case write(DocumentChange)
    /// The target has another `_id` for it, which no write can change.
    case replace(removal: DocumentChange, DocumentChange)
    case none
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
      var replacements: [(removal: DocumentChange, write: Write)] = []
      for document in open {
        switch step(document, stored) {
        case .none: break
        case .write(let change): writes.append((document, change))
        case .replace(let removal, let change): replacements.append((removal, (document, change)))
        }
      }
      // What could not be removed, for somebody has written it since, is not written beside it.
      let kept = replacements.isEmpty ? [] : Set(try writer.write(replacements.map(\.removal)))
      writes += replacements.indices.filter { !kept.contains($0) }.map { replacements[$0].write }
      let lost = writes.isEmpty ? [] : Set(try writer.write(writes.map(\.change)))
      for index in writes.indices where !lost.contains(index) {
        if wasStored(writes[index].document, stored) { result.overwritten += 1 } else { result.written += 1 }
      }
      open = kept.sorted().map { replacements[$0].write.document } + lost.sorted().map { writes[$0].document }
      if open.isEmpty { return }
      guard attempt < Self.mostTries else {
        for document in open { differ(document) }
        return
      }
    }
  }

  private func wasStored(_ document: BSONDocument, _ stored: [DocumentIdentity: BSONDocument]) -> Bool {
    document.identity(schema).map { stored[$0] != nil } ?? false
  }

  private mutating func step(_ document: BSONDocument, _ stored: [DocumentIdentity: BSONDocument]) -> Step {
    guard let name = document.identity(schema) else {
      result.nameless += 1
      return .none
    }
    func change(_ stored: BSONDocument?, _ document: BSONDocument?) -> DocumentChange {
      DocumentChange(key: name.key, subkey: name.subkey, stored: stored, document: document)
    }
    guard let old = stored[name] else { return .write(change(nil, document)) }
    if old.bytes == document.bytes {
      result.present += 1
      return .none
    }
    guard copy.overwrites else {
      differ(document)
      return .none
    }
    if target.writesInOrder || old.hasSameID(as: document) { return .write(change(old, document)) }
    return .replace(removal: change(old, nil), change(nil, document))
  }

  private mutating func differ(_ document: BSONDocument) {
    result.differing += 1
    if result.examples.count < CopiedCollection.mostExamples, let name = document.identity(schema) {
      result.examples.append(name.description)
    }
  }
}

extension BSONDocument {
  fileprivate func hasSameID(as other: BSONDocument) -> Bool {
    guard let own = try? value("_id"), let id = try? other.value("_id") else { return false }
    return own.type == id.type && own.bytes == id.bytes
  }
}
