import BSON
import Foundation
import MongodHarness
import Randomness
import Stores
import Sync
import Testing

@testable import Jobs

/// Nights on which a song without a video begins or ceases to count as one with a video, for users of whom nothing else
/// has changed (docs/learning.md, *Runs*).
@Suite(.serialized) struct TitlesTests {
  typealias Play = LearningTown.Play
  static let kinds = TestStore.Kind.allCases
  private static let before = "2023-01-01T12:00:00Z"
  private static let soWhat = "t:so what\u{1F}miles"

  /// Ann knows a song without its video, Bob another; Eve has one with a video.
  private func town(_ kind: TestStore.Kind) throws -> LearningTown {
    let town = try LearningTown(kind)
    try town.add("ann", Play(nil, "So What", Self.before), Play(nil, "So What", Self.before, isFavorite: true))
    try town.add("bob", Play(nil, "All Blues", Self.before))
    try town.add("eve", Play("eve", "Milestones", Self.before))
    #expect(try town.learn("2025-12-01T02:00:00Z").full)
    #expect(try town.topSongs("ann") == [Self.soWhat])
    return town
  }

  /// Learns what changed, and holds everybody's statistics against those that the catalogue gives.
  @discardableResult
  private func night(_ town: LearningTown, _ day: Int, full: Bool = false) throws -> LearningCounts {
    let asOf = "2025-12-\(day < 10 ? "0" : "")\(day)T02:00:00Z"
    let counts = try town.learn(asOf)
    #expect(counts.full == full)
    let users = counts.users
    #expect(users.seen == users.changed + users.unchanged + users.created + users.left && users.unchanged >= 0)
    if town.store.kind == .directory { #expect(try users.seen == town.statistics.count) }
    #expect(try town.statistics == town.statisticsOfEverybody(asOf))
    return counts
  }

  @Test(arguments: kinds)
  func `with the first video of its title a song counts as that, and with the second as itself again`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try town(kind)
    #expect(try night(town, 2).computed == 0)
    try town.add("cid", Play("v1", "so what", Self.before))
    #expect(try night(town, 3).computed == 2)
    #expect(try town.topSongs("ann") == ["v:v1"])
    #expect(try town.songs.contains(Self.soWhat))
    #expect(try night(town, 4).computed == 0)
    try town.add("dot", Play("v2", "SO WHAT", Self.before))
    #expect(try night(town, 5).computed == 2)
    #expect(try town.topSongs("ann") == [Self.soWhat])
    // The third changes nothing any more, and no title changes anything that nobody has without a video.
    try town.add("dot", Play("v3", "So What", Self.before), Play("v4", "Nefertiti", Self.before))
    #expect(try night(town, 6).computed == 1)
  }

  @Test(arguments: kinds)
  func `a song that ceases to count as a video is gained by the catalogue`(_ kind: TestStore.Kind) throws {
    let town = try LearningTown(kind)
    try town.add("ann", Play(nil, "So What", Self.before))
    try town.add("cid", Play("v1", "So What", Self.before))
    try town.learn("2025-12-01T02:00:00Z", full: true)
    #expect(try town.songs == ["v:v1"] && town.topSongs("ann") == ["v:v1"])
    try town.add("dot", Play("v2", "So What", Self.before))
    #expect(try night(town, 2).computed == 2)
    #expect(try town.songs == [Self.soWhat, "v:v1", "v:v2"] && town.topSongs("ann") == [Self.soWhat])
  }

  @Test(arguments: kinds)
  func `whoever played on a day that is counted again is counted there once`(_ kind: TestStore.Kind) throws {
    let town = try LearningTown(kind)
    try town.add("ann", Play(nil, "So What", "2025-12-01T10:00:00Z"))
    try town.add("eve", Play("eve", "Milestones", Self.before))
    // So that a server names everybody for that day.
    town.quiet = "2025-12-01T11:00:00Z"
    try town.learn("2025-12-01T12:00:00Z", full: true)
    try town.add("cid", Play("v1", "So What", "2025-12-01T13:00:00Z"))
    let counts = try town.learn("2025-12-01T18:00:00Z")
    #expect(counts.computed == 2 && counts.users.seen == 3)
    #expect(try town.topSongs("ann") == ["v:v1"])
    #expect(try figure("plays", of: "2025-12-01", town) == 2)
  }

