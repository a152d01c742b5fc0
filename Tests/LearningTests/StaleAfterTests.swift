import Learning
import Testing

/// `stale_after` (docs/learning.md, *Runs*): the earliest instant at which the same facts give other figures or scores
/// that have drifted too far.
@Suite struct StaleAfterTests {
  /// A play that is heard: figures, and no evidence that drifts.
  static func heard(_ when: String) -> Value { play("a", when, 0.5) }

  static let cases: [(plays: [Value], favorites: [Value], stale: String?)] = [
    ([], [], nil),
    // The day leaves plays_by_day, the last that is left of it.
    ([heard("2024-03-10T11:00:00Z")], [], "2025-03-11T00:00:00.000Z"),
    ([heard("2024-03-09T12:00:00Z")], [], nil),
    // The play leaves the week, month, year.
    ([heard("2025-03-04T00:00:00Z")], [], "2025-03-11T00:00:00.000Z"),
    ([heard("2025-02-09T00:00:00Z")], [], "2025-03-11T00:00:00.000Z"),
    ([heard("2024-03-12T00:00:00Z")], [], "2025-03-12T00:00:00.000Z"),
    // A streak ends with the day after the day after its last.
    ([heard("2025-03-10T11:00:00Z")], [], "2025-03-12T00:00:00.000Z"),
    ([heard("2025-03-09T11:00:00Z")], [], "2025-03-11T00:00:00.000Z"),
    ([heard("2025-03-08T11:00:00Z")], [], "2025-03-15T11:00:00.000Z"),
    // What is in the future will count.
    ([heard("2025-03-10T12:00:00.001Z")], [], "2025-03-10T12:00:00.001Z"),
    ([], [favorite("a", "2025-03-10T13:00:00Z")], "2025-03-10T13:00:00.000Z"),
    // Evidence drifts: tanh(Δ·ln2 / 120) passes 0.02 after 3.463 days.
    ([], [favorite("a", "2020-01-01T00:00:00Z", ["language": "hi"])], "2025-03-13T23:06:37.141Z"),
    // Without any value it is no evidence.
    ([], [favorite("a", "2020-01-01T00:00:00Z")], nil),
  ]

  @Test(arguments: cases)
  func `figures are stale when the first of them changes`(plays: [Value], favorites: [Value], stale: String?) throws {
    let listeners = Listeners(plays: plays, favorites: favorites)
    let statistics = try learn(listeners, LearningParameters(asOf: time("2025-03-10T12:00:00Z"))).statistics["ann"]
    #expect(statistics?["stale_after"]?.dateText == stale)
  }

  @Test func `a streak ends at the user's own midnight, also when the clock changes on that day`() throws {
    // The streak ends as the 31st begins, an hour earlier by UTC than a day after the 30th began.
    let listeners = Listeners(plays: [Self.heard("2025-03-29T11:00:00Z")], ["timezone": "Europe/Berlin"])
    let statistics = try learn(listeners, LearningParameters(asOf: time("2025-03-29T12:00:00Z"))).statistics["ann"]
    #expect(statistics?["stale_after"]?.dateText == "2025-03-30T22:00:00.000Z")
  }

  @Test func `a song that becomes forgotten is stale only where the list has a place for it`() throws {
    // Liked plays of 90 days and less ago; nothing else happens before they have left the list of days.
    func liked(_ song: String, _ last: String, _ times: Int64) -> [Value] {
      (0..<times).map { number in
        play(song, last, 0.9).with(["playedAt": .date(time(last) - number)])
      }
    }
    var parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))
    parameters.unknownWeight = 0
    let soon = liked("soon", "2024-12-10T12:00:01Z", 3)
    func stale(_ plays: [Value]) throws -> String? {
      try learn(Listeners(plays: plays), parameters).statistics["ann"]?["stale_after"]?.dateText
    }
    #expect(try stale(soon) == "2025-03-10T12:00:01.000Z")
    let forgotten = (10..<30).flatMap { liked("a\($0)", "2024-09-01T00:00:00Z", 3) }
    #expect(try stale(soon + Array(forgotten.dropFirst(3))) == "2025-03-10T12:00:01.000Z")
    // Twenty with as many liked plays and lesser keys are shown already. The next thing is a day that leaves the list.
    #expect(try stale(soon + forgotten) != "2025-03-10T12:00:01.000Z")
    #expect(try stale(liked("soon", "2024-12-10T12:00:01Z", 4) + forgotten) == "2025-03-10T12:00:01.000Z")
  }
}
