public import Stores

/// Makes the collections and indexes of a store, and the validators of what the application writes too
/// (docs/stores.md, *Setting up a store*).
///
/// What is right already is not touched, so that a second setup does nothing. An index of the same name and another
/// definition is somebody's work: it is reported and left alone unless ``rebuildsIndexes``.
public struct Setup: Sendable {
  /// What becomes of a document that does not fit the validator of its collection.
  public enum Validation: String, Sendable, CaseIterable {
    /// The server refuses it.
    case error
    /// The server takes it, and notes it in its log.
    case warn
    /// Nothing: there is no validator.
    case off
  }

  /// Nil leaves validators as they are.
  public var validation: Validation? = .warn
  public var rebuildsIndexes = false
  public var collections = CollectionSchema.all

  public init() {}

  /// - Parameter store: a directory must be locked.
  /// - Throws: ``StoreError``; what is only reported is in the result.
  public func run(on store: any Store) throws(StoreError) -> SetupReport {
    switch store {
    case let directory as DirectoryStore: try DirectorySetup(self, directory).run()
    case let server as MongoStore: try ServerSetup(self, server.database).run()
    default: throw .inconsistent(path: store.name, why: "setup does not know this kind of store")
    }
  }
}

/// What a setup did and found.
public struct SetupReport: Sendable, Equatable {
  /// What was made or changed of a collection.
  public struct Change: Sendable, Equatable {
    public let collection: String
    /// `index user_id_1 made`
    public let what: String
  }

  public var done: [Change] = []
  /// What stands in the way and was left alone; the jobs that rely on it refuse to start.
  public var refused: [String] = []
  /// What was left alone and stands in nobody's way.
  public var notes: [String] = []

  public init() {}

  /// What was done, a line for each collection.
  public var lines: [String] {
    var lines: [(collection: String, text: String)] = []
    for change in done {
      if let last = lines.last, last.collection == change.collection {
        lines[lines.count - 1].text += ", " + change.what
      } else {
        lines.append((change.collection, "\(change.collection): \(change.what)"))
      }
    }
    return lines.map(\.text)
  }

  mutating func note(_ schema: CollectionSchema, _ what: String) {
    done.append(Change(collection: schema.name, what: what))
  }
}

/// Checks that the unique indexes are there without which a job must not begin: each look-up would read the whole
/// collection, and two runs could make a new document twice.
///
/// A directory has no indexes to be missing: a collection is indexed when it is opened.
///
/// - Throws: ``StoreError/indexesMissing(address:collection:indexes:)`` for the first collection that lacks some.
public func checkIndexes(of schemas: [CollectionSchema], in store: any Store) throws(StoreError) {
  guard let server = store as? MongoStore else { return }
  for schema in schemas { try server.checkIndexes(of: schema) }
}

// MARK: Indexes

/// What a setup does about one index.
enum IndexDecision: Equatable {
  /// It is there, maybe under another name.
  case keep
  case make
  /// Another one has its name.
  case conflict(MongoIndex)

  init(_ wanted: IndexSchema, among present: [MongoIndex]) {
    if present.contains(where: { $0.serves(wanted) }) {
      self = .keep
    } else if let other = present.first(where: { $0.name == wanted.name }) {
      self = .conflict(other)
    } else {
      self = .make
    }
  }
}

extension SetupReport {
  mutating func refuse(_ wanted: IndexSchema, of collection: String, for other: MongoIndex) {
    refused.append(
      "\(collection): the index \(wanted.name) is another: \(other.definition); wanted is \(wanted.definition). "
        + "It was left alone; --rebuild-indexes replaces it.")
  }
}

extension IndexSchema {
  /// For a person: `{user_id: 1, month: 1}, unique`.
  var definition: String {
    let fields = fields.map { "\($0): 1" }.joined(separator: ", ")
    let expiry = expireAfterSeconds.map { ", expires after \($0) s" } ?? ""
    return "{\(fields)}" + (isUnique ? ", unique" : "") + expiry
  }
}

extension MongoIndex {
  /// For a person.
  var definition: String {
    let fields = fields.map { "\($0.name): \($0.direction == 0 ? "special" : "\($0.direction)")" }.joined(
      separator: ", ")
    let expiry = expireAfterSeconds.map { ", expires after \($0) s" } ?? ""
    return "{\(fields)}" + (isUnique ? ", unique" : ", not unique") + expiry
      + (isRestricted ? ", partial, sparse, hidden or of another collation" : "")
  }
}

// MARK: Validators

/// What a setup does about a collection's validator.
enum ValidationDecision {
  /// It is as it should be.
  case keep
  /// It is somebody else's.
  case leave
  case change

  init(_ validator: Validator, _ validation: Setup.Validation, over present: ValidationState) {
    self = present.serves(validator, validation) ? .keep : present.isForeign ? .leave : .change
  }
}

extension SetupReport {
  mutating func left(validatorOf schema: CollectionSchema) {
    notes.append("\(schema.name): it has a validator that is not Mixdown's, which was left alone")
  }

  mutating func changed(validatorOf schema: CollectionSchema, to validation: Setup.Validation) {
    note(schema, "validator " + (validation == .off ? "taken off" : "set to \(validation.rawValue)"))
  }
}
