import BSON
import Library
import Testing

/// The normal form of the known fields (docs/dumps.md).
@Suite struct NormalForm {
  /// What a field of the cloud's only favourite becomes; nil when it is dropped.
  private func stored(_ field: String, _ value: Value) throws -> Value? {
    let after = try merge(cloud: ["favorites": [["videoId": "v", field: value]]])
    #expect(after["favorites"]?.items?.count == 1)
    return after["favorites"]?[0]?[field]
  }

  // MARK: Times

  private typealias Time = (Value, Int64?)

  /// Dates.
  private static let dates: [Time] = [
    (ms(1), 1), (at(5), millis(5)), (ms(.max), .max), (ms(0), nil), (ms(-1), nil), (ms(.min), nil),
  ]

  /// Numbers: milliseconds, and seconds below 100 000 000 000.
  private static let numbers: [Time] = [
    (long(epoch), epoch), (100_000_000_000, 100_000_000_000), (99_999_999_999, 99_999_999_999_000),
    (1_735_689_600, epoch), (1, 1000), (0, nil), (-1, nil), (-1_735_689_600, nil), (long(.max), .max),
    (long(.min), nil),
  ]

  /// Fractions are cut off.
  private static let fractions: [Time] = [
    (1_735_689_600_000.9, epoch), (1_735_689_600.5, epoch + 500), (1_735_689_600.0019, epoch + 1),
    (99_999_999_999.9999, 99_999_999_999_999), (100_000_000_000.0, 100_000_000_000),
    (100_000_000_000.9, 100_000_000_000), (0.5, 500), (0.001, 1),
    (0.0009, nil), (-0.5, nil), (-0.0, nil), (9_223_372_036_854_774_784.0, 9_223_372_036_854_774_784),
    (9_223_372_036_854_775_808.0, nil), (.double(.infinity), nil), (.double(-.infinity), nil), (.double(.nan), nil),
  ]

  /// Text.
  private static let texts: [Time] = [
    ("2025-01-01T00:00:00Z", epoch), ("2025-01-01T00:00:00.5Z", epoch + 500),
    ("2025-01-01T00:00:00.05Z", epoch + 50), ("2025-01-01T00:00:00.123999Z", epoch + 123),
    ("2025-01-01T00:00:00.000000000000000000001Z", epoch), ("2025-01-01T01:30:00+01:30", epoch),
    ("2025-01-01T01:30:00+0130", epoch), ("2024-12-31T18:30:00.25-0530", epoch + 250),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000), ("2000-02-29T12:00:00Z", 951_825_600_000),
    ("1970-01-01T00:00:00.001Z", 1), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ("1970-01-01T00:00:00Z", nil), ("1969-12-31T23:59:59.999Z", nil), ("1970-01-01T00:59:00+01:00", nil),
    ("2025-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil), ("2025-13-01T00:00:00Z", nil),
    ("2025-00-01T00:00:00Z", nil), ("2025-01-32T00:00:00Z", nil), ("2025-01-00T00:00:00Z", nil),
    ("2025-01-01T24:00:00Z", nil), ("2025-01-01T25:00:00Z", nil), ("2025-01-01T00:60:00Z", nil),
    ("2025-01-01T00:61:00Z", nil), ("2025-01-01T00:00:60Z", nil),
    ("2025-01-01T00:00:00-24:00", nil), ("2025-01-01T00:00:00-00:60", nil), ("2025-01-01T00:00:00", nil),
    ("2025-01-01T00:00:00.Z", nil), ("2025-01-01 00:00:00Z", nil), ("2025-01-01T00:00Z", nil), ("2025-01-01", nil),
    ("2025-01-01T00:00:00Z ", nil), (" 2025-01-01T00:00:00Z", nil), ("2025-01-01T00:00:00+01", nil),
    ("2025-01-01T00:00:00+1:00", nil), ("25-01-01T00:00:00Z", nil), ("１025-01-01T00:00:00Z", nil),
    ("1735689600000", nil), ("yesterday", nil), ("", nil),
  ]

