public import BSON
import CMongo
public import Stores

/// The document that is written as Extended JSON: `{"find": "songs", "filter": {"as_of": {"$date": 0}}}`.
///
/// Read by libbson, so that what Mixdown makes of BSON is held against another's view of it.
public func bson(_ json: String) throws -> [UInt8] {
  var error = bson_error_t()
  guard let document = unsafe bson_new_from_json(json, json.utf8.count, &error) else {
    throw MongodError("\(json): \(unsafe String(cString: mixdown_error_message(&error)))")
  }
  var count: UInt32 = 0
  let bytes = unsafe bson_destroy_with_steal(document, true, &count)
  defer { unsafe bson_free(bytes) }
  return unsafe [UInt8](UnsafeBufferPointer(start: bytes, count: Int(count)))
}

extension [UInt8] {
  /// A top-level field of the document that these bytes are.
  public func field(_ name: StaticString) -> Field? {
    withView { bytes in
      guard let value = try? BSONDocument(bytes).value(name) else { return nil }
      return Field(
        type: value.type, bytes: value.bytes.copy(), string: value.string?.string, bool: value.bool, date: value.date,
        integer: value.integer, double: value.double)
    }
  }
}

/// A copy of a value.
public struct Field: Equatable, Sendable {
  public let type: BSONType
  public let bytes: [UInt8]
  public let string: String?
  public let bool: Bool?
  public let date: Int64?
  public let integer: Int64?
  public let double: Double?
}

extension MongoDatabase {
  /// Runs a command that is written as Extended JSON.
  @discardableResult
  public func run(json: String, _ kind: MongoCommandKind = .plain) throws -> [UInt8] {
    try bson(json).withView { try run(BSONDocument(unchecked: $0), kind) }
  }

  /// All documents that a command answers with.
  public func documents(json: String) throws -> [[UInt8]] {
    try bson(json).withView { try documents(of: BSONDocument(unchecked: $0)) }
  }
}
