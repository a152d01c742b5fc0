import Randomness
import Sync
import Testing

@testable import Jobs

/// What a manifest says of what was learned has a bound, and does not depend on how the users were divided.
@Suite struct LearningCountsTests {
  @Test func `the first hundred reports are kept by their bytes, whoever comes first`() {
    let seed = Trials.seed
    var random = SeededRandom(seed: seed)
    // Two that differ only in their normal form are two.
    let subjects = (0..<300).map { "\($0 / 2)" + ($0 % 2 == 0 ? "\u{E9}" : "e\u{301}") }
    let reports = subjects.flatMap { subject in
      ["b", "a"].map { LearnReport(subject: subject, reason: .newer, detail: $0) }
    }
    let list = ReportList()
    for report in reports.shuffled(using: &random) { list.add(report) }
    let expected = reports.map { Array("\($0.subject) \($0.detail)".utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    #expect(list.first.map { Array("\($0.subject) \($0.detail)".utf8) } == Array(expected.prefix(100)), "seed \(seed)")
  }

  @Test func `users of unknown zones are all counted, and the commonest zones named, however users are divided`() {
    let seed = Trials.seed
    var random = SeededRandom(seed: seed)
    // Everybody has a zone of their own, but for some who share one of a hundred and twenty.
    let own = (0..<20_000).map { "Own/\($0)" }
    let shared = (0..<120).flatMap { number in [String](repeating: "Mars/\(number)", count: number / 40 + 2) }
    let zones = (own + shared).shuffled(using: &random)
    var whole = UnknownZones()
    for zone in zones { whole.add(zone) }
    var parts = [UnknownZones](repeating: UnknownZones(), count: 7)
    for zone in zones { parts[random.below(parts.count)].add(zone) }
    var sum = UnknownZones()
    for part in parts.shuffled(using: &random) { sum.add(part) }
    #expect(whole.users == zones.count && sum.users == zones.count, "seed \(seed)")
    #expect(sum.commonest == whole.commonest, "seed \(seed)")
    // Of forty zones 4 users each, of forty 3, and of the rest the first by their bytes.
    let rest = (0..<40).map { "Mars/\($0)" }.sorted().prefix(20).map { ($0, 2) }
    let great = (40..<120).map { ("Mars/\($0)", $0 / 40 + 2) }
    #expect(whole.commonest == [String: Int](uniqueKeysWithValues: rest + great), "seed \(seed)")
  }

  @Test func `a zone's name of any length is cut`() {
    var zones = UnknownZones()
    for end in ["a", "b"] { zones.add(String(repeating: "z", count: 1 << 20) + end) }
    #expect(zones.commonest == [String(repeating: "z", count: 63) + "…": 2])
  }
}
