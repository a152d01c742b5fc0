import BSON
import Foundation
import Stores

/// A store's directory for one test, removed with it, and the memory of what the test hands to the store.
final class Sandbox {
  let path: String
  private let arena = Arena()
  private let isOwner: Bool

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/stores-\(UUID().uuidString)"
    isOwner = true
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// The sandbox of another process, which will remove it.
  init(of path: String) {
    self.path = path
    isOwner = false
  }

  deinit {
    if isOwner { try? FileManager.default.removeItem(atPath: path) }
  }

  // MARK: Files

  var dataPath: String { path + "/user_library.bson" }
  var partialPath: String { dataPath + ".partial" }
  var metadataPath: String { path + "/user_library.metadata.json" }
  var lockPath: String { path + "/.mixdown.lock" }

  var data: [UInt8]? { FileManager.default.contents(atPath: dataPath).map { [UInt8]($0) } }

  /// The names of all files, in order.
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }

  func put(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: dataPath)) }

  func put(_ documents: [[UInt8]]) throws { try put(joined(documents)) }

  // MARK: Store

  func open(locking: Bool = true) throws(StoreError) -> DirectoryCollection {
    try DirectoryStore.open(path, locking: locking, run: "test").collection(.userLibrary)
  }

  /// A view of bytes that lives as long as the sandbox.
  func view(_ bytes: [UInt8]) -> ByteView { bytes.withView { arena.copy($0) } }

  func view(_ text: String) -> ByteView { view([UInt8](text.utf8)) }

  /// The document in the place of the one that the store has of its user.
  func change(_ collection: DirectoryCollection, _ document: [UInt8]) throws -> DocumentChange {
    let document = try BSONDocument(view(document))
    let user = try document.value("user_id")?.string ?? .empty
    return DocumentChange(key: user, stored: try collection.document(of: user), document: document)
  }

  /// Opens, writes the documents in one batch, and commits.
  func commit(_ documents: [[UInt8]]) throws {
    let store = try open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write(documents.map { try change(store, $0) })
    try writer.commit()
  }
}

/// The documents one after another. (`joined()` goes byte by byte, which takes seconds in a debug build.)
func joined(_ documents: [[UInt8]]) -> [UInt8] { documents.reduce(into: []) { $0 += $1 } }

/// A user's document with something nested in it, and `padding` bytes to make it longer.
func document(_ user: String, version: Int = 0, padding: Int = 0) -> [UInt8] {
  var writer = BSONWriter()
  let root = writer.open()
  writer.key("_id", .objectID)
  writer.put(bytes: ByteView("abcdefghijkl"))
  writer.append("user_id", string: user)
  writer.key("preferences", .document)
  let nested = writer.open()
  writer.append("user_id", string: "not this one")
  writer.append("version", integer: Int64(version))
  writer.close(nested)
  writer.append("padding", string: String(repeating: "x", count: padding))
  writer.close(root)
  return writer.view.copy()
}

/// A document of one element.
func document(_ fill: (inout BSONWriter) -> Void) -> [UInt8] {
  var writer = BSONWriter()
  let root = writer.open()
  fill(&writer)
  writer.close(root)
  return writer.view.copy()
}

/// The users of a store in the order of its file.
func users(of collection: DirectoryCollection) throws -> [String] {
  try users(at: collection.cursor(updatedSince: nil))
}

/// The users whom a cursor comes to, in order.
func users(at cursor: any DocumentCursor) throws -> [String] {
  var names: [String] = []
  let arena = Arena()
  while true {
    let documents = try cursor.next(upTo: 100, in: arena)
    if documents.isEmpty { return names }
    for document in documents { names.append(try document.value("user_id")?.string?.string ?? "nobody") }
  }
}

extension DirectoryCollection {
  /// The user's document, if there is one.
  func document(of user: ByteView) throws -> BSONDocument? {
    try documents(of: [user], limit: .max, in: Arena()).first?.first
  }
}
