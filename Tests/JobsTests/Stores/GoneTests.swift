import BSON
import Learning
import MongodHarness
import Randomness
import Stores
import Sync
import Testing

@testable import Jobs

/// Figures of people of whom nothing is left are removed by the run that finds it (docs/learning.md, *Runs*).
@Suite(.serialized) struct GoneTests {
  typealias Play = LearningTown.Play
  static let kinds = TestStore.Kind.allCases
  private static let before = "2023-01-01T12:00:00Z"

  /// Eve, who stays as she is, and whom else a test begins with.
  private func town(_ kind: TestStore.Kind, _ begin: (LearningTown) throws -> Void) throws -> LearningTown {
    let town = try LearningTown(kind)
    try town.add("eve", Play("eve", "Milestones", Self.before))
    try begin(town)
    try town.learn("2025-12-01T02:00:00Z", full: true)
    return town
  }

  /// Learns, after a dry run that says the same and writes nothing, and again, which finds nothing to be done.
  ///
  /// - Returns: how many documents were removed, by collection.
  private func removed(
    _ town: LearningTown, full: Bool, users: Int = 1, _ more: (inout LearnOptions) -> Void = { _ in }
  ) throws -> [String: Int] {
    let asOf = "2025-12-02T02:00:00Z"
    let figured = try town.figured
    let dry = try town.learn(asOf, full: full, dryRun: true, more)
    #expect(try town.figured == figured)
    let counts = try town.learn(asOf, full: full, more)
    #expect(dry.removed == counts.removed && dry.written == counts.written && dry.users.changed == counts.users.changed)
    #expect(counts.users.changed == users && counts.users.created == 0)
    #expect(counts.users.seen == counts.users.changed + counts.users.unchanged)
    // Neither what a run knows for the next names them, nor does anything that is stored.
    for again in [false, full] {
      let second = try town.learn(asOf, full: again, more)
      #expect(second.written.isEmpty && second.removed.isEmpty && second.users.changed == 0, "\(second)")
      if !again { #expect(second.computed == 0) }
    }
    return counts.removed
  }

  @Test(arguments: kinds, [true, false])
  func `choices that are withdrawn leave no scores`(_ kind: TestStore.Kind, full: Bool) throws {
    let town = try town(kind) { try $0.choose("ann", "hi") }
    #expect(try town.figured == [["eve"], ["ann", "eve"]])
    try town.choose("ann")
    #expect(try removed(town, full: full) == ["user_scores": 1])
    #expect(try town.figured == [["eve"], ["eve"]])
    try town.choose("ann", "hi")
    #expect(try town.learn("2025-12-03T02:00:00Z").users.created == 1)
    #expect(try town.figured == [["eve"], ["ann", "eve"]])
  }

  @Test(arguments: kinds, [true, false])
  func `an account that is deleted leaves no scores of its choices`(_ kind: TestStore.Kind, full: Bool) throws {
    let town = try town(kind) { try $0.choose("ann", "hi") }
    try town.store.remove("ann", from: .users)
    #expect(try removed(town, full: full) == ["user_scores": 1])
    #expect(try town.figured == [["eve"], ["eve"]])
  }

  @Test(arguments: [(TestStore.Kind.directory, true), (.directory, false), (.server, true)])
  func `a library that is gone with its plays leaves no figures`(_ kind: TestStore.Kind, full: Bool) throws {
    let town = try town(kind) {
      try $0.add("ann", Play("a", "So What", Self.before))
      try $0.add("zoe", Play("z", "All Blues", Self.before))
    }
    for user in ["ann", "zoe"] {
      try town.removeLibrary(user)
      try town.store.remove(user, from: .playArchive)
    }
    #expect(try removed(town, full: full, users: 2) == ["user_stats": 2, "user_scores": 2].merging(songs(full)) { $1 })
    #expect(try town.figured == [["eve"], ["eve"]])
    try town.add("ann", Play("a", "So What", Self.before))
    #expect(try town.learn("2025-12-03T02:00:00Z").users.created == 1)
    #expect(try town.figured == [["ann", "eve"], ["ann", "eve"]])
  }

  /// What a full run removes besides: the two songs, which nobody has any more.
  private func songs(_ full: Bool) -> [String: Int] { full ? ["songs": 2] : [:] }

  @Test(arguments: kinds)
  func `a library that is gone is missed where a night reads its user for a title`(_ kind: TestStore.Kind) throws {
    let town = try town(kind) { try $0.add("ann", Play(nil, "So What", Self.before)) }
    try town.removeLibrary("ann")
    try town.store.remove("ann", from: .playArchive)
    try town.add("bob", Play("b", "So What", Self.before))
    let counts = try town.learn("2025-12-02T02:00:00Z")
    #expect(counts.removed == ["user_stats": 1, "user_scores": 1] && counts.computed == 1)
    #expect(try town.figured == [["bob", "eve"], ["bob", "eve"]])
  }

  @Test(arguments: kinds)
  func `plays that are kept no longer leave no figures of who has nothing else`(_ kind: TestStore.Kind) throws {
    let town = try LearningTown(kind)
    try town.add("eve", Play("eve", "Milestones", Self.before))
    try town.archive("ann", "2025-11", Play("a", "So What", "2025-11-20T12:00:00Z"), at: "2025-11-20T12:00:00Z")
    try town.learn("2025-12-01T02:00:00Z", full: true) { $0.archiveMonths = 1 }
    #expect(try town.figured == [["ann", "eve"], ["ann", "eve"]])
    // In a month's first night everybody is looked at, and what is known of her song and day goes as well.
    let counts = try town.learn("2026-01-01T02:00:00Z") { $0.archiveMonths = 1 }
    #expect(
      counts.removed == ["play_archive": 1, "user_stats": 1, "user_scores": 1, "songs": 1, "service_stats": 1])
    #expect(try town.figured == [["eve"], ["eve"]])
  }

