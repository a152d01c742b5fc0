internal import BSON

/// What one change asks of the server.
enum ChangeKind: CaseIterable {
  /// Some fields of a stored document.
  case update
  /// A stored document whole.
  case replacement
  case insertion
  case removal

  init(_ change: DocumentChange) {
    if change.document == nil {
      self = .removal
    } else if change.stored == nil {
      self = .insertion
    } else {
      self = change.changedFields.isEmpty ? .replacement : .update
    }
  }
}

/// Operations of one kind as they are handed to libmongoc: each the kind's letter and its documents (see `CMongo`).
///
/// An update names `_id` and the version that was read. One that meets another version is no match, of which the server
/// gives only the number. So it is sent as an upsert that can never insert, because it would set another `_id`: where
/// nothing matches, the server refuses this one operation and says which.
struct BulkOperations: ~Copyable {
  private var writer = BSONWriter()
  private(set) var count = 0
  private let schema: CollectionSchema

  init(_ schema: CollectionSchema) { self.schema = schema }

  var bytes: ByteView { writer.view }

  mutating func removeAll() {
    writer.removeAll()
    count = 0
  }

  /// - Throws: what is wrong with the stored document.
  mutating func append(_ change: DocumentChange, _ kind: ChangeKind) throws(BSONFault) {
    count += 1
    switch kind {
    case .insertion:
      writer.put(UInt8(ascii: "i"))
      if let document = change.document { writer.put(bytes: document.bytes) }
    case .removal:
      writer.put(UInt8(ascii: "d"))
      try appendFilter(change)
    case .replacement:
      guard let document = change.document else { return }
      let isPlain = try !document.hasOperatorName()
      writer.put(UInt8(ascii: isPlain ? "r" : "c"))
      try appendFilter(change)
      if isPlain { writer.put(bytes: document.bytes) } else { appendReplacement(document) }
    case .update:
      writer.put(UInt8(ascii: "u"))
      try appendFilter(change)
      try appendUpdate(change)
    }
  }

  /// `{_id, <version>: as read}`.
  private mutating func appendFilter(_ change: DocumentChange) throws(BSONFault) {
    let root = writer.open()
    if let stored = change.stored {
      if let id = try stored.value("_id") { writer.append("_id", id) }
      writer.key(schema.version, .document)
      let condition = writer.open()
      switch try stored.value(schema.version) {
      case nil: writer.append("$exists", bool: false)
      // Compared with null, a field that is absent would be equal.
      case let version? where version.isNull: writer.append("$type", int32: Int32(version.type.rawValue))
      // Said to be a value, a document with a field `$gt` is no condition.
      case let version?: writer.append("$eq", version)
      }
      writer.close(condition)
    }
    writer.close(root)
  }

  /// `[{$replaceWith: {$literal: document}}]`: a document with a field `$x`, which a server takes as a new one and
  /// refuses in the place of another.
  private mutating func appendReplacement(_ document: BSONDocument) {
    let pipeline = writer.open()
    writer.index(0, .document)
    let stage = writer.open()
    writer.key("$replaceWith", .document)
    let literal = writer.open()
    writer.append("$literal", BSONValue(type: .document, bytes: document.bytes))
    writer.close(literal)
    writer.close(stage)
    writer.close(pipeline)
  }

  private mutating func appendUpdate(_ change: DocumentChange) throws(BSONFault) {
    guard let stored = change.stored, let document = change.document else { return }
    let root = writer.open()
    var absent: [ByteView] = []
    writer.key("$set", .document)
    let set = writer.open()
    for field in change.sentFields(schema) {
      if let value = try document.value(field) {
        writer.append(field, value)
      } else {
        absent.append(ByteView(field))
      }
    }
    writer.close(set)
    if !absent.isEmpty {
      writer.key("$unset", .document)
      let unset = writer.open()
      for field in absent { writer.append(field, BSONValue(type: .string, bytes: ByteView("\u{1}\0\0\0\0"))) }
      writer.close(unset)
    }
    writer.key("$setOnInsert", .document)
    let never = writer.open()
    let isBool = try stored.value("_id")?.type == .bool
    writer.append("_id", isBool ? BSONValue(type: .null, bytes: .empty) : BSONValue(type: .bool, bytes: ByteView("\0")))
    writer.close(never)
    writer.close(root)
  }
}

extension DocumentChange {
  /// The fields of an update: those that changed and always the version.
  func sentFields(_ schema: CollectionSchema) -> [StaticString] {
    let hasVersion = changedFields.contains { ByteView($0) == ByteView(schema.version) }
    return hasVersion ? changedFields : changedFields + [schema.version]
  }

  /// Whether a document that the server has is what this change makes, whatever the order of its fields.
  ///
  /// That is how a write shows that was done before its answer was lost.
  func isMade(_ found: BSONDocument, _ schema: CollectionSchema) throws(BSONFault) -> Bool {
    guard let document else { return false }
    let sent = changedFields.isEmpty ? [] : sentFields(schema)
    func isSent(_ key: ByteView) -> Bool { sent.isEmpty || sent.contains { key == ByteView($0) } }
    // Of a replacement all comes from the new document, of an update only what was sent.
    var wanted = 0
    for (source, takesSent) in [(document, true), (stored ?? .empty, false)] {
      var elements = source.elements
      while let element = try elements.next() {
        guard isSent(element.key) == takesSent else { continue }
        wanted += 1
        guard let value = try found.value(element.key), value.type == element.value.type,
          value.bytes == element.value.bytes
        else { return false }
      }
    }
    return try found.count() == wanted
  }
}

extension BSONDocument {
  /// Whether one of its fields is named as an operator is.
  fileprivate func hasOperatorName() throws(BSONFault) -> Bool {
    var elements = self.elements
    while let element = try elements.next() {
      if element.key.count > 0, element.key[0] == UInt8(ascii: "$") { return true }
    }
    return false
  }
}
