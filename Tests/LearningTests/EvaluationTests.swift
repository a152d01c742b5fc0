import BSON
import Testing

@testable import Learning

/// The figures of docs/learning.md, *Judged, not believed*, by hand, and the check that nothing from after the cut is
/// seen.
struct EvaluationFigureTests {
  /// Shares, truth, nDCG@5, AUC.
  private static let rankings: [(shares: [Double], truth: [Double], gain: Double, area: Double)] = [
    // The best order.
    ([0.5, 0.3, 0.2], [0.6, 0.4, 0.0], 1.0, 1.0),
    // The worst of two: the gain of the second rank over that of the first.
    ([0.9, 0.1], [0.0, 1.0], 1 / 1.584962500721156, 0.0),
    // Ties go by name: the first is the one that was played.
    ([0.5, 0.5], [1.0, 0.0], 1.0, 1.0),
    ([0.5, 0.5], [0.0, 1.0], 1 / 1.584962500721156, 0.0),
    // A share that differs in the thirteenth decimal is the same.
    ([0.5, 0.5000000000000001], [1.0, 0.0], 1.0, 1.0),
    // A sixth rank earns nothing.
    ([0.6, 0.5, 0.4, 0.3, 0.2, 0.1], [0, 0, 0, 0, 0, 1.0], 0.0, 0.0),
    // One of two pairs is in the right order.
    ([0.5, 0.3, 0.2], [0, 1.0, 0], 1 / 1.584962500721156, 0.5),
  ]

  @Test(arguments: rankings)
  func `a ranking earns what its first five values earn`(
    _ ranking: (shares: [Double], truth: [Double], gain: Double, area: Double)
  ) {
    let (shares, truth, gain, area) = ranking
    let figures = EvaluationFigures(shares: shares, truth: truth)
    #expect(abs(figures.gain - gain) < 1e-12)
    #expect(figures.area == area)
  }

  @Test func `there is no area where every value was played`() {
    #expect(EvaluationFigures(shares: [0.5, 0.5], truth: [0.4, 0.6]).area == nil)
  }

  @Test func `a surprise costs the logarithm of the floor, made to add up again`() {
    let figures = EvaluationFigures(shares: [1, 0], truth: [0, 1])
    #expect(abs(figures.loss - 6.908754779315721) < 1e-12)  // −ln(0.001 / 1.001)
    #expect(abs(EvaluationFigures(shares: [0.5, 0.5], truth: [0.5, 0.5]).loss - 0.6931471805599453) < 1e-12)
  }
}

struct EvaluationTrialTests {
  @Test func `a play is divided among the values that it carries, and is none without any`() {
    let plays = [[1, 2], [1], []].map { values in
      CountedEntry(
        song: 0, time: 1, completionRate: 1, verdict: .liked,
        values: PerDimension(language: [], genre: values, mood: []))
    }
    #expect(EvaluationTrials.shares(plays, .genre) == [1: 0.75, 2: 0.25])
    #expect(EvaluationTrials.shares(plays, .mood) == [:])
  }
}

struct EvaluationResultTests {
  private func trial(_ user: Int, plays: Int, gains: [Double], losses: [Double]) -> EvaluationTrial {
    let figures = zip(gains, losses).map { gain, loss in
      var figures = EvaluationFigures()
      (figures.gain, figures.area, figures.loss) = (gain, gain, loss)
      return figures
    }
    return EvaluationTrial(
      user: Array("user-\(user)".utf8), trainingPlays: plays,
      figures: PerDimension(language: figures, genre: figures, mood: nil))
  }

  private func trials(ahead: Double) -> [EvaluationTrial] {
    (0..<200).map { user in
      let noise = Double(user % 7) / 100
      return trial(
        user, plays: user % 10 == 0 ? 59 : 60, gains: [0.5 + ahead + noise, 0.5, 0.5 - noise, 0.5 + ahead],
        losses: [1 - ahead, 1 + noise, 1, 1 - ahead])
    }
  }

