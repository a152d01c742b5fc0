internal import BSON

/// Steps through a collection by key, ascending, and goes on where it was when the server was gone meanwhile.
///
/// Every document that is there from start to end comes once. One that is added or removed meanwhile may come or not.
final class MongoDocumentCursor: DocumentCursor {
  private let collection: MongoCollection
  private let selection: Selection
  private var cursor: MongoCursor?
  /// Where the last document that came stands in the order.
  private var last: Place?
  /// A document that came and did not fit any more, as the cursor's next call would end its view.
  private var waiting: [UInt8]?
  private var isAtEnd = false

  private enum Place {
    case key([UInt8], [UInt8]?)
    case id(BSONType, [UInt8])
  }

  init(_ collection: MongoCollection, _ selection: Selection) {
    self.collection = collection
    self.selection = selection
  }

  func next(upTo bytes: Int, in arena: Arena) throws(StoreError) -> [BSONDocument] {
    var documents: [BSONDocument] = []
    var size = 0
    if let waiting {
      documents.append(BSONDocument(unchecked: waiting.withView { arena.copy($0) }))
      size = waiting.count
      self.waiting = nil
    }
    while !isAtEnd {
      // The view holds until the cursor is asked again.
      let document = try collection.database.attempt("read \(collection.schema.name)") {
        () throws(MongoFailure) in try fetched()
      }
      guard let document else {
        isAtEnd = true
        cursor = nil
        break
      }
      last = try place(of: document)
      if !documents.isEmpty, size + document.bytes.count > bytes {
        waiting = document.bytes.copy()
        break
      }
      documents.append(BSONDocument(unchecked: arena.copy(document.bytes)))
      size += document.bytes.count
    }
    return documents
  }

  private func fetched() throws(MongoFailure) -> BSONDocument? {
    do throws(MongoFailure) {
      if cursor == nil { cursor = try collection.database.open(query(), in: collection.schema.name) }
      return try cursor?.next()
    } catch {
      // Also one that the server forgot, such as after ten minutes without a question.
      cursor = nil
      throw error
    }
  }

  /// What a document is sorted by: key and subkey, or `_id`.
  private func place(of document: BSONDocument) throws(StoreError) -> Place {
    guard collection.isSortedByKey else {
      let id = (try? document.value("_id")) ?? BSONValue(type: .null, bytes: .empty)
      return .id(id.type, id.bytes.copy())
    }
    guard let identity = document.identity(collection.schema) else { throw collection.refusal(ofNameless: document) }
    return .key(identity.key.copy(), identity.subkey?.copy())
  }

  // MARK: The query

  private func query() -> MongoQuery {
    var filter = BSONWriter()
    var root = filter.open()
    if let updatedSince = selection.updatedSince {
      filter.key(collection.schema.version, .document)
      let condition = filter.open()
      filter.append("$gte", date: updatedSince)
      filter.close(condition)
    }
    if let due = selection.due {
      filter.key(due.field, .document)
      let condition = filter.open()
      filter.append("$lte", date: due.by)
      filter.close(condition)
    }
    if let last { append(after: last, to: &filter) }
    filter.close(root)
    var options = BSONWriter()
    root = options.open()
    collection.appendSort(to: &options)
    collection.appendCollation(to: &options)
    options.append("allowDiskUse", bool: true)
    if !selection.fields.isEmpty {
      options.key("projection", .document)
      let projection = options.open()
      let names = [collection.schema.key] + [collection.schema.subkey].compactMap { $0 } + selection.fields
      for name in names { options.append(name, bool: true) }
      options.close(projection)
    }
    options.close(root)
    return MongoQuery(filter: filter.view.copy(), options: options.view.copy())
  }

  /// The condition of everything that is sorted after a place.
  private func append(after place: Place, to filter: inout BSONWriter) {
    let schema = collection.schema
    switch place {
    case .key(let key, nil):
      append(schema.key, greaterThan: key, to: &filter)
    case .key(let key, let subkey?):
      filter.key("$or", .array)
      let list = filter.open()
      filter.index(0, .document)
      let laterKey = filter.open()
      append(schema.key, greaterThan: key, to: &filter)
      filter.close(laterKey)
      filter.index(1, .document)
      let laterSubkey = filter.open()
      key.withView { filter.append(schema.key, string: $0) }
      append(schema.subkey ?? "", greaterThan: subkey, to: &filter)
      filter.close(laterSubkey)
      filter.close(list)
    case .id(let type, let bytes):
      // As an expression, for `{_id: {$gt: …}}` would leave out ids of another type.
      filter.key("$expr", .document)
      let expression = filter.open()
      filter.key("$gt", .array)
      let operands = filter.open()
      filter.index(0, .string)
      filter.put(string: ByteView("$_id"))
      filter.index(1, .document)
      let literal = filter.open()
      bytes.withView { filter.append("$literal", BSONValue(type: type, bytes: $0)) }
      filter.close(literal)
      filter.close(operands)
      filter.close(expression)
    }
  }

  private func append(_ field: StaticString, greaterThan text: [UInt8], to filter: inout BSONWriter) {
    filter.key(field, .document)
    let condition = filter.open()
    text.withView { filter.append("$gt", string: $0) }
    filter.close(condition)
  }
}
