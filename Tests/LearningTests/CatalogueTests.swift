import Learning
import Testing

/// The song catalogue (docs/learning.md, *The catalogue*).
@Suite struct CatalogueTests {
  let parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))
  let when = "2025-03-01T12:00:00Z"

  /// One user for each description of song `a`.
  func songs(_ descriptions: [Value]) throws -> [String: Value] {
    var listeners = Listeners("nobody")
    for (index, description) in descriptions.enumerated() {
      listeners.add("user\(index)", plays: [play("a", when, 0.9, description)])
    }
    return try learn(listeners, parameters).songs
  }

  @Test func `the value with most votes wins, field by field`() throws {
    let song = try songs([
      ["title": "A", "artist": "X", "duration": 200], ["title": "A", "artist": "Y", "language": "hi"],
      ["title": "B", "artist": "Y", "duration": 200.0, "artwork": "u"], ["duration": 100, "language": "en"],
      ["language": "hi"],
    ])["v:a"]
    #expect(song?["title"] == "A")
    #expect(song?["artist"] == "Y")
    #expect(song?["duration"] == 200.0)
    #expect(song?["language"] == "hi")
    #expect(song?["artwork"] == "u")
    #expect(song?["listeners"] == 5)
    #expect(song?["plays"] == 5)
    #expect(song?["completed"] == 5)
    #expect(song?["as_of"] == .date(parameters.asOf))
  }

  @Test(arguments: [
    // The encoding of a string begins with its length, and longer ones come first.
    ("bb", "a"), ("aaa", "zz"), ("b", "a"), ("ä", "z"),
  ])
  func `a tie goes to the greater bytes`(_ greater: String, _ less: String) throws {
    #expect(try songs([["title": .string(greater)], ["title": .string(less)]])["v:a"]?["title"] == .string(greater))
    #expect(try songs([["title": .string(less)], ["title": .string(greater)]])["v:a"]?["title"] == .string(greater))
  }

  @Test func `a user has one vote for each value, however often they played it`() throws {
    var listeners = Listeners(
      "ann", plays: (1...9).map { play("a", "2025-03-0\($0)T00:00:00Z", 1, ["title": "Ann's"]) })
    for user in ["bob", "eve"] { listeners.add(user, plays: [play("a", when, 1, ["title": "A"])]) }
    // A user who says two things votes for both.
    listeners.add(
      "joe", plays: [play("a", when, 1, ["title": "Ann's"]), play("a", "2025-03-02T00:00:00Z", 1, ["title": "A"])])
    let song = try learn(listeners, parameters).songs["v:a"]
    #expect(song?["title"] == "A")
    #expect(song?["plays"] == 13)
    #expect(song?["listeners"] == 4)
  }

  @Test func `who describes a song in two ways has one vote for each, also where keys count as it`() throws {
    // Two votes are more than one, and of one each the longest wins.
    func artwork(_ ofAnn: String, _ more: Value? = nil) throws -> Value? {
      let names: Value = ["title": "So What", "artist": "Miles"]
      var listeners = Listeners("ann", plays: [play("a", when, 1, names.with(["artwork": .string(ofAnn)]))])
      let days = ["2025-03-03", "2025-03-02"]
      listeners.add(
        "joe",
        plays: zip(days, ["bb", "c"]).map { day, url in
          play("a", day + "T00:00:00Z", 1, names.with(["artwork": .string(url)]))
        })
      if let more { listeners.add("eve", plays: [more]) }
      return try learn(listeners, parameters).songs["v:a"]?["artwork"]
    }
    for more in [nil, untitled("So What", "Miles", when, 1)] {
      #expect(try artwork("c", more) == "c")
      #expect(try artwork("ddd", more) == "ddd")
    }
  }

  @Test func `a genre needs a third of the users who name any`() throws {
    let song = try songs([
      ["genres": ["pop", "zouk"]], ["genres": ["pop", "rock"]], ["genres": ["rock", "pop", "pop"]],
      ["genres": ["jazz"]],
      ["genres": ["jazz"]], ["genres": ["rock"]], ["genres": []], ["moods": ["calm"]],
    ])["v:a"]
    // Six name any: two are enough, one is not.
    #expect(song?["genres"] == ["jazz", "pop", "rock"])
    #expect(song?["moods"] == ["calm"])
  }

  @Test func `what holds U+0000 is dropped, dots and dollars are kept`() throws {
    let song = try songs([["language": "h\0i", "genres": ["a\0b", "$a.b"], "moods": ["\0"]]])["v:a"]
    #expect(song?["language"] == nil)
    #expect(song?["genres"] == ["$a.b"])
    #expect(song?["moods"] == [])
  }

  @Test func `a favourite makes a song, and is no listener`() throws {
    let song = try learn(Listeners(favorites: [favorite("a", when, ["title": "A"])]), parameters).songs["v:a"]
    #expect(song?["title"] == "A")
    #expect(song?["listeners"] == 0)
    #expect(song?["plays"] == 0)
  }

  @Test func `two zeros are one duration`() throws {
    let durations = [0.0, 100, -0.0].map { ["duration": .double($0)] as Value }
    #expect(try songs(durations)["v:a"]?["duration"] == 0.0)
    #expect(try songs(durations.reversed())["v:a"]?["duration"] == 0.0)
  }

  @Test func `an entry takes from the catalogue what it lacks, and keeps what it has`() throws {
    var listeners = Listeners(
      "ann", plays: [play("a", when, 0.5), play("a", "2025-03-02T00:00:00Z", 0.5, ["language": "en", "genres": []])])
    for user in ["bob", "eve"] {
      listeners.add(
        user, plays: [play("a", when, 0.9, ["language": "hi", "genres": ["pop"], "artist": "X", "duration": 100])])
    }
    let all = try learn(listeners, parameters).statistics["ann"]?["all_time"]
    #expect(all?["top_languages"]?.each("name") == ["en", "hi"])
    #expect(all?["top_genres"]?.each("plays") == [2])
    #expect(all?["top_artists"]?.each("name") == ["X"])
    #expect(all?["seconds_listened"] == 100.0)
  }

  // MARK: Keys without a videoId

  /// A play of a song that is known by title and artist alone.
  func untitled(_ title: String, _ artist: String?, _ when: String, _ rate: Double, _ more: Value = [:]) -> Value {
    let play: Value = ["title": .string(title), "playedAt": .date(time(when)), "completionRate": .double(rate)]
    return (artist.map { play.with(["artist": .string($0)]) } ?? play).with(more)
  }

  @Test func `a key of title and artist counts as the one song that has them`() throws {
    var listeners = Listeners("ann", plays: [untitled("SO WHAT", "miles", when, 0.9, ["language": "en"])])
    listeners.add("bob", plays: [play("v1", when, 0.9, ["title": "So What", "artist": "Miles"])])
    let learned = try learn(listeners, parameters)
    #expect(learned.songs.keys.sorted() == ["v:v1"])
    #expect(learned.songs["v:v1"]?["listeners"] == 2)
    #expect(learned.songs["v:v1"]?["language"] == "en")
    #expect(learned.statistics["ann"]?["all_time", "top_songs"]?.each("key") == ["v:v1"])
    #expect(learned.statistics["bob"]?["all_time", "top_languages"]?.each("name") == ["en"])
  }

  @Test func `a key that two songs share, or none has, stays as it is`() throws {
    var listeners = Listeners(
      "ann", plays: [untitled("So What", "Miles", when, 0.9), untitled("So What", nil, when, 0.9)])
    listeners.add("bob", plays: [play("v1", when, 0.9, ["title": "So What", "artist": "Miles"])])
    listeners.add("eve", plays: [play("v2", when, 0.9, ["title": "so what", "artist": "MILES"])])
    #expect(
      try learn(listeners, parameters).songs.keys.sorted()
        == ["t:so what\u{1F}", "t:so what\u{1F}miles", "v:v1", "v:v2"])
  }

  @Test func `under a resolved key a user is one listener with one vote, and a play at one instant one play`() throws {
    let listeners = Listeners(
      "ann",
      plays: [
        untitled("So What", "Miles", when, 0.2, ["language": "en", "source": "a"]),
        play("v1", when, 0.9, ["title": "So What", "artist": "Miles", "source": "b"]),
        untitled("So What", "Miles", "2025-03-02T00:00:00Z", 0.2),
      ],
      favorites: [
        favorite("v1", when, ["title": "So What", "artist": "Miles"]),
        ["title": "so what", "artist": "miles", "addedAt": .date(time(when) + 1)],
      ])
    let learned = try learn(listeners, parameters)
    let song = try #require(learned.songs["v:v1"])
    #expect([song["listeners"], song["plays"], song["completed"]] == [1, 2, 1])
    let all = try #require(learned.statistics["ann"]?["all_time"])
    #expect([all["plays"], all["liked"], all["skipped"], all["distinct_songs"]] == [2, 1, 1, 1])
    #expect(all["sources"]?.each("name") == ["b"])
    #expect(learned.scores["ann"]?["evidence", "language"]?["en", "favorites"] == 1)
  }

  @Test(arguments: [nil, "a", "c"] as [Value])
  func `of two plays that count as one the source is that of either, the greater bytes of both`(_ source: Value) throws
  {
    let names: Value = ["title": "So What", "artist": "Miles"]
    let listeners = Listeners(
      plays: [
        untitled("So What", "Miles", when, 0.9, ["source": source]), play("v1", when, 0.9, names.with(["source": "b"])),
      ])
    let all = try learn(listeners, parameters).statistics["ann"]?["all_time"]
    #expect(all?["plays"] == 1)
    #expect(all?["sources"]?.each("name") == [source == "c" ? "c" : "b"])
  }

  @Test func `of two plays that count as one the duration is that of the greater type`() throws {
    let names: Value = ["title": "So What", "artist": "Miles"]
    // The bytes of 0.1 are greater than those of 256, but an int32's type is greater than a double's.
    let listeners = Listeners(
      plays: [
        untitled("So What", "Miles", when, 1, ["duration": 0.1]), play("v1", when, 1, names.with(["duration": 256])),
      ])
    #expect(try learn(listeners, parameters).statistics["ann"]?["all_time", "seconds_listened"] == 256.0)
  }

  // MARK: Incremental

  @Test func `an incremental run gains the songs that the store lacks and leaves the others`() throws {
    var listeners = Listeners(
      "ann",
      plays: [play("old", when, 0.9, ["title": "Ann's"]), play("new", when, 0.9, ["title": "New", "language": "en"])])
    listeners.songs = [
      ["key": "v:old", "title": "Old", "language": "hi", "duration": 100.0, "genres": ["pop"], "moods": []]
    ]
    let learned = try learn(listeners, parameters)
    #expect(learned.songs.keys.sorted() == ["v:new"])
    let all = try #require(learned.statistics["ann"]?["all_time"])
    #expect(all["top_songs"]?.each("title") == ["New", "Old"])
    #expect(all["top_languages"]?.each("name") == ["en", "hi"])
    #expect(all["seconds_listened"] == 90.0)
  }

  @Test func `a key counts as a song of the stored catalogue`() throws {
    var listeners = Listeners("ann", plays: [untitled("So What", "Miles", when, 0.9)])
    listeners.songs = [["key": "v:v1", "title": "So What", "artist": "miles"]]
    let learned = try learn(listeners, parameters)
    #expect(learned.songs.isEmpty)
    #expect(learned.statistics["ann"]?["all_time", "top_songs"]?.each("key") == ["v:v1"])
  }
}
