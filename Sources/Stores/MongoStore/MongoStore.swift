internal import BSON

/// A database on a MongoDB server (docs/stores.md).
///
/// ```swift
/// let store = try MongoStore("mongodb://ann@db.example.org/music", MongoOptions())
/// let library = try store.open(.userLibrary)
/// ```
///
/// What is written is there for everybody at once, and each write names the version of the document that it replaces:
/// nothing that somebody else wrote in between is lost. Reading and writing are for any number of threads.
public final class MongoStore: Store, Sendable {
  public let database: MongoDatabase

  public var name: String { database.address.name }

  /// - Throws: ``StoreError/badAddress(name:why:)``; `unreachable` when an SRV record cannot be looked up. Apart from
  ///   that no server is asked yet.
  public convenience init(_ address: String, _ options: MongoOptions = MongoOptions()) throws(StoreError) {
    self.init(try MongoDatabase(MongoAddress(address), options))
  }

  public init(_ database: MongoDatabase) { self.database = database }

  /// Opens a collection; one that does not exist is empty.
  ///
  /// - Throws: ``StoreError/indexesMissing(address:collection:indexes:)`` when the unique index is not there, without
  ///   which each lookup would read the whole collection, and two runs could make a new document twice.
  public func open(_ schema: CollectionSchema) throws(StoreError) -> any StoredCollection {
    if !database.options.unindexed.contains(schema.name) { try checkIndexes(of: schema) }
    return collection(schema)
  }

  /// Throws what ``open(_:)`` does where the unique index is not there.
  public func checkIndexes(of schema: CollectionSchema) throws(StoreError) {
    let missing = try database.missingIndexes(of: schema).filter(\.isUnique)
    guard missing.isEmpty else {
      throw .indexesMissing(address: name, collection: schema.name, indexes: missing.map(\.name))
    }
  }

  /// Opens a collection without a look at its indexes.
  public func collection(_ schema: CollectionSchema) -> MongoCollection { MongoCollection(schema, in: database) }

  public func now() throws(StoreError) -> Int64 {
    let answer = try database.run(.hello)
    guard let time = answer.withView({ (try? BSONDocument($0).value("localTime"))??.date }) else {
      throw .rejected(address: name, what: "cannot read the server's clock", why: "its answer to hello has none")
    }
    return time
  }
}

extension BSONDocument {
  /// The command that every server answers: who it is, and what time it is there.
  static let hello = BSONDocument(unchecked: ByteView("\u{10}\0\0\0\u{10}hello\0\u{1}\0\0\0\0"))
}
