import BSON
import Learning
import Testing

/// One user's facts (docs/learning.md, *The play archive* and *Runs*): each play once, and what a foreign shape costs.
@Suite struct FactsTests {
  let parameters = LearningParameters(asOf: time("2025-03-10T12:00:00Z"))
  let when = "2025-03-01T12:00:00Z"

  // Of the last two the lower one has the greater bytes.
  @Test(arguments: [(0.2, 0.9), (0.9, 0.2), (0.3, 1), (1, 0.3)])
  func `a play of library and archive is one, with the greatest completion and the greater bytes of the rest`(
    _ inLibrary: Double, _ inArchive: Double
  ) throws {
    var listeners = Listeners(plays: [play("a", when, inLibrary, ["title": "B", "source": "x", "language": "en"])])
    listeners.archive = [
      ("ann", ["month": "2025-03", "plays": [play("a", when, inArchive, ["title": "AA", "source": "y"])]]),
      ("ann", ["month": "2025-02", "plays": [play("b", "2025-02-01T00:00:00Z", 0.9)]]),
    ]
    let learned = try learn(listeners, parameters)
    let all = try #require(learned.statistics["ann"]?["all_time"])
    #expect([all["plays"], all["liked"]] == [2, 2])
    #expect(isNear(all["mean_completion"]?.number, (max(inLibrary, inArchive) + 0.9) / 2))
    #expect(all["sources"]?.each("name") == ["y"])
    #expect(all["top_languages"]?.each("name") == ["en"])
    #expect(learned.songs["v:a"]?["title"] == "AA")
  }

  @Test func `entries in other forms count in normal form, those without identity or time do not`() throws {
    let listeners = Listeners(plays: [
      ["video_id": "a", "played_at": .int64(time(when)), "completion_rate": 7, "genres": "pop", "language": ""],
      ["videoId": "a"], ["playedAt": .date(time(when))], ["videoId": 5, "playedAt": .date(time(when))], nil, "text",
    ])
    let learned = try learn(listeners, parameters)
    let all = try #require(learned.statistics["ann"]?["all_time"])
    #expect([all["plays"], all["liked"], all["mean_completion"]] == [1, 1, 1.0])
    #expect(all["top_genres"]?.each("name") == ["pop"])
  }

  static let foreign: [(library: Value, archive: Value, field: String)] = [
    (["history": "none"], ["plays": []], "history"), (["favorites": 5], ["plays": []], "favorites"),
    (["history": []], ["plays": ["a": 1]], "plays"),
  ]

  @Test(arguments: foreign)
  func `a list that is no list costs its user, and no other`(library: Value, archive: Value, field: String) throws {
    var listeners = Listeners("bob", plays: [play("a", when, 1)])
    listeners.add("ann", library)
    listeners.archive = [("ann", archive)]
    let learned = try learn(listeners, parameters)
    #expect(learned.faults["ann"]?.field == field)
    #expect(learned.faults["ann"]?.collection == (field == "plays" ? "play_archive" : "user_library"))
    #expect(learned.scores.keys.sorted() == ["bob"])
  }

  /// With a look at all values for each of them this would take an hour.
  @Test(.timeLimit(.minutes(5))) func `a hundred thousand genres and choices are each one`() throws {
    let genres = Value.array((0..<200_000).map { .string("g\($0 % 100_000)") })
    let account: Value = ["explicit_preferences": ["genres": genres]]
    let listeners = Listeners(
      plays: [play("a", when, 1, ["genres": genres]), play("a", when, 1, ["title": "t", "genres": genres])],
      favorites: [favorite("a", when, ["genres": genres])], account: account)
    let learned = try learn(listeners, parameters)
    #expect(learned.songs["v:a"]?["genres"]?.items?.count == 100_000)
  }

  /// With a look at all of them for each this would take an hour.
  @Test(.timeLimit(.minutes(5)), arguments: [(100_000, true), (20_000, false)])
  func `many plays of one moment are each one`(_ count: Int, areInOrder: Bool) throws {
    let songs = (0..<count).map { "s\($0 + 100_000)" }
    // Other bytes than the archive's, for the fields come in another order.
    let history = (areInOrder ? songs : songs.reversed()).map { song in
      ["playedAt": .date(time(when)), "videoId": .string(song)] as Value
    }
    let archived: Value = ["month": "2025-03", "plays": .array(songs.map { play($0, when) })]
    let arena = Arena()
    var reader = FactsReader(into: Repertoire())
    let facts = try reader.facts(
      of: StoredUser(
        user: ByteView("ann"), library: (["history": .array(history)] as Value).document(in: arena),
        archive: [archived.document(in: arena)], account: nil))
    #expect(facts.plays.count == songs.count)
    #expect(reader.isArchived == areInOrder)
  }

