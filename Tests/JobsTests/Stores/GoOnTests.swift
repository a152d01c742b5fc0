import Foundation
import Stores
import Sync
import Testing

@testable import Jobs

/// Nights that go on with what the last one left, and those that may not (docs/learning.md, *Runs*).
@Suite(.serialized) struct GoOnTests {
  typealias Play = LearningTown.Play
  private static let learned: [CollectionSchema] = [.userStats, .userScores, .songs, .serviceStats, .population]

  /// A directory after a first night, and after a second of which it is known what the first had left.
  private func town() throws -> (LearningTown, first: [String: Data]) {
    let town = try LearningTown(.directory)
    try town.add("ann", Play("one", "One", "2025-12-01T10:00:00Z"))
    try town.add("bob", Play("one", "One", "2025-12-01T11:00:00Z"))
    try town.learn("2025-12-01T12:00:00Z")
    let first = try files(town)
    try town.add("ann", Play("two", "Two", "2025-12-01T13:00:00Z"))
    #expect(try !town.learn("2025-12-02T12:00:00Z").full)
    return (town, first)
  }

  /// What was learned, and what the state folder knows of it, by path.
  private func files(_ town: LearningTown) throws -> [String: Data] {
    let state = LastLearned.path(state: town.state, store: try town.store.open(locking: false).name)
    return try (Self.learned.map { "\(town.store.name)/\($0.name).bson" } + [state]).reduce(into: [:]) { files, path in
      files[path] = try Data(contentsOf: URL(fileURLWithPath: path))
    }
  }

  /// Puts some of these files back in their places, as cp does.
  private func putBack(_ files: [String: Data], _ isMeant: (String) -> Bool) throws {
    for (path, bytes) in files where isMeant(path) { try bytes.write(to: URL(fileURLWithPath: path)) }
  }

  /// What somebody may have made of what was learned.
  enum Change: CaseIterable { case restored, withoutDocument, withoutFile }

  @Test(arguments: learned.indices, Change.allCases)
  func `what was learned and is not as a run has left it is no beginning`(_ place: Int, _ change: Change) throws {
    let (town, first) = try town()
    let schema = Self.learned[place]
    try expectFull(town) {
      switch change {
      case .restored: try putBack(first) { $0.hasSuffix("/\(schema.name).bson") }
      case .withoutDocument:
        let key = ["songs": "v:one", "service_stats": "2025-12-01", "population": "language"][schema.name] ?? "ann"
        try town.store.remove(key, from: schema)
      case .withoutFile: try FileManager.default.removeItem(atPath: "\(town.store.name)/\(schema.name).bson")
      }
    }
  }

  @Test func `what a run has written that was killed before it said so is no beginning`() throws {
    let (town, first) = try town()
    try expectFull(town) { try putBack(first) { !$0.hasSuffix(".bson") } }
  }

  @Test func `nothing is a beginning after all was put back`() throws {
    let (town, first) = try town()
    try expectFull(town) { try putBack(first) { $0.hasSuffix(".bson") } }
  }

  /// Checks that the night after a change counts everything, that all is then as it was, and that the next may go on.
  private func expectFull(_ town: LearningTown, after change: () throws -> Void) throws {
    let (statistics, days, figured) = try (town.statistics, town.serviceDays, town.figured)
    let songs = try town.songs
    try change()
    let next = try town.learn("2025-12-02T12:00:00Z")
    #expect(next.full && next.computed == 2)
    #expect(try town.statistics == statistics && town.figured == figured && town.songs == songs)
    #expect(try Set(town.serviceDays.keys) == Set(days.keys))
    let after = try town.learn("2025-12-02T12:00:00Z")
    #expect(!after.full && after.computed == 0 && after.written.isEmpty)
    #expect(try town.learn("2025-12-02T12:00:00Z", full: true).written.isEmpty)
  }

  @Test func `a dry run, and what does not learn, leave a beginning for the next night`() throws {
    let (town, _) = try town()
    #expect(try !town.learn("2025-12-03T12:00:00Z", dryRun: true).full)
    try town.choose("ann", "hi")
    try town.add("ann", Play("one", "One", "2025-12-02T13:00:00Z"))
    let mirrored = try town.learn("2025-12-03T12:00:00Z") { $0.mirrorsUsers = true }
    #expect(!mirrored.full && mirrored.written["users"] == 1)
    #expect(try !town.learn("2025-12-04T12:00:00Z").full)
  }

  @Test(arguments: TestStore.Kind.allCases)
  func `who was left, for what is stored is of a later clock, is computed by the next night`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try LearningTown(kind)
    for user in ["ann", "bob"] { try town.add(user, Play("one", "One", "2025-10-01T12:00:00Z")) }
    try town.learn("2025-11-11T00:00:00Z")
    for user in ["ann", "bob"] { try town.add(user, Play("two", "Two", "2025-10-02T12:00:00Z")) }
    let back = try town.learn("2025-11-10T12:00:00Z", leaving: ["newer": 2])
    #expect(back.users.left == 2)
    let asOf = "2025-11-12T00:00:00Z"
    let next = try town.learn(asOf)
    #expect(next.full && next.computed == 2 && next.users.changed == 2)
    #expect(try town.topSongs("ann").sorted() == ["v:one", "v:two"])
    #expect(try town.statistics == town.statisticsOfEverybody(asOf))
    let night = try town.learn("2025-11-13T00:00:00Z")
    #expect(!night.full && night.computed == 0)
  }
}
