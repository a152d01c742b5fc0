import BSON
import Testing

@testable import Learning

/// `service_stats` (docs/learning.md, *Statistics*): one document for each day of the job's zone that has a play.
@Suite struct ServiceStatisticsTests {
  static let listeners = Listeners(
    "ann",
    plays: [
      play("a", "2025-01-01T10:00:00Z", 0.9, ["artist": "ABBA", "duration": 100]),
      play("a", "2025-01-01T23:30:00Z", 0.4),
      play("b", "2025-01-10T10:00:00Z", 0),
    ]
  ).adding(
    "bob",
    plays: [
      play("a", "2025-01-01T12:00:00Z", 0.2, ["artist": "ABBA"]),
      play("b", "2025-01-01T12:00:00Z", 1, ["artist": "abba"]),
      play("b", "2025-01-07T12:00:00Z", 1), play("c", "2025-01-08T12:00:00Z", 1),
    ]
  ).adding("eve", plays: [play("a", "2025-01-30T10:00:00Z", 1), play("a", "2025-01-31T10:00:00Z", 1)])
  static let parameters = LearningParameters(asOf: time("2025-02-01T00:00:00Z"))

  @Test func `a day has the figures of a range over all users`() throws {
    let day = try #require(try learn(Self.listeners, Self.parameters).service["2025-01-01"])
    #expect([day["plays"], day["liked"], day["skipped"], day["unknown"]] == [4, 2, 1, 0])
    #expect([day["distinct_songs"], day["distinct_artists"], day["new_songs"], day["plays_timed"]] == [2, 1, 2, 3])
    #expect(day["repeat_rate"] == 0.5)
    #expect(isNear(day["mean_completion"]?.number, 0.625))
    #expect(isNear(day["median_completion"]?.number, 0.65))
    // 0.9, 0.4 and 0.2 of 100 seconds.
    #expect(isNear(day["seconds_listened"]?.number, 150))
    #expect(day["top_songs"]?.each("key") == ["v:a", "v:b"])
    #expect(day["top_songs"]?.each("plays") == [3, 1])
    #expect(day["top_artists"]?.each("name") == ["ABBA"])
    let hours = day["by_hour"]?.items ?? []
    #expect([hours[10], hours[12], hours[23]] == [1, 2, 1])
    #expect(day["as_of"] == .date(Self.parameters.asOf))
  }

  @Test(arguments: [
    // Users with a play in the 1, 7 and 30 days that end with the day.
    ("2025-01-01", 2, 2, 2), ("2025-01-07", 1, 2, 2), ("2025-01-08", 1, 1, 2), ("2025-01-10", 1, 2, 2),
    ("2025-01-30", 1, 1, 3), ("2025-01-31", 1, 1, 3),
  ])
  func `active users are those of the day, its week and its month`(day: String, of: Int, week: Int, month: Int) throws {
    let users = try learn(Self.listeners, Self.parameters).service[day]?["active_users"]
    #expect(users == ["day": .int32(Int32(of)), "week": .int32(Int32(week)), "month": .int32(Int32(month))])
  }

  @Test(arguments: [1, 2])
  func `a play that two entries of a user make is of that user's words`(workers: Int) throws {
    let when = "2025-01-01T12:00:00Z"
    var listeners = Listeners("eve", plays: [play("v", "2025-01-02T12:00:00Z", 1, ["title": "A", "artist": "B"])])
    for (user, language) in [("ann", "en"), ("bob", "hi")] as [(String, Value)] {
      let untitled: Value = [
        "title": "A", "artist": "B", "language": language, "playedAt": .date(time(when)), "completionRate": 1.0,
      ]
      listeners.add(user, plays: [untitled, play("v", when, 1, ["title": "A", "artist": "B"])])
    }
    let day = try learn(listeners, Self.parameters, Division(workers: workers)).service["2025-01-01"]
    #expect(day?["plays"] == 2 && day?["top_songs"]?.each("key") == ["v:v"])
    #expect(day?["top_languages"]?.each("name") == ["en", "hi"])
  }

  @Test func `durations of centuries add up for any number of plays, in any order`() {
    // So many that an integer of 128 bits does not hold their sum in units.
    let plays = 4_300_000
    var (many, forth, back) = (ExactSum(), ExactSum(), ExactSum())
    for _ in 0..<plays { many.add(9e18) }
    #expect(abs(many.value / 9e18 / Double(plays) - 1) < 1e-9)
    let terms = [0.1, 200.5, 0x1p52.nextDown, 0x1p52, 0x1p63.nextDown, 9e18, 0.7]
    for term in terms { forth.add(term) }
    for term in terms.reversed() { back.add(term) }
    #expect(forth.value == back.value && isNear(forth.value, 0x1p63 + 9e18 + 0x1p53 + 201.3))
    // The last that is an integer, and the first that is none.
    for term in [0x1p52 - 1, 0x1p52] {
      var sum = ExactSum()
      for part in [term, 0.25, 0.25, 0.5] { sum.add(part) }
      #expect(sum.value == term + 1)
    }
  }

