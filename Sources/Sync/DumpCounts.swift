/// What became of dumps: `read` is the sum of the others.
public struct DumpCounts: Codable, Sendable, Equatable {
  public var read = 0
  public var used = 0
  public var quarantined = 0
  /// Files that are no dumps, and dumps of users who were left as they are.
  public var skipped = 0

  public init() {}

  /// What an older version has not counted is 0.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    read = try fields.decodeIfPresent(Int.self, forKey: .read) ?? 0
    used = try fields.decodeIfPresent(Int.self, forKey: .used) ?? 0
    quarantined = try fields.decodeIfPresent(Int.self, forKey: .quarantined) ?? 0
    skipped = try fields.decodeIfPresent(Int.self, forKey: .skipped) ?? 0
  }

  public var isBalanced: Bool { read == used + quarantined + skipped }

  /// Counts a dump that was read, and its fate.
  public mutating func count(_ fate: WritableKeyPath<DumpCounts, Int>, _ number: Int = 1) {
    read += number
    self[keyPath: fate] += number
  }

  public static func += (sum: inout DumpCounts, part: DumpCounts) {
    sum.read += part.read
    sum.used += part.used
    sum.quarantined += part.quarantined
    sum.skipped += part.skipped
  }
}