  @Test func `the order of users changes nothing`() {
    let trials = trials(ahead: 0.1)
    #expect(
      EvaluationResult(trials, resamples: 300, seed: 5) == EvaluationResult(trials.reversed(), resamples: 300, seed: 5))
  }

  @Test func `what parameters cost hangs on no order either, and of equals the present ones stay`() {
    let trials = (0..<200).map { user in
      trial(user, plays: 60, gains: [0, 0, 0, 0], losses: [1 / Double(user + 3), 1, 1, 1])
    }
    let loss = Tuning.loss(of: trials)
    let halves = Array(trials[100...] + trials[..<100])
    #expect([trials.reversed(), halves].allSatisfy { Tuning.loss(of: $0) == loss })
    #expect(abs(loss - trials.reduce(0) { $0 + ($1.figures.language?[0].loss ?? 0) } / 200) < 1e-12)
    let start = LearningParameters(asOf: 0)
    #expect(Tuning.tuned(start) { _ in loss }.parameters == start)
    #expect(Tuning.tuned(start) { abs($0.halfLifeDays - 61) }.parameters.halfLifeDays == 60)
  }

  @Test func `users with fewer than 60 plays are reported apart`() {
    let result = EvaluationResult(trials(ahead: 0.1), resamples: 100, seed: 1)
    #expect(result.groups.map(\.isEstablished) == [true, false])
    #expect(result.groups.map(\.users) == [180, 20])
    // Nobody has moods: two dimensions and their average.
    #expect(result.groups.allSatisfy { $0.rows.map(\.dimension) == [.language, .genre, nil] })
  }

  @Test func `scores that are behind beyond the interval lose`() {
    #expect(EvaluationResult(trials(ahead: 0.1), resamples: 500, seed: 1).lostTo.isEmpty)
    let lost = EvaluationResult(trials(ahead: -0.2), resamples: 500, seed: 1).lostTo
    #expect(lost.contains { $0.model == .popularity && $0.measure == .gain })
    #expect(lost.contains { $0.model == .undecayed && $0.measure == .loss })
    #expect(!lost.contains { $0.model == .recent && $0.measure == .loss })
  }

  @Test func `with no user of enough plays nothing is lost`() {
    let newcomers = trials(ahead: -0.2).filter { !$0.isEstablished }
    #expect(!newcomers.isEmpty && EvaluationResult(newcomers, resamples: 500, seed: 1).lostTo.isEmpty)
  }

  @Test(arguments: [(0.1, 0.2, true), (-0.2, -0.1, false), (-0.1, 0.1, nil), (0, 0.1, nil), (-0.1, 0, nil)])
  func `an interval that holds zero speaks for nobody`(_ low: Double, _ high: Double, _ isAhead: Bool?) {
    let difference = EvaluationResult.Difference(mean: (low + high) / 2, low: low, high: high)
    #expect(difference.favoursScores(.gain) == isAhead)
    #expect(difference.favoursScores(.loss) == isAhead.map { !$0 })
  }

  @Test func `an area that is none counts as half`() throws {
    var figures = EvaluationFigures()
    figures.area = nil
    let trial = EvaluationTrial(
      user: [65], trainingPlays: 60,
      figures: PerDimension(language: [figures, figures, figures, figures], genre: nil, mood: nil))
    let row = try #require(EvaluationResult([trial], resamples: 1, seed: 1).groups.first?.rows.first)
    #expect(row.means.map { $0[EvaluationResult.Measure.area.rawValue] } == [0.5, 0.5, 0.5, 0.5])
  }

  @Test func `models are called what a report's readers look for`() {
    #expect(
      EvaluationModel.allCases.map(\.key) == ["affinity", "popularity", "undecayed_share", "last_50_plays"])
  }

  @Test func `an interval holds the mean, and grows narrow with users`() throws {
    func width(_ users: Int) throws -> Double {
      let row = try #require(
        EvaluationResult(
          (0..<users).map { trial($0, plays: 99, gains: [Double($0 % 2), 0, 0, 0], losses: [1, 1, 1, 1]) },
          resamples: 1000, seed: 3
        ).groups.first?.rows.last)
      let difference = row.differences[EvaluationModel.popularity.rawValue][0]
      #expect(difference.low < difference.mean && difference.mean < difference.high)
      return difference.high - difference.low
    }
    #expect(try width(1600) < width(100) / 3)
    // 95 %: 1.96 deviations of the mean to either side.
    #expect(try abs(width(1600) - 2 * 1.96 * 0.5 / 40) < 0.004)
  }
}

/// Training on facts of before the cut alone must be the same as training with the clock at the cut.
struct LeakTests {
  private static let cut: Int64 = 1_760_000_000_000
  private static let day: Int64 = 86_400_000

  /// Plays of songs `(days after the cut, language)`, read as a store's.
  private func facts(_ users: [[(day: Int64, song: String, language: String)]]) throws -> ([UserFacts], Repertoire) {
    let repertoire = Repertoire()
    let arena = Arena()
    var reader = FactsReader(into: repertoire)
    var all: [UserFacts] = []
    for (index, plays) in users.enumerated() {
      var writer = BSONWriter()
      let document = writer.open()
      writer.key("history", .array)
      let history = writer.open()
      for (place, play) in plays.enumerated() {
        writer.index(place, .document)
        let entry = writer.open()
        writer.append("videoId", string: play.song)
        writer.append("title", string: "Title of \(play.song)")
        writer.append("playedAt", date: Self.cut + play.day * Self.day - Int64(place))
        writer.append("completionRate", double: 0.9)
        writer.append("language", string: play.language)
        writer.close(entry)
      }
      writer.close(history)
      writer.close(document)
      let library = BSONDocument(unchecked: arena.copy(writer.view))
      let user = Array("user-\(index)".utf8).withView { arena.copy($0) }
      all.append(try reader.facts(of: StoredUser(user: user, library: library, archive: [], account: nil)))
    }
    repertoire.freeze()
    return (all, repertoire)
  }