  /// Extended JSON, in which a number is milliseconds.
  private static let extended: [Time] = [
    (["$date": long(epoch)], epoch), (["$date": 5], 5), (["$date": 1_735_689_600], 1_735_689_600),
    (["$date": 1_735_689_600_000.7], epoch), (["$date": "2025-01-01T00:00:00.5Z"], epoch + 500),
    (["$date": ["$numberLong": "1735689600000"]], epoch), (["$date": ["$numberLong": "5"]], 5),
    (["$date": ["$numberLong": "0"]], nil), (["$date": ["$numberLong": "-5"]], nil),
    (["$date": ["$numberLong": "9223372036854775808"]], nil), (["$date": ["$numberLong": "soon"]], nil),
    (["$date": ["$numberInt": "5"]], 5), (["$date": ["$numberInt": "1735689600000"]], nil),
    (["$date": ["$numberDouble": "1735689600000.7"]], epoch), (["$date": ["$numberDouble": "NaN"]], nil),
    (["$date": ["$numberLong": "5", "x": 1]], nil),
    (["$date": 0], nil), (["$date": -5], nil), (["$date": "soon"], nil), (["$date": nil], nil), (["$date": [:]], nil),
  ]

  /// Anything else.
  private static let others: [Time] = [
    (nil, nil), (true, nil), ([], nil), ([long(epoch)], nil), ([:], nil),
    (.other(0x11, Array(repeating: 1, count: 8)), nil),
  ]

  private static let times: [Time] = dates + numbers + fractions + texts + extended + others

  @Test(arguments: times)
  func `a time is a date, milliseconds, seconds, or text, and anything else is none`(_ value: Value, _ time: Int64?)
    throws
  {
    #expect(try stored("addedAt", value) == time.map { ms($0) })
    let play = try merge(cloud: ["history": [["videoId": "v", "playedAt": value]]])
    #expect(play["history"]?.items == (time.map { [["videoId": "v", "playedAt": ms($0)]] } ?? []))
    #expect(play.quarantinedOfCloud == (time == nil ? ["history 0 no-time"] : []))
  }

  @Test func `a playlist's times and a tombstone's are times too`() throws {
    let after = try merge(
      cloud: nil,
      .at(
        1,
        [
          "playlists": [["id": "p", "created_at": long(epoch), "updated_at": "2025-01-01T00:01:00Z"]],
          "removed": ["favorites": [["videoId": "v", "removedAt": 1_735_689_600]]],
        ]))
    #expect(after.each("playlists", "created_at") == [at(0)])
    #expect(after.each("playlists", "updated_at") == [at(1)])
    #expect(after["removed"] == ["favorites": [["videoId": "v", "removedAt": at(0)]]])
  }

  // MARK: Aliases

  private static let aliases: [(String, String, String, Value)] = [
    ("history", "youtube_video_id", "videoId", "v2"), ("history", "video_id", "videoId", "v2"),
    ("history", "artist_name", "artist", "x"), ("history", "artwork_url", "artwork", "p"),
    ("history", "image_url", "artwork", "p"), ("favorites", "added_at", "addedAt", at(3)),
    ("history", "played_at", "playedAt", at(3)), ("history", "completion_rate", "completionRate", 0.5),
    ("favorites", "duration_seconds", "duration", 180), ("queue", "added_at", "addedAt", at(3)),
  ]

  @Test(arguments: aliases)
  func `an alias stands in for its absent first name, and is removed`(
    _ list: String, _ alias: String, _ name: String, _ value: Value
  ) throws {
    var entry: Value = ["title": "a", "playedAt": at(1)]
    entry[name] = nil
    func read(_ entry: Value) throws -> Value? { try merge(.at(9, [list: [entry]]))[list]?[0] }
    let alone = try read(entry.with([alias: value]))
    #expect(alone?[name] == value)
    #expect(alone?[alias] == nil)
    let null = try read(entry.with([name: nil, alias: value]))
    #expect(null?[name] == value)
    #expect(null?[alias] == nil)
    // Of a wrong type elsewhere, in a field of text an empty one is none.
    if value.text != nil {
      let empty = try read(entry.with([name: "", alias: value]))
      #expect(empty?[name] == value)
      #expect(empty?[alias] == nil)
    }
    let beside = try read(entry.with([alias: "other", name: value]))
    #expect(beside?[name] == value)
    #expect(beside?[alias] == nil)
  }

  @Test func `a value of the wrong type is there and does not call the alias`() throws {
    let after = try merge(
      .at(
        1,
        [
          "favorites": [
            ["title": "a", "artwork": 5, "image_url": "p", "addedAt": "soon", "added_at": at(1)],
            ["videoId": 5, "video_id": "v"], ["title": "b", "artist": [], "artist_name": "x"],
          ]
        ]))
    #expect(after["favorites"] == [["title": "a"]])
    #expect(after.quarantined == ["favorites 1 invalid-field", "favorites 2 invalid-field"])
  }

