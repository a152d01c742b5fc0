import BSON
import Learning
import Testing

/// Keys of title and artist that begin or cease to count as a song with a video (docs/learning.md, *Runs*).
@Suite struct TitleTests {
  let parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))
  let when = "2025-03-01T12:00:00Z"

  private func song(_ key: String, _ title: String?, _ artist: String? = nil) -> Value {
    var song: Value = ["key": .string(key)]
    if let title { song["title"] = .string(title) }
    if let artist { song["artist"] = .string(artist) }
    return song
  }

  private func marks(_ keys: [String]) -> Set<TitleMark> {
    Set(keys.map { key in Array("t:\(key)".utf8).withView { TitleMark(of: $0) } })
  }

  /// What is stored of songs, and what somebody plays who has changed: by key, title and artist.
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var stored: [(String, String?, String?)] = []
    var played: [(String, String?, String?)] = []
    var changed: [String] = []
  }

  private static let cases = [
    Case(testDescription: "nothing is new", stored: [("v:1", "A", "X"), ("t:a\u{1F}x", "A", "X")]),
    Case(
      testDescription: "the first of a title that somebody has", stored: [("t:a\u{1F}x", "A", "X")],
      played: [("1", "a", "X")], changed: ["a\u{1F}x"]),
    Case(testDescription: "the first of a title that nobody has", played: [("1", "A", "X")]),
    Case(
      testDescription: "the first of another artist's", stored: [("t:a\u{1F}x", "A", "X")], played: [("1", "A", "Y")]),
    Case(
      testDescription: "without an artist", stored: [("t:a\u{1F}", "A", nil)], played: [("1", "A", nil)],
      changed: ["a\u{1F}"]),
    Case(
      testDescription: "the second of a title", stored: [("v:1", "A", "X")], played: [("2", "a", "x")],
      changed: ["a\u{1F}x"]),
    Case(
      testDescription: "the second and the third", stored: [("v:1", "A", "X")],
      played: [("2", "A", "X"), ("3", "A", "X")], changed: ["a\u{1F}x"]),
    Case(
      testDescription: "the first two at once", stored: [("t:a\u{1F}x", "A", "X")],
      played: [("1", "A", "X"), ("2", "A", "X")]),
    Case(
      testDescription: "the third", stored: [("v:1", "A", "X"), ("v:2", "A", "X"), ("t:a\u{1F}x", "A", "X")],
      played: [("3", "A", "X")]),
    Case(
      testDescription: "one that is known", stored: [("v:1", "A", "X"), ("t:b\u{1F}", "B", nil)],
      played: [("1", "B", nil)]),
    Case(testDescription: "one that says no title", stored: [("t:a\u{1F}x", "A", "X")], played: [("1", nil, "X")]),
    Case(
      testDescription: "two titles", stored: [("v:1", "A", "X"), ("t:b\u{1F}x", "B", "X")],
      played: [("2", "A", "X"), ("3", "B", "X")], changed: ["a\u{1F}x", "b\u{1F}x"]),
  ]

  @Test(arguments: cases)
  func `a key changes with the first song of its title and with the second`(_ one: Case) throws {
    var listeners = Listeners(
      plays: one.played.map { id, title, artist in
        var more: Value = [:]
        if let title { more["title"] = .string(title) }
        if let artist { more["artist"] = .string(artist) }
        return play(id, when, 0.9, more)
      })
    listeners.songs = one.stored.map { song($0, $1, $2) }
    let learned = try learn(listeners, parameters)
    #expect(learned.titleChanges?.marks == .some(marks(one.changed)))
    let isSame = learned.titleChanges?.before == learned.titleChanges?.after
    #expect(isSame == learned.songs.isEmpty)
  }

  @Test func `the print of a catalogue knows keys and lowercase titles, and no order`() throws {
    func print(_ songs: [Value]) throws -> UInt64? {
      var listeners = Listeners()
      listeners.songs = songs
      return try learn(listeners, parameters).titleChanges?.before
    }
    let songs = [song("v:1", "A", "X"), song("v:2", "B", "X"), song("t:c\u{1F}", "C")]
    let known = try print(songs)
    #expect(try print(songs.reversed()) == known)
    #expect(try print([song("v:1", "a", "x"), song("v:2", "B", "X"), song("t:c\u{1F}", "c")]) == known)
    let others = [
      [song("v:1", "B", "X"), song("v:2", "A", "X"), songs[2]], [song("v:1", "A"), songs[1], songs[2]],
      [song("v:1", nil, "X"), songs[1], songs[2]], Array(songs.dropLast()), Array(songs.dropFirst()), [],
    ]
    for other in others { #expect(try print(other) != known) }
  }

  @Test func `a user has the marks of the keys of all plays and favourites, whatever they count as`() throws {
    let untitled: Value = ["title": "B", "artist": "Y", "playedAt": .date(time(when))]
    var listeners = Listeners(
      "ann", plays: [play("1", when, 0.9, ["title": "A", "artist": "X"]), untitled],
      favorites: [["title": "a", "artist": "x"]])
    listeners.add("bob", plays: [play("1", when, 0.9, ["title": "A", "artist": "X"])])
    let learned = try learn(listeners, parameters)
    #expect(learned.marks["ann"] == marks(["a\u{1F}x", "b\u{1F}y"]).sorted())
    #expect(learned.marks["bob"] == [])
  }

  @Test func `the mark of a key is the same on every machine`() throws {
    #expect(marks(["so what\u{1F}miles"]) == [TitleMark(rawValue: 2_031_224_393)])
  }
}
