import BSON
import MongodHarness
import Randomness
import Stores
import Sync
import Testing

@testable import Jobs

/// Nights that count days of the service again: both kinds of store find whoever played on them (docs/learning.md,
/// *Runs*).
@Suite(.serialized) struct ServiceDaysTests {
  typealias Play = LearningTown.Play
  static let kinds = TestStore.Kind.allCases

  private func plays(of day: String, _ town: LearningTown) throws -> Int64? {
    try town.store.documents(of: .serviceStats).first { $0.field("day")?.string == day }?.field("plays")?.integer
  }

  /// Bob's plays of a day, of which the first night has met one: whoever else played then had done so before.
  private func countDayTwice(_ town: LearningTown) throws {
    try town.add("bob", Play("b1", "All Blues", "2026-01-02T00:10:00Z"))
    #expect(try town.learn("2026-01-02T02:00:00Z", full: true).full)
    #expect(try plays(of: "2026-01-02", town) == 2)
    try town.add("bob", Play("b2", "Nefertiti", "2026-01-02T10:00:00Z"))
    let counts = try town.learn("2026-01-03T02:00:00Z")
    #expect(!counts.full && counts.computed == 1)
  }

  @Test(arguments: kinds)
  func `a play later than the clock of who wrote it counts on its day`(_ kind: TestStore.Kind) throws {
    let town = try LearningTown(kind)
    try town.add("ann", Play("a", "So What", "2026-01-02T00:30:00Z"))
    town.written["ann"] = "2026-01-01T22:00:00Z"
    try countDayTwice(town)
    #expect(try plays(of: "2026-01-02", town) == 3)
  }

  @Test(arguments: kinds, ["2026-01-01T22:00:00Z", "2026-01-02T01:30:00Z"])
  func `plays of somebody who has an archive and no library count on their day`(
    _ kind: TestStore.Kind, writtenAt time: String
  ) throws {
    let town = try LearningTown(kind)
    try town.archive("ann", "2026-01", Play("a", "So What", "2026-01-02T01:00:00Z"), at: time)
    town.written["ann"] = time
    try countDayTwice(town)
    #expect(try plays(of: "2026-01-02", town) == 3)
  }

  @Test(arguments: kinds)
  func `somebody of whom an archive was written lately and the library long ago counts once`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try LearningTown(kind)
    try town.add("ann", Play("a", "So What", "2025-12-01T12:00:00Z"))
    try town.archive("ann", "2026-01", Play("c", "Milestones", "2026-01-02T01:00:00Z"), at: "2026-01-02T01:30:00Z")
    town.written["ann"] = "2026-01-02T01:30:00Z"
    try countDayTwice(town)
    #expect(try plays(of: "2026-01-02", town) == 3)
  }

  @Test(arguments: kinds)
  func `who is read for a day that is counted again, and then for a title, counts once`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try LearningTown(kind)
    try town.archive("ann", "2026-01", Play(nil, "So What", "2026-01-02T01:00:00Z"), at: "2026-01-02T01:30:00Z")
    town.written["ann"] = "2026-01-02T01:30:00Z"
    try town.add("bob", Play("b1", "All Blues", "2026-01-02T00:10:00Z"))
    try town.learn("2026-01-02T02:00:00Z", full: true)
    try town.add("bob", Play("v1", "So What", "2026-01-02T10:00:00Z"))
    let counts = try town.learn("2026-01-03T02:00:00Z")
    #expect(counts.computed == 2 && counts.users.seen == 2)
    #expect(try town.topSongs("ann") == ["v:v1"])
    #expect(try plays(of: "2026-01-02", town) == 3)
  }

  /// Some weeks of listening around midnight, with clocks that are fast, and libraries that go. `MIXDOWN_SEED` repeats
  /// a failure.
  @Test(arguments: [Trials.seed])
  func `night by night a directory and a server have the same days`(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let towns = try Self.kinds.map { try LearningTown($0) }
    // There is always somebody: where nothing was learned, everything is counted.
    for town in towns { try town.add("eve", Play("eve", "Milestones", "2025-12-01T12:00:00Z")) }
    /// An instant of a night, in quarters of an hour from the evening before.
    func instant(_ day: Int, _ quarter: Int) -> String {
      let hour = 18 + quarter / 4
      let date = day + hour / 24 - 1
      func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
      let minute = 15 * (quarter % 4) + random.below(15)
      return "2026-01-\(twoDigits(date))T\(twoDigits(hour % 24)):\(twoDigits(minute)):00Z"
    }
    for day in 2...16 {
      for number in 0..<8 where random.percent(30) {
        let user = "user-\(number)"
        if day > 2, random.percent(40) {
          for town in towns { try town.removeLibrary(user) }
          continue
        }
        // From six in the evening to two in the morning.
        let time = random.below(32)
        let plays = (0..<1 + random.below(3)).map { _ in
          Play("v\(random.below(20))", nil, instant(day, max(0, time + random.below(48) - 24)))
        }
        let written = instant(day, time)
        for town in towns {
          try town.add(user, plays)
          town.written[user] = written
        }
      }
      let asOf = instant(day, 32)
      let counts = try towns.map { try $0.learn(asOf, full: day == 2) }
      #expect(counts.allSatisfy { $0.full == (day == 2) })
      let days = try towns.map { try $0.serviceDays }
      #expect(days[0] == days[1], "seed \(seed), night \(day)")
    }
  }
}
