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
}