  @Test(arguments: [(TestStore.Kind.directory, true), (.directory, false), (.server, true)])
  func `who has choices and no library any more has scores alone`(_ kind: TestStore.Kind, full: Bool) throws {
    let town = try town(kind) {
      try $0.add("ann", Play("a", "So What", Self.before))
      try $0.add("zoe", Play("a", "So What", Self.before))
      try $0.choose("ann", "hi")
    }
    try town.removeLibrary("ann")
    try town.store.remove("ann", from: .playArchive)
    #expect(try removed(town, full: full)["user_stats"] == 1)
    #expect(try town.figured == [["eve", "zoe"], ["ann", "eve", "zoe"]])
  }

  @Test(arguments: kinds)
  func `statistics that were left without scores go as well`(_ kind: TestStore.Kind) throws {
    let town = try town(kind) { try $0.add("ann", Play("a", "So What", Self.before)) }
    try town.removeLibrary("ann")
    for schema in [CollectionSchema.playArchive, .userScores] { try town.store.remove("ann", from: schema) }
    try town.learn("2025-12-02T02:00:00Z", full: true)
    #expect(try town.figured == [["eve"], ["eve"]])
  }

  @Test(arguments: kinds)
  func `with the last listener a collection becomes empty`(_ kind: TestStore.Kind) throws {
    let town = try LearningTown(kind)
    try town.add("ann", Play("a", "So What", Self.before))
    try town.learn("2025-12-01T02:00:00Z", full: true)
    try town.removeLibrary("ann")
    try town.store.remove("ann", from: .playArchive)
    for _ in 0..<2 {
      try town.learn("2025-12-02T02:00:00Z", full: true)
      #expect(try town.figured == [[], []])
    }
  }

  @Test(arguments: kinds)
  func `figures that were computed for a later time are left, unless that is forced`(_ kind: TestStore.Kind) throws {
    let town = try town(kind) { try $0.choose("ann", "hi") }
    try town.choose("ann")
    let earlier = "2025-11-30T02:00:00Z"
    // Eve's are of a later time as well.
    let counts = try town.learn(earlier, full: true, leaving: ["newer": 2])
    #expect(counts.removed.isEmpty && counts.users.left == 2)
    #expect(try town.figured == [["eve"], ["ann", "eve"]])
    #expect(try town.learn(earlier) { $0.force = true }.removed == ["user_scores": 1])
    #expect(try town.figured == [["eve"], ["eve"]])
  }

