import Learning
import Testing

/// The figures of one user (docs/learning.md, *Statistics*), on plays that a reader can count on paper.
///
/// The clock is a Monday noon. `a`, `b` and `d` are by one artist in three spellings; `c` has no artist, no language
/// and no duration.
///
/// | play | song | completion | says | inside of |
/// |---|---|---|---|---|
/// | 2025-03-10 11:00 | a | 0.9 | liked | week |
/// | 2025-03-10 10:45 | b | 0.2 | skipped | week |
/// | 2025-03-10 10:14:59.999 | a | none | unknown | week |
/// | 2025-03-03 12:00:00.001 | c | 0.5 | heard | week, by a millisecond |
/// | 2025-03-03 12:00 | a | 1 | liked | month |
/// | 2025-02-01 00:00 | b | 0 | unknown | year |
/// | 2024-03-10 12:00 | d | 0.8 | liked | all time, by a millisecond |
@Suite struct StatisticsTests {
  static let parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))
  static let a: Value = [
    "title": "Alpha", "artist": "ABBA", "duration": 200, "language": "hi", "genres": ["pop", "filmi"],
  ]
  static let b: Value = ["title": "Beta", "artist": "abba", "duration": 100, "language": "en", "moods": ["calm"]]
  static let c: Value = ["title": "Gamma", "genres": ["pop"]]
  static let d: Value = ["title": "Delta", "artist": "Abba", "duration": 50, "language": "hi"]
  static let plays = [
    play("a", "2025-03-10T11:00:00Z", 0.9, a.with(["source": "search"])),
    play("b", "2025-03-10T10:45:00Z", 0.2, b.with(["source": "radio"])),
    play("a", "2025-03-10T10:14:59.999Z", nil, a.with(["source": "search"])),
    play("c", "2025-03-03T12:00:00.001Z", 0.5, c),
    play("a", "2025-03-03T12:00:00Z", 1, a),
    play("b", "2025-02-01T00:00:00Z", 0, b),
    play("d", "2024-03-10T12:00:00Z", 0.8, d),
  ]

  func statistics() throws -> Value {
    let listeners = Listeners(plays: Self.plays, ["total_songs_played": 14])
    return try #require(try learn(listeners, Self.parameters).statistics["ann"])
  }

  static let counts: [(range: String, counts: [String: Value])] = [
    (
      "week",
      [
        "plays": 4, "liked": 1, "skipped": 1, "unknown": 1, "distinct_songs": 3, "distinct_artists": 1,
        // c: the first play of a and of b came before.
        "new_songs": 1, "plays_timed": 2,
      ]
    ),
    (
      "month",
      [
        "plays": 5, "liked": 2, "skipped": 1, "unknown": 1, "distinct_songs": 3, "distinct_artists": 1, "new_songs": 2,
        "plays_timed": 3,
      ]
    ),
    (
      "year",
      [
        "plays": 6, "liked": 2, "skipped": 1, "unknown": 2, "distinct_songs": 3, "distinct_artists": 1, "new_songs": 3,
        "plays_timed": 3,
      ]
    ),
    (
      "all_time",
      [
        "plays": 7, "liked": 3, "skipped": 1, "unknown": 2, "distinct_songs": 4, "distinct_artists": 1, "new_songs": 4,
        "plays_timed": 4,
      ]
    ),
  ]

  @Test(arguments: counts)
  func `a range counts what lies inside of it`(range: String, counts: [String: Value]) throws {
    let figures = try #require(try statistics()[range])
    for (name, count) in counts { #expect(figures[name] == count, "\(range).\(name)") }
  }

  static let rates: [(range: String, repeats: Double, mean: Double, median: Double, seconds: Double)] = [
    // 1 − 3/4; (0.9 + 0.2 + 0.5) / 3; the middle of 0.2, 0.5, 0.9; 0.9 · 200 + 0.2 · 100.
    ("week", 0.25, 1.6 / 3, 0.5, 200),
    // 1 − 3/5; (1.6 + 1) / 4; between 0.5 and 0.9; 200 + 1 · 200.
    ("month", 0.4, 0.65, 0.7, 400),
    ("year", 0.5, 0.65, 0.7, 400),
    // 1 − 4/7; (2.6 + 0.8) / 5; the middle of 0.2, 0.5, 0.8, 0.9, 1; 400 + 0.8 · 50.
    ("all_time", 3.0 / 7, 0.68, 0.8, 440),
  ]

  @Test(arguments: rates)
  func `rates are of the plays that have them`(
    range: String, repeats: Double, mean: Double, median: Double, seconds: Double
  ) throws {
    let figures = try #require(try statistics()[range])
    #expect(isNear(figures["repeat_rate"]?.number, repeats))
    #expect(isNear(figures["mean_completion"]?.number, mean))
    #expect(isNear(figures["median_completion"]?.number, median))
    #expect(isNear(figures["seconds_listened"]?.number, seconds))
  }

  @Test func `the lists of a range are by plays, then liked plays, then key or name`() throws {
    let week = try #require(try statistics()["week"])
    #expect(
      week["top_songs"] == [
        [
          "key": "v:a", "title": "Alpha", "artist": "ABBA", "plays": 2, "liked": 1,
          "last_played": .date(time("2025-03-10T11:00:00Z")),
        ],
        [
          "key": "v:b", "title": "Beta", "artist": "abba", "plays": 1, "liked": 0,
          "last_played": .date(time("2025-03-10T10:45:00Z")),
        ],
        [
          "key": "v:c", "title": "Gamma", "plays": 1, "liked": 0,
          "last_played": .date(time("2025-03-03T12:00:00.001Z")),
        ],
      ])
    #expect(week["top_artists"]?.each("name") == ["ABBA"])
    #expect(week["top_artists"]?.each("plays") == [3])
    #expect(week["top_languages"]?.each("name") == ["hi", "en"])
    #expect(week["top_genres"]?.each("name") == ["pop", "filmi"])
    #expect(week["top_genres"]?.each("plays") == [3, 2])
    #expect(week["top_moods"]?.each("name") == ["calm"])
    #expect(week["sources"]?.each("name") == ["search", "radio"])
  }

  @Test func `clocks count plays by hour and weekday, Monday first`() throws {
    let all = try #require(try statistics()["all_time"])
    func counts(_ pairs: [Int: Value], of count: Int) -> Value { .array((0..<count).map { pairs[$0] ?? 0 }) }
    #expect(all["by_hour"] == counts([0: 1, 10: 2, 11: 1, 12: 3], of: 24))
    // 2025-02-01 was a Saturday, 2024-03-10 a Sunday.
    #expect(all["by_weekday"] == counts([0: 5, 5: 1, 6: 1], of: 7))
    #expect(
      all["by_weekday_hour"] == counts([10: 2, 11: 1, 12: 2, 5 * 24: 1, 6 * 24 + 12: 1], of: 168))
  }

  @Test func `what is told once is about all time`() throws {
    let statistics = try statistics()
    #expect(statistics["first_play"]?.dateText == "2024-03-10T12:00:00.000Z")
    #expect(statistics["last_play"]?.dateText == "2025-03-10T11:00:00.000Z")
    #expect(statistics["active_days"] == 4)
    #expect(statistics["coverage"] == 0.5)
    // The two plays of noon, the two of this morning that are not half an hour apart, and three alone.
    #expect(statistics["listening_sessions"] == 5)
    #expect(statistics["longest_session_plays"] == 2)
    #expect(
      statistics["plays_by_day"] == [
        ["day": "2024-03-10", "plays": 1, "liked": 1], ["day": "2025-02-01", "plays": 1, "liked": 0],
        ["day": "2025-03-03", "plays": 2, "liked": 1], ["day": "2025-03-10", "plays": 3, "liked": 1],
      ])
    #expect(
      statistics["plays_by_month"] == [
        ["month": "2024-03", "plays": 1, "liked": 1], ["month": "2025-02", "plays": 1, "liked": 0],
        ["month": "2025-03", "plays": 5, "liked": 2],
      ])
    #expect(statistics["timezone"] == "UTC")
    #expect(statistics["computed_at"] == statistics["as_of"])
  }

  @Test(arguments: [(30 * 60_000, 1), (30 * 60_000 + 1, 2)] as [(Int64, Int64)])
  func `a gap of more than half an hour ends a session`(_ gap: Int64, _ sessions: Int64) throws {
    let last = time("2025-03-10T11:00:00Z")
    let plays = [last, last - gap].map { play("a", "", 1).with(["playedAt": .date($0)]) }
    let statistics = try learn(Listeners(plays: plays), Self.parameters).statistics["ann"]
    #expect(statistics?["listening_sessions"]?.number == Double(sessions))
  }

  @Test(arguments: [(0, nil), (1, 1.0), (7, 1.0), (8, 0.875)] as [(Int64, Value?)])
  func `coverage is at most 1, and of no total there is none`(_ total: Int64, _ coverage: Value?) throws {
    let listeners = Listeners(plays: Self.plays, ["total_songs_played": .int64(total)])
    #expect(try learn(listeners, Self.parameters).statistics["ann"]?["coverage"] == coverage)
  }

  @Test func `of two spellings of an artist as common the greater bytes are shown`() throws {
    for spellings in [["ABBA", "abba"], ["abba", "ABBA"]] {
      let plays = spellings.enumerated().map { index, artist in
        play("s\(index)", "2025-03-10T11:00:00Z", 1, ["artist": .string(artist)])
      }
      let week = try learn(Listeners(plays: plays), Self.parameters).statistics["ann"]?["week"]
      #expect(week?["top_artists"]?.each("name") == ["abba"])
    }
  }

  @Test func `a month of two years is two months`() throws {
    let plays = ["2024-02-29T12:00:00Z", "2025-02-28T12:00:00Z"].map { play("a", $0, 1) }
    let statistics = try learn(Listeners(plays: plays), Self.parameters).statistics["ann"]
    #expect(statistics?["plays_by_month"]?.each("month") == ["2024-02", "2025-02"])
  }

  @Test func `a song of no length is timed`() throws {
    let plays = [play("a", "2025-03-10T11:00:00Z", 0.9, ["duration": 0]), play("b", "2025-03-10T10:00:00Z", 0.9)]
    let learned = try learn(Listeners(plays: plays), Self.parameters)
    #expect(learned.statistics["ann"]?["week", "plays_timed"] == 1)
    #expect(learned.service["2025-03-10"]?["plays_timed"] == 1)
  }

  @Test func `of as many plays those that were liked more often come first`() throws {
    let rates = [("a", 0.5), ("b", 0.9), ("c", 0.5)]
    let plays = rates.map { name, rate in
      play(name, "2025-03-10T11:00:00Z", rate, ["artist": .string(name), "source": .string(name)])
    }
    let week = try learn(Listeners(plays: plays), Self.parameters).statistics["ann"]?["week"]
    for list in ["top_artists", "sources"] { #expect(week?[list]?.each("name") == ["b", "a", "c"]) }
    #expect(week?["top_songs"]?.each("key") == ["v:b", "v:a", "v:c"])
  }

  @Test func `a list has its first fifty or twenty, of sources all`() throws {
    let names = (10..<70).map { Value.string("n\($0)") }
    let plays = names.map { name in
      play(
        name.text ?? "", "2025-03-10T11:00:00Z", 1,
        ["artist": name, "language": name, "genres": [name], "moods": [name], "source": name])
    }
    let learned = try learn(Listeners(plays: plays), Self.parameters)
    for range in [learned.statistics["ann"]?["week"], learned.service["2025-03-10"]] {
      #expect(range?["top_songs"]?.each("artist") == Array(names.prefix(50)))
      #expect(range?["top_artists"]?.each("name") == Array(names.prefix(50)))
      for list in ["top_languages", "top_genres", "top_moods"] {
        #expect(range?[list]?.each("name") == Array(names.prefix(20)))
      }
      #expect(range?["sources"]?.each("name") == names)
    }
  }

  @Test func `a user without plays has figures of nothing, and no rates`() throws {
    let statistics = try #require(try learn(Listeners(), Self.parameters).statistics["ann"])
    for range in ["week", "month", "year", "all_time"] {
      #expect(statistics[range, "plays"] == 0)
      #expect(statistics[range, "seconds_listened"] == 0.0)
      for rate in ["repeat_rate", "mean_completion", "median_completion"] { #expect(statistics[range, rate] == nil) }
    }
    for name in ["first_play", "last_play", "coverage", "stale_after"] { #expect(statistics[name] == nil) }
    #expect(statistics["plays_by_day"] == [])
  }

  @Test(arguments: [
    // Days before today with a play; the longest streak; the present one.
    ([0, 1, 2], 3, 3), ([1, 2, 3], 3, 3), ([2, 3, 4, 5], 4, 0), ([0, 2, 3], 2, 1), ([1], 1, 1), ([], 0, 0),
    ([0, 1, 3, 4, 5], 3, 2),
  ])
  func `a streak counts back from today, else from yesterday, else it is over`(
    days: [Int64], longest: Int, current: Int
  ) throws {
    let plays = days.map { day in
      play("a", "2025-03-10T00:00:00Z", 1).with(["playedAt": .date(time("2025-03-10T00:00:00Z") - day * 86_400_000)])
    }
    let statistics = try #require(try learn(Listeners(plays: plays), Self.parameters).statistics["ann"])
    #expect(statistics["longest_streak_days"]?.number == Double(longest))
    #expect(statistics["current_streak_days"]?.number == Double(current))
  }

  @Test func `plays_by_day has the 366 local days that end today`() throws {
    let plays = ["2024-03-08T23:59:59Z", "2024-03-09T23:59:59Z", "2024-03-10T00:00:00Z", "2025-03-10T00:00:00Z"]
    let statistics = try learn(Listeners(plays: plays.map { play("a", $0) }), Self.parameters).statistics["ann"]
    #expect(statistics?["plays_by_day"]?.each("day") == ["2024-03-10", "2025-03-10"])
    #expect(statistics?["active_days"] == 4)
  }

  @Test func `a favourite is forgotten after three liked plays and ninety days without any`() throws {
    func liked(_ song: String, _ last: String, times: Int64) -> [Value] {
      (0..<times).map { play(song, last, 0.9).with(["playedAt": .date(time(last) - $0 * 86_400_000)]) }
    }
    let plays =
      liked("twice", "2024-06-01T00:00:00Z", times: 2) + liked("old", "2024-06-01T00:00:00Z", times: 3)
      + liked("just", "2024-12-10T12:00:00Z", times: 4) + liked("not yet", "2024-12-10T12:00:00.001Z", times: 5)
      + liked("skipped since", "2024-06-01T00:00:00Z", times: 9) + [play("skipped since", "2025-03-01T00:00:00Z", 0.1)]
      + liked("alike", "2024-05-01T00:00:00Z", times: 3)
    let statistics = try learn(Listeners(plays: plays), Self.parameters).statistics["ann"]
    #expect(statistics?["forgotten_favorites"]?.each("key") == ["v:just", "v:alike", "v:old"])
    #expect(statistics?["forgotten_favorites"]?.each("liked") == [4, 3, 3])
  }

  @Test func `what is later than the clock is not counted`() throws {
    let plays = [play("a", "2025-03-10T12:00:00Z", 1), play("b", "2025-03-10T12:00:00.001Z", 1)]
    let learned = try learn(
      Listeners(plays: plays, favorites: [favorite("c", "2025-03-10T12:00:00.001Z")]), Self.parameters)
    #expect(learned.statistics["ann"]?["all_time", "plays"] == 1)
    #expect(learned.songs.keys.sorted() == ["v:a"])
  }
}
