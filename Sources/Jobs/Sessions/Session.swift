internal import BSON
internal import Library

/// What names a session: its user, and its own id.
struct SessionID: Hashable, Comparable {
  let user: [UInt8]
  let session: [UInt8]

  static func < (a: SessionID, b: SessionID) -> Bool {
    a.user == b.user ? a.session.isLess(than: b.session) : a.user.isLess(than: b.user)
  }

  /// The `_id` of a new document, the same whoever makes it.
  var objectID: [UInt8] { Library.objectID(of: user + [0] + session) }
}

/// When a session ends (docs/stores.md, *Sessions*): five minutes after its last ping.
struct SessionClock {
  /// In milliseconds.
  static let lifetime: Int64 = 5 * 60_000

  /// The run's clock, in ms since 1970.
  let asOf: Int64

  func expiry(of lastPing: Int64) -> Int64 {
    let (expiry, isPastEnd) = lastPing.addingReportingOverflow(Self.lifetime)
    return isPastEnd ? .max : expiry
  }

  func isActive(_ lastPing: Int64) -> Bool { expiry(of: lastPing) > asOf }
}

/// A session as it is stored.
struct StoredSession {
  let id: SessionID
  let document: BSONDocument
  /// In ms since 1970; nil when the document does not say it.
  let lastPing: Int64?
  /// Whether the server would remove the document by itself.
  let expires: Bool

  /// Nil for a document that names no session.
  init?(_ document: BSONDocument) throws(BSONFault) {
    guard let user = try document.value("user_id")?.string, let session = try document.value("session_id")?.string
    else { return nil }
    id = SessionID(user: user.copy(), session: session.copy())
    self.document = document
    lastPing = try document.value("last_ping_at").flatMap { value throws(BSONFault) in try Instant.milliseconds(value) }
    expires = try document.value("expires_at")?.type == .date
  }

  /// The document after a newer ping: what else is in it stays.
  func pinged(at time: Int64, _ clock: SessionClock, in arena: Arena) throws(BSONFault) -> BSONDocument {
    var writer = BSONWriter(capacity: document.bytes.count + 64)
    let root = writer.open()
    var elements = document.elements
    var missing: Set<String> = ["last_ping_at", "expires_at"]
    while let element = try elements.next() {
      switch element.key {
      case "last_ping_at":
        if missing.remove("last_ping_at") != nil { writer.append("last_ping_at", date: time) }
      case "expires_at":
        if missing.remove("expires_at") != nil { writer.append("expires_at", date: clock.expiry(of: time)) }
      default: writer.append(element.key, element.value)
      }
    }
    if missing.contains("last_ping_at") { writer.append("last_ping_at", date: time) }
    if missing.contains("expires_at") { writer.append("expires_at", date: clock.expiry(of: time)) }
    writer.close(root)
    return BSONDocument(unchecked: arena.copy(writer.view))
  }

  /// The document of a session that is new.
  static func new(_ id: SessionID, _ time: Int64, _ clock: SessionClock, in arena: Arena) -> BSONDocument {
    var writer = BSONWriter(capacity: 256)
    let root = writer.open()
    writer.key("_id", .objectID)
    id.objectID.withView { writer.put(bytes: $0) }
    id.user.withView { writer.append("user_id", string: $0) }
    id.session.withView { writer.append("session_id", string: $0) }
    writer.append("last_ping_at", date: time)
    writer.append("expires_at", date: clock.expiry(of: time))
    writer.close(root)
    return BSONDocument(unchecked: arena.copy(writer.view))
  }
}