  @Test func `a month is thirty days`() throws {
    let listeners = Listeners("ann", plays: [play("a", "2025-01-01T23:59:59.999Z", 1)]).adding(
      "eve", plays: ["2025-01-30T12:00:00Z", "2025-01-31T00:00:00Z"].map { play("a", $0, 1) })
    let service = try learn(listeners, Self.parameters).service
    #expect(service["2025-01-30"]?["active_users", "month"] == 2)
    #expect(service["2025-01-31"]?["active_users", "month"] == 1)
  }

  @Test func `who is active on a day that a clock set back repeats is active on it once`() throws {
    // At 00:01 of the 7th the clock of Newfoundland went back to 23:01 of the 6th.
    let times = ["2010-11-07T02:30:30Z", "2010-11-07T03:00:00Z", "2010-11-07T04:00:00Z"]
    var parameters = LearningParameters(asOf: time("2010-12-01T00:00:00Z"))
    parameters.timezone = "America/St_Johns"
    let learned = try learn(Listeners(plays: times.map { play("a", $0, 1) }), parameters)
    for (day, plays) in [("2010-11-06", 1), ("2010-11-07", 2)] as [(String, Value)] {
      #expect(learned.service[day]?["plays"] == plays)
      #expect(learned.service[day]?["active_users"]?.fields?.map(\.value) == [1, 1, 1])
    }
    #expect(learned.statistics["ann"]?["plays_by_day"]?.each("plays") == [1, 2])
  }

  @Test func `days are the job's`() throws {
    var parameters = Self.parameters
    parameters.timezone = "Europe/Berlin"
    let service = try learn(Self.listeners, parameters).service
    #expect(service["2025-01-01"]?["plays"] == 3)
    #expect(service["2025-01-02"]?["plays"] == 1)
    #expect(service["2025-01-02"]?["new_songs"] == 0)
  }

  @Test func `days that are counted in several passes are those of one`() throws {
    let whole = try learn(Self.listeners, Self.parameters).service
    let facts = try readFacts(Self.listeners)
    var counts = ServiceDays(Self.parameters, zones: Zones(), days: nil)
    for user in facts.users { counts.add(user) }
    let ranges = counts.ranges(upTo: 4)
    // 4 plays on the first day, then 1, 1, 1, 1 and 1.
    #expect(ranges.count == 3)
    #expect(ranges.map { Int($0.upperBound - $0.lowerBound) } == [0, 23, 0])
    var parts: [String: Value] = [:]
    for range in ranges {
      var part = ServiceStatisticsPart(facts.catalogue, Self.parameters, zones: Zones(), days: range)
      for user in facts.users { part.add(user) }
      try part.writeDocuments(of: part.pieces(1)[0]) { _, document in
        let value = try Value(document)
        parts[value["day"]?.text ?? ""] = value
      }
    }
    #expect(parts == whole)
  }

  @Test(arguments: [(0, 5), (1, 6)] as [(Int64, Int32)])
  func `a song that the last run took in was new to it where it was played by its clock`(
    _ late: Int64, _ newSongs: Int32
  ) throws {
    let before = time("2025-01-31T12:00:00Z")
    let played = play("b", "2025-01-31T12:00:00Z", 1).with(["playedAt": .date(before + late)])
    var listeners = Listeners("ann", plays: [played, play("a", "2025-01-31T13:00:00Z", 1)])
    listeners.songs = [["key": "v:a", "title": "A", "plays": 3], ["key": "v:b", "title": "B", "plays": 0]]
    let facts = try readFacts(listeners)
    var part = ServiceStatisticsPart(
      facts.catalogue, Self.parameters, zones: Zones(), before: .init(asOf: before, newSongs: 5))
    for user in facts.users { part.add(user) }
    try part.writeDocuments(of: part.pieces(1)[0]) { _, document in
      let day = try Value(document)
      #expect(day["new_songs"] == .int32(newSongs))
    }
  }

  /// What a pass over the users begins with.
  private func readFacts(_ listeners: Listeners) throws -> (catalogue: Catalogue, users: [UserFacts]) {
    let arena = Arena()
    let repertoire = Repertoire()
    for song in listeners.songs { try repertoire.read(song: song.document(in: arena)) }
    var reader = FactsReader(into: repertoire)
    let users = try listeners.libraries.map { user, library in
      try reader.facts(
        of: StoredUser(
          user: Array(user.utf8).withView { arena.copy($0) }, library: library.document(in: arena), archive: [],
          account: nil))
    }
    repertoire.freeze()
    var votes = CatalogueVotes(repertoire, Self.parameters)
    for user in users { votes.add(user) }
    return (Catalogue(repertoire, votes, asOf: Self.parameters.asOf), users)
  }
}
