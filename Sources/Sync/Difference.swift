internal import BSON

/// What changes for one user, on one line: `ann: favorites 12 → 14, queue 5 → 3, preferences`.
struct Difference {
  let line: String

  init(
    user: ByteView, old: BSONDocument?, new: BSONDocument, _ fields: [StaticString]
  ) throws(BSONFault) {
    var parts: [String] = []
    for field in fields {
      let after = try Self.measure(new.value(field))
      guard let old else {
        parts.append(after.map { "\(field) \($0)" } ?? "\(field)")
        continue
      }
      let before = try Self.measure(old.value(field))
      parts.append(before == nil && after == nil ? "\(field)" : "\(field) \(before ?? "–") → \(after ?? "–")")
    }
    line = "\(user.string): \(old == nil ? "new: " : "")\(parts.joined(separator: ", "))"
  }

  /// The length of a list, or the figure itself.
  private static func measure(_ value: BSONValue?) throws(BSONFault) -> String? {
    guard let value else { return nil }
    if let list = value.array { return try "\(list.count())" }
    return value.integer.map { "\($0)" }
  }
}