  @Test func `bytes that are no document cost their user`() throws {
    let arena = Arena()
    var bytes = Listeners(plays: [play("a", when, 1)]).libraries[0].document.document(in: arena).bytes.copy()
    // The length of the first list.
    let list = try #require(bytes.firstIndex(of: 0x04))
    bytes[list + 9] = 0xFF
    var reader = FactsReader(into: Repertoire())
    let library = BSONDocument(unchecked: bytes.withView { arena.copy($0) })
    let stored = StoredUser(user: ByteView("ann"), library: library, archive: [], account: nil)
    #expect(throws: LearningFault.self) { _ = try reader.facts(of: stored) }
  }

  @Test func `plays of the archive alone make statistics`() throws {
    var listeners = Listeners()
    listeners.libraries = []
    listeners.archive = [("ann", ["month": "2025-03", "plays": [play("a", when, 1)]])]
    #expect(try learn(listeners, parameters).statistics["ann"]?["all_time", "plays"] == 1)
  }

  @Test func `facts come back from a file of facts`() throws {
    let arena = Arena()
    let repertoire = Repertoire()
    var reader = FactsReader(into: repertoire)
    let account: Value = ["timezone": "Asia/Kolkata", "onboarding": ["languages": ["hi", "en"]]]
    let listeners = Listeners(
      plays: [play("a", when, 0.5, ["source": "x"]), play("b", when)], favorites: [favorite("a"), favorite("b", when)],
      ["total_songs_played": 7])
    let facts = try reader.facts(
      of: StoredUser(
        user: ByteView("ann"), library: listeners.libraries[0].document.document(in: arena), archive: [],
        account: account.document(in: arena)))
    var writer = BSONWriter()
    writer.put(UInt8(9))
    facts.encode(to: &writer)
    UserFacts(user: []).encode(to: &writer)
    var offset = 1
    #expect(UserFacts(decoding: writer.view, at: &offset) == facts)
    #expect(UserFacts(decoding: writer.view, at: &offset) == UserFacts(user: []))
    #expect(offset == writer.count)
  }

  /// Two favourites of one song, one of them without its videoId; and somebody who has played the song.
  private func favoriteTwice(_ untitled: Value, _ titled: Value) -> Listeners {
    var listeners = Listeners("bob", plays: [play("x", when, 0.9, ["title": "S", "artist": "A"])])
    let names: Value = ["title": "S", "artist": "A"]
    listeners.add("ann", ["favorites": .array([names.with(untitled), names.with(["videoId": "x"]).with(titled)])])
    return listeners
  }

  // At the clock, and behind it.
  @Test(arguments: [(0, "en"), (1, "hi")] as [(Int64, String)])
  func `a favourite that is later than the clock hides none that counts`(_ late: Int64, _ language: String) throws {
    let listeners = favoriteTwice(
      ["language": "hi", "addedAt": .date(time(when))],
      ["language": "en", "addedAt": .date(parameters.asOf + late)])
    let evidence = try learn(listeners, parameters).scores["ann"]?["evidence"]?["language"]
    #expect(evidence?[language]?["favorites"] == 1)
    #expect(evidence?.fields?.filter { $0.value["favorites"] != 0 }.count == 1)
  }

  @Test(arguments: [("hi", "en"), ("en", "hi")])
  func `of two favourites of one time that count as one the greater bytes count`(_ one: String, _ other: String) throws
  {
    func languages(_ addedAt: Value) throws -> [String]? {
      let listeners = favoriteTwice(
        ["language": .string(one), "addedAt": addedAt], ["language": .string(other), "addedAt": .date(time(when))])
      let evidence = try learn(listeners, parameters).scores["ann"]?["evidence"]?["language"]
      return evidence?.fields?.filter { $0.value["favorites"] != 0 }.map(\.name)
    }
    #expect(try languages(.date(time(when))) == ["hi"])
    #expect(try languages(.date(time(when) - 1)) == [other])
  }

  @Test func `each favourite has its say on a song, also where two of a user count as one`() throws {
    let listeners = favoriteTwice(
      ["moods": ["sad"], "addedAt": .date(time("2025-03-02T12:00:00Z"))],
      ["moods": ["happy"], "addedAt": .date(time(when))])
    let learned = try learn(listeners, parameters)
    #expect(learned.songs["v:x"]?["moods"] == ["happy", "sad"])
    #expect(learned.scores["ann"]?["evidence"]?["mood"]?["happy"]?["favorites"] == 0)
  }

  /// Whether the archive has all that the library says, in the first reader's eyes.
  private func isArchived(_ library: [Value], _ months: [[Value]]) throws -> Bool {
    let arena = Arena()
    var reader = FactsReader(into: Repertoire())
    let document: Value = ["history": .array(library)]
    _ = try reader.facts(
      of: StoredUser(
        user: ByteView("ann"), library: document.document(in: arena),
        archive: months.map { (["plays": .array($0)] as Value).document(in: arena) }, account: nil))
    return reader.isArchived
  }

