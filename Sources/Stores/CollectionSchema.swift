/// An index of a collection, as `mixdown setup` makes it (docs/stores.md).
public struct IndexSchema: Sendable, Equatable {
  /// Its fields, all ascending.
  public let fields: [String]
  public let isUnique: Bool
  /// Seconds after the field's time at which the server removes a document; nil for an index that removes nothing.
  public let expireAfterSeconds: Int?

  public init(_ fields: String..., isUnique: Bool = false, expireAfterSeconds: Int? = nil) {
    self.fields = fields
    self.isUnique = isUnique
    self.expireAfterSeconds = expireAfterSeconds
  }

  /// The name that the server would give it: `user_id_1_month_1`.
  public var name: String { fields.map { $0 + "_1" }.joined(separator: "_") }
}

/// A collection that Mixdown keeps: what names its documents, and the indexes that it relies on (docs/stores.md).
public struct CollectionSchema: Sendable {
  public let name: String
  /// The string field by which documents are looked up.
  public let key: StaticString
  /// The string field that tells documents of one key apart, where there can be several.
  public let subkey: StaticString?
  /// The field whose value names a document's version in writes.
  public let version: StaticString
  /// Besides the one over `_id`, which every collection has.
  public let indexes: [IndexSchema]
  /// Whether every document must have its key: not so in a collection that is another program's.
  public let isOwn: Bool

  init(
    _ name: String, key: StaticString, subkey: StaticString? = nil, version: StaticString = "as_of",
    indexes: [IndexSchema], isOwn: Bool = true
  ) {
    self.name = name
    self.key = key
    self.subkey = subkey
    self.version = version
    self.indexes = indexes
    self.isOwn = isOwn
  }
}

extension CollectionSchema {
  public static let userLibrary = CollectionSchema(
    "user_library", key: "user_id", version: "updated_at",
    indexes: [IndexSchema("user_id", isUnique: true), IndexSchema("updated_at")])

  public static let sessionPings = CollectionSchema(
    "session_pings", key: "user_id", subkey: "session_id", version: "last_ping_at",
    indexes: [
      IndexSchema("user_id", "session_id", isUnique: true), IndexSchema("last_ping_at"),
      IndexSchema("expires_at", expireAfterSeconds: 0),
    ])

  public static let playArchive = CollectionSchema(
    "play_archive", key: "user_id", subkey: "month", version: "updated_at",
    indexes: [IndexSchema("user_id", "month", isUnique: true)])

  public static let songs = CollectionSchema("songs", key: "key", indexes: [IndexSchema("key", isUnique: true)])

  public static let userStats = CollectionSchema(
    "user_stats", key: "user_id", indexes: [IndexSchema("user_id", isUnique: true), IndexSchema("stale_after")])

  public static let userScores = CollectionSchema(
    "user_scores", key: "user_id", indexes: [IndexSchema("user_id", isUnique: true)])

  public static let forYou = CollectionSchema(
    "for_you", key: "user_id", indexes: [IndexSchema("user_id", isUnique: true)])

  public static let searchBoosts = CollectionSchema(
    "search_boosts", key: "user_id", indexes: [IndexSchema("user_id", isUnique: true)])

  public static let serviceStats = CollectionSchema(
    "service_stats", key: "day", indexes: [IndexSchema("day", isUnique: true)])

  public static let population = CollectionSchema(
    "population", key: "dimension", indexes: [IndexSchema("dimension", isUnique: true)])

  public static let charts = CollectionSchema("charts", key: "name", indexes: [IndexSchema("name", isUnique: true)])

  public static let jobRuns = CollectionSchema(
    "job_runs", key: "run_id", version: "updated_at",
    indexes: [IndexSchema("run_id", isUnique: true), IndexSchema("started_at")])

  public static let forgotten = CollectionSchema(
    "forgotten", key: "user_id_hash", version: "forgotten_at", indexes: [IndexSchema("user_id_hash", isUnique: true)])

  /// The application's own accounts: read by `id`, never indexed, and written only where asked for. Of what stands in
  /// them `scores` alone is Mixdown's.
  public static let users = CollectionSchema("users", key: "id", indexes: [], isOwn: false)

  /// Every collection that `mixdown setup` makes.
  public static let all: [CollectionSchema] = [
    userLibrary, sessionPings, playArchive, songs, userStats, userScores, forYou, searchBoosts, serviceStats,
    population, charts, jobRuns, forgotten,
  ]

  /// Those of which a run keeps what it replaces: all others that runs write are computed again.
  public static let journalled: [CollectionSchema] = [userLibrary, playArchive, sessionPings, users]

  public static func named(_ name: String) -> CollectionSchema? { (all + [users]).first { $0.name == name } }
}
