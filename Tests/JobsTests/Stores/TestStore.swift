import BSON
import Foundation
import MongodHarness
import Stores

/// An empty store of either kind for one test, removed with it.
final class TestStore: Sendable {
  enum Kind: String, CaseIterable, Sendable { case directory, server }

  let kind: Kind
  let folder: String
  /// Of a server.
  let database: TestDatabase?

  init(_ kind: Kind) throws {
    self.kind = kind
    folder = FileManager.default.temporaryDirectory.path + "/jobs-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    database = kind == .server ? try TestDatabase() : nil
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// As a command names it.
  var name: String { database?.address ?? folder + "/store" }

  func open(locking: Bool = true) throws -> any Store { try openStore(name, locking: locking, run: "test") }

  // MARK: Documents

  /// Writes new documents, written as Extended JSON, as they are.
  func put(_ documents: [String], into schema: CollectionSchema) throws {
    try put(try documents.map { try bson($0) }, into: schema)
  }

  func put(_ documents: [[UInt8]], into schema: CollectionSchema) throws {
    if let database { return try database.insert(documents, into: schema.name) }
    let path = "\(name)/\(schema.name).bson"
    try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
    let old = FileManager.default.contents(atPath: path) ?? Data()
    try (old + Data(documents.joined())).write(to: URL(fileURLWithPath: path))
  }

  /// Removes all documents of a key.
  func remove(_ key: String, from schema: CollectionSchema) throws {
    if let database {
      try database.run(
        #"{"delete": "\#(schema.name)", "deletes": [{"q": {"\#(schema.key)": "\#(key)"}, "limit": 0}]}"#)
    } else {
      let left = try documents(of: schema).filter { $0.field(schema.key)?.string != key }
      try Data(left.joined()).write(to: URL(fileURLWithPath: "\(name)/\(schema.name).bson"))
    }
  }

  /// The bytes of all documents by key and subkey.
  func documents(of schema: CollectionSchema) throws -> [[UInt8]] {
    if let database { return try sorted(database.documents(of: schema.name), schema) }
    let collection = try DirectoryStore.open(name, locking: false).collection(schema)
    return sorted(try (0..<collection.count).map { try collection.document(at: $0).bytes.copy() }, schema)
  }

  private func sorted(_ documents: [[UInt8]], _ schema: CollectionSchema) -> [[UInt8]] {
    func name(_ document: [UInt8]) -> String {
      "\(document.field(schema.key)?.string ?? "") \(schema.subkey.flatMap { document.field($0)?.string } ?? "")"
    }
    return documents.sorted { name($0) < name($1) }
  }

  // MARK: Files

  /// Writes a file beside the store; returns its path.
  func file(_ name: String, _ text: String) throws -> String {
    let path = "\(folder)/\(name)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  func metadata(of schema: CollectionSchema) -> String? {
    FileManager.default.contents(atPath: "\(name)/\(schema.name).metadata.json").map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}
