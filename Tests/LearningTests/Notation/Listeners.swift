import BSON
import Learning
import Library
import Testing

/// The time of a text such as `2025-03-10T12:00:00Z`, in milliseconds since 1970.
func time(_ text: String) -> Int64 {
  Array(text.utf8).withView { Instant.parse($0) } ?? 0
}

/// A play of the song with this videoId.
func play(_ song: String, _ when: String, _ rate: Double? = nil, _ more: Value = [:]) -> Value {
  let play: Value = ["videoId": .string(song), "playedAt": .date(time(when))]
  return (rate.map { play.with(["completionRate": .double($0)]) } ?? play).with(more)
}

/// A favourite of the song with this videoId.
func favorite(_ song: String, _ when: String? = nil, _ more: Value = [:]) -> Value {
  let favorite: Value = ["videoId": .string(song)]
  return (when.map { favorite.with(["addedAt": .date(time($0))]) } ?? favorite).with(more)
}

/// What a store holds, as a test writes it.
struct Listeners {
  var libraries: [(user: String, document: Value)] = []
  var archive: [(user: String, document: Value)] = []
  var accounts: [(user: String, document: Value)] = []
  /// Of `songs` and `population`, for an incremental run.
  var songs: [Value] = []
  var population: [Value] = []

  /// One user with these plays and favourites.
  init(_ user: String = "ann", plays: [Value] = [], favorites: [Value] = [], _ more: Value = [:], account: Value? = nil)
  {
    add(user, plays: plays, favorites: favorites, more, account: account)
  }

  mutating func add(
    _ user: String, plays: [Value] = [], favorites: [Value] = [], _ more: Value = [:], account: Value? = nil
  ) {
    let library: Value = ["history": .array(plays), "favorites": .array(favorites)]
    libraries.append((user, library.with(more)))
    if let account { accounts.append((user, account)) }
  }

  func adding(
    _ user: String, plays: [Value] = [], favorites: [Value] = [], _ more: Value = [:], account: Value? = nil
  ) -> Listeners {
    var listeners = self
    listeners.add(user, plays: plays, favorites: favorites, more, account: account)
    return listeners
  }

  var users: [String] {
    var users: [String] = []
    for (user, _) in libraries + archive + accounts where !users.contains(user) { users.append(user) }
    return users
  }
}

/// How a run divides its work, which must not matter.
struct Division {
  /// The order of the users; nil is the store's.
  var order: [String]?
  /// Users of a batch.
  var batch = 2
  var workers = 1
  /// Whether all is counted after every batch, and the next one is read thereafter.
  var isReadInPasses = false
}

/// Everything that a run makes, by user, song key, day and dimension.
struct Learned {
  var statistics: [String: Value] = [:]
  var scores: [String: Value] = [:]
  var songs: [String: Value] = [:]
  var service: [String: Value] = [:]
  var population: [String: Value] = [:]
  /// The scores before any is left out, by user, dimension and value.
  var allScores: [String: PerDimension<[String: ValueScore]>] = [:]
  /// Of the languages that are kept, by user and value.
  var explanations: [String: [String: Explanation]] = [:]
  var faults: [String: LearningFault] = [:]
  var unknownZones: [String: String] = [:]
  /// What the songs that were gained mean for keys, and the marks of each user's.
  var titleChanges: TitleChanges?
  var marks: [String: [TitleMark]] = [:]
  /// All documents one after another, in the order of their keys.
  var bytes: [String: [UInt8]] = [:]
}

/// The zones, which are read once for all tests.
private let zones = Zones()

