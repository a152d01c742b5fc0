import BSON
import Foundation
import Learning
import Library
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// A store with listeners, whose libraries a test writes as other programs do, and the nights on which it is learned
/// from.
final class LearningTown {
  /// A play of a song with this title, and with a video where it has one.
  struct Play {
    var video: String?
    var title: String?
    /// The instant, as text.
    var when: String
    var isFavorite = false

    init(_ video: String?, _ title: String?, _ when: String, isFavorite: Bool = false) {
      (self.video, self.title, self.when, self.isFavorite) = (video, title, when, isFavorite)
    }

    fileprivate var json: String {
      let names = [video.map { #""videoId": "\#($0)""# }, title.map { #""title": "\#($0)", "artist": "Miles""# }]
      let time = isFavorite ? "addedAt" : "playedAt"
      let rate = isFavorite ? [] : [#""completionRate": 0.9"#]
      return "{" + (names.compactMap { $0 } + rate + [#""\#(time)": {"$date": "\#(when)"}"#]).joined(separator: ", ")
        + "}"
    }
  }

  let store: TestStore
  private var plays: [String: [Play]] = [:]
  /// What a server says of when documents were written that have not changed since the last night, as text.
  var quiet = "1970-01-01T00:00:00Z"
  /// The same of users of whom it says something else.
  var written: [String: String] = [:]

  init(_ kind: TestStore.Kind) throws {
    store = try TestStore(kind)
    _ = try Setup().run(on: store.open())
  }

  var state: String { store.folder + "/state" }

  // MARK: Libraries

  /// Adds plays to a user's library, of which the store tells that it has changed.
  func add(_ user: String, _ plays: Play...) throws { try add(user, plays) }

  func add(_ user: String, _ more: [Play]) throws {
    plays[user, default: []] += more
    if let database = store.database {
      let library = library(user, updatedAt: Int64(Date().timeIntervalSince1970 * 1000))
      try database.run(
        #"{"update": "user_library", "updates": [{"q": {"user_id": "\#(user)"}, "u": \#(library), "upsert": true}]}"#)
    } else {
      try FileManager.default.createDirectory(atPath: store.name, withIntermediateDirectories: true)
      let libraries = try plays.keys.sorted().map { Data(try bson(library($0, updatedAt: 0))) }
      try Data(libraries.joined()).write(to: URL(fileURLWithPath: store.name + "/user_library.bson"))
    }
  }

  /// Removes a user's library, of which nothing tells on a server.
  func removeLibrary(_ user: String) throws {
    plays[user] = nil
    try store.remove(user, from: .userLibrary)
  }

  /// Puts a month of a user's plays into the archive.
  ///
  /// - Parameters:
  ///   - month: `2025-12`
  ///   - time: when that was written, as text.
  func archive(_ user: String, _ month: String, _ plays: Play..., at time: String) throws {
    let plays = plays.map(\.json).joined(separator: ", ")
    try store.put(
      [
        #"{"user_id": "\#(user)", "month": "\#(month)", "plays": [\#(plays)], "updated_at": {"$date": "\#(time)"}}"#
      ], into: .playArchive)
  }

  /// Gives a user an account with these languages as choices, in the place of one that they have.
  func choose(_ user: String, _ languages: String...) throws {
    if try store.documents(of: .users).contains(where: { $0.field("id")?.string == user }) {
      try store.remove(user, from: .users)
    }
    let list = languages.map { "\"\($0)\"" }.joined(separator: ", ")
    try store.put([#"{"id": "\#(user)", "explicit_preferences": {"languages": [\#(list)]}}"#], into: .users)
  }

  private func library(_ user: String, updatedAt time: Int64) -> String {
    func list(_ isFavorite: Bool) -> String {
      (plays[user] ?? []).filter { $0.isFavorite == isFavorite }.map(\.json).joined(separator: ", ")
    }
    return #"{"user_id": "\#(user)", "history": [\#(list(false))], "favorites": [\#(list(true))], "#
      + #""updated_at": {"$date": {"$numberLong": "\#(time)"}}}"#
  }

  /// Makes a server forget that anything has changed lately: the hour that a run looks back is longer than a test.
  private func pass() throws {
    func set(_ time: String, _ filter: String) -> String {
      #"{"q": \#(filter), "u": {"$set": {"updated_at": {"$date": "\#(time)"}}}, "multi": true}"#
    }
    let own = written.sorted { $0.key < $1.key }.map { set($0.value, #"{"user_id": "\#($0.key)"}"#) }
    let updates = ([set(quiet, "{}")] + own).joined(separator: ", ")
    for name in ["user_library", "play_archive"] {
      try store.database?.run(#"{"update": "\#(name)", "updates": [\#(updates)]}"#)
    }
  }

  // MARK: Songs

  /// Puts a song into the catalogue, as a run that was killed leaves it.
  func putSong(_ video: String, _ title: String) throws {
    let key = "v:" + video
    try store.put(
      [
        #"{"_id": "\#(key)", "key": "\#(key)", "title": "\#(title)", "artist": "Miles", "genres": [], "moods": [], "#
          + #""listeners": 1, "plays": 1, "completed": 1, "as_of": {"$date": 0}}"#
      ], into: .songs)
  }

  func removeSong(_ key: String) throws { try store.remove(key, from: .songs) }

  var songs: [String] {
    get throws { try store.documents(of: .songs).compactMap { $0.field("key")?.string } }
  }

  // MARK: Nights

  static func options(_ asOf: String) -> LearnOptions {
    var parameters = LearningParameters(asOf: Array(asOf.utf8).withView { Instant.parse($0) } ?? 0)
    // Nobody is due because scores have drifted.
    parameters.halfLifeDays = .infinity
    var options = LearnOptions(parameters: parameters)
    options.workers = 2
    return options
  }

  /// Learns what changed, or everything.
  ///
  /// - Parameter left: how many users are to be left, by reason.
  @discardableResult
  func learn(
    _ asOf: String, full: Bool = false, dryRun: Bool = false, leaving left: [String: Int] = [:],
    _ more: (inout LearnOptions) -> Void = { _ in }
  ) throws -> LearningCounts {
    var options = Self.options(asOf)
    (options.isFull, options.dryRun) = (full, dryRun)
    more(&options)
    let report = LearnStep(options: options, store: store.name, state: state, parameters: [:]).run()
    let counts = try #require(report.manifest.learning, "\(report.manifest.error ?? "")")
    try #require(
      report.status == (left.isEmpty ? .done : .quarantined), "\(report.manifest.error ?? "") \(counts.reports)")
    #expect(Dictionary(grouping: counts.reports, by: \.reason).mapValues(\.count) == left)
    if !dryRun { try pass() }
    return counts
  }

  /// The file that says who has which `t:` keys; nil where there is none.
  var titles: String? {
    get throws {
      guard FileManager.default.fileExists(atPath: state) else { return nil }
      let names = try FileManager.default.contentsOfDirectory(atPath: state)
      return names.first { $0.hasPrefix(KnownTitles.prefix) }.map { state + "/" + $0 }
    }
  }

  // MARK: Figures

  /// Everybody's statistics, as JSON without the fields that tell when they were computed.
  var statistics: [String: String] {
    get throws { try Self.timeless(.userStats, of: store) }
  }

  /// The days of the service, likewise.
  var serviceDays: [String: String] {
    get throws { try Self.timeless(.serviceStats, of: store) }
  }

  private static func timeless(_ schema: CollectionSchema, of store: TestStore) throws -> [String: String] {
    var timeless: [String: String] = [:]
    for document in try store.documents(of: schema) {
      var text = JSONText()
      try document.withView { bytes in
        var elements = try BSONDocument(bytes).elements
        while let element = try elements.next() {
          if ["_id", "as_of", "computed_at", "stale_after"].contains(element.key.string) { continue }
          text.string(element.key)
          try text.value(element.value)
        }
      }
      timeless[document.field(schema.key)?.string ?? ""] = text.string
    }
    return timeless
  }

  /// Of whom there are statistics, and of whom scores, ascending.
  var figured: [[String]] {
    get throws {
      try [.userStats, .userScores].map { schema in
        try store.documents(of: schema).compactMap { $0.field("user_id")?.string }
      }
    }
  }

  /// The keys of a user's songs of all time, most played first.
  func topSongs(_ user: String) throws -> [String] {
    let document = try #require(
      try store.documents(of: .userStats).first { $0.field("user_id")?.string == user })
    return try document.withView { bytes in
      var keys: [String] = []
      let songs = try BSONDocument(bytes).value("all_time")?.document?.value("top_songs")?.array
      if var elements = songs?.elements {
        while let element = try elements.next() {
          if let key = try element.value.document?.value("key")?.string { keys.append(key.string) }
        }
      }
      return keys
    }
  }

  /// What everybody's statistics are given the same catalogue and population: all are computed, in a copy of the store.
  func statisticsOfEverybody(_ asOf: String) throws -> [String: String] {
    let copy = try TestStore(.directory)
    let schemas: [CollectionSchema] = [
      .userLibrary, .playArchive, .songs, .population, .userStats, .userScores,
    ]
    for schema in schemas {
      try FileManager.default.createDirectory(atPath: copy.name, withIntermediateDirectories: true)
      try Data(try store.documents(of: schema).joined()).write(
        to: URL(fileURLWithPath: "\(copy.name)/\(schema.name).bson"))
    }
    let options = Self.options(asOf)
    let state = copy.folder + "/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    // A run before that has met nobody.
    let stamp = RunStamp(
      store: try copy.open(locking: false).name, parameters: options.fingerprint, asOf: options.parameters.asOf,
      watermark: 0)
    try LastLearned.Writer(LastLearned.path(state: state, store: stamp.store), of: stamp, fullAsOf: stamp.asOf)
      .commit(files: LearnCollections(copy.open(locking: false)).learnedPrint())
    let report = LearnStep(options: options, store: copy.name, state: state, parameters: [:]).run()
    try #require(report.status == .done && report.manifest.learning?.full == false)
    try #require(report.manifest.learning?.computed == plays.count)
    return try Self.timeless(.userStats, of: copy)
  }
}
