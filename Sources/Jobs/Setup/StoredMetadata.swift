internal import BSON
internal import Stores

/// The `metadata.json` of a collection in a directory: its options and indexes, as `mongodump` writes them.
///
/// What a setup does not know stays as it is, wrapped numbers too.
struct StoredMetadata {
  /// Whether there was no file.
  let isNew: Bool
  private let store: DirectoryStore
  private let collection: String
  private var document: [UInt8]
  private var isChanged = false

  /// Reads the file; where there is none, it begins with an index over `_id` alone.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` for a file that is no JSON object.
  init(_ store: DirectoryStore, _ schema: CollectionSchema) throws(StoreError) {
    self.store = store
    collection = schema.name
    let text = try store.metadata(of: schema.name)
    isNew = text == nil
    let base = CollectionMetadata(schema.name, indexes: [])
    guard let document = Jobs.document(json: text ?? Array(base.json().utf8)) else {
      throw store.unreadableMetadata(of: schema.name)
    }
    self.document = document
  }

  // MARK: Reading

  var indexes: [MongoIndex] {
    var found: [MongoIndex] = []
    eachIndex { index in
      if let index = MongoIndex(index) { found.append(index) }
    }
    return found
  }

  private func eachIndex(_ body: (BSONDocument) -> Void) {
    document.withView { view in
      guard let list = (try? BSONDocument(unchecked: view).value("indexes"))?.array else { return }
      var elements = list.elements
      while let element = try? elements.next() {
        if let index = element.value.document { body(index) }
      }
    }
  }

  func withOptions<R>(_ body: (BSONDocument?) -> R) -> R {
    document.withView { body((try? BSONDocument(unchecked: $0).value("options"))?.document) }
  }

  // MARK: Changing

  /// Puts an index in the place of the one of this name, or at the end.
  mutating func replace(_ name: String?, by wanted: IndexSchema) {
    let description = Jobs.document(json: wanted.metadata())
    var list = BSONWriter()
    let root = list.open()
    var count = 0
    eachIndex { index in
      if name == nil || MongoIndex(index)?.name != name {
        list.append(at: count, index)
        count += 1
      }
    }
    description.withView { list.append(at: count, BSONDocument(unchecked: $0)) }
    list.close(root)
    set("indexes", .array, list.view)
  }

  /// Sets or removes what says how documents are validated.
  mutating func validate(by validation: (validator: Validator, action: Setup.Validation)?) {
    var options = BSONWriter()
    let root = options.open()
    withOptions { old in
      guard var elements = old?.elements else { return }
      while let element = try? elements.next() {
        switch element.key {
        case "validator", "validationLevel", "validationAction": break
        default: options.append(element.key, element.value)
        }
      }
    }
    if let validation {
      Jobs.document(json: validation.validator.json).withView {
        options.append("validator", BSONValue(type: .document, bytes: $0))
      }
      options.append("validationLevel", string: ValidationState.level)
      options.append("validationAction", string: validation.action.rawValue)
    }
    options.close(root)
    set("options", .document, options.view)
  }

  private mutating func set(_ field: StaticString, _ type: BSONType, _ value: ByteView) {
    var writer = BSONWriter()
    let isSet = document.withView { view in
      (try? writer.put(BSONDocument(unchecked: view), setting: field, to: BSONValue(type: type, bytes: value))) != nil
    }
    guard isSet else { return }
    document = writer.view.copy()
    isChanged = true
  }

  // MARK: Writing

  /// Writes the file if it is new or was changed.
  func write() throws(StoreError) {
    guard isNew || isChanged else { return }
    var json = JSONText()
    let isWritten = document.withView { (try? json.document(BSONDocument(unchecked: $0))) != nil }
    guard isWritten else {
      throw .inconsistent(path: store.name, why: "the metadata of \(collection) is no JSON any more")
    }
    try store.replaceMetadata(of: collection, by: json.bytes)
  }
}