/// What a full run makes of the listeners; an incremental one where they hold songs and a population.
func learn(_ listeners: Listeners, _ parameters: LearningParameters, _ division: Division = Division()) throws
  -> Learned
{
  let arena = Arena()
  var repertoire = Repertoire()
  var learned = Learned()
  for song in listeners.songs { try repertoire.read(song: song.document(in: arena)) }
  var population = Population()
  for dimension in listeners.population { try population.read(dimension.document(in: arena), into: repertoire) }

  // Read.
  var all: [UserFacts] = []
  let users = division.order ?? listeners.users
  for start in stride(from: 0, to: users.count, by: division.batch) {
    let batch = Repertoire()
    var reader = FactsReader(into: batch)
    var read: [UserFacts] = []
    for user in users[start..<min(start + division.batch, users.count)] {
      func documents(_ list: [(user: String, document: Value)]) -> [BSONDocument] {
        list.filter { $0.user == user }.map { $0.document.document(in: arena) }
      }
      do throws(LearningFault) {
        let stored = StoredUser(
          user: Array(user.utf8).withView { arena.copy($0) }, library: documents(listeners.libraries).first,
          archive: documents(listeners.archive), account: documents(listeners.accounts).first)
        read.append(try reader.facts(of: stored))
      } catch {
        learned.faults[user] = error
      }
    }
    let numbers = repertoire.merge(batch)
    for var facts in read {
      facts.renumber(numbers)
      all.append(facts)
    }
    if division.isReadInPasses {
      repertoire.freeze()
      let first = CatalogueVotes.counted(repertoire, parameters) { empty in
        var votes = empty
        for facts in all { votes.add(facts) }
        return votes
      }
      repertoire = repertoire.thawed()
      withExtendedLifetime(first) {}
    }
  }
  repertoire.freeze()

  // What needs everybody.
  func parts<Part>(_ empty: Part, _ add: (inout Part, UserFacts) -> Void, _ merge: (inout Part, Part) -> Void) -> Part {
    var parts = [Part](repeating: empty, count: division.workers)
    for (index, facts) in all.enumerated() { add(&parts[index % division.workers], facts) }
    var whole = parts.removeLast()
    for part in parts { merge(&whole, part) }
    return whole
  }
  let votes = CatalogueVotes.counted(repertoire, parameters) { empty in
    parts(empty, { $0.add($1) }, { $0.merge($1) })
  }
  let catalogue = Catalogue(repertoire, votes, asOf: parameters.asOf)
  learned.titleChanges = votes.titleChanges
  let titles = TitleTable(repertoire)
  if listeners.population.isEmpty {
    population = parts(PopulationPart(catalogue, parameters), { $0.add($1) }, { $0.merge($1) }).population
  }
  let service = parts(
    ServiceStatisticsPart(catalogue, parameters, zones: zones), { $0.add($1) }, { $0.merge($1) })

  // Documents.
  func note(_ kind: String, _ document: BSONDocument) throws -> Value {
    try document.validate()
    learned.bytes[kind, default: []] += document.bytes.copy()
    return try Value(document)
  }
  try catalogue.writeDocuments { key, document in learned.songs[key.string] = try note("songs", document) }
  try service.writeDocuments(of: service.pieces(3).flatMap(\.self)) { _, document in
    let value = try note("service", document)
    learned.service[value["day"]?.text ?? ""] = value
  }
  for dimension in Dimension.allCases {
    var writer = BSONWriter()
    population.write(dimension, repertoire, asOf: parameters.asOf, to: &writer)
    learned.population["\(dimension.name)"] = try note("population", BSONDocument(writer.view))
  }
  var learner = Learner(catalogue, population, parameters, zones: zones)
  var explainer = Explainer(catalogue, population, parameters, zones: zones)
  for facts in all.sorted(by: { $0.user.lexicographicallyPrecedes($1.user) }) {
    let user = String(decoding: facts.user, as: UTF8.self)
    learned.marks[user] = titles.marks(of: facts)
    let documents = learner.documents(for: facts)
    learned.unknownZones[user] = documents.unknownZone
    if let document = documents.statistics { learned.statistics[user] = try note("statistics", document) }
    if let document = documents.scores { learned.scores[user] = try note("scores", document) }
    for explanation in explainer.explanations(of: facts, .language) {
      learned.explanations[user, default: [:]][repertoire.value(explanation.value).string] = explanation
    }
    let scores = learner.scores(for: facts)
    learned.allScores[user] = PerDimension { dimension in
      var named: [String: ValueScore] = [:]
      for score in scores[dimension].values { named[repertoire.value(score.value).string] = score }
      return named
    }
  }
  return learned
}

extension Value {
  /// A field of a field.
  subscript(_ first: String, _ second: String) -> Value? { self[first]?[second] }
  var number: Double? {
    switch self {
    case .double(let number): number
    case .int32(let number): Double(number)
    case .int64(let number): Double(number)
    default: nil
    }
  }
  var dateText: String? { if case .date(let time) = self { Instant.text(time) } else { nil } }
}

/// Whether two numbers are the same but for the last bits.
func isNear(_ a: Double?, _ b: Double) -> Bool { a.map { abs($0 - b) <= 1e-12 * max(1, abs(b)) } ?? false }