  @Test(arguments: kinds)
  func `a library that cannot be read is there, and its user is left as they are`(_ kind: TestStore.Kind) throws {
    let town = try town(kind) { try $0.add("ann", Play("a", "So What", Self.before)) }
    let (figured, statistics) = try (town.figured, town.statistics)
    try town.removeLibrary("ann")
    try town.store.remove("ann", from: .playArchive)
    try town.store.put([#"{"user_id": "ann", "history": "no list", "updated_at": {"$date": 0}}"#], into: .userLibrary)
    let counts = try town.learn("2025-12-02T02:00:00Z", full: true, leaving: ["foreign-document": 1])
    #expect(counts.removed.filter { $0.key.hasPrefix("user_") }.isEmpty)
    #expect(try town.figured == figured && town.statistics == statistics)
  }

  @Test(arguments: kinds, [true, false])
  func `an account keeps the scores that it was given, and gets none that are removed`(
    _ kind: TestStore.Kind, isGiven: Bool
  ) throws {
    let town = try LearningTown(kind)
    try town.store.database?.run(#"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "id_1"}]}"#)
    try town.add("eve", Play("eve", "Milestones", Self.before))
    try town.choose("ann", "hi")
    try town.learn("2025-12-01T02:00:00Z", full: true) { $0.mirrorsUsers = isGiven }
    let account = try #require(try town.store.documents(of: .users).first)
    let scores = account.field("scores")
    #expect(isGiven ? scores != nil : scores == nil)
    try town.store.remove("ann", from: .users)
    try town.store.put([try account.withoutField("explicit_preferences")], into: .users)
    #expect(try removed(town, full: false) { $0.mirrorsUsers = true } == ["user_scores": 1])
    let after = try #require(try town.store.documents(of: .users).first)
    #expect(after.field("scores") == scores)
  }

  @Test(arguments: kinds)
  func `an evaluation does not count people of whom nothing is left`(_ kind: TestStore.Kind) throws {
    let town = try town(kind) { try $0.choose("ann", "hi") }
    try town.choose("ann")
    let asOf = LearningTown.options("2025-12-02T02:00:00Z").parameters
    let options = EvaluateOptions(parameters: asOf, cut: asOf.asOf - 7 * 86_400_000)
    #expect(try EvaluateRun(options: options, store: town.store.open(), folder: town.store.folder).run().users == 1)
  }

  // MARK: Any

  /// People come and go, with libraries, plays in the archive and choices. `MIXDOWN_SEED` repeats a failure.
  @Test(arguments: kinds, [Trials.seed])
  func `after each run there are figures of those of whom there is something`(
    _ kind: TestStore.Kind, seed: UInt64
  ) throws {
    var random = SeededRandom(seed: seed)
    let town = try LearningTown(kind)
    try town.add("eve", Play("eve", "Milestones", Self.before))
    var (libraries, choosing) = (Set(["eve"]), Set<String>())
    for day in 1...9 {
      var archived = Set(try town.store.documents(of: .playArchive).compactMap { $0.field("user_id")?.string })
      for number in 0..<6 {
        let user = "user-\(number)"
        if random.percent(30) {
          if libraries.remove(user) != nil {
            try town.removeLibrary(user)
          } else {
            try town.add(user, Play("v\(number)", "Song", Self.before))
            libraries.insert(user)
          }
        }
        if random.percent(30), archived.remove(user) != nil { try town.store.remove(user, from: .playArchive) }
        if random.percent(30) {
          if choosing.remove(user) != nil {
            if random.percent(50) { try town.choose(user) } else { try town.store.remove(user, from: .users) }
          } else {
            try town.choose(user, "hi")
            choosing.insert(user)
          }
        }
      }
      let isFull = kind == .server || random.percent(30)
      try town.learn("2025-12-0\(day)T02:00:00Z", full: isFull)
      let listeners = libraries.union(archived)
      #expect(
        try town.figured == [listeners.sorted(), listeners.union(choosing).sorted()], "seed \(seed), night \(day)")
    }
  }
}

extension [UInt8] {
  /// The document without a field.
  fileprivate func withoutField(_ name: StaticString) throws -> [UInt8] {
    try withView { bytes in
      var writer = BSONWriter()
      let start = writer.open()
      var elements = try BSONDocument(bytes).elements
      while let element = try elements.next() {
        if element.key != ByteView(name) { writer.append(element.key, element.value) }
      }
      writer.close(start)
      return writer.view.copy()
    }
  }
}