  private func trained(_ facts: [UserFacts], _ repertoire: Repertoire, asOf: Int64) -> EvaluationTraining {
    let parameters = LearningParameters(asOf: asOf)
    var votes = CatalogueVotes(repertoire, parameters)
    for facts in facts { votes.add(facts) }
    let catalogue = Catalogue(repertoire, votes, asOf: Self.cut - 1)
    var part = PopulationPart(catalogue, parameters)
    for facts in facts { part.add(facts) }
    return EvaluationTraining(catalogue, part.population, parameters)
  }

  private let users: [[(day: Int64, song: String, language: String)]] = [
    [(-3, "a", "hi"), (-2, "b", "en"), (1, "c", "ta")], [(-9, "a", "hi"), (2, "b", "en"), (3, "d", "ta")],
  ]

  @Test func `nothing is seen with the clock at the cut`() throws {
    let (facts, repertoire) = try facts(users)
    let before = facts.map { $0.before(Self.cut, withChoices: false) }
    let seen = trained(facts, repertoire, asOf: Self.cut - 1)
    let blind = trained(before, repertoire, asOf: Self.cut - 1)
    try LeakCheck.check(seen, against: blind)
    var all = models(seen)
    var some = models(blind)
    for (whole, part) in zip(facts, before) {
      try LeakCheck.check(all.scores(for: whole), against: some.scores(for: part))
    }
  }

  @Test(arguments: [0, Self.day, 2 * Self.day + 1])
  func `a planted leak is caught: a clock that is later than the cut`(late: Int64) throws {
    let (facts, repertoire) = try facts(users + [[(0, "e", "ml")]])
    let blind = trained(facts.map { $0.before(Self.cut, withChoices: false) }, repertoire, asOf: Self.cut - 1)
    let leaking = trained(facts, repertoire, asOf: Self.cut + late)
    #expect(throws: EvaluationLeak.self) { try LeakCheck.check(leaking, against: blind) }
  }

  @Test func `a planted leak is caught: one user's play of after the cut`() throws {
    let (facts, repertoire) = try facts(users)
    let before = facts.map { $0.before(Self.cut, withChoices: false) }
    let blind = trained(before, repertoire, asOf: Self.cut - 1)
    var later = blind.parameters
    later.asOf = Self.cut + 2 * Self.day
    var leaking = models(EvaluationTraining(blind.catalogue, blind.population, later))
    var honest = models(blind)
    #expect(throws: EvaluationLeak.self) {
      try LeakCheck.check(leaking.scores(for: facts[0]), against: honest.scores(for: before[0]))
    }
  }

  private func models(_ training: EvaluationTraining) -> EvaluationTrials {
    EvaluationTrials(
      training.catalogue, training.population, training.parameters,
      window: EvaluationWindow(cut: Self.cut, asOf: Self.cut + 30 * Self.day), zones: Zones())
  }

  @Test func `what is from the cut on, a favourite without a time, and choices unless asked for, train nothing`() throws
  {
    var facts = UserFacts(user: [65])
    let times = [0, Self.cut - 1, Self.cut]
    facts.favorites = times.map { Favorite(addedAt: $0, description: 0) }
    facts.plays = times.reversed().map { Play(playedAt: $0, completionRate: 1, description: 0, source: -1) }
    facts.choices = PerDimension(language: [1], genre: [], mood: [])
    #expect(facts.before(Self.cut, withChoices: false).favorites.map(\.addedAt) == [Self.cut - 1])
    #expect(facts.before(Self.cut, withChoices: false).plays.map(\.playedAt) == [Self.cut - 1, 0])
    #expect(facts.before(Self.cut, withChoices: false).choices.language.isEmpty)
    #expect(facts.before(Self.cut, withChoices: true).choices.language == [1])
  }

  @Test func `a window is seven days, or what of them has passed`() {
    func window(_ days: Int64) -> EvaluationWindow { EvaluationWindow(cut: Self.cut, asOf: Self.cut + days * Self.day) }
    #expect(window(30).end == Self.cut + 7 * Self.day)
    #expect(window(7).end == Self.cut + 7 * Self.day)
    // A play at the clock counts, one after it does not.
    #expect(window(3).end == Self.cut + 3 * Self.day + 1)
    #expect(window(3).previous == window(30).previous && window(3).previous.end == Self.cut)
  }

  @Test func `a play at the cut is tested, one at the end of the window is not`() throws {
    let (facts, repertoire) = try facts([[(-1, "a", "hi")], [(0, "b", "hi")], [(7, "c", "hi")]])
    let before = facts.map { $0.before(Self.cut, withChoices: false) }
    var models = models(trained(before, repertoire, asOf: Self.cut - 1))
    let tested = zip(facts, before).map { models.trial(of: $0, training: $1) != nil }
    #expect(tested == [false, true, false])
  }
}
