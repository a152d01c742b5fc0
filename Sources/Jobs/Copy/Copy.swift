internal import BSON
internal import Dispatch
public import Stores

/// Copies the collections of one store into another, of either kind, document for document and byte for byte.
///
/// A document that is in the target already is read and compared, not written: so a copy that was cut off goes on where
/// it was, and one that is complete writes nothing. One that is there and differs is left, unless ``overwrites``. Leases
/// are left out: they say who writes into the source, or did when it was copied itself.
/// Afterwards every document of the source is read again, from both sides.
public struct Copy: Sendable {
  /// Names of collections; nil for all that the source has of those that Mixdown knows.
  public var collections: [String]?
  /// Whether documents of the target that differ are replaced.
  public var overwrites = false
  /// Threads that look up, compare and write.
  public var workers = 1
  /// Is told of each collection that is done.
  public var copied: @Sendable (CopiedCollection) -> Void = { _ in }
  /// Is told, as a sentence, what the user who signs in to the source may not see and the target therefore lacks.
  public var missed: @Sendable (String) -> Void = { _ in }

  public init() {}

  /// - Parameters:
  ///   - source: is only read.
  ///   - target: a directory must be locked. Collections and indexes that it lacks are made.
  /// - Returns: what became of each collection, in the order of `CollectionSchema.all`, `users` last.
  public func run(from source: any Store, to target: any Store) throws(StoreError) -> [CopiedCollection] {
    let schemas = try schemas(in: source)
    // What cannot be read for want of an index or a right is not to be found out half-way.
    try checkIndexes(of: schemas, in: source)
    var first: [CollectionSchema] = []
    for schema in schemas where schema.isOwn { if try isSetUpFirst(schema, in: target) { first.append(schema) } }
    try setUp(first, in: target)
    let lease = try lease(of: schemas, in: target)
    defer { lease?.end() }
    var results: [CopiedCollection] = []
    for schema in schemas {
      if !schema.isOwn { try describeUsers(of: source, in: target) }
      let result = try CollectionCopy(self, schema, from: source, to: target, lease).run()
      // One without documents is there in a folder, too.
      if schema.isOwn, target is DirectoryStore { try setUp([schema], in: target) }
      copied(result)
      results.append(result)
    }
    return results
  }

  /// Whether a collection is set up before any is copied. On a server its indexes find documents while it is written;
  /// in a folder what is there already may stand in the way, and a new one appears when it is complete: until then none
  /// is to pass for one without documents.
  private func isSetUpFirst(_ schema: CollectionSchema, in target: any Store) throws(StoreError) -> Bool {
    guard let folder = target as? DirectoryStore else { return true }
    if try folder.has(schema.name) { return true }
    return try folder.metadata(of: schema.name) != nil
  }

  private func setUp(_ collections: [CollectionSchema], in target: any Store) throws(StoreError) {
    var setup = Setup()
    setup.validation = nil
    setup.collections = collections
    let report = try setup.run(on: target)
    guard report.refused.isEmpty else {
      throw .refused(path: target.name, offset: 0, why: report.refused.joined(separator: "; "))
    }
  }

  /// The right to write into a server's store; nil for a directory, which is locked, and for a server without `job_runs`,
  /// where no run has ever been.
  private func lease(of schemas: [CollectionSchema], in target: any Store) throws(StoreError) -> Lease? {
    guard !(target is DirectoryStore), try target.collectionNames().contains(CollectionSchema.jobRuns.name) else {
      return nil
    }
    let run = RunID(milliseconds: wallClock()).description
    return try Lease(schemas, of: target, run: run, job: "copy", seconds: Lease.secondsAsked())
  }

