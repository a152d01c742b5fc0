package import BSON
internal import Library

/// An index as the server has it.
public struct MongoIndex: Sendable, Equatable {
  public let name: String
  /// Its fields in order, and their directions: 1, −1, or 0 for what is neither (`text`, `2dsphere`, `hashed`).
  public let fields: [Field]
  public let isUnique: Bool
  public let expireAfterSeconds: Int?
  /// Whether it leaves documents out, or is not used: partial, sparse, hidden, or of another collation.
  public let isRestricted: Bool

  public struct Field: Sendable, Equatable {
    public let name: String
    public let direction: Int
  }

  /// Whether it is what a schema asks for.
  public func serves(_ schema: IndexSchema) -> Bool {
    fields == schema.fields.map { Field(name: $0, direction: 1) } && isUnique == schema.isUnique
      && expireAfterSeconds == schema.expireAfterSeconds && !isRestricted
  }

  /// - Parameter document: as `listIndexes` or the JSON of `metadata.json` describes it.
  package init?(_ document: BSONDocument) {
    guard let name = document.text("name"), let key = (try? document.value("key"))?.document else { return nil }
    self.name = name.string
    var fields: [Field] = []
    var elements = key.elements
    while let element = try? elements.next() {
      fields.append(Field(name: element.key.string, direction: Int(exactly: element.value.number ?? 0) ?? 0))
    }
    self.fields = fields
    isUnique = (try? document.value("unique"))?.bool == true
    expireAfterSeconds = (try? document.value("expireAfterSeconds"))?.number.flatMap { Int(exactly: $0) }
    isRestricted =
      (try? document.value("partialFilterExpression")) != nil || (try? document.value("collation")) != nil
      || (try? document.value("sparse"))?.bool == true || (try? document.value("hidden"))?.bool == true
  }
}

extension BSONValue {
  /// A number of any type, as far as a double holds it; also as Extended JSON wraps it, `{"$numberInt": "1"}`.
  fileprivate var number: Double? {
    if let document { return (try? WrappedNumber(document))?.double }
    return integer.map(Double.init) ?? double
  }
}

extension MongoDatabase {
  /// The indexes of a collection; none when it does not exist.
  public func indexes(of collection: String) throws(StoreError) -> [MongoIndex] {
    var command = BSONWriter()
    let root = command.open()
    command.append("listIndexes", string: collection)
    command.close(root)
    let documents = try documents(of: BSONDocument(unchecked: command.view))
    return documents.compactMap { $0.withView { (try? BSONDocument($0)).flatMap(MongoIndex.init) } }
  }

  /// The indexes that a schema asks for and the collection lacks.
  public func missingIndexes(of schema: CollectionSchema) throws(StoreError) -> [IndexSchema] {
    if schema.indexes.isEmpty { return [] }
    let present = try indexes(of: schema.name)
    return schema.indexes.filter { wanted in !present.contains { $0.serves(wanted) } }
  }
}
