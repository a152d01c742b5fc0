internal import BSON
internal import Stores
internal import Sync

/// Looks up what a store holds now of the documents that a journal names.
struct StoredLookup {
  /// Documents that are fetched at once, in bytes.
  private static let fetchLimit = 8 << 20
  private static let mostKeys = 256

  let store: any Store

  /// Steps through a journal's outcomes in pieces, each with the documents that the store holds now.
  ///
  /// - Parameter body: is handed the open collection, and outcomes beside what is stored; views hold until it returns.
  func forEach(
    _ outcomes: [JournalReader.Outcome],
    _ body: (any StoredCollection, [(JournalReader.Outcome, BSONDocument?)]) throws(StoreError) -> Void
  ) throws(StoreError) {
    let arena = Arena()
    var rest = outcomes[...]
    while let name = rest.first?.collection {
      guard let schema = CollectionSchema.named(name) else {
        throw .inconsistent(path: store.name, why: "the journal names a collection \(name), which there is not")
      }
      let own = rest.prefix { $0.collection == name }
      rest = rest.dropFirst(own.count)
      let collection = try store.open(schema)
      try forEach(own, of: collection, arena, body)
    }
  }

  private func forEach(
    _ outcomes: ArraySlice<JournalReader.Outcome>, of collection: any StoredCollection, _ arena: Arena,
    _ body: (any StoredCollection, [(JournalReader.Outcome, BSONDocument?)]) throws(StoreError) -> Void
  ) throws(StoreError) {
    var rest = outcomes
    while !rest.isEmpty {
      // Outcomes are in the order of keys, so that those of one key stand together.
      var keys: [ByteView] = []
      for outcome in rest where keys.last != outcome.key {
        guard keys.count < Self.mostKeys else { break }
        keys.append(outcome.key)
      }
      arena.reset()
      let stored = try collection.documents(of: keys, limit: Self.fetchLimit, in: arena)
      guard !stored.isEmpty else { return }
      let found = Dictionary(zip(keys, stored)) { first, _ in first }
      let piece = rest.prefix { found[$0.key] != nil }
      rest = rest.dropFirst(piece.count)
      let pairs = piece.map { outcome in (outcome, found[outcome.key]?.first { outcome.isOf($0, collection.schema) }) }
      try body(collection, pairs)
    }
  }
}

extension JournalReader.Outcome {
  /// Whether a document of the same key has the same subkey.
  fileprivate func isOf(_ document: BSONDocument, _ schema: CollectionSchema) -> Bool {
    guard let field = schema.subkey else { return true }
    let value: BSONValue?
    do throws(BSONFault) { value = try document.value(field) } catch { return false }
    return value?.string == subkey
  }

  /// Whether it is the application's own document, of which `scores` alone is Mixdown's.
  var isAccount: Bool { collection == CollectionSchema.users.name }

  /// The digest by which a stored document is compared with what the run found and left. An account is taken as it was
  /// before the run, with the `scores` of now: what else the application has written since is its own affair.
  func digestNow(of stored: BSONDocument?) -> [UInt8]? {
    guard let stored, let before, isAccount else { return stored.map(digest) }
    let arena = Arena()
    defer { withExtendedLifetime(arena) {} }
    // What cannot be read has no field to be compared.
    let now = try? before.setting("scores", to: stored.value("scores"), in: arena)
    return digest(now ?? stored)
  }

  /// What puts back what the run found; of an account that is there, its `scores`.
  func change(undoing stored: BSONDocument?, in arena: Arena) throws(BSONFault) -> DocumentChange {
    guard let stored, let before, isAccount else {
      return DocumentChange(key: key, subkey: subkey, stored: stored, document: before)
    }
    return DocumentChange(
      key: key, stored: stored, document: try stored.setting("scores", to: before.value("scores"), in: arena),
      changedFields: ["scores"])
  }

  /// What people call the document.
  var name: String { collection + " " + key.string + (subkey.map { " " + $0.string } ?? "") }
}