  /// Notes in a folder which indexes the application's `users` have: on a server they are nobody's but its own.
  ///
  /// Jobs read `users` and need not know its indexes, so that who copies may not be allowed to list them.
  private func describeUsers(of source: any Store, in target: any Store) throws(StoreError) {
    let name = CollectionSchema.users.name
    guard let target = target as? DirectoryStore, try target.metadata(of: name) == nil else { return }
    if let source = source as? DirectoryStore {
      if let metadata = try source.metadata(of: name) { try target.replaceMetadata(of: name, by: metadata) }
    } else if let server = source as? MongoStore {
      let found: [[UInt8]]
      do throws(StoreError) {
        found = try server.database.documents(text: #"{"listIndexes":"\#(name)"}"#)
      } catch .unreachable(_, .rights, let reason, _) {
        return missed(
          "\(name): its indexes are not noted in \(target.name), and mongorestore will not make them: \(reason). "
            + "By a user who has listIndexes on it, a copy into a new folder notes them.")
      }
      var indexes: [String] = []
      for index in found {
        var json = JSONText()
        // What no JSON can be made of is left out, and `mongorestore` makes the rest.
        let isText = index.withView { (try? json.document(BSONDocument(unchecked: $0))) != nil }
        if isText { indexes.append(json.string) }
      }
      let list = indexes.joined(separator: ",")
      let text = #"{"options":{},"indexes":[\#(list)],"collectionName":"\#(name)","type":"collection"}"#
      try target.replaceMetadata(of: name, by: Array(text.utf8))
    }
  }

  /// Refuses a source that has none of the collections that Mixdown knows: its name is misspelt. Touches nothing.
  public static func check(_ source: any Store) throws(StoreError) {
    let names = try source.collectionNames()
    guard !(CollectionSchema.all + [.users]).contains(where: { names.contains($0.name) }) else { return }
    throw .rejected(
      address: source.name, what: "there is nothing to copy",
      why: "it has none of Mixdown's collections. Check how it is spelt, and that you may read it")
  }

  /// What is to be copied: of the collections that were asked for, those that the source has.
  private func schemas(in source: any Store) throws(StoreError) -> [CollectionSchema] {
    var present: [CollectionSchema] = []
    let names = try source.collectionNames()
    for schema in CollectionSchema.all + [.users] where collections?.contains(schema.name) ?? true {
      if names.contains(schema.name) { present.append(schema) }
    }
    return present
  }
}

/// What became of one collection in a copy.
public struct CopiedCollection: Sendable {
  public let name: String
  /// Documents of the source.
  public internal(set) var read = 0
  /// Of these: not in the target before.
  public internal(set) var written = 0
  /// Byte for byte there already.
  public internal(set) var present = 0
  /// There with other bytes, and replaced.
  public internal(set) var overwritten = 0
  /// There with other bytes, and left.
  public internal(set) var differing = 0
  /// Without anything by which they could be looked up, so that they cannot be copied.
  public internal(set) var nameless = 0
  /// The first that differ, for a person.
  public internal(set) var examples: [String] = []
  /// Documents of the source and their digest, as they were read once more at the end.
  public internal(set) var source = Side()
  /// The same documents in the target.
  public internal(set) var target = Side()

  /// One side of the comparison at the end.
  public struct Side: Sendable, Equatable {
    public internal(set) var documents = 0
    public internal(set) var bytes = 0
    /// Independent of the order of documents.
    public internal(set) var digest = ""

    init() {}

    init(_ digest: SetDigest) {
      documents = digest.count
      bytes = digest.bytes
      self.digest = digest.text
    }
  }

  /// Whether the target has every document of the source, byte for byte.
  public var isEqual: Bool { source == target && nameless == 0 && differing == 0 }

  init(_ name: String) { self.name = name }

  mutating func add(_ part: CopiedCollection) {
    read += part.read
    written += part.written
    present += part.present
    overwritten += part.overwritten
    differing += part.differing
    nameless += part.nameless
    examples = Array((examples + part.examples).prefix(Self.mostExamples))
  }

  static let mostExamples = 10
}

extension Store {
  /// The collections that exist.
  func collectionNames() throws(StoreError) -> Set<String> {
    switch self {
    case let directory as DirectoryStore:
      var names: Set<String> = []
      for schema in CollectionSchema.all + [.users] {
        if try directory.has(schema.name) { names.insert(schema.name) }
      }
      return names
    case let server as MongoStore:
      // Without the right to list them, those that may be read.
      let found = try server.database.documents(
        text: #"{"listCollections":1,"nameOnly":true,"authorizedCollections":true,"cursor":{}}"#)
      return Set(found.compactMap { $0.withView { BSONDocument(unchecked: $0).text("name")?.string } })
    default: return []
    }
  }
}
