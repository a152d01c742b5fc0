import BSON
import Library
import Randomness
import Testing

/// The play archive keeps what the limit of the history would lose (docs/learning.md, *The play archive*).
@Suite struct PlayArchiveTests {
  /// An archive of one user while runs go by: what each month's document is.
  private struct Archive {
    var documents: [String: Value] = [:]
    /// The months that the last run wrote.
    var written: [String] = []
    /// The library of which the archive is known to have all plays.
    private var known: Value?

    /// Adds what a merge of the scene saw.
    mutating func add(_ scene: Scene) throws {
      let arena = Arena()
      var archive = PlayArchive(asOf: scene.parameters.asOf, arena: arena)
      let user = Array(scene.user.utf8).withView { arena.copy($0) }
      let stored = documents.values.map { $0.document(in: arena) }
      let outcome = try scene.outcome(in: arena, isArchived: scene.cloud != nil && scene.cloud == known)
      written = []
      for month in try archive.months(adding: outcome.plays, of: user, to: stored) {
        written.append(month.name.string)
        documents[month.name.string] = try Value(month.document)
      }
      known = outcome.archivesAll ? try outcome.document.map { try Value($0) } ?? scene.cloud : nil
    }

    /// The plays of each month with every field in its place.
    var plays: [String: String] { documents.compactMapValues { $0["plays"].map { "\($0)" } } }
  }

  private func play(_ id: String, _ time: Value, _ more: Value = [:]) -> Value {
    .document([.init(name: "videoId", value: .string(id)), .init(name: "playedAt", value: time)] + (more.fields ?? []))
  }

  @Test func `plays lie in the document of their month, newest first`() throws {
    var archive = Archive()
    let (january, february) = (ms(1_738_367_999_999), ms(1_738_368_000_000))
    var scene = Scene(exports: [.at(1, ["history": [play("a", january), play("b", february), play("c", at(3))]])])
    scene.parameters.asOf = 1_738_368_000_000
    try archive.add(scene)
    #expect(archive.written == ["2025-02", "2025-01"])
    let first = try #require(archive.documents["2025-01"])
    #expect(first["user_id"] == "ann" && first["month"] == "2025-01" && first["updated_at"] == february)
    #expect(first["plays"]?.each("videoId") == ["a", "c"])
    #expect(archive.documents["2025-02"]?["plays"]?.each("videoId") == ["b"])
  }

  @Test func `what the limit cuts off is archived`() throws {
    var scene = Scene(exports: [.at(9, ["history": .array((1...9).map { play("s\($0)", at($0)) })])])
    scene.parameters.historyLimit = 2
    var archive = Archive()
    try archive.add(scene)
    #expect(try scene.merged()["history"]?.items?.count == 2)
    #expect(archive.documents["2025-01"]?["plays"]?.items?.count == 9)
  }

  // Of the second pair the lower has the greater bytes.
  @Test(arguments: [(0.2, 0.9), (0.3, 0.5)])
  func `of one play the greatest completion counts, and the greater bytes of every other field`(
    _ lower: Double, _ higher: Double
  ) throws {
    var archive = Archive()
    let low = play("x", at(1), ["completionRate": .double(lower), "title": "b"])
    let high = play("x", at(1), ["completionRate": .double(higher), "title": "a"])
    try archive.add(Scene(exports: [.at(1, ["history": [low]]), .at(2, ["history": [high]])]))
    let plays = try #require(archive.documents["2025-01"]?["plays"]?.items)
    #expect(plays == [["videoId": "x", "title": "b", "playedAt": at(1), "completionRate": .double(higher)]])
    try archive.add(Scene(exports: [.at(1, ["history": [low]])]))
    #expect(archive.written.isEmpty)
  }

  @Test(arguments: [[200, 200.0], [200.0, 200]] as [[Value]])
  func `of equal numbers the greater bytes count too, in any order of runs`(_ numbers: [Value]) throws {
    var archive = Archive()
    for number in numbers {
      try archive.add(Scene(exports: [.at(1, ["history": [play("x", at(1), ["n": number])]])]))
    }
    #expect(archive.documents["2025-01"]?["plays"]?.items?.first?["n"] == 200)
  }

  @Test func `the clock of a month stands still at the end of all time`() throws {
    var archive = Archive()
    try archive.add(Scene(exports: [.at(1, ["history": [play("x", at(1))]])]))
    archive.documents["2025-01"]?["updated_at"] = .date(.max)
    try archive.add(Scene(exports: [.at(1, ["history": [play("y", at(2))]])]))
    #expect(archive.written == ["2025-01"] && archive.documents["2025-01"]?["updated_at"] == .date(.max))
  }

