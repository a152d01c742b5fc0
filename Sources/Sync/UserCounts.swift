/// What became of users: `seen` is the sum of the others.
public struct UserCounts: Codable, Sendable, Equatable {
  public var seen = 0
  /// Had a document, and got another.
  public var changed = 0
  /// Found to be the same, or known to be.
  public var unchanged = 0
  public var created = 0
  /// Reported and left as they are.
  public var left = 0

  public init() {}

  /// What an older version has not counted is 0.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    seen = try fields.decodeIfPresent(Int.self, forKey: .seen) ?? 0
    changed = try fields.decodeIfPresent(Int.self, forKey: .changed) ?? 0
    unchanged = try fields.decodeIfPresent(Int.self, forKey: .unchanged) ?? 0
    created = try fields.decodeIfPresent(Int.self, forKey: .created) ?? 0
    left = try fields.decodeIfPresent(Int.self, forKey: .left) ?? 0
  }

  public var isBalanced: Bool { seen == changed + unchanged + created + left }

  public static func += (sum: inout UserCounts, part: UserCounts) {
    sum.seen += part.seen
    sum.changed += part.changed
    sum.unchanged += part.unchanged
    sum.created += part.created
    sum.left += part.left
  }
}