  @Test func `of two aliases the first named counts, wherever they stand`() throws {
    let after = try merge(
      .at(1, ["favorites": [["video_id": "late", "youtube_video_id": "early", "image_url": "q", "artwork_url": "p"]]]))
    #expect(after["favorites"] == [["videoId": "early", "artwork": "p"]])
  }

  @Test func `an alias of a playlist is used, but artwork is no playlist's`() throws {
    let after = try merge(
      .at(
        1,
        [
          "playlists": [
            [
              "id": "p", "createdAt": at(1), "updatedAt": at(2), "isPublic": true, "artwork_url": "a", "image_url": "b",
            ],
            [
              "id": "q", "createdAt": at(5), "created_at": at(0), "updated_at": nil, "updatedAt": at(2),
              "isPublic": true,
              "is_public": false,
            ],
            [
              "id": "r", "created_at": at(0), "createdAt": at(5), "updated_at": at(2), "updatedAt": at(1),
              "is_public": false, "isPublic": true,
            ],
          ]
        ]))
    #expect(
      after["playlists"] == [
        [
          "id": "p", "created_at": at(1), "updated_at": at(2), "is_public": true, "artwork_url": "a", "image_url": "b",
          "songs": [], "song_count": 0, "cover_urls": [],
        ],
        [
          "id": "q", "created_at": at(0), "updated_at": at(2), "is_public": false, "songs": [], "song_count": 0,
          "cover_urls": [],
        ],
        [
          "id": "r", "created_at": at(0), "updated_at": at(2), "is_public": false, "songs": [], "song_count": 0,
          "cover_urls": [],
        ],
      ])
  }

  // MARK: Numbers, flags and lists

  private static let rates: [(Value, Value?)] = [
    (0.25, 0.25), (0, 0.0), (1, 1.0), (2, 1.0), (1.5, 1.0), (-3, 0.0), (-0.5, 0.0), (long(7), 1.0),
    (.double(.infinity), nil), (.double(-.infinity), nil), (.double(.nan), nil), ("0.5", nil), (true, nil),
    (nil, nil),
    ([], nil), (-0.0, 0.0),
  ]

  @Test(arguments: rates)
  func `completionRate is a double from 0 to 1`(_ value: Value, _ rate: Value?) throws {
    let after = try merge(.at(9, ["history": [["videoId": "v", "playedAt": at(1), "completionRate": value]]]))
    #expect(after.each("history", "completionRate") == [rate])
  }

  private static let volumes = rates.map { rate in
    switch rate.0 {
    case .double(.infinity): (rate.0, 1.0 as Value?)
    case .double(-.infinity): (rate.0, 0.0 as Value?)
    default: rate
    }
  }

  @Test(arguments: volumes)
  func `a volume is a double from 0 to 1, and an infinite one is moved to the border`(
    _ value: Value, _ volume: Value?
  ) throws {
    let after = try merge(.at(9, ["preferences": ["volume": value, "shuffle": true]]))
    #expect(after["preferences"]?["volume"] == volume)
  }

  private static let durations: [(Value, Value?)] = [
    (180, 180), (180.5, 180.5), (long(180), long(180)), (0, 0), (0.0, 0.0), (-1, nil), (-0.5, nil),
    (.double(.infinity), nil), (.double(.nan), nil), ("180", nil), (nil, nil), (true, nil),
  ]

  @Test(arguments: durations)
  func `duration is a number as given`(_ value: Value, _ duration: Value?) throws {
    #expect(try stored("duration", value) == duration)
  }

  private static let totals: [(Value, Value?)] = [
    (5, 5), (0, 0), (long(5), 5), (0.0, 0), (5.0, 5), (5.9, 5), ("5", 5), ("0042", 42),
    (9_007_199_254_740_993, 9_007_199_254_740_993),
    ("9223372036854775807", .int64(.max)), ("9223372036854775808", nil), (-1, nil), (-0.5, nil), ("-5", nil),
    ("+5", nil), ("5.0", nil), (" 5", nil), ("", nil), ("٥", nil), (.double(.infinity), nil), (.double(.nan), nil),
    (9_223_372_036_854_775_808.0, nil), (nil, nil), (true, nil), ([5], nil),
  ]

  @Test(arguments: totals)
  func `the total is a non-negative int64, from a number or from ASCII digits`(_ value: Value, _ total: Value?) throws {
    let after = try merge(.at(1, ["total_songs_played": value, "queue": []]))
    #expect(after["total_songs_played"] == total)
  }

  private static let genres: [(Value, Value?)] = [
    (["pop", "jazz"], ["pop", "jazz"]), ("pop", ["pop"]), (["pop", "", nil, 5, ["x"], "jazz"], ["pop", "jazz"]),
    ([], []), ([""], []), (nil, nil), (5, nil), (["a": "pop"], nil), (true, nil),
  ]

  @Test(arguments: genres)
  func `genres and moods are non-empty strings`(_ value: Value, _ genres: Value?) throws {
    #expect(try stored("genres", value) == genres)
    #expect(try stored("moods", value) == genres)
  }

  @Test func `shuffle, repeat and is_public of another kind are dropped, and unknown preferences stay`() throws {
    let after = try merge(
      .at(
        1,
        [
          "preferences": ["shuffle": "true", "repeat": "some", "volume": "1", "theme": "dark", "x": nil],
          "playlists": [["id": "p", "is_public": "true"], ["id": "q", "is_public": 1]],
        ]))
    #expect(after["preferences"] == ["theme": "dark", "x": nil])
    #expect(after.each("playlists", "is_public") == [false, false])
  }

  @Test(arguments: ["off", "all", "one"])
  func `repeat is one of three words`(_ word: String) throws {
    #expect(try merge(.at(1, ["preferences": ["repeat": .string(word)]]))["preferences"] == ["repeat": .string(word)])
    let other = try merge(.at(1, ["preferences": ["repeat": .string(word.uppercased())]]))
    #expect(other["preferences"] == [:])
  }

  // MARK: Strings

  @Test(arguments: ["artwork", "language", "source"], [nil, "", 5, true, [], ["a": 1]] as [Value])
  func `a string that is none, null or empty is dropped`(_ field: String, _ value: Value) throws {
    #expect(try stored(field, value) == nil)
    #expect(try stored(field, " ") == " ")
  }

  @Test(arguments: [nil, "", 5, []] as [Value])
  func `a playlist's name that is none, null or empty is dropped`(_ name: Value) throws {
    let after = try merge(.at(1, ["playlists": [["id": "p", "name": name]]]))
    #expect(after.each("playlists", "name") == [nil])
  }

  @Test(arguments: ["title", "artist", "videoId"], [5, 1.5, true, [], [:], at(1)] as [Value])
  func `a wrong type where the song's identity is costs the entry`(_ field: String, _ value: Value) throws {
    let entry: Value = ["videoId": "v", "title": "a", "playedAt": at(1)]
    for list in ["favorites", "history", "queue"] {
      let after = try merge(.at(9, [list: [entry.with([field: value]), entry]]))
      #expect(after[list]?.items?.count == 1)
      #expect(after.quarantined == ["\(list) 0 invalid-field"])
    }
    let songs = try merge(.at(9, ["playlists": [["id": "p", "songs": [entry, entry.with([field: value])]]]]))
    #expect(songs.each("playlists", "song_count") == [1])
    #expect(songs.quarantined == ["playlists 0 invalid-field"])
  }

  @Test func `null in a known field is absence, and in an unknown one a value`() throws {
    let after = try merge(
      .at(
        9,
        [
          "favorites": [
            ["title": "a", "videoId": nil, "artist": nil, "addedAt": nil, "genres": nil, "duration": nil, "x": nil]
          ],
          "playlists": [
            ["id": "p", "songs": nil, "cover_urls": nil, "client_ids": nil, "description": nil, "song_count": nil]
          ],
        ]))
    #expect(after["favorites"] == [["title": "a", "x": nil]])
    #expect(after["playlists"] == [["id": "p", "songs": [], "song_count": 0, "cover_urls": [], "is_public": false]])
  }

  @Test func `a null entry of a list is skipped and one that is no object is quarantined`() throws {
    for list in ["favorites", "history", "queue", "playlists"] {
      let after = try merge(.at(9, [list: [nil, "a", nil, 5, ["x"], true]]))
      #expect(after[list] == [])
      #expect(after.quarantined == [1, 3, 4, 5].map { "\(list) \($0) invalid-field" })
      #expect(after.fates.read == 4)
    }
  }

  @Test func `fields outside the table are kept as they are, at any depth`() throws {
    let entry: Value = [
      "title": "a", "mix": ["b": [nil, 1, long(1), 1.0, ["c": ms(-1)]]], "": "empty", "é": "e\u{301}",
    ]
    let library: Value = [
      "favorites": [entry], "queue": [entry], "playlists": [["id": "p", "songs": [entry], "mix": entry]],
    ]
    let after = try merge(.at(1, library))
    #expect(after["favorites"] == [entry])
    #expect(after["queue"] == [entry.with(["position": 0])])
    #expect(after["playlists"]?[0]?["songs"] == [entry])
    #expect(after["playlists"]?[0]?["mix"] == entry)
  }

  @Test func `strings are equal when their bytes are`() throws {
    let after = try merge(
      .at(
        1, ["favorites": [["videoId": "é"], ["videoId": "e\u{301}"]], "playlists": [["id": "é"], ["id": "e\u{301}"]]]))
    #expect(after["favorites"]?.items?.count == 2)
    #expect(after["playlists"]?.items?.count == 2)
  }

  @Test func `a key with U+0000 costs its entry, in preferences the section`() throws {
    let after = try merge(
      .at(
        1,
        [
          "favorites": [["title": "a", "x\0": 1], ["title": "b", "x": [["\0": 1]]], ["title": "c"]],
          "playlists": [
            ["id": "p", "songs": [["title": "a", "\0": 1], ["title": "b"]]], ["id": "q", "y": ["a\0b": 1]],
          ],
          "preferences": ["shuffle": true, "\0": 1], "recent_searches": ["a"],
        ]))
    #expect(after.each("favorites", "title") == ["c"])
    #expect(after.each("playlists", "song_count") == [1])
    #expect(after["preferences"] == nil)
    #expect(
      after.quarantined == [
        "favorites 0 invalid-field", "favorites 1 invalid-field", "playlists 0 invalid-field",
        "playlists 1 invalid-field",
        "preferences invalid-section",
      ])
  }
}

