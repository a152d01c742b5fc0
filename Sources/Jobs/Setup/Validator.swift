internal import BSON
internal import Stores

/// What a collection's documents should look like, as a `$jsonSchema` (docs/stores.md, *Setting up a store*).
///
/// It names types and nothing else: fields that Mixdown does not know may be there, and known ones may be absent or
/// null. There is no number in it, because `mongodump` writes numbers in another form.
struct Validator {
  /// `{"$jsonSchema": …}`
  let json: String

  /// Of the collections that others write too; nil for those that Mixdown alone writes.
  init?(of schema: CollectionSchema) {
    switch schema.name {
    case CollectionSchema.userLibrary.name: json = Self.library
    case CollectionSchema.sessionPings.name: json = Self.pings
    default: return nil
    }
  }

  /// Whether a validator is one that a setup made, be it of another version.
  static func isOwn(_ validator: BSONDocument) -> Bool {
    let schema = (try? validator.value("$jsonSchema"))?.document
    return schema?.title?.hasPrefix(titlePrefix) == true
  }

  private static let titlePrefix = "Mixdown: "

  private static let pings = object(
    title: "session_pings", required: ["user_id", "session_id", "last_ping_at", "expires_at"],
    [
      ("user_id", name), ("session_id", name), ("last_ping_at", #"{"bsonType":"date"}"#),
      ("expires_at", #"{"bsonType":"date"}"#),
    ])

  private static let library = object(
    title: "user_library", required: ["user_id"],
    [
      ("user_id", name),
      ("favorites", list(of: entry)),
      ("history", list(of: entry)),
      ("total_songs_played", optional("number", "string")),
      ("queue", list(of: entry)),
      ("playlists", list(of: playlist)),
      ("preferences", preferences),
      ("recent_searches", list(of: #"{"bsonType":"string"}"#)),
      ("section_updated_at", optional("object")),
      ("removed", optional("object")),
      ("updated_at", optional("date")),
    ])

  private static let entry = properties([
    ("videoId", optional("string")), ("title", optional("string")), ("artist", optional("string")),
    ("artwork", optional("string")), ("duration", optional("number")), ("language", optional("string")),
    ("genres", optional("array", "string")), ("moods", optional("array", "string")), ("source", optional("string")),
    ("position", optional("number")), ("completionRate", optional("number")), ("addedAt", optional("date")),
    ("playedAt", optional("date")),
  ])

  private static let playlist = properties([
    ("id", #"{"bsonType":"string"}"#), ("name", optional("string")), ("description", optional("string")),
    ("songs", list(of: entry)), ("song_count", optional("number")), ("cover_urls", optional("array")),
    ("is_public", optional("bool")), ("client_ids", list(of: #"{"bsonType":"string"}"#)),
    ("created_at", optional("date")), ("updated_at", optional("date")),
  ])

  private static let preferences = properties([
    ("shuffle", optional("bool")), ("repeat", #"{"enum":["off","all","one",null]}"#), ("volume", optional("number")),
  ])

  // MARK: Parts

  private static let name = #"{"bsonType":"string","not":{"enum":[""]}}"#

  private static func optional(_ types: String...) -> String {
    #"{"bsonType":[\#((types + ["null"]).map(\.inJSON).joined(separator: ","))]}"#
  }

  private static func list(of item: String) -> String { #"{"bsonType":["array","null"],"items":\#(item)}"# }

  private static func fields(_ fields: [(String, String)]) -> String {
    fields.map { "\($0.0.inJSON):\($0.1)" }.joined(separator: ",")
  }

  private static func properties(_ fields: [(String, String)]) -> String {
    #"{"bsonType":["object","null"],"properties":{\#(Self.fields(fields))}}"#
  }

  private static func object(title: String, required: [String], _ fields: [(String, String)]) -> String {
    let required = required.map(\.inJSON).joined(separator: ",")
    return #"{"$jsonSchema":{"title":\#((titlePrefix + title).inJSON),"bsonType":"object","#
      + #""required":[\#(required)],"properties":{\#(Self.fields(fields))}}}"#
  }
}

extension BSONDocument {
  fileprivate var title: String? { (try? value("title"))?.string?.string }
}

/// The options of a collection, as far as they are about validation.
struct ValidationState: Equatable {
  var validator: [UInt8]?
  var level: String?
  var action: String?

  /// - Parameter options: as `listCollections` and metadata.json have them.
  init(_ options: BSONDocument?) {
    let found = options.flatMap { try? $0.value("validator") }?.document
    validator = found.flatMap { $0.isEmpty ? nil : $0.bytes.copy() }
    level = options.flatMap { try? $0.value("validationLevel") }?.string?.string
    action = options.flatMap { try? $0.value("validationAction") }?.string?.string
  }

  /// Documents that were there before and do not fit can still be written: a merge must not fail for an old fault.
  static let level = "moderate"

  /// Whether the collection validates as it should.
  func serves(_ validator: Validator, _ validation: Setup.Validation) -> Bool {
    if validation == .off { return self.validator == nil }
    // What the options do not say is the server's default.
    return self.validator == document(json: validator.json) && (level ?? "strict") == Self.level
      && (action ?? "error") == validation.rawValue
  }

  /// Whether there is a validator that no setup made.
  var isForeign: Bool { validator?.withView { !Validator.isOwn(BSONDocument(unchecked: $0)) } ?? false }
}
