internal import BSON
internal import Library

/// What one user's plays and favourites say of each value of a dimension: E(a) and the counts beside it.
///
/// Sums of doubles are made in one order: plays newest first, ties by song key, then favourites by `addedAt`, those
/// without one first, ties by song key; so the same facts give the same bits, whoever counts them and when.
struct Evidence {
  struct Value {
    /// A number of ``Lexicon/values``.
    var value: Int32
    /// E(a).
    var weight = 0.0
    var liked: Int32 = 0
    var skipped: Int32 = 0
    var unknown: Int32 = 0
    var favorites: Int32 = 0
  }

  /// The place of each value in `values`, −1 for those without evidence.
  private var places: [Int32]
  private(set) var values: [Value] = []
  /// ΣE: each entry that carries the dimension adds its weight once.
  private(set) var total = 0.0

  init(values count: Int) { places = Array(repeating: -1, count: count) }

  mutating func removeAll() {
    for value in values { places[Int(value.value)] = -1 }
    values.removeAll(keepingCapacity: true)
    total = 0
  }

  /// The counts and weight of a value.
  func value(_ number: Int32) -> Value {
    let place = places[Int(number)]
    return place >= 0 ? values[Int(place)] : Value(value: number)
  }

  private mutating func place(of number: Int32) -> Int {
    let known = places[Int(number)]
    if known >= 0 { return Int(known) }
    places[Int(number)] = Int32(truncatingIfNeeded: values.count)
    values.append(Value(value: number))
    return values.count - 1
  }

  /// Counts an entry that carries these values, each once.
  ///
  /// - Parameters:
  ///   - verdict: nil for a favourite.
  ///   - weight: w · 2^(−age/H); 0 for what is no evidence.
  mutating func add(_ carried: Span<Int32>, _ verdict: PlayVerdict?, weight: Double) {
    guard !carried.isEmpty else { return }
    let share = weight / Double(carried.count)
    for index in carried.indices { add(carried[index], verdict, share: share) }
    total += weight
  }

  /// Counts an entry that carries one value.
  mutating func add(_ number: Int32, _ verdict: PlayVerdict?, weight: Double) {
    add(number, verdict, share: weight)
    total += weight
  }

  private mutating func add(_ number: Int32, _ verdict: PlayVerdict?, share: Double) {
    let place = place(of: number)
    values[place].weight += share
    switch verdict {
    case .liked: values[place].liked += 1
    case .skipped: values[place].skipped += 1
    case .unknown: values[place].unknown += 1
    case .heard: break
    case nil: values[place].favorites += 1
    }
  }
}

/// Counts users' evidence in all dimensions. Keeps its tables between users.
struct EvidenceCounter {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private(set) var evidence: PerDimension<Evidence>

  init(_ catalogue: Catalogue, _ parameters: LearningParameters) {
    self.catalogue = catalogue
    self.parameters = parameters
    let empty = Evidence(values: catalogue.lexicon.values.count)
    evidence = PerDimension { _ in empty }
  }

  /// Counts a user's evidence.
  ///
  /// - Parameters:
  ///   - facts: settled.
  ///   - rows: of the plays, see ``Catalogue/fill(_:with:)``.
  ///   - halfLifeDays: infinite where nothing is to decay.
  mutating func count(_ facts: UserFacts, _ rows: [Catalogue.Row], halfLifeDays: Double) {
    evidence.language.removeAll()
    evidence.genre.removeAll()
    evidence.mood.removeAll()
    // A span, for a slice of the array would be counted as a reference for each play.
    let lists = catalogue.items
    let items = lists.span
    for (play, row) in zip(facts.plays, rows) where play.playedAt <= parameters.asOf {
      let verdict = PlayVerdict(completionRate: play.completionRate, parameters)
      if verdict == .heard { continue }
      let weight = decayed(parameters.weight(of: verdict), since: play.playedAt, halfLifeDays)
      add(row, items, verdict, weight)
    }
    let undated = facts.timeOfUndated(asOf: parameters.asOf)
    for favorite in facts.favorites where favorite.addedAt <= parameters.asOf {
      let time = favorite.addedAt == Entry.never ? undated : favorite.addedAt
      let weight = decayed(parameters.favoriteWeight, since: time, halfLifeDays)
      add(catalogue.row(favorite.description, of: facts), items, nil, weight)
    }
  }

  private mutating func add(
    _ row: Catalogue.Row, _ items: Span<Int32>, _ verdict: PlayVerdict?, _ weight: Double
  ) {
    if row.language >= 0 { evidence.language.add(row.language, verdict, weight: weight) }
    evidence.genre.add(items.extracting(row.genres.range), verdict, weight: weight)
    evidence.mood.add(items.extracting(row.moods.range), verdict, weight: weight)
  }

  /// w · 2^(−age/H)
  @inline(__always)
  private func decayed(_ weight: Double, since time: Int64, _ halfLifeDays: Double) -> Double {
    guard weight > 0 else { return 0 }
    return weight * LearningParameters.decay(age: parameters.age(of: time), halfLifeDays: halfLifeDays)
  }
}

extension UserFacts {
  /// When favourites without a time count as added: with the oldest play or favourite that has one, else now.
  func timeOfUndated(asOf: Int64) -> Int64 {
    let favorite = favorites.first { $0.addedAt != Entry.never }?.addedAt
    // Plays are newest first, favourites oldest first: if that one is not there yet, none is.
    return min(plays.last?.playedAt ?? asOf, favorite ?? asOf, asOf)
  }
}