/// What makes two entries the same song (docs/merge.md).
@Suite struct SongKeys {
  private static let keys: [(Value, String)] = [
    (["videoId": "V"], "v:V"), (["videoId": "v", "title": "a", "artist": "x"], "v:v"),
    (["title": "So What", "artist": "Miles DAVIS"], "t:so what\u{1F}miles davis"), (["title": "A"], "t:a\u{1F}"),
    (["title": "A", "artist": ""], "t:a\u{1F}"), (["videoId": "", "title": "a"], "t:a\u{1F}"),
    (["videoId": nil, "title": "a", "artist": nil], "t:a\u{1F}"), (["video_id": "v", "title": "a"], "v:v"),
    // Each scalar by itself: a final sigma has no form of its own, İ becomes two scalars, ß stays.
    (["title": "ΟΔΟΣ"], "t:οδοσ\u{1F}"), (["title": "οδος"], "t:οδος\u{1F}"), (["title": "İ"], "t:i\u{307}\u{1F}"),
    (["title": "Straße"], "t:straße\u{1F}"), (["title": "ẞ"], "t:ß\u{1F}"), (["title": "ǅ"], "t:ǆ\u{1F}"),
    (["title": "É", "artist": "E\u{301}"], "t:é\u{1F}e\u{301}"), (["title": " A "], "t: a \u{1F}"),
    (["title": "Ａ"], "t:ａ\u{1F}"), (["title": "𐐀"], "t:𐐨\u{1F}"), (["title": "ABC", "artist": "Å"], "t:abc\u{1F}å"),
  ]

  @Test(arguments: keys)
  func `a key is the videoId, else the lowercase title and artist`(_ song: Value, _ key: String) throws {
    let arena = Arena()
    let replica = try Export.at(1, ["favorites": [song]]).replica(MergeParameters(asOf: now), in: arena)
    let found = try #require(replica.favorites?.first?.key.description)
    #expect(found.utf8.elementsEqual(key.utf8), "\(found)")
  }

  @Test(arguments: [[:], ["artist": "x"], ["title": ""], ["videoId": "", "title": nil, "artist": "x"]] as [Value])
  func `without videoId and title there is no identity`(_ song: Value) throws {
    let after = try merge(.at(1, ["favorites": [song], "history": [song.with(["playedAt": at(1)])], "queue": [song]]))
    #expect(after.quarantined == ["favorites 0 no-identity", "history 0 no-identity", "queue 0 no-identity"])
    #expect(after["favorites"] == [])
  }

  @Test func `a title and an artist do not run into each other`() throws {
    let after = try merge(.at(1, ["favorites": [["title": "ab", "artist": "c"], ["title": "a", "artist": "bc"]]]))
    #expect(after["favorites"]?.items?.count == 2)
  }
}