  @Test(arguments: kinds)
  func `a song is not new on the day of its first play with a video, where somebody knew it without`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try town(kind)
    try town.add("cid", Play("v1", "So What", "2025-12-01T13:00:00Z"), Play("v4", "Nefertiti", "2025-12-01T14:00:00Z"))
    try night(town, 2)
    #expect(try figure("new_songs", of: "2025-12-01", town) == 1)
    try town.learn("2025-12-02T02:00:00Z", full: true)
    #expect(try figure("new_songs", of: "2025-12-01", town) == 1)
  }

  private func figure(_ name: StaticString, of day: String, _ town: LearningTown) throws -> Int64? {
    try town.store.documents(of: .serviceStats).first { $0.field("day")?.string == day }?.field(name)?.integer
  }

  @Test func `a title that somebody brings while others are read again concerns whoever knows it`() throws {
    let town = try town(.server)
    let database = try #require(town.store.database)
    try town.add("cid", Play("v1", "So What", Self.before))
    // Ann's, who is read again because of Cid's song, plays another that Bob knows.
    let play = #"{"videoId": "b1", "title": "All Blues", "artist": "Miles", "playedAt": {"$date": "\#(Self.before)"}}"#
    let contended = ContendedStore(try town.store.open()) {
      try database.run(
        #"{"update": "user_library", "updates": [{"q": {"user_id": "ann"}, "u": {"$push": {"history": \#(play)}}}]}"#)
    }
    let asOf = "2025-12-02T02:00:00Z"
    let summary = try LearnRun(
      options: LearningTown.options(asOf), store: contended, folder: town.store.folder, state: town.state
    ).run()
    #expect(summary.computed == 3 && summary.users.isBalanced && !summary.isFull)
    #expect(try town.topSongs("bob") == ["v:b1"])
    #expect(try town.statistics == town.statisticsOfEverybody(asOf))
  }

  // MARK: The file

  @Test(arguments: kinds)
  func `without the file anybody may have the titles, and the next night knows again who has`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try town(kind)
    try FileManager.default.removeItem(atPath: try #require(try town.titles))
    try town.add("cid", Play("v1", "So What", Self.before))
    #expect(try night(town, 2).computed == 4)
    #expect(try town.topSongs("ann") == ["v:v1"])
    try town.add("dot", Play("v2", "So What", Self.before))
    #expect(try night(town, 3).computed == 2)
    #expect(try town.topSongs("ann") == [Self.soWhat])
  }

  /// What may have become of the file between two runs.
  enum Damage: CaseIterable {
    case ofAnotherRun, torn, tornAfterAUser, empty

    func change(_ file: inout Data, before earlier: Data) {
      switch self {
      case .ofAnotherRun: file = earlier
      case .torn: file.removeLast(3)
      case .tornAfterAUser: file.removeLast(12)
      case .empty: file = Data()
      }
    }
  }

  @Test(arguments: kinds, Damage.allCases)
  func `a file that is not whole, or another run's, counts for nothing`(
    _ kind: TestStore.Kind, _ damage: Damage
  ) throws {
    let town = try town(kind)
    let path = try #require(try town.titles)
    let earlier = try Data(contentsOf: URL(fileURLWithPath: path))
    try night(town, 2)
    var file = try Data(contentsOf: URL(fileURLWithPath: path))
    damage.change(&file, before: earlier)
    try file.write(to: URL(fileURLWithPath: path))
    try town.add("cid", Play("v1", "So What", Self.before))
    #expect(try night(town, 3).computed == 4)
    #expect(try town.topSongs("ann") == ["v:v1"])
  }

  @Test(arguments: kinds)
  func `a server tells without the file whether any title changed, a directory counts everybody`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try town(kind)
    try FileManager.default.removeItem(atPath: try #require(try town.titles))
    #expect(try night(town, 2).computed == (kind == .server ? 0 : 3))
    #expect(try (town.titles == nil) == (kind == .server))
  }

  @Test(arguments: kinds, [true, false])
  func `songs that a run has left which was killed before it came to the users are found`(
    _ kind: TestStore.Kind, hasFile: Bool
  ) throws {
    let town = try town(kind)
    if !hasFile { try FileManager.default.removeItem(atPath: try #require(try town.titles)) }
    try town.add("cid", Play("v1", "So What", Self.before))
    try town.putSong("v1", "So What")
    // A server counts those who have any song without a video, as far as that is known; a directory counts everything.
    let isFull = kind == .directory
    #expect(try night(town, 2, full: isFull).computed == (hasFile && !isFull ? 3 : 4))
    #expect(try town.topSongs("ann") == ["v:v1"])
    #expect(try night(town, 3).computed == 0)
  }

  @Test(arguments: kinds)
  func `a song that somebody has taken out of the catalogue comes back`(_ kind: TestStore.Kind) throws {
    let town = try town(kind)
    try town.removeSong(Self.soWhat)
    let isFull = kind == .directory
    #expect(try night(town, 2, full: isFull).computed == (isFull ? 3 : 2))
    #expect(try town.songs.contains(Self.soWhat))
    #expect(try night(town, 3).computed == 0)
  }

  @Test(arguments: kinds)
  func `a dry run leaves the file as it is`(_ kind: TestStore.Kind) throws {
    let town = try town(kind)
    let path = try #require(try town.titles)
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    try town.add("cid", Play("v1", "So What", Self.before))
    #expect(try town.learn("2025-12-02T02:00:00Z", dryRun: true).computed == 2)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == file)
    #expect(!FileManager.default.fileExists(atPath: path + ".partial"))
    #expect(try night(town, 2).computed == 2)
  }

  @Test(arguments: kinds)
  func `the file names who has songs without a video, and goes with what else runs know`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try town(kind)
    let path = try #require(try town.titles)
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    #expect(text.contains("ann") && text.contains("bob") && !text.contains("eve"))
    try Data("ann".utf8).write(to: URL(fileURLWithPath: path + ".partial"))
    try RunArchive(state: town.state).removeKnowledge()
    let names = try FileManager.default.contentsOfDirectory(atPath: town.state)
    #expect(names.allSatisfy { RunID.isValid($0) })
  }

  // MARK: Any

  /// Some weeks of listening: whoever changes plays something, old and new, with a video or without, of few titles.
  /// `MIXDOWN_SEED` repeats a failure.
  @Test(arguments: kinds, [Trials.seed])
  func `night by night everybody has the statistics that the catalogue gives`(
    _ kind: TestStore.Kind, seed: UInt64
  ) throws {
    var random = SeededRandom(seed: seed)
    let town = try LearningTown(kind)
    func play(_ day: Int) -> Play {
      let title = random.below(12)
      let video = random.percent(50) ? "v\(title)\(["a", "b", "c"][random.below(3)])" : nil
      let when =
        random.percent(50)
        ? "2024-0\(1 + random.below(9))-0\(1 + random.below(9))T0\(random.below(10)):00:00Z"
        : "2025-12-\(day < 10 ? "0" : "")\(day)T0\(random.below(2)):\(10 + random.below(40)):00Z"
      return Play(
        video, random.percent(50) ? "Song \(title)" : "SONG \(title)", when, isFavorite: random.percent(30))
    }
    for user in 0..<8 { try town.add("user-\(user)", (0..<1 + random.below(3)).map { _ in play(1) }) }
    try town.learn("2025-12-01T02:00:00Z", full: true)
    var (computed, left) = (0, 0)
    for day in 2...21 {
      for user in 0..<10 where random.percent(4) {
        try town.add("user-\(user)", (0..<1 + random.below(2)).map { _ in play(day) })
      }
      if random.percent(8), let titles = try town.titles { try FileManager.default.removeItem(atPath: titles) }
      let counts = try night(town, day)
      computed += counts.computed
      left += try town.statistics.count - counts.computed
    }
    // Neither everybody each night nor nobody.
    #expect(computed > 0 && left > computed / 8, "seed \(seed): \(computed) computed, \(left) left")
  }
}
