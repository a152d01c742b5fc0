internal import BSON
internal import Library

/// Counts one user's plays into their document of `user_stats` (docs/learning.md, *Statistics*). Keeps its tables
/// between users.
struct Statistics {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private var counter: RangeCounter
  /// Whether a play is the first of its song, by its place; and in which user a song was last met.
  private var isFirst: [Bool] = []
  /// 1 for each play that is liked of those that are being counted, else 0.
  private var likes: [Int32] = []
  private var songUser: [Int32]
  private var user: Int32 = 0

  /// A gap between the starts of two plays that is longer ends a session, in milliseconds.
  static let sessionGap: Int64 = 30 * 60_000
  /// How many local days `plays_by_day` goes back, today included.
  static let dailyDays: Int64 = 366
  /// A favourite is forgotten after so many days without a play.
  static let forgottenDays: Int64 = 90
  static let forgottenLiked = 3
  static let forgottenLimit = 20

  /// The ranges that end now, in days; all time follows.
  private static let ranges: [(name: StaticString, days: Int64)] = [("week", 7), ("month", 30), ("year", 365)]

  init(_ catalogue: Catalogue, _ parameters: LearningParameters) {
    self.catalogue = catalogue
    self.parameters = parameters
    counter = RangeCounter(catalogue, parameters)
    songUser = Array(repeating: 0, count: catalogue.lexicon.keys.count)
  }

  /// Writes the user's document.
  ///
  /// - Parameters:
  ///   - facts: settled.
  ///   - rows: of the plays, see ``Catalogue/fill(_:with:)``.
  ///   - zone: the user's.
  ///   - hasEvidence: whether the user's scores drift with time.
  mutating func write(
    _ facts: UserFacts, _ rows: [Catalogue.Row], in zone: Zone, hasEvidence: Bool, to writer: inout BSONWriter
  ) {
    counter.removeAll()
    let plays = facts.plays.drop { $0.playedAt > parameters.asOf }
    markFirst(plays, rows)
    var days = PlayDays()
    var sessions = PlaySessions()
    var stale = StaleAfter(asOf: parameters.asOf)

    let start = writer.open()
    facts.user.withView { user in
      DerivedDocument.appendID(of: user, to: &writer)
      writer.append("user_id", string: user)
    }
    var place = plays.startIndex
    func count(while isInside: (Play) -> Bool) {
      let first = place
      likes.removeAll(keepingCapacity: true)
      while place < plays.endIndex, isInside(plays[place]) {
        let play = plays[place]
        let local = zone.local(play.playedAt)
        let day = local.flooredDivision(by: Instant.day)
        let hour = Int((local - day * Instant.day) / 3_600_000)
        let verdict = PlayVerdict(completionRate: play.completionRate, parameters)
        counter.add(
          play, verdict, rows[place], isFirst: isFirst[place - plays.startIndex],
          hour: CivilDay.weekday(day) * 24 + hour)
        days.add(day, isLiked: verdict == .liked)
        sessions.add(play.playedAt)
        likes.append(verdict == .liked ? 1 : 0)
        place += 1
      }
      let likes = likes
      counter.add(
        facts.plays.span.extracting(first..<place), rows.span.extracting(first..<place), likes: likes.span)
    }
    for range in Self.ranges {
      let begin = parameters.asOf - range.days * Instant.day
      count { $0.playedAt > begin }
      counter.write(range.name, to: &writer)
      if place > plays.startIndex { stale.note(plays[place - 1].playedAt, plus: range.days * Instant.day) }
    }
    count { _ in true }
    counter.write("all_time", to: &writer)

    if let newest = plays.first, let oldest = plays.last {
      writer.append("first_play", date: oldest.playedAt)
      writer.append("last_play", date: newest.playedAt)
    }
    let today = zone.day(of: parameters.asOf)
    days.close()
    writer.append("active_days", integer: Int64(days.counts.count))
    writer.append("longest_streak_days", integer: Int64(days.longestStreak))
    let streak = days.streak(endingBy: today)
    writer.append("current_streak_days", integer: Int64(streak.length))
    writer.append("listening_sessions", integer: Int64(sessions.count))
    writer.append("longest_session_plays", integer: Int64(sessions.longest))
    days.writeDays(from: today - Self.dailyDays + 1, through: today, to: &writer)
    days.writeMonths(to: &writer)
    writeForgotten(&stale, to: &writer)
    if let total = facts.totalSongsPlayed, total > 0 {
      writer.append("coverage", double: min(1, Double(plays.count) / Double(total)))
    }
    writer.append("as_of", date: parameters.asOf)
    writer.append("computed_at", date: parameters.asOf)
    writer.append("timezone", string: zone.name)

    stale.note(streak, of: days, in: zone, today: today)
    stale.noteFuture(of: facts)
    if hasEvidence { stale.noteDrift(halfLifeDays: parameters.halfLifeDays) }
    if let instant = stale.instant { writer.append("stale_after", date: instant) }
    writer.close(start)
  }

  /// Finds the first ever play of each song: the last of it in the list.
  private mutating func markFirst(_ plays: ArraySlice<Play>, _ rows: [Catalogue.Row]) {
    user += 1
    isFirst = Array(repeating: false, count: plays.count)
    for place in plays.indices.reversed() {
      let song = Int(rows[place].song)
      guard songUser[song] != user else { continue }
      songUser[song] = user
      isFirst[place - plays.startIndex] = true
    }
  }

  /// Songs that were liked at least three times and not played for 90 days, by liked plays, then key.
  private func writeForgotten(_ stale: inout StaleAfter, to writer: inout BSONWriter) {
    let since = parameters.asOf - Self.forgottenDays * Instant.day
    let lexicon = catalogue.lexicon
    func precedes(_ a: Tallied, _ b: Tallied) -> Bool {
      a.liked != b.liked ? a.liked > b.liked : lexicon.key(a.number) < lexicon.key(b.number)
    }
    var forgotten: [Tallied] = []
    var remembered: [Tallied] = []
    for song in counter.songs where song.liked >= Self.forgottenLiked {
      if song.last <= since { forgotten.append(song) } else { remembered.append(song) }
    }
    forgotten.sort(by: precedes)
    let shown = Array(forgotten.prefix(Self.forgottenLimit))
    counter.write("forgotten_favorites", songs: shown, to: &writer)
    // The list changes when the first song is forgotten that has a place in it.
    for song in remembered {
      if shown.count == Self.forgottenLimit, let last = shown.last, !precedes(song, last) { continue }
      stale.note(song.last, plus: Self.forgottenDays * Instant.day)
    }
  }
}