  @Test func `a month that says nothing new is not written, one that does has a later version`() throws {
    var archive = Archive()
    let scene = Scene(exports: [.at(1, ["history": [play("x", at(1), ["title": "a", "mood": "m"])]])])
    try archive.add(scene)
    try archive.add(scene)
    #expect(archive.written.isEmpty)
    var more = scene
    more.exports.append(.at(2, ["history": [play("x", at(1), ["title": "A", "lang": "l"])]]))
    try archive.add(more)
    #expect(archive.written == ["2025-01"])
    #expect(archive.documents["2025-01"]?["updated_at"] == .date(now + 1))
    try archive.add(more)
    #expect(archive.written.isEmpty)
  }

  @Test func `of a library whose plays the archive is known to have, what the dumps add is handed over`() throws {
    // Which run wrote it, and whether that one archived, the library does not say.
    let cloud: Value = ["history": [play("x", at(1))], "updated_at": at(5), "section_updated_at": ["as_of": at(5)]]
    let arena = Arena()
    let scene = Scene(cloud: cloud, exports: [.at(1, ["history": [play("x", at(1)), play("y", at(2))]])])
    let known = try scene.outcome(in: arena, isArchived: true)
    #expect(known.plays.map(\.key.description) == ["v:y"] && known.archivesAll)
    #expect(try scene.outcome(in: arena, isArchived: false).plays.count == 3)
  }

  @Test func `a run that does not read the stored plays does not claim that the archive has them`() throws {
    let arena = Arena()
    var scene = Scene(
      cloud: ["history": [play("x", at(1))], "updated_at": at(5)],
      exports: [.at(1, ["favorites": [["videoId": "f", "addedAt": at(1)]]])])
    #expect(try scene.outcome(in: arena, isArchived: false).archivesAll)
    scene.parameters.mode = .replace
    #expect(try !scene.outcome(in: arena, isArchived: false).archivesAll)
    scene.parameters.mode = .merge
    scene.parameters.sections = [.favorites]
    #expect(try !scene.outcome(in: arena, isArchived: false).archivesAll)
    scene.parameters.sections = .all
    scene.parameters.archivesPlays = false
    #expect(try !scene.outcome(in: arena, isArchived: false).archivesAll)
  }

  @Test func `unknown fields of a month and what is no play in it stay`() throws {
    var archive = Archive()
    archive.documents["2025-01"] = [
      "_id": 1, "user_id": "ann", "month": "2025-01", "note": "n", "plays": ["nonsense", play("a", at(1))],
      "updated_at": at(1),
    ]
    try archive.add(Scene(exports: [.at(1, ["history": [play("b", at(2))]])]))
    let month = try #require(archive.documents["2025-01"])
    #expect(month["note"] == "n" && month["_id"] == 1)
    #expect(month["plays"]?.items?.last == "nonsense" && month["plays"]?.items?.count == 3)
  }

  /// With a look at all fields for each of them this would take an hour.
  @Test(.timeLimit(.minutes(5))) func `a play of a hundred thousand fields that says nothing new is found to`() throws {
    let fields = (0..<100_000).map { Value.Field(name: "f\($0)", value: 1) }
    var archive = Archive()
    try archive.add(
      Scene(exports: [
        .at(1, ["history": [play("x", at(1), .document(fields + [.init(name: "completionRate", value: 1)]))]])
      ]))
    let lower = play("x", at(1), .document(fields.reversed() + [.init(name: "completionRate", value: 0.5)]))
    try archive.add(Scene(exports: [.at(2, ["history": [lower]])]))
    #expect(archive.written.isEmpty)
  }

  // MARK: The law

  @Test func `any order and any split of the runs archives the same plays, byte for byte`() {
    Trials.hold("archive", on: .any) { scene in
      guard scene.parameters.sections.contains(.history), scene.guests.isEmpty else { return .skipped }
      var whole = Archive()
      try whole.add(scene)
      var maker = SceneMaker(seed: UInt64(scene.description.utf8.count))
      var split = Archive()
      var next = scene
      for export in maker.shuffled(scene.exports) {
        next.exports = [export]
        try split.add(next)
        next.cloud = try next.merged().library
      }
      // Each run saw the library too, and so does the one that comes after the last.
      next.exports = []
      try split.add(next)
      if split.plays != whole.plays { return .broken("one by one:\n\(split.plays)\nat once:\n\(whole.plays)") }
      try whole.add(scene)
      return whole.written.isEmpty ? .holds : .broken("the same run writes \(whole.written) again")
    }
  }
}

extension Scene {
  /// What a run of the scene makes of the user, and hands to the archive.
  fileprivate func outcome(in arena: Arena, isArchived: Bool) throws -> MergeOutcome {
    var merge = Merge(parameters: parameters, arena: arena)
    let replicas = try exports.map { try $0.replica(parameters, in: arena) }
    let stored = cloud?.document(in: arena)
    let user = Array(user.utf8).withView { arena.copy($0) }
    return try merge.outcome(user: user, stored: stored, dumps: replicas, isArchived: isArchived)
  }
}
