public import BSON
internal import Library

/// A part of the users' contribution to `service_stats`, one document for each day of the job's zone that has a play.
///
/// Plays are put to their days, and each day is counted when all of it is there: in whole numbers, or sorted before it is
/// added up, so that parts give the same in any order. Memory grows with the plays of the days that are counted; a run
/// with more of them than memory counts them in several passes.
public struct ServiceStatisticsPart: Sendable {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private let zone: Zone
  private let limits: ClosedRange<Int64>
  /// Nil for a run that counts everything.
  private let before: Before?
  /// The days that have a play, and the place of each.
  private var days: [Day] = []
  private var places: [Int64: Int] = [:]
  /// Of descriptions that are a user's own; their numbers follow those of the catalogue's rows.
  private var ownRows: [Catalogue.Row] = []
  /// When each song was first played by anybody, in milliseconds.
  private var firstPlay: [Int64]
  /// By how many the users change, by day, who have a play in the 7 and in the 30 days that end with it.
  private var weekChanges: [Int64: Int32] = [:]
  private var monthChanges: [Int64: Int32] = [:]

  /// What the last run has left, for one that counts its last day and those since: it is not told of everybody's plays.
  public struct Before: Sendable {
    /// Its clock, in milliseconds since 1970.
    public var asOf: Int64
    /// How many songs it found new on the day of that clock.
    public var newSongs: Int

    public init(asOf: Int64, newSongs: Int) { (self.asOf, self.newSongs) = (asOf, newSongs) }
  }

  private struct Day: Sendable {
    let number: Int64
    var plays: [Play] = []
    /// Those that other parts have counted: taken over as they lie there.
    var others: [Others] = []
    var users: Int32 = 0

    var count: Int { others.reduce(plays.count) { $0 + $1.plays.count } }
  }

  private struct Others: Sendable {
    var plays: [Play]
    /// Where the other part's own rows begin among those of this one.
    var ownRows: Int
  }

  /// - Parameters:
  ///   - days: the days to be counted, as days since 1970 in the job's zone; nil for all.
  ///   - before: what the last run has left, where only users who played on these days, or changed, are told of: then
  ///     `week` and `month` of `active_users` cannot be told, and what was new before is taken from it. Nil where the
  ///     facts are of all users.
  public init(
    _ catalogue: Catalogue, _ parameters: LearningParameters, zones: Zones, days: ClosedRange<Int64>? = nil,
    before: Before? = nil
  ) {
    self.catalogue = catalogue
    self.parameters = parameters
    zone = zones.zone(parameters.timezone) ?? .utc
    limits = days ?? Int64.min...Int64.max
    self.before = before
    firstPlay = Array(repeating: .max, count: catalogue.lexicon.keys.count)
  }

  // MARK: Counting

  public mutating func add(_ facts: UserFacts) {
    let facts = catalogue.keys.settled(facts, asOf: parameters.asOf, catalogue.lexicon)
    let shift = Int32(truncatingIfNeeded: ownRows.count)
    for index in facts.joined.indices { ownRows.append(catalogue.row(ofJoined: index, of: facts)) }
    var active: [Int64] = []
    var place = -1
    for play in facts.plays where play.playedAt <= parameters.asOf {
      let song = Int(catalogue.song(of: play.description, of: facts))
      if play.playedAt < firstPlay[song] { firstPlay[song] = play.playedAt }
      let day = zone.day(of: play.playedAt)
      if active.last != day {
        active.append(day)
        place = limits.contains(day) ? self.place(of: day) : -1
      }
      guard place >= 0 else { continue }
      var play = play
      if Int(play.description) >= catalogue.rowCount { play.description += shift }
      days[place].plays.append(play)
    }
    // Newest first, but for a clock that is set back past midnight.
    active.sort()
    var previous: Int64?
    for day in active where day != previous {
      if limits.contains(day) { days[self.place(of: day)].users += 1 }
      if before == nil {
        Self.open(day, after: previous, length: 7, &weekChanges)
        Self.open(day, after: previous, length: 30, &monthChanges)
      }
      previous = day
    }
  }

