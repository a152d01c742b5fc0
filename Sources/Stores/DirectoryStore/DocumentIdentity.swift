package import BSON

/// What tells a document from the others of its collection.
package struct DocumentIdentity: Hashable, Comparable, CustomStringConvertible {
  package let key: ByteView
  /// Of a collection that has subkeys.
  package let subkey: ByteView?

  package static func < (a: DocumentIdentity, b: DocumentIdentity) -> Bool {
    let order = a.key.order(b.key)
    return order != 0 ? order < 0 : (a.subkey ?? .empty) < (b.subkey ?? .empty)
  }

  package var description: String {
    if let id = key.asID {
      return "_id " + id.bytes.hexadecimal
    }
    return key.string + (subkey.map { " (\($0.string))" } ?? "")
  }

  var fingerprint: UInt64 {
    guard let subkey else { return key.fingerprint }
    return key.fingerprint ^ (subkey.fingerprint << 1 | 1)
  }
}

extension BSONDocument {
  /// The string of a top-level field; nil when it is none.
  package func text(_ field: StaticString) -> ByteView? { (try? value(field))?.string }

  /// What the document is looked up by: its key, or in another program's collection, if it has none, its `_id`.
  func key(_ schema: CollectionSchema) -> ByteView? { text(schema.key) ?? (schema.isOwn ? nil : idAsKey) }

  /// Type, name and value of `_id` as they stand in the document. No key is like that: its second byte on is `_id` and a
  /// zero.
  var idAsKey: ByteView? {
    var elements = self.elements
    while let element = try? elements.next() {
      guard element.key == ByteView("_id"), let place = element.key.offset(in: bytes) else { continue }
      return bytes.slice(place - 1, ByteView.idHead + element.value.bytes.count)
    }
    return nil
  }

  /// The identity of a document whose top level is known to be well-formed; nil when it has none.
  package func identity(_ schema: CollectionSchema) -> DocumentIdentity? {
    guard let key = key(schema) else { return nil }
    guard let field = schema.subkey else { return DocumentIdentity(key: key, subkey: nil) }
    return text(field).map { DocumentIdentity(key: key, subkey: $0) }
  }
}

extension ByteView {
  /// Bytes of the type and the name of an `_id`.
  static let idHead = 5

  /// The `_id` that takes a key's place.
  var asID: BSONValue? {
    guard count >= Self.idHead, slice(1, Self.idHead - 1) == ByteView("_id\0") else { return nil }
    return BSONValue(type: BSONType(rawValue: self[0]), bytes: dropFirst(Self.idHead))
  }
}

extension DocumentIdentity? {
  static func < (a: DocumentIdentity?, b: DocumentIdentity?) -> Bool {
    guard let a, let b else { return a == nil && b != nil }
    return a < b
  }
}

/// Which documents a file holds, in which order, in 16 bytes: equal for two files only when both hold the same, but
/// for a chance of 2⁻⁶⁴.
struct DocumentSequence: Equatable {
  private(set) var count = 0
  private var digest: UInt64 = 0

  /// - Parameter fingerprint: of the next document's identity; 0 for one that has none.
  mutating func append(_ fingerprint: UInt64) {
    count += 1
    // Rotating makes the order count; an odd factor loses no bit.
    digest = ((digest << 5 | digest >> 59) ^ fingerprint) &* 0x9E37_79B9_7F4A_7C15
  }
}
