import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// A store of either kind, with the runs of one test.
final class Bench {
  enum Kind: String, CaseIterable, Sendable {
    case directory, server
  }

  static let asOf = "2026-01-01T00:00:00Z"

  let folder: TemporaryFolder
  let store: String
  let state: String
  let kind: Kind
  private let database: TestDatabase?

  /// - Parameter servers: whose database a server's store is; by default the one that all tests share.
  init(_ kind: Kind, on servers: ReplicaSet? = nil) throws {
    self.kind = kind
    folder = try TemporaryFolder()
    state = folder("state")
    switch kind {
    case .directory:
      store = folder("store")
      database = nil
    case .server:
      let database = try servers.map { try TestDatabase(on: $0) } ?? TestDatabase()
      try database.makeIndexes()
      store = database.address
      self.database = database
    }
  }

  /// Dumps of some listeners, spread over inputs.
  func inputs(_ listeners: Listeners, over count: Int = 1, as prefix: String = "") throws -> [String] {
    let dumps = listeners.dumps
    return try (0..<count).map { part in
      let share = dumps.enumerated().filter { $0.offset % count == part }.map(\.element)
      return try Packing.tarZstd.pack(share, in: folder, as: "\(prefix)\(part)-")
    }
  }

  func arguments(_ command: String, _ arguments: [String]) -> [String] {
    [command] + arguments + ["--store", store, "--state", state]
  }

  func begin(_ command: String, _ arguments: [String] = [], environment: [String: String] = [:]) throws -> Child {
    try Child([mixdownBinary] + self.arguments(command, arguments), environment: environment)
  }

  @discardableResult
  func run(
    _ command: String, _ arguments: [String] = [], expecting status: Int32? = 0, environment: [String: String] = [:],
    through wrapper: [String] = [], retries: Int = 0
  ) throws -> (status: Int32, output: String, errors: String) {
    if retries > 0 {
      // Until the lease of a process that died has ended.
      let tried = try run(command, arguments, expecting: nil, environment: environment, through: wrapper)
      if tried.status != 75 {
        try #require(tried.status == status, "\(command): \(tried.output)\(tried.errors)")
        return tried
      }
      Thread.sleep(forTimeInterval: 0.3)
      return try run(
        command, arguments, expecting: status, environment: environment, through: wrapper, retries: retries - 1)
    }
    let child = try Child(
      wrapper + [mixdownBinary] + self.arguments(command, arguments), environment: environment)
    guard case .exited(let ended) = try child.wait() else {
      throw Sandbox.Crash(end: .killed(signal: 0), errors: child.errors)
    }
    if let status { try #require(ended == status, "\(command): \(child.output)\(child.errors)") }
    return (ended, child.output, child.errors)
  }

  @discardableResult
  func sync(_ inputs: [String], _ flags: [String] = [], expecting status: Int32? = 0) throws -> String {
    let before = Set(ids)
    try run("sync", inputs + ["--as-of", Self.asOf] + flags, expecting: status)
    return ids.first { !before.contains($0) } ?? ids.last ?? ""
  }

  /// The ids of all runs, oldest first.
  var ids: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? []
    // What learning knows for the next run lies beside them.
    return names.filter { $0.count == 26 }.sorted()
  }

  func manifest(_ id: String) throws -> Manifest {
    try .read(Data(contentsOf: URL(fileURLWithPath: "\(state)/\(id)/manifest.json")))
  }

  /// The clock of a run, in ms since 1970, as the store's `job_runs` has it.
  func asOf(_ id: String) throws -> Int64 {
    let document = try #require(try contents([.jobRuns])["job_runs \(id) "])
    return try #require(try document.withView { try BSONDocument($0).value("as_of")?.date })
  }

