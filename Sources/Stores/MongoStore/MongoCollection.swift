public import BSON
internal import Synchronization

/// A collection on a server.
public final class MongoCollection: StoredCollection, Sendable {
  public let schema: CollectionSchema
  public var name: String { database.address.name }
  public var hasOneWriter: Bool { false }

  let database: MongoDatabase
  /// Bytes that one key's documents had on average when they were last read; decides how many are asked for at once.
  private let usualSize = Atomic(64 << 10)
  /// Keys that others wrote meanwhile: they are read from the primary, for a secondary may not know that yet.
  private let contested = Mutex<Set<[UInt8]>>([])
  /// Whether a server was found that takes writes.
  private let isWritable = Atomic(false)

  init(_ schema: CollectionSchema, in database: MongoDatabase) {
    self.schema = schema
    self.database = database
  }

  public func position(of key: ByteView) -> Int? { nil }

  public func documentSize(of key: ByteView) -> Int { 0 }

  public func release(before position: Int) {}

  public func refusal(of key: ByteView, _ fault: BSONFault) -> StoreError {
    refusal("the document of \(key.string): \(fault)")
  }

  func refusal(_ why: String) -> StoreError { .rejected(address: name, what: "cannot use \(schema.name)", why: why) }

  /// What is said of a document that lacks what names it: its `_id`, by which it can be found.
  func refusal(ofNameless document: BSONDocument) -> StoreError {
    let fields = "\(schema.key)\(schema.subkey.map { " and \($0)" } ?? "")"
    var id = JSONText()
    if let value = (try? document.value("_id")) ?? nil { try? id.value(value) }
    return refusal("a document without a string \(fields), with the _id \(id.string)")
  }

  // MARK: Reading

  /// Answers for as many keys as are likely to fit into `limit`, so that the server reads nothing in vain.
  public func documents(
    of keys: [ByteView], since subkey: ByteView?, limit: Int, in arena: Arena
  ) throws(StoreError) -> [[BSONDocument]] {
    guard !keys.isEmpty else { return [] }
    let usual = usualSize.load(ordering: .relaxed)
    let asked = keys.prefix(isSortedByKey ? max(1, min(limit / max(usual, 1), Self.mostKeys)) : Self.mostUnsorted)
    let query = query(of: asked, since: subkey)
    let found = try database.attempt("read \(schema.name)") { () throws(MongoFailure) in
      try read(query, of: asked, limit: limit, in: arena)
    }.get()
    let bytes = found.reduce(0) { $0 + $1.reduce(0) { $0 + $1.bytes.count } }
    usualSize.store((usual + max(bytes / found.count, 64)) / 2, ordering: .relaxed)
    return found
  }

  public func contains(_ keys: [ByteView]) throws(StoreError) -> [Bool] {
    let places = try places(of: keys)
    return keys.map { places[$0.copy()] != nil }
  }

  /// By the server's own numbers of its documents, which grow as documents are added.
  ///
  /// Another member of the set may have other numbers: an order is all they are good for.
  public func positions(of keys: [ByteView]) throws(StoreError) -> [Int?] {
    let places = try places(of: keys)
    return keys.map { places[$0.copy()] ?? nil }
  }

  /// The number of each key's document, of those that there are; nil for one that is no number.
  private func places(of keys: [ByteView]) throws(StoreError) -> [[UInt8]: Int?] {
    try looked(for: keys, .number) { document in
      ((try? document.value("$recordId")) ?? nil)?.integer.flatMap { Int(exactly: $0) }
    }
  }

  public func versions(of keys: [ByteView], in arena: Arena) throws(StoreError) -> [BSONValue?] {
    let found = try looked(for: keys, .version) { document in
      ((try? document.value(schema.version)) ?? nil).map { BSONValue(type: $0.type, bytes: arena.copy($0.bytes)) }
    }
    return keys.map { found[$0.copy()] ?? nil }
  }

  /// What of the documents of these keys is asked for.
  private enum Part {
    case all
    /// The key and the server's own number of the document, which an index answers.
    case number
    /// The key and what names the version.
    case version
  }

