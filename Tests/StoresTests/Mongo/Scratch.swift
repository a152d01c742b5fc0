import BSON
import Foundation
import MongodHarness
import Stores

/// Memory for what a test hands to a store or gets from it; views hold as long as this lives.
final class Scratch {
  let arena = Arena()

  func view(_ bytes: [UInt8]) -> ByteView { bytes.withView { arena.copy($0) } }

  func view(_ text: String) -> ByteView { view([UInt8](text.utf8)) }

  func document(_ bytes: [UInt8]) -> BSONDocument { BSONDocument(unchecked: view(bytes)) }

  /// A change of the document that has the same key (and subkey), or a new one.
  func change(
    _ collection: any StoredCollection, to bytes: [UInt8], fields: [StaticString] = []
  ) throws -> DocumentChange {
    let document = document(bytes)
    let schema = collection.schema
    let key = try document.value(schema.key)?.string ?? .empty
    let subkey = try schema.subkey.flatMap { try document.value($0)?.string }
    let stored = try stored(collection, key, subkey)
    return DocumentChange(
      key: key, subkey: subkey, stored: stored, document: document, changedFields: stored == nil ? [] : fields)
  }

  func removal(_ collection: any StoredCollection, _ key: String, _ subkey: String? = nil) throws -> DocumentChange {
    let subkey = subkey.map { view($0) }
    let stored = try stored(collection, view(key), subkey)
    return DocumentChange(key: view(key), subkey: subkey, stored: stored, document: nil)
  }

  func stored(_ collection: any StoredCollection, _ key: ByteView, _ subkey: ByteView?) throws -> BSONDocument? {
    let found = try collection.documents(of: [key], since: nil, limit: .max, in: arena)[0]
    guard let field = collection.schema.subkey else { return found.first }
    return try found.first { try $0.value(field)?.string == subkey }
  }

  /// All documents of these keys, however many calls that takes.
  func documents(_ collection: any StoredCollection, of keys: [String], limit: Int = .max) throws -> [[BSONDocument]] {
    var rest = keys.map { view($0) }[...]
    var found: [[BSONDocument]] = []
    while !rest.isEmpty {
      let part = try collection.documents(of: Array(rest), since: nil, limit: limit, in: arena)
      guard !part.isEmpty, part.count <= rest.count else { throw MongodError("\(part.count) of \(rest.count)") }
      found += part
      rest = rest.dropFirst(part.count)
    }
    return found
  }

  /// All documents of a collection, in the order in which it gives them.
  func all(
    _ collection: any StoredCollection, updatedSince: Int64? = nil, inPiecesOf bytes: Int = 1 << 20
  ) throws -> [BSONDocument] {
    let cursor = try collection.cursor(updatedSince: updatedSince)
    var found: [BSONDocument] = []
    while true {
      let part = try cursor.next(upTo: bytes, in: arena)
      if part.isEmpty { return found }
      found += part
    }
  }
}

/// A document without the order of its fields, which a server may choose for those that are new.
struct Fields: Equatable, CustomStringConvertible {
  private var fields: [String: [UInt8]] = [:]

  init(_ document: BSONDocument) throws {
    var elements = document.elements
    while let element = try elements.next() {
      fields[element.key.string] = [element.value.type.rawValue] + element.value.bytes.copy()
    }
  }

  init(_ bytes: [UInt8]) throws { self = try bytes.withView { try Fields(BSONDocument($0)) } }

  var description: String {
    fields.keys.sorted().map { "\($0): \(fields[$0]?.count ?? 0) bytes" }.joined(separator: ", ")
  }
}

/// A library of a user as of a time, with sections that say which version of them it is.
func library(
  _ user: String, at time: Int64?, favorites: Int? = 0, queue: Int? = nil, padding: Int = 0
) -> [UInt8] {
  document { writer in
    writer.key("_id", .objectID)
    // The same for the same user, in all stores.
    var id = [UInt8](repeating: 0, count: 12)
    for (index, byte) in user.utf8.enumerated() { id[index % 12] = id[index % 12] &* 31 &+ byte }
    id.withView { writer.put(bytes: $0) }
    writer.append("user_id", string: user)
    if let favorites { section("favorites", favorites, padding, &writer) }
    if let queue { section("queue", queue, 0, &writer) }
    if let time { writer.append("updated_at", date: time) }
  }
}

private func section(_ name: StaticString, _ version: Int, _ padding: Int, _ writer: inout BSONWriter) {
  writer.key(name, .array)
  let list = writer.open()
  writer.index(0, .document)
  let entry = writer.open()
  writer.append("version", integer: Int64(version))
  // As bytes, for a text of megabytes takes long to make.
  [UInt8](repeating: UInt8(ascii: "x"), count: padding).withView { writer.append("title", string: $0) }
  writer.close(entry)
  writer.close(list)
}
