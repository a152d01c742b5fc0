import Testing

@testable import mixdown

/// `--deadline`: a time of the day in UTC, or a span of time.
@Suite struct DeadlineTests {
  /// 2026-01-01T02:00:00Z
  private static let start: Int64 = 1_767_232_800_000

  @Test(arguments: [
    ("06:00", 240), ("6:30", 270), ("02:01", 1), ("23:59", 1319),
    // What has just been, and what has been today, is tomorrow.
    ("02:00", 1440), ("00:00", 1320), ("01:59", 1439), ("90m", 90), ("2h", 120), ("1d", 1440), ("60", 1),
  ])
  func `a deadline is the first such moment after the start`(_ text: String, minutes: Int64) throws {
    let deadline = try #require(Deadline(argument: text))
    #expect(deadline.moment(start: Self.start) == Self.start + minutes * 60_000)
  }

  @Test(arguments: ["24:00", "06:60", "06:0", "06:000", "-1:00", ":30", "6:", "06:00:00", "6 o'clock", "", "0", "-5m"])
  func `what is neither is refused`(_ text: String) {
    #expect(Deadline(argument: text) == nil)
  }
}
