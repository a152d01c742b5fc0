import Sync
import Testing

@testable import mixdown

/// What a line of progress says, without a terminal.
@Suite struct ProgressLineTests {
  private static let reading: ProgressFigures = {
    var figures = ProgressFigures()
    figures.bytesInAll = 4 << 30
    figures.add(.read(bytes: 1 << 30))
    return figures
  }()

  /// Ten seconds in which a gibibyte was read.
  private static let rate: ProgressRate = {
    var rate = ProgressRate()
    rate.note(ProgressFigures(), at: 0)
    rate.note(reading, at: 10)
    return rate
  }()

  @Test(arguments: [
    (200, "reading [███████░░░░░░░░░░░░░░░░░░░░░░░]  25 %  1.0 GiB of 4.0 GiB  102.4 MiB/s  0:30 left"),
    (72, "reading [██░░░░░░░░]  25 %  1.0 GiB of 4.0 GiB  102.4 MiB/s  0:30 left"),
    (64, "reading  25 %  1.0 GiB of 4.0 GiB  102.4 MiB/s  0:30 left"),
    (50, "reading  25 %  1.0 GiB of 4.0 GiB  0:30 left"),
    (30, "reading  25 %  0:30 left"), (20, "reading  25 %"), (10, " 25 %"), (6, " 25 %"), (5, ""), (1, ""), (0, ""),
  ])
  func `a line fits its window, and loses first what is least needed`(_ columns: Int, _ expected: String) {
    #expect(ProgressBar(figures: Self.reading, rate: Self.rate).line(columns: columns) == expected)
  }

  @Test func `no window is written past its last column but one`() {
    for columns in 0...200 {
      for isPlain in [true, false] {
        let bar = ProgressBar(figures: Self.reading, rate: Self.rate, isPlain: isPlain)
        #expect(bar.line(columns: columns).count < max(1, columns))
      }
    }
  }

  @Test func `a message says the same in words`() {
    let bar = ProgressBar(figures: Self.reading, rate: Self.rate)
    #expect(bar.message == "reading 25 %, 1.0 GiB of 4.0 GiB, 102.4 MiB/s, 0:30 left")
  }

  @Test func `what is not known is not said`() {
    var figures = ProgressFigures()
    figures.add(.read(bytes: 100))
    #expect(ProgressBar(figures: figures, rate: ProgressRate()).line(columns: 80) == "reading  100 B")
    figures.phase = .merge
    figures.add(.grouped(dumps: 8))
    figures.add(.merged(users: 1, dumps: 2))
    #expect(
      ProgressBar(figures: figures, rate: ProgressRate(), isPlain: true).line(columns: 32) == "merging  25 %  1 users")
    figures.phase = .commit
    #expect(ProgressBar(figures: figures, rate: ProgressRate()).line(columns: 80) == "writing  1 users")
  }

  @Test func `a merge that begins anew has done nothing, and has as much to read`() {
    var figures = Self.reading
    figures.add(.grouped(dumps: 8))
    figures.add(.merged(users: 1, dumps: 2))
    figures.add(.begunAnew)
    #expect((figures.bytesRead, figures.dumpsGrouped, figures.dumpsMerged, figures.users) == (0, 0, 0, 0))
    #expect(figures.bytesInAll == Self.reading.bytesInAll)
  }

  @Test func `the rate is that of the last seconds, and begins anew with a phase`() {
    var rate = ProgressRate()
    var figures = ProgressFigures()
    for second in 0...60 {
      rate.note(figures, at: Double(second))
      figures.add(.read(bytes: second < 40 ? 100 : 10))
    }
    #expect(rate.perSecond == 10)
    figures.phase = .merge
    rate.note(figures, at: 61)
    #expect(rate.perSecond == nil && rate.left(figures) == nil)
  }

  @Test(arguments: [
    (0.2, "0:01"), (59, "0:59"), (60, "1:00"), (3599.5, "1:00:00"), (7384, "2:03:04"), (1e12, "99:59:59"),
  ])
  func `times are as on a clock`(_ seconds: Double, _ text: String) { #expect(ProgressBar.clock(seconds) == text) }
}
