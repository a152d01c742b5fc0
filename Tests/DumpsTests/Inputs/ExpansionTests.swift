import Testing

@testable import Dumps

/// How much may come out of an archive for what went in (docs/dumps.md, *Limits*).
@Suite struct ExpansionTests {
  private static let free = Limits.freeExpansion

  private static let cases: [(size: Int, delivered: Int, ratio: Int, most: Int)] = [
    // 64 MiB, whatever the ratio.
    (1, 1, 1, free), (0, 0, 1000, free), (65_536, 65_536, 1000, free),
    // Then so many times what was read.
    (131_072, 131_072, 1000, 131_072_000), (131_072, 131_072, 600, 78_643_200), (1 << 30, 131_072, 1000, 131_072_000),
    (1 << 30, 1 << 30, 1, 1 << 30),
    // What is read again is there once.
    (131_072, 1 << 30, 1000, 131_072_000), (1, 1 << 30, 1000, free),
    // With more than fits, nothing is too much.
    (1 << 40, 1 << 40, .max, .max),
  ]

  @Test(arguments: cases)
  func `past the limit there is not one byte more`(_ one: (size: Int, delivered: Int, ratio: Int, most: Int)) throws {
    let expansion = Expansion(from: one.size, maxRatio: one.ratio) { one.delivered }
    try expansion.add(one.most)
    guard one.most < .max else { return }
    do throws(ReadFailure) {
      try expansion.add(1)
      Issue.record("\(one.most + 1) bytes came out")
    } catch {
      guard case .rest(let fault) = error, fault.reason == .bomb else { throw error }
    }
  }
}
