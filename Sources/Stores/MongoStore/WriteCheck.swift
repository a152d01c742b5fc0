internal import BSON

/// Finds out what became of writes that the server did not confirm.
///
/// Documents are read as a majority of the servers has them: what is not there yet could still be taken back.
struct WriteCheck {
  enum State {
    /// The document is what the change makes.
    case made
    /// Somebody else wrote or removed it.
    case foreign
    /// It is as the change found it, so that the change can be sent again.
    case unchanged
  }

  private let collection: MongoCollection
  private let kind: ChangeKind
  private var schema: CollectionSchema { collection.schema }

  init(_ collection: MongoCollection, _ kind: ChangeKind) {
    self.collection = collection
    self.kind = kind
  }

  /// - Parameter indices: of changes of one kind.
  func states(_ indices: [Int], of changes: [DocumentChange]) throws(StoreError) -> [State] {
    let query = query(indices.map { changes[$0] })
    return try collection.database.attempt("read \(schema.name)") { () throws(MongoFailure) in
      // Without a document: a removal is done, and an insertion is not.
      let absent: State = kind == .removal ? .made : kind == .insertion ? .unchanged : .foreign
      var states = [State?](repeating: nil, count: indices.count)
      var cursor = try collection.database.open(query, in: schema.name)
      while let document = try cursor.next() {
        for (place, index) in indices.enumerated() where isMeant(document, by: changes[index]) {
          // Two documents can stand in the way of one insertion, by `_id` and by key.
          let state = state(of: document, changes[index])
          if states[place] != .made { states[place] = state }
        }
      }
      return states.map { $0 ?? absent }
    }
  }

  private func state(of found: BSONDocument, _ change: DocumentChange) -> State {
    if (try? change.isMade(found, schema)) == true { return .made }
    guard let stored = change.stored else { return .foreign }
    let (now, before) = (try? found.value(schema.version), try? stored.value(schema.version))
    return now?.type == before?.type && now?.bytes == before?.bytes ? .unchanged : .foreign
  }

  private func isMeant(_ found: BSONDocument, by change: DocumentChange) -> Bool {
    if let id = id(of: change), let other = try? found.value("_id"), id.type == other.type, id.bytes == other.bytes {
      return true
    }
    return change.stored == nil
      && found.identity(schema) == DocumentIdentity(key: change.key, subkey: change.subkey)
  }

  private func id(of change: DocumentChange) -> BSONValue? { try? (change.stored ?? change.document)?.value("_id") }

  /// `{$or: [{_id: …}, {<key>: …, <subkey>: …}, …]}`, as a majority has it.
  private func query(_ changes: [DocumentChange]) -> MongoQuery {
    var filter = BSONWriter()
    var root = filter.open()
    filter.key("$or", .array)
    let list = filter.open()
    var count = 0
    for change in changes {
      if let id = id(of: change) {
        filter.index(count, .document)
        let condition = filter.open()
        filter.append("_id", id)
        filter.close(condition)
        count += 1
      }
      // One that is known by its `_id` alone was named just now.
      if change.stored == nil, change.key.asID == nil {
        filter.index(count, .document)
        let condition = filter.open()
        filter.append(schema.key, string: change.key)
        if let field = schema.subkey, let subkey = change.subkey { filter.append(field, string: subkey) }
        filter.close(condition)
        count += 1
      }
    }
    filter.close(list)
    filter.close(root)

    var options = BSONWriter()
    root = options.open()
    options.key("readConcern", .document)
    let concern = options.open()
    options.append("level", string: "majority")
    options.close(concern)
    collection.appendCollation(to: &options)
    options.close(root)
    return MongoQuery(filter: filter.view.copy(), options: options.view.copy(), asksPrimary: true)
  }
}
