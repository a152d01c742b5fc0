import BSON
import Learning
import Testing

/// The scores of docs/learning.md, *Affinities*, on evidence that a reader can add up on paper.
///
/// | entry | age in days | language | E |
/// |---|---|---|---|
/// | liked play | 0 | hi | 1 |
/// | liked play | 30 | en | 1/2 |
/// | unknown play | 60 | hi | 1/4 · 1/4 |
/// | favourite | 30 | en | 1/2 |
/// | skipped play | 0 | hi | none |
/// | heard play | 0 | ta | none |
@Suite struct AffinityTests {
  static let now = "2025-03-10T12:00:00Z"
  static let monthAgo = "2025-02-08T12:00:00Z"
  static let twoMonthsAgo = "2025-01-09T12:00:00Z"
  static let parameters = LearningParameters(asOf: time(now))
  static let ann = Listeners(
    "ann",
    plays: [
      play("a", now, 0.9, ["language": "hi"]), play("b", monthAgo, 0.9, ["language": "en"]),
      play("c", twoMonthsAgo, 0, ["language": "hi"]), play("d", now, 0.1, ["language": "hi"]),
      play("e", now, 0.5, ["language": "ta"]),
    ],
    favorites: [favorite("b", monthAgo)])

  @Test func `scores are evidence and prior over their sum`() throws {
    let learned = try learn(Self.ann, Self.parameters)
    let scores = try #require(learned.scores["ann"])
    // Undecayed hi has 1 + 1/4 and en 1 + 1, which makes the population of one user.
    let (hi, en) = (1.25 / 3.25, 2 / 3.25)
    #expect(isNear(learned.population["language"]?["shares", "hi"]?.number, hi))
    #expect(isNear(learned.population["language"]?["shares", "en"]?.number, en))
    #expect(learned.population["language"]?["users"] == 1)
    #expect(learned.population["mood"]?["users"] == 0)
    let evidence = try #require(scores["evidence", "language"])
    #expect(isNear(evidence["hi", "weight"]?.number, 1.0625))
    #expect(isNear(evidence["en", "weight"]?.number, 1))
    #expect(isNear(evidence["hi", "prior"]?.number, hi))
    #expect(evidence["hi"]?.fields?.prefix(4).map(\.value) == [1, 1, 1, 0])
    #expect(evidence["en"]?.fields?.prefix(4).map(\.value) == [1, 0, 0, 1])
    let affinity = try #require(scores["implicit_affinities", "language_affinity"])
    #expect(isNear(affinity["hi"]?.number, (1.0625 + 2 * hi) / 4.0625))
    #expect(isNear(affinity["en"]?.number, (1 + 2 * en) / 4.0625))
    #expect(affinity["ta"] == nil)
    #expect(isNear(scores["confidence", "language"]?.number, 2.0625 / 4.0625))
    #expect(scores["confidence", "genre"] == 0.0)
    #expect(scores["last_computed"] == scores["as_of"])
    #expect(
      scores["parameters"] == [
        "half_life_days": 30.0, "prior_weight": ["language": 2.0, "genre": 7.0, "mood": 5.0], "explicit_weight": 0.25,
        "favorite_weight": 1.0, "unknown_weight": 0.25, "liked_above": 0.7, "skipped_below": 0.3,
      ])
  }

  @Test func `parameters are read as they were written, and of what is missing the default stands`() throws {
    var parameters = Self.parameters
    (parameters.likedAbove, parameters.skippedBelow, parameters.halfLifeDays) = (0.8, 0.2, 60)
    parameters.priorWeight = PerDimension(language: 3, genre: 4, mood: 6)
    (parameters.explicitWeight, parameters.favoriteWeight, parameters.unknownWeight) = (0.5, 2, 0)
    for written in [parameters, Self.parameters] {
      var writer = BSONWriter()
      written.write(to: &writer)
      #expect(try LearningParameters(BSONDocument(writer.view), asOf: written.asOf) == written)
    }
    var writer = BSONWriter()
    writer.close(writer.open())
    #expect(try LearningParameters(BSONDocument(writer.view), asOf: Self.parameters.asOf) == Self.parameters)
  }

  @Test func `an explanation tells what a score would be without each thing that made it`() throws {
    let explanations = try #require(try learn(Self.ann, Self.parameters).explanations["ann"])
    let (hi, en) = (1.25 / 3.25, 2 / 3.25)
    let ofHindi = try #require(explanations["hi"])
    #expect(isNear(ofHindi.withoutPrior, 1.0625 / 2.0625))
    // Of the 2.0625 half a play and half a favourite are English.
    #expect(isNear(ofHindi.withoutFavorites, (1.0625 + 2 * hi) / (1.5625 + 2)))
    #expect(isNear(ofHindi.withoutPlays, 2 * hi / (0.5 + 2)))
    #expect(isNear(ofHindi.withoutDecay, (1.25 + 2 * hi) / (3.25 + 2)))
    #expect(isNear(ofHindi.terms.first?.without, (0.0625 + 2 * hi) / (1.0625 + 2)))
    let ofEnglish = try #require(explanations["en"])
    #expect(isNear(ofEnglish.withoutFavorites, (0.5 + 2 * en) / (1.5625 + 2)))
    #expect(isNear(ofEnglish.withoutPlays, (0.5 + 2 * en) / (0.5 + 2)))
    #expect(isNear(ofEnglish.withoutDecay, (2 + 2 * en) / (3.25 + 2)))
  }

  @Test func `choices are a quarter of the prior, each an equal part`() throws {
    var listeners = Self.ann
    listeners.accounts = [("ann", ["onboarding": ["languages": ["ta", "hi", "ta", "", 5]]])]
    let scores = try #require(try learn(listeners, Self.parameters).scores["ann"])
    let evidence = try #require(scores["evidence", "language"])
    #expect(isNear(evidence["hi", "prior"]?.number, 0.75 * 1.25 / 3.25 + 0.125))
    #expect(isNear(evidence["ta", "prior"]?.number, 0.125))
    #expect(isNear(evidence["en", "prior"]?.number, 0.75 * 2 / 3.25))
    #expect(scores["explicit_preferences"] == ["languages": ["ta", "hi"], "genres": [], "moods": []])
  }

  @Test func `choices are explicit field by field, else of onboarding; an empty array is no choice`() throws {
    let account: Value = [
      "explicit_preferences": ["languages": [], "genres": ["rock"], "moods": nil],
      "onboarding": ["languages": ["hi"], "genres": ["pop"], "moods": ["calm"]],
    ]
    var listeners = Listeners("ann")
    listeners.libraries = []
    listeners.accounts = [("ann", account), ("eve", ["name": "Eve"])]
    let learned = try learn(listeners, Self.parameters)
    #expect(
      learned.scores["ann"]?["explicit_preferences"] == ["languages": [], "genres": ["rock"], "moods": ["calm"]])
    // Nobody has evidence: the choices are all there is.
    #expect(learned.scores["ann"]?["implicit_affinities", "genre_affinity"] == ["rock": 1.0])
    #expect(learned.scores["ann"]?["implicit_affinities", "language_affinity"] == [:])
    #expect(learned.statistics["ann"] == nil)
    #expect(learned.scores["eve"] == nil)
  }

  @Test func `an entry's weight is shared among its values`() throws {
    let listeners = Listeners(plays: [
      play("a", Self.now, 1, ["genres": ["pop", "rock", "pop"]]), play("b", Self.now, 1, ["genres": ["pop"]]),
    ])
    let evidence = try learn(listeners, Self.parameters).scores["ann"]?["evidence", "genre"]
    #expect(evidence?["pop", "weight"] == 1.5)
    #expect(evidence?["rock", "weight"] == 0.5)
    #expect(evidence?["rock", "liked"] == 1)
  }

  static let undated: [(plays: [Value], favorites: [Value], weight: Double)] = [
    // The age of a favourite without addedAt: that of the oldest dated play or favourite; none is 0.
    ([], [favorite("a")], 1.0), ([play("b", monthAgo, 0.5)], [favorite("a")], 0.5),
    ([play("b", now, 0.5)], [favorite("a"), favorite("c", twoMonthsAgo)], 0.25),
    // What is later than the clock dates nothing.
    ([play("b", "2025-03-11T00:00:00Z", 0.5)], [favorite("a")], 1),
  ]

  @Test(arguments: undated)
  func `a favourite without a time is as old as the oldest`(plays: [Value], favorites: [Value], weight: Double) throws {
    var listeners = Listeners(plays: plays, favorites: favorites)
    listeners.add("eve", plays: [play("a", Self.now, 1, ["language": "hi"])])
    let scores = try #require(try learn(listeners, Self.parameters).scores["ann"])
    #expect(isNear(scores["evidence", "language"]?["hi", "weight"]?.number, weight))
  }

  @Test func `the twenty greatest are kept, every choice, and what is more than a hundredth of the evidence`() throws {
    let genres = (10..<35).map { "g\($0)" }
    let play25 = play("a", Self.now, 1, ["genres": .array(genres.map { .string($0) })])
    var listeners = Listeners("ann", plays: [play25])
    listeners.add("bob", account: ["onboarding": ["genres": ["g34", "zouk"]]])
    listeners.add("eve")
    // 100 plays of one genre: the others have a 1/25 of one in 101, less than a hundredth.
    listeners.add(
      "joe",
      plays: [play25]
        + (0..<100).map { play("b", "2025-03-10T11:\($0 / 50 + 10):\($0 % 50 + 10)Z", 1, ["genres": ["g10"]]) })
    // Each of the others has one in 66.
    listeners.add(
      "kim",
      plays: genres.map { play("k\($0)", Self.now, 1, ["genres": [.string($0)]]) }
        + (0..<41).map { play("k", Self.now, 1, ["genres": ["g10"]]).with(["playedAt": .date(time(Self.now) - $0)]) })
    let learned = try learn(listeners, Self.parameters)
    func kept(_ user: String) -> [String]? {
      learned.scores[user]?["implicit_affinities", "genre_affinity"]?.fields?.map(\.name).sorted()
    }
    #expect(kept("ann") == genres)
    #expect(kept("joe") == Array(genres.prefix(20)))
    #expect(kept("kim") == genres)
    #expect(kept("eve") == Array(genres.prefix(20)))
    #expect(kept("bob") == (genres.prefix(18) + ["g34", "zouk"]).sorted())
    // Evidence has exactly the kept values.
    #expect(learned.scores["bob"]?["evidence", "genre"]?.fields?.map(\.name).sorted() == kept("bob"))
  }

  @Test func `what is written is of all scores what is kept, in their order`() throws {
    let genres = (10..<70).map { Value.string("g\($0)") }
    var listeners = Listeners("all", plays: [play("a", Self.now, 1, ["genres": .array(genres)])])
    // Scores that neither choice nor evidence makes, some of a value that was skipped; choices, and much of a few.
    listeners.add("none")
    listeners.add("skips", plays: [play("b", Self.now, 0.1, ["genres": ["g12", "g60"]])])
    listeners.add(
      "some",
      plays: [play("c", Self.now, 1, ["genres": ["g11", "g69"]]), play("d", Self.now, 0, ["genres": ["new"]])],
      account: ["onboarding": ["genres": ["g11", "g50", "zouk"]]])
    let learned = try learn(listeners, Self.parameters)
    for user in listeners.users {
      let all = try #require(learned.allScores[user]?.genre)
      #expect(all.count == (user == "some" ? 62 : 61))
      var scores = DimensionScores()
      func rounded(_ name: String) -> Double { ((all[name]?.affinity ?? 0) * 1e12).rounded() }
      let names = all.keys.sorted { rounded($0) != rounded($1) ? rounded($0) > rounded($1) : $0 < $1 }
      scores.values = names.compactMap { all[$0] }
      scores.evidence = all.values.reduce(0) { $0 + $1.weight }
      let kept = scores.values.indices.filter { scores.isKept(at: $0) }
      let document = try #require(learned.scores[user])
      #expect(document["implicit_affinities", "genre_affinity"]?.fields?.map(\.name) == kept.map { names[$0] })
      let affinities = document["implicit_affinities", "genre_affinity"]?.fields?.map(\.value)
      #expect(affinities == kept.map { .double(scores.values[$0].affinity) })
      let evidence = (document["evidence", "genre"]?.fields ?? []).map(\.value)
      #expect(evidence.map { $0["skipped"] } == kept.map { .int32(Int32(scores.values[$0].skipped)) })
      #expect(evidence.map { $0["prior"] } == kept.map { .double(scores.values[$0].prior) })
    }
    #expect(learned.scores["skips"]?["evidence", "genre"]?["g12", "skipped"] == 1)
  }

  @Test func `of a share that is stored twice the last counts`() throws {
    let shares = [Value.Field(name: "pop", value: 0.5), Value.Field(name: "pop", value: 0.25)]
    let stored: Value = ["dimension": "genre", "users": 1, "shares": .document(shares)]
    var listeners = Listeners("ann")
    listeners.population = [stored]
    let affinity = try learn(listeners, Self.parameters).scores["ann"]?["implicit_affinities", "genre_affinity"]
    #expect(affinity?.fields?.map(\.value) == [0.25])
  }

  @Test func `scores that differ behind the twelfth decimal are ranked by name`() throws {
    // Three times a tenth is a little more than three tenths.
    var parameters = Self.parameters
    (parameters.unknownWeight, parameters.favoriteWeight, parameters.priorWeight.language) = (0.1, 0.3, 0)
    let listeners = Listeners(
      plays: (0..<3).map { play("s\($0)", Self.now, 0, ["language": "hi"]) },
      favorites: [favorite("f", Self.now, ["language": "en"])])
    let affinity = try learn(listeners, parameters).scores["ann"]?["implicit_affinities", "language_affinity"]
    let (english, hindi) = (affinity?["en"]?.number ?? 1, affinity?["hi"]?.number ?? 0)
    #expect(english < hindi && isNear(english, hindi))
    #expect(affinity?.fields?.map(\.name) == ["en", "hi"])
  }

  @Test func `what is of the very moment of the clock counts`() throws {
    let listeners = Listeners(
      plays: [play("a", Self.now, 0.9, ["language": "hi"])], favorites: [favorite("b", Self.now, ["language": "hi"])])
    let learned = try learn(listeners, Self.parameters)
    #expect(learned.songs.keys.sorted() == ["v:a", "v:b"])
    #expect(learned.scores["ann"]?["evidence", "language"]?["hi", "weight"] == 2.0)
    #expect(learned.explanations["ann"]?["hi"]?.terms.count == 2)
    #expect(learned.service["2025-03-10"]?["plays"] == 1)
  }

  @Test(arguments: [(0.0, true), (1, true), (1.5, false), (-0.5, false), (.nan, false)])
  func `a stored share is a number of 0 to 1`(_ share: Double, _ isShare: Bool) throws {
    let arena = Arena()
    let stored: Value = ["dimension": "mood", "users": 1, "shares": ["calm": .double(share)]]
    var population = Population()
    do throws(LearningFault) {
      try population.read(stored.document(in: arena), into: Repertoire())
      #expect(isShare && population.users(of: .mood) == 1)
    } catch {
      #expect(!isShare && error.field == "shares" && population.users(of: .mood) == 0)
    }
  }

  @Test func `a user without evidence has exactly the prior`() throws {
    let learned = try learn(Self.ann.adding("eve"), Self.parameters)
    let shares = try #require(learned.population["language"]?["shares"])
    #expect(learned.scores["eve"]?["implicit_affinities", "language_affinity"] == shares)
  }
}