  @Test func `the archive is known to have what the library has, in whatever order its fields are`() throws {
    let (older, newer) = ("2025-02-01T12:00:00Z", when)
    let first = play("a", newer, 0.5, ["title": "A", "genres": ["pop"]])
    let second = play("b", older, 0.9)
    let turned: Value = [
      "title": "A", "genres": ["pop"], "completionRate": 0.5, "playedAt": .date(time(newer)), "videoId": "a",
    ]
    let unlike: Value = [
      "title": "A", "genres": ["pop"], "completion_rate": 0.5, "played_at": .int64(time(newer)), "videoId": "a",
    ]
    for library in [[first, second], [turned, second], [unlike, second], [second], []] {
      #expect(try isArchived(library, [[second], [first]]))
    }
    // Another value of a field, a field less, a field more, another time, another song; and versions side by side.
    let others = [
      first.with(["title": "B"]), play("a", newer, 0.5, ["title": "A"]), first.with(["source": "x"]),
      play("a", older, 0.5, ["title": "A", "genres": ["pop"]]),
      play("c", newer, 0.5, ["title": "A", "genres": ["pop"]]),
    ]
    for other in others { #expect(try !isArchived([other, second], [[second], [first]])) }
    #expect(try !isArchived([first], [[second], [first, first.with(["title": "B"])]]))
  }

  @Test func `of a library whose plays the archive is known to have all else is read`() throws {
    let arena = Arena()
    var reader = FactsReader(into: Repertoire())
    let library: Value = [
      "history": .array([play("a", when, 0.5), ["videoId": "timeless"]]),
      "favorites": .array([["videoId": "f"]]), "total_songs_played": 7,
    ]
    let archive: Value = ["plays": .array([play("a", when, 0.5), play("b", when, 0.9)])]
    var stored = StoredUser(
      user: ByteView("ann"), library: library.document(in: arena), archive: [archive.document(in: arena)], account: nil)
    let read = try reader.facts(of: stored)
    #expect(reader.isArchived && reader.hasUnusable && read.unusable == 1)
    stored.isArchived = true
    var known = try reader.facts(of: stored)
    #expect(!reader.hasUnusable && known.unusable == 0)
    known.unusable = 1
    #expect(known == read)
  }
}

/// What is written, and when (docs/learning.md, *Runs*).
@Suite struct DerivedDocumentTests {
  static let cases: [(Value, Value, DerivedDocument.Decision)] = [
    (["as_of": ms(2), "x": 1], ["as_of": ms(1), "x": 1], .unchanged),
    (["as_of": ms(2), "computed_at": ms(2), "last_computed": ms(2)], ["_id": "other", "as_of": ms(1)], .unchanged),
    (["as_of": ms(2), "x": 1], ["as_of": ms(1), "x": 2], .write),
    (["as_of": ms(2), "x": 1], ["as_of": ms(1)], .write), (["as_of": ms(2)], ["as_of": ms(1), "x": 1], .write),
    (["as_of": ms(2), "x": 1], ["as_of": ms(3), "x": 2], .newer),
    (["as_of": ms(2), "x": 1], ["as_of": ms(2), "x": 2], .write), (["as_of": ms(2), "x": 1], ["x": 1], .unchanged),
  ]

  @Test(arguments: cases)
  func `a document is written when it says something new, and never over a later one`(
    _ new: Value, _ stored: Value, _ decision: DerivedDocument.Decision
  ) throws {
    let arena = Arena()
    let (new, stored) = (new.document(in: arena), stored.document(in: arena))
    #expect(try DerivedDocument.decision(new, over: stored) == decision)
    #expect(try DerivedDocument.decision(new, over: nil) == .write)
    let forced = try DerivedDocument.decision(new, over: stored, force: true)
    #expect(forced == (decision == .newer ? .write : decision))
  }

  static let days: [(Value, Bool)] = [
    (["x": 1, "active_users": ["day": 2, "week": 3, "month": 4], "as_of": ms(1)], true),
    (["_id": 7, "x": 1, "active_users": ["day": 2], "as_of": ms(3)], true),
    (["x": 1, "active_users": ["day": 3, "week": 3], "as_of": ms(1)], false),
    (["x": 2, "active_users": ["day": 2], "as_of": ms(1)], false), (["x": 1, "active_users": [:]], false),
    (["x": 1], false),
  ]

  @Test(arguments: days)
  func `a day counted again says the same where the stored one knows week and month beside it`(
    _ stored: Value, _ isSame: Bool
  ) throws {
    let arena = Arena()
    let day: Value = ["x": 1, "active_users": ["day": 2], "as_of": ms(2)]
    #expect(try DerivedDocument.isSameDay(day.document(in: arena), stored.document(in: arena)) == isSame)
  }

  @Test func `what replaces a document keeps its _id`() throws {
    let arena = Arena()
    var writer = BSONWriter()
    let stored: Value = ["_id": 5, "x": 1]
    let new: Value = ["_id": 6, "x": 2]
    try DerivedDocument.replacing(stored.document(in: arena), with: new.document(in: arena), to: &writer)
    #expect(try Value(BSONDocument(writer.view)) == ["_id": 5, "x": 2])
  }
}