  /// What `value` finds in a part of each key's document, of those that there are.
  private func looked<Value>(
    for keys: [ByteView], _ part: Part, _ value: (BSONDocument) -> Value?
  ) throws(StoreError) -> [[UInt8]: Value?] {
    var found: [[UInt8]: Value?] = [:]
    var rest = keys[...]
    while !rest.isEmpty {
      let asked = rest.prefix(isSortedByKey ? Self.mostKeys : Self.mostUnsorted)
      rest = rest.dropFirst(asked.count)
      let query = query(of: asked, part)
      let answer = try database.attempt("read \(schema.name)") { () throws(MongoFailure) in
        var answer: [[UInt8]: Value?] = [:]
        var cursor = try database.open(query, in: schema.name)
        while let document = try cursor.next() {
          guard let key = document.key(schema) else { continue }
          answer.updateValue(value(document), forKey: key.copy())
        }
        return answer
      }
      found.merge(answer) { known, _ in known }
    }
    return found
  }

  /// The most keys of one query; 256 bytes each, they are 256 KiB.
  private static let mostKeys = 1000
  /// The same where each query may have to look at the whole collection.
  private static let mostUnsorted = 20_000

  /// - Parameter subkey: the least that is wanted.
  private func query(of keys: ArraySlice<ByteView>, since subkey: ByteView? = nil, _ part: Part = .all) -> MongoQuery {
    var filter = BSONWriter()
    var root = filter.open()
    let ids = schema.isOwn ? [] : keys.compactMap(\.asID)
    if ids.isEmpty {
      appendKeys(keys, to: &filter)
    } else {
      filter.key("$or", .array)
      let either = filter.open()
      filter.index(0, .document)
      let byKey = filter.open()
      appendKeys(keys.filter { $0.asID == nil }[...], to: &filter)
      filter.close(byKey)
      filter.index(1, .document)
      let byID = filter.open()
      filter.key("_id", .document)
      let condition = filter.open()
      filter.key("$in", .array)
      let list = filter.open()
      for (index, id) in ids.enumerated() {
        filter.index(index, id.type)
        filter.put(bytes: id.bytes)
      }
      filter.close(list)
      filter.close(condition)
      filter.close(byID)
      filter.close(either)
    }
    if let subkey, let field = schema.subkey {
      filter.key(field, .document)
      let least = filter.open()
      filter.append("$gte", string: subkey)
      filter.close(least)
    }
    filter.close(root)

    var options = BSONWriter()
    root = options.open()
    if part != .all {
      options.key("projection", .document)
      let projection = options.open()
      if schema.isOwn { options.append("_id", bool: false) }
      options.append(schema.key, bool: true)
      if part == .version { options.append(schema.version, bool: true) }
      options.close(projection)
      if part == .number { options.append("showRecordId", bool: true) }
    } else if isSortedByKey {
      appendSort(to: &options)
    }
    appendCollation(to: &options)
    options.append("batchSize", int32: Int32(part != .all || schema.subkey != nil ? 100_000 : answerSize))
    options.close(root)
    let isContested = contested.withLock { contested in
      !contested.isEmpty && keys.contains { contested.contains($0.copy()) }
    }
    return MongoQuery(filter: filter.view.copy(), options: options.view.copy(), asksPrimary: isContested)
  }

  /// How many documents are to come in one answer.
  ///
  /// libmongoc takes new memory for every answer, and for a second copy of it: of megabytes each, the system has to
  /// clear every page of that first.
  private var answerSize: Int { max(1, (1 << 20) / max(usualSize.load(ordering: .relaxed), 1)) }

  /// `<key>: {$in: […]}`
  private func appendKeys(_ keys: ArraySlice<ByteView>, to filter: inout BSONWriter) {
    filter.key(schema.key, .document)
    let condition = filter.open()
    filter.key("$in", .array)
    let list = filter.open()
    for (index, key) in keys.enumerated() {
      filter.index(index, .string)
      filter.put(string: key)
    }
    filter.close(list)
    filter.close(condition)
  }

