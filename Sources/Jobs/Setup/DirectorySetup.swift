internal import Stores

/// Sets up a directory: an empty file of documents for each collection that has none, and beside it the
/// `metadata.json` from which `mongorestore` makes indexes and validators.
struct DirectorySetup {
  private let setup: Setup
  private let store: DirectoryStore
  private var report = SetupReport()

  init(_ setup: Setup, _ store: DirectoryStore) {
    self.setup = setup
    self.store = store
  }

  func run() throws(StoreError) -> SetupReport {
    var setup = self
    try store.checkReplaceable(self.setup.collections)
    for schema in self.setup.collections { try setup.make(schema) }
    return setup.report
  }

  private mutating func make(_ schema: CollectionSchema) throws(StoreError) {
    if try store.makeEmptyCollection(schema.name) { report.note(schema, "collection made") }
    var metadata = try StoredMetadata(store, schema)
    let validation = Validator(of: schema).flatMap { validator in setup.validation.map { (validator, $0) } }
    if let (validator, validation) = validation { validate(schema, validator, validation, in: &metadata) }
    for wanted in schema.indexes {
      switch IndexDecision(wanted, among: metadata.indexes) {
      case .keep: break
      case .make:
        metadata.replace(nil, by: wanted)
        report.note(schema, "index \(wanted.name) noted")
      case .conflict(let other):
        guard setup.rebuildsIndexes else {
          report.refuse(wanted, of: schema.name, for: other)
          continue
        }
        metadata.replace(other.name, by: wanted)
        report.note(schema, "index \(wanted.name) replaced")
      }
    }
    try metadata.write()
  }

  private mutating func validate(
    _ schema: CollectionSchema, _ validator: Validator, _ validation: Setup.Validation,
    in metadata: inout StoredMetadata
  ) {
    switch ValidationDecision(validator, validation, over: metadata.withOptions { ValidationState($0) }) {
    case .keep: break
    case .leave: report.left(validatorOf: schema)
    case .change:
      metadata.validate(by: validation == .off ? nil : (validator, validation))
      report.changed(validatorOf: schema, to: validation)
    }
  }
}