  /// All documents of collections, by collection and `_id` or key: what two stores are compared by.
  func contents(_ schemas: [CollectionSchema] = [.userLibrary, .playArchive]) throws -> [String: [UInt8]] {
    let opened = try openStore(store, locking: false)
    let arena = Arena()
    var contents: [String: [UInt8]] = [:]
    for schema in schemas {
      let cursor = try opened.open(schema).cursor(updatedSince: nil)
      while true {
        arena.reset()
        let documents = try cursor.next(upTo: 8 << 20, in: arena)
        if documents.isEmpty { break }
        for document in documents {
          let key = try document.value(schema.key)?.string?.string ?? ""
          let subkey = try schema.subkey.flatMap { try document.value($0)?.string?.string } ?? ""
          contents["\(schema.name) \(key) \(subkey)"] = document.bytes.copy()
        }
      }
    }
    return contents
  }

  /// Puts a new document, written as JSON, into a collection as another program would.
  func put(_ json: String, key: String, into schema: CollectionSchema) throws {
    try put(bson(json), key: key, into: schema)
  }

  /// The same of a document that no JSON stands for.
  func put(_ document: [UInt8], key: String, into schema: CollectionSchema) throws {
    try put([(key, document)], into: schema)
  }

  func put(_ documents: [(key: String, document: [UInt8])], into schema: CollectionSchema) throws {
    let opened = try openStore(store, locking: true, run: "another program")
    let output = try opened.open(schema).beginWriting(.any)
    let arena = Arena()
    _ = try output.write(
      documents.map { key, document in
        let document = try BSONDocument(arena.copy(document))
        return DocumentChange(key: arena.copy(Array(key.utf8)), stored: nil, document: document)
      })
    try output.commit()
  }

  /// Sets a field of a user's document to true, as the live API would.
  func touch(
    _ user: String, _ field: StaticString = "touched", in schema: CollectionSchema = .userLibrary
  ) throws {
    try replace(user, in: schema) { stored, writer in
      let start = writer.open()
      var elements = stored.elements
      while let element = try elements.next() {
        if element.key == ByteView("updated_at") {
          writer.append("updated_at", date: (element.value.date ?? 0) + 1)
        } else if element.key != ByteView(field) {
          writer.append(element.key, element.value)
        }
      }
      writer.append(field, bool: true)
      writer.close(start)
    }
  }

  /// Removes a user's document, as the live API would.
  func remove(_ user: String, from schema: CollectionSchema) throws { try replace(user, in: schema, by: nil) }

  /// - Parameter body: writes what takes the document's place; nil removes it.
  private func replace(
    _ user: String, in schema: CollectionSchema, by body: ((BSONDocument, inout BSONWriter) throws -> Void)?
  ) throws {
    let opened = try openStore(store, locking: true, run: "the live API")
    let collection = try opened.open(schema)
    let arena = Arena()
    let key = Array(user.utf8).withView { arena.copy($0) }
    let stored = try #require(try collection.documents(of: [key], in: arena).first?.first)
    var writer = BSONWriter()
    try body?(stored, &writer)
    let output = try collection.beginWriting(.any)
    let document = try body.map { _ in try BSONDocument(writer.view) }
    _ = try output.write([DocumentChange(key: key, stored: stored, document: document)])
    try output.commit()
  }

  /// Removes a user's library and makes another of the same fields, as a program does that knows nothing of `_id`.
  func remake(_ user: String) throws {
    let bytes = try #require(try contents([.userLibrary])["user_library \(user) "])
    let opened = try openStore(store, locking: true, run: "another program")
    try bytes.withView { bytes in
      let stored = try BSONDocument(bytes)
      var writer = BSONWriter()
      let start = writer.open()
      var elements = stored.elements
      while let element = try elements.next() {
        if element.key == ByteView("_id") {
          writer.append("_id", string: "made anew")
        } else {
          writer.append(element.key, element.value)
        }
      }
      writer.close(start)
      try Array(user.utf8).withView { key in
        let removal = DocumentChange(key: key, stored: stored, document: nil)
        let addition = DocumentChange(key: key, stored: nil, document: BSONDocument(unchecked: writer.view))
        for change in [removal, addition] {
          let output = try opened.open(.userLibrary).beginWriting(.any)
          try #require(try output.write([change]).isEmpty)
          try output.commit()
        }
      }
    }
  }
}