  /// Notes that a user is active from a day on, for as many days.
  private static func open(_ day: Int64, after previous: Int64?, length: Int64, _ changes: inout [Int64: Int32]) {
    // What the day before left open goes on.
    let begin = max(day, previous.map { $0 + length } ?? day)
    changes[begin, default: 0] += 1
    changes[day + length, default: 0] -= 1
  }

  private mutating func place(of day: Int64) -> Int {
    if let place = places[day] { return place }
    places[day] = days.count
    days.append(Day(number: day))
    return days.count - 1
  }

  public mutating func merge(_ other: ServiceStatisticsPart) {
    let shift = ownRows.count
    ownRows += other.ownRows
    for day in other.days {
      let place = place(of: day.number)
      days[place].users += day.users
      days[place].others.append(Others(plays: day.plays, ownRows: shift))
      for others in day.others {
        days[place].others.append(Others(plays: others.plays, ownRows: shift + others.ownRows))
      }
    }
    for song in firstPlay.indices { firstPlay[song] = min(firstPlay[song], other.firstPlay[song]) }
    for (day, change) in other.weekChanges { weekChanges[day, default: 0] += change }
    for (day, change) in other.monthChanges { monthChanges[day, default: 0] += change }
  }

  // MARK: Documents

  /// The days that have a play, ascending, cut into so many pieces with about as many plays each: their documents can be
  /// made beside one another.
  public func pieces(_ count: Int) -> [[Int64]] {
    let sorted = days.sorted { $0.number < $1.number }
    let plays = sorted.reduce(0) { $0 + $1.count }
    var pieces = [[Int64]](repeating: [], count: max(1, count))
    var before = 0
    for day in sorted {
      pieces[min(pieces.count - 1, before * pieces.count / max(1, plays))].append(day.number)
      before += day.count
    }
    return pieces
  }

  /// Hands on the document of each of these days. Views hold for the time of the call.
  ///
  /// - Parameter numbers: days that have a play, ascending, in days since 1970.
  public func writeDocuments<Failure: Error>(
    of numbers: [Int64], _ use: (_ day: Int64, BSONDocument) throws(Failure) -> Void
  ) throws(Failure) {
    let newSongs = newSongs()
    var week = RunningTotal(weekChanges)
    var month = RunningTotal(monthChanges)
    var counter = DayCounter(catalogue, parameters, zone)
    var writer = BSONWriter()
    for number in numbers {
      guard let place = places[number] else { continue }
      let day = days[place]
      counter.begin(day.number)
      counter.add(day.plays, ownRows, from: 0)
      for others in day.others { counter.add(others.plays, ownRows, from: others.ownRows) }
      writer.removeAll()
      let start = writer.open()
      let text = CivilDay(day.number).text
      text.withView {
        DerivedDocument.appendID(of: $0, to: &writer)
        writer.append("day", string: $0)
      }
      counter.write(newSongs: newSongs[day.number] ?? 0, to: &writer)
      writer.key("active_users", .document)
      let users = writer.open()
      writer.append("day", int32: day.users)
      if before == nil {
        writer.append("week", int32: week.total(through: day.number))
        writer.append("month", int32: month.total(through: day.number))
      }
      writer.close(users)
      writer.append("as_of", date: parameters.asOf)
      writer.close(start)
      try use(day.number, BSONDocument(unchecked: writer.view))
    }
  }

  /// How many songs were first played on each day.
  ///
  /// A run that is not told of everybody's plays goes on from the last one: who else has played a song that the
  /// catalogue had already is not known, but when it was new then it is in that run's count.
  private func newSongs() -> [Int64: Int] {
    var counts: [Int64: Int] = [:]
    if let before { counts[zone.day(of: before.asOf)] = before.newSongs }
    for (song, time) in firstPlay.enumerated() where time != .max && !wasNewBefore(song, firstPlay: time) {
      counts[zone.day(of: time), default: 0] += 1
    }
    return counts
  }

