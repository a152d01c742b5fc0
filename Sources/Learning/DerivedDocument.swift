public import BSON
internal import Library

/// Whether a derived document is written over the stored one (docs/learning.md, *Runs*).
public enum DerivedDocument {
  public enum Decision: Equatable, Sendable {
    /// It says something new.
    case write
    /// It would differ in its clock alone.
    case unchanged
    /// The stored one was computed for a later time.
    case newer
  }

  /// - Parameter force: whether a stored document of a later `as_of` is replaced.
  public static func decision(
    _ document: BSONDocument, over stored: BSONDocument?, force: Bool = false
  ) throws(BSONFault) -> Decision {
    guard let stored else { return .write }
    if !force, let ours = try document.value("as_of")?.date, try isLater(stored, than: ours) { return .newer }
    return try isSameButForClock(document, stored) ? .unchanged : .write
  }

  /// Whether a stored document was computed for a later time than this one, in milliseconds since 1970.
  public static func isLater(_ stored: BSONDocument, than asOf: Int64) throws(BSONFault) -> Bool {
    guard let theirs = try stored.value("as_of")?.date else { return false }
    return theirs > asOf
  }

  /// Whether two documents differ in `computed_at`, `last_computed`, `as_of` and `_id` at most.
  ///
  /// Both were written by this program, so the rest is compared field by field as bytes.
  public static func isSameButForClock(_ a: BSONDocument, _ b: BSONDocument) throws(BSONFault) -> Bool {
    try isSame(a, b) { (field, other) throws(BSONFault) in isSame(field.value, other.value) }
  }

  /// Whether a day of `service_stats` that was counted between full runs says nothing that the stored one does not,
  /// which may also know who was active in the week and month that end with it: only a full run counts them.
  public static func isSameDay(_ day: BSONDocument, _ stored: BSONDocument) throws(BSONFault) -> Bool {
    try isSame(day, stored) { (field, other) throws(BSONFault) in
      guard field.key == ByteView("active_users"), let users = field.value.document, let known = other.value.document
      else { return isSame(field.value, other.value) }
      guard let today = try users.value("day"), let then = try known.value("day") else { return false }
      return isSame(today, then)
    }
  }

  private static func isSame(
    _ a: BSONDocument, _ b: BSONDocument, _ areSame: (BSONElement, BSONElement) throws(BSONFault) -> Bool
  ) throws(BSONFault) -> Bool {
    var (left, right) = (a.elements, b.elements)
    while true {
      switch (try next(&left), try next(&right)) {
      case (nil, nil): return true
      case (let field?, let other?):
        guard field.key == other.key, try areSame(field, other) else { return false }
      default: return false
      }
    }
  }

  private static func isSame(_ a: BSONValue, _ b: BSONValue) -> Bool { a.type == b.type && a.bytes == b.bytes }

  private static func next(_ elements: inout BSONElements) throws(BSONFault) -> BSONElement? {
    while let element = try elements.next() {
      switch element.key {
      case "_id", "computed_at", "last_computed", "as_of": continue
      default: return element
      }
    }
    return nil
  }

  /// The document with the `_id` that the stored one has: a server refuses to change it.
  public static func replacing(
    _ stored: BSONDocument, with document: BSONDocument, to writer: inout BSONWriter
  ) throws(BSONFault) {
    let start = writer.open()
    if let id = try stored.value("_id") { writer.append("_id", id) }
    var elements = document.elements
    while let element = try elements.next() {
      if element.key != ByteView("_id") { writer.append(element.key, element.value) }
    }
    writer.close(start)
  }

  /// Writes the `_id` of a new document, which its key alone decides.
  static func appendID(of key: ByteView, to writer: inout BSONWriter) {
    writer.key("_id", .objectID)
    objectID(of: key.copy()).withView { writer.put(bytes: $0) }
  }
}