  /// Ascending by key and subkey, or by `_id` where no index of ours is.
  func appendSort(to options: inout BSONWriter) {
    options.key("sort", .document)
    let sort = options.open()
    if isSortedByKey {
      options.append(schema.key, int32: 1)
      if let subkey = schema.subkey { options.append(subkey, int32: 1) }
    } else {
      options.append("_id", int32: 1)
    }
    options.close(sort)
  }

  /// Texts are compared by their bytes, whatever the collection's own collation is.
  func appendCollation(to options: inout BSONWriter) {
    options.key("collation", .document)
    let collation = options.open()
    options.append("locale", string: "simple")
    options.close(collation)
  }

  /// Reads what a query finds, and files it under the keys that were asked for.
  ///
  /// - Returns: the refusal of a document, which is no failure of the server.
  private func read(
    _ query: MongoQuery, of keys: ArraySlice<ByteView>, limit: Int, in arena: Arena
  ) throws(MongoFailure) -> Result<[[BSONDocument]], StoreError> {
    var found = [[BSONDocument]](repeating: [], count: keys.count)
    var place = 0
    var size = 0
    // Of a collection that is sorted by something else, one key's documents may come last.
    let mayEnd = isSortedByKey
    var places: [ByteView: Int] = [:]
    if !mayEnd { for (place, key) in keys.enumerated() { places[key] = place } }
    var cursor = try database.open(query, in: schema.name)
    while let document = try cursor.next() {
      guard let key = document.key(schema) else {
        return .failure(refusal(ofNameless: document))
      }
      if mayEnd {
        let before = place
        while place < keys.count, keys[keys.startIndex + place] < key { place += 1 }
        // Everything before this key is complete.
        if place > before, size >= limit { return .success(Array(found[..<place])) }
      } else {
        place = places[key] ?? keys.count
        // Numbers of several types are one to a server.
        if place == keys.count, key.asID != nil { continue }
      }
      guard place < keys.count, keys[keys.startIndex + place] == key else {
        return .failure(refusal("asked for other documents, it gave that of \(key.string)"))
      }
      let copy = BSONDocument(unchecked: arena.copy(document.bytes))
      found[place].append(copy)
      size += copy.bytes.count
    }
    return .success(found)
  }

  /// Whether an index gives documents by key; the application's own collections have none of ours.
  var isSortedByKey: Bool { schema.isOwn }

  public func cursor(updatedSince: Int64?) throws(StoreError) -> any DocumentCursor {
    var selection = Selection()
    selection.updatedSince = updatedSince
    return MongoDocumentCursor(self, selection)
  }

  public func cursor(over selection: Selection) throws(StoreError) -> any DocumentCursor {
    MongoDocumentCursor(self, selection)
  }

  // MARK: Writing

  /// Starts to write.
  ///
  /// - Throws: ``StoreError/unreachable(address:stage:reason:advice:)`` when there is no server that takes writes.
  public func beginWriting(_ order: WriteOrder) throws(StoreError) -> any StoreWriter {
    if !isWritable.load(ordering: .relaxed) {
      try database.checkIsWritable()
      isWritable.store(true, ordering: .relaxed)
    }
    return MongoWriter(self)
  }

  /// Notes that somebody else wrote the document of this key.
  func noteConflict(_ key: ByteView) {
    guard database.address.readsSecondaries else { return }
    contested.withLock { _ = $0.insert(key.copy()) }
  }
}

extension MongoDatabase {
  /// Checks that there is a server that takes writes: an address may name a secondary alone.
  func checkIsWritable() throws(StoreError) {
    let begun = ContinuousClock.now
    while true {
      let answer = try run(.hello)
      let isWritable = answer.withView { bytes in
        guard let hello = try? BSONDocument(bytes) else { return false }
        return (try? hello.value("isWritablePrimary"))?.bool == true && (try? hello.value("readOnly"))?.bool != true
      }
      if isWritable { return }
      guard begun.duration(to: .now) < address.serverTimeout(options) else {
        throw StoreError(MongoFailure("the server is read-only or not primary", kind: .transient), at: address, "write")
      }
      sleep(for: .milliseconds(200))
    }
  }
}
