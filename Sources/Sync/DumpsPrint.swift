internal import Digests

/// What tells the dumps of a user from all others, in any order.
struct DumpsPrint: Sendable {
  /// Of their texts.
  let content: [UInt8]
  /// Of their texts, and of when their files were modified.
  let stamped: [UInt8]

  /// Nil where a guest's library is merged too, and for dumps without a checksum.
  init?(_ dumps: [GroupedDump]) {
    var prints: [(content: [UInt8], stamped: [UInt8])] = []
    for dump in dumps {
      guard dump.guest == nil, let content = dump.checksum else { return nil }
      let time = dump.modifiedAt ?? .min
      prints.append((content, content + (0..<8).map { UInt8(truncatingIfNeeded: time >> (8 * $0)) }))
    }
    if let only = prints.first, prints.count == 1 {
      (content, stamped) = only
    } else {
      (content, stamped) = (Self.digest(prints.map(\.content)), Self.digest(prints.map(\.stamped)))
    }
  }

  /// Of prints in any order.
  private static func digest(_ prints: [[UInt8]]) -> [UInt8] {
    var sum = Checksum()
    for print in prints.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      unsafe print.withUnsafeBytes { unsafe sum.update($0) }
    }
    return sum.finish()
  }
}
