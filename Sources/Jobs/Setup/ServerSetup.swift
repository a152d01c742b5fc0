internal import BSON
internal import Stores

/// Sets up a database on a server.
struct ServerSetup {
  private let setup: Setup
  private let database: MongoDatabase
  private var report = SetupReport()

  init(_ setup: Setup, _ database: MongoDatabase) {
    self.setup = setup
    self.database = database
  }

  func run() throws(StoreError) -> SetupReport {
    var setup = self
    let present = try setup.collections()
    for schema in self.setup.collections { try setup.make(schema, present[schema.name]) }
    return setup.report
  }

  /// The collections that are there, by name, and how they validate.
  private func collections() throws(StoreError) -> [String: ValidationState] {
    var states: [String: ValidationState] = [:]
    for bytes in try database.documents(text: #"{"listCollections":1,"cursor":{}}"#) {
      bytes.withView { bytes in
        let description = BSONDocument(unchecked: bytes)
        guard let name = (try? description.value("name"))?.string else { return }
        states[name.string] = ValidationState((try? description.value("options"))?.document)
      }
    }
    return states
  }

  private mutating func make(_ schema: CollectionSchema, _ present: ValidationState?) throws(StoreError) {
    if present == nil {
      // Another setup may have been faster (48, NamespaceExists).
      try database.run(text: #"{"create":\#(schema.name.inJSON)}"#, .write, orNilFor: 48)
      report.note(schema, "collection made")
    }
    if let validation = setup.validation, let validator = Validator(of: schema) {
      try validate(schema, validator, validation, present ?? ValidationState(nil))
    }
    let indexes = try database.indexes(of: schema.name)
    for wanted in schema.indexes {
      switch IndexDecision(wanted, among: indexes) {
      case .keep: break
      case .make: try make(wanted, of: schema)
      case .conflict(let other):
        guard setup.rebuildsIndexes else {
          report.refuse(wanted, of: schema.name, for: other)
          continue
        }
        // 27, IndexNotFound: another setup has dropped it.
        let drop = #"{"dropIndexes":\#(schema.name.inJSON),"index":\#(wanted.name.inJSON)}"#
        try database.run(text: drop, .write, orNilFor: 27)
        try make(wanted, of: schema)
      }
    }
  }

  private mutating func make(_ index: IndexSchema, of schema: CollectionSchema) throws(StoreError) {
    let command = #"{"createIndexes":\#(schema.name.inJSON),"indexes":[\#(index.json)]}"#
    do throws(StoreError) {
      // It takes as long as the collection is large.
      try database.run(text: command, .write, isLong: true)
      report.note(schema, "index \(index.name) made")
    } catch {
      // The server knows documents that contradict the index, or an index like it under another name.
      guard case .rejected(_, _, let why) = error else { throw error }
      report.refused.append("\(schema.name): the index \(index.name) cannot be made: \(why)")
    }
  }

  private mutating func validate(
    _ schema: CollectionSchema, _ validator: Validator, _ validation: Setup.Validation, _ present: ValidationState
  ) throws(StoreError) {
    switch ValidationDecision(validator, validation, over: present) {
    case .keep: break
    case .leave: report.left(validatorOf: schema)
    case .change:
      try change(schema, validator, validation)
      report.changed(validatorOf: schema, to: validation)
    }
  }

  private func change(
    _ schema: CollectionSchema, _ validator: Validator, _ validation: Setup.Validation
  ) throws(StoreError) {
    let document = validation == .off ? "{}" : validator.json
    // Without a validator level and action say nothing; these are the server's own.
    let (level, action) = validation == .off ? ("strict", "error") : (ValidationState.level, validation.rawValue)
    try database.run(
      text: #"{"collMod":\#(schema.name.inJSON),"validator":\#(document),"#
        + #""validationLevel":"\#(level)","validationAction":"\#(action)"}"#, .write, isLong: true)
  }
}

extension MongoDatabase {
  /// Runs a command that is written as JSON in this program.
  ///
  /// - Parameter isLong: whether the answer may take longer than an answer should.
  @discardableResult
  func run(
    text: String, _ kind: MongoCommandKind = .plain, isLong: Bool = false
  ) throws(StoreError) -> [UInt8] {
    let command = document(json: text)
    return try command.withView { view in
      Result { () throws(StoreError) in try run(BSONDocument(unchecked: view), kind, isLong: isLong) }
    }.get()
  }

  /// The same, where one of the server's codes is an answer too.
  @discardableResult
  func run(text: String, _ kind: MongoCommandKind = .plain, orNilFor code: UInt32) throws(StoreError) -> [UInt8]? {
    let command = document(json: text)
    return try command.withView { view in
      Result { () throws(StoreError) in try run(BSONDocument(unchecked: view), kind, orNilFor: code) }
    }.get()
  }

  /// All documents that a command answers with.
  func documents(text: String) throws(StoreError) -> [[UInt8]] {
    let command = document(json: text)
    return try command.withView { view in
      Result { () throws(StoreError) in try documents(of: BSONDocument(unchecked: view)) }
    }.get()
  }
}