  private func wasNewBefore(_ song: Int, firstPlay: Int64) -> Bool {
    guard let before else { return false }
    return switch catalogue.stored(song) {
    case .none: false
    case .neverPlayed: firstPlay <= before.asOf
    case .played: true
    }
  }
}

extension Zone {
  /// What `service_stats` calls the day of an instant, UTF-8.
  public func dayName(of instant: Int64) -> [UInt8] { CivilDay(day(of: instant)).text }
}

/// Counts the plays of one day after another. Keeps its tables between them.
private struct DayCounter {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private let zone: Zone
  private var day: Int64 = 0
  private var figures = RangeFigures()
  private var seconds = ExactSum()
  private var completion = ExactSum()
  private var byHour = [Int32](repeating: 0, count: 24)
  private var tallies: PlayTallies
  /// Of the plays that are being counted: what each counts as, and 1 for one that is liked, else 0.
  private var rows: [Catalogue.Row] = []
  private var likes: [Int32] = []

  init(_ catalogue: Catalogue, _ parameters: LearningParameters, _ zone: Zone) {
    self.catalogue = catalogue
    self.parameters = parameters
    self.zone = zone
    tallies = PlayTallies(catalogue)
  }

  /// - Parameter day: in days since 1970.
  mutating func begin(_ day: Int64) {
    self.day = day
    figures = RangeFigures()
    (seconds, completion) = (ExactSum(), ExactSum())
    for hour in byHour.indices { byHour[hour] = 0 }
    tallies.removeAll()
  }

  /// Counts plays.
  ///
  /// - Parameter first: where the rows begin that follow the catalogue's, see ``Catalogue/row(_:or:from:)``.
  mutating func add(_ plays: [Play], _ others: [Catalogue.Row], from first: Int) {
    rows.removeAll(keepingCapacity: true)
    for play in plays { rows.append(catalogue.row(play.description, or: others, from: first)) }
    likes.removeAll(keepingCapacity: true)
    for (play, row) in zip(plays, rows) { likes.append(count(play, row) == .liked ? 1 : 0) }
    let (rows, likes) = (rows, likes)
    tallies.add(plays.span, rows.span, likes: likes.span)
  }

  private mutating func count(_ play: Play, _ row: Catalogue.Row) -> PlayVerdict {
    let verdict = PlayVerdict(completionRate: play.completionRate, parameters)
    figures.count(verdict)
    byHour[Int((zone.local(play.playedAt) - day * Instant.day) / 3_600_000)] += 1
    if verdict != .unknown {
      figures.known.append(play.completionRate)
      completion.add(play.completionRate)
      if row.seconds >= 0 {
        seconds.add(play.completionRate * row.seconds)
        figures.timed += 1
      }
    }
    return verdict
  }

  /// Writes the day's figures and lists into a document that is open.
  mutating func write(newSongs: Int, to writer: inout BSONWriter) {
    figures.newSongs = newSongs
    figures.seconds = seconds.value
    figures.completion = completion.value
    tallies.write(&figures, to: &writer)
    writer.append("by_hour", counts: byHour)
  }
}

/// Adds up changes in ascending order of their days.
private struct RunningTotal {
  private let changes: [(key: Int64, value: Int32)]
  private var place = 0
  private var sum: Int32 = 0

  init(_ changes: [Int64: Int32]) { self.changes = changes.sorted { $0.key < $1.key } }

  /// - Parameter day: not before that of the last call.
  mutating func total(through day: Int64) -> Int32 {
    while place < changes.count, changes[place].key <= day {
      sum += changes[place].value
      place += 1
    }
    return sum
  }
}
