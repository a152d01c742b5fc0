import BSON
import Foundation
public import Stores
import Synchronization

/// A database of its own on the server that all tests of a process share; it is dropped with this value.
public final class TestDatabase: Sendable {
  public let name: String
  public let address: String
  public let database: MongoDatabase
  public let server: ReplicaSet

  /// One server for the process: started by the first test that asks, ended with the process.
  private static let shared = Result {
    try ReplicaSet(
      1, arguments: ["--setParameter", "ttlMonitorSleepSecs=1", "--setParameter", "enableTestCommands=1"])
  }

  private static let count = Atomic(0)

  /// - Parameter server: another than the shared one.
  public init(on server: ReplicaSet? = nil, options: String = "") throws {
    self.server = try server ?? Self.shared.get()
    name = "test\(Self.count.wrappingAdd(1, ordering: .relaxed).newValue)_\(getpid())"
    address = self.server.address(name, options: options)
    database = try self.server.database(name)
  }

  deinit { _ = try? database.run(json: #"{"dropDatabase": 1, "writeConcern": {"w": 1}}"#) }

  /// Makes the indexes of collections, as `mixdown setup` does.
  public func makeIndexes(_ schemas: [CollectionSchema] = CollectionSchema.all) throws {
    for schema in schemas where !schema.indexes.isEmpty {
      let indexes = schema.indexes.map { index in
        let key = index.fields.map { #""\#($0)": 1"# }.joined(separator: ", ")
        let expiry = index.expireAfterSeconds.map { #", "expireAfterSeconds": \#($0)"# } ?? ""
        return #"{"key": {\#(key)}, "name": "\#(index.name)", "unique": \#(index.isUnique)\#(expiry)}"#
      }
      try run(#"{"createIndexes": "\#(schema.name)", "indexes": [\#(indexes.joined(separator: ", "))]}"#)
    }
  }

  /// Runs a command that is written as Extended JSON.
  @discardableResult
  public func run(_ json: String) throws -> [UInt8] { try database.run(json: json) }

  /// Puts documents into a collection as they are.
  public func insert(_ documents: [[UInt8]], into collection: String) throws {
    var rest = documents[...]
    while !rest.isEmpty {
      // A command is a document, and must not be longer than one.
      var part: [[UInt8]] = []
      var size = 0
      while let next = rest.first, part.isEmpty || size + next.count < 15 << 20 {
        part.append(next)
        size += next.count
        rest.removeFirst()
      }
      var writer = BSONWriter()
      let root = writer.open()
      writer.append("insert", string: collection)
      writer.key("documents", .array)
      let list = writer.open()
      for (index, document) in part.enumerated() {
        document.withView { writer.append(at: index, BSONDocument(unchecked: $0)) }
      }
      writer.close(list)
      writer.close(root)
      let answer = try database.run(BSONDocument(unchecked: writer.view), .write)
      guard answer.field("n")?.integer == Int64(part.count) else { throw MongodError("inserted \(answer)") }
    }
  }

  /// All documents of a collection, in the order of a field.
  public func documents(of collection: String, sortedBy field: String = "_id") throws -> [[UInt8]] {
    try database.documents(json: #"{"find": "\#(collection)", "sort": {"\#(field)": 1}}"#)
  }

  /// The number that stands at this path of `serverStatus`, such as `opcounters.update`.
  public func status(_ path: String) throws -> Int64 {
    let answer = try server.database("admin").run(json: #"{"serverStatus": 1}"#)
    return try answer.withView { bytes in
      var document: BSONDocument? = try BSONDocument(bytes)
      var value: BSONValue?
      for name in path.split(separator: ".") {
        value = nil
        guard let current = document else { break }
        var elements = current.elements
        while let element = try elements.next() {
          if element.key.string == name { value = element.value }
        }
        document = value?.document
      }
      guard let number = value?.integer ?? value?.double.map({ Int64($0) }) else { throw MongodError("no \(path)") }
      return number
    }
  }
}
