internal import Glibc
internal import Library

/// The earliest instant at which the same facts give other figures, or at which the scores may have drifted too far.
///
/// Figures change when the clock reaches
/// - the instant at which a play leaves `week`, `month` or `year`: `playedAt` + n days, for the oldest play inside;
/// - the local midnight at which a day leaves `plays_by_day`: the beginning of its 366th day after;
/// - the local midnight at which a streak ends: the beginning of the second day after its last;
/// - the instant at which a song with three liked plays has not been played for 90 days, where it then has a place in
///   `forgotten_favorites`;
/// - a play or favourite of the future, which then counts.
///
/// Scores drift because all evidence decays alike while the prior does not. In Δ days the confidence c = σ(x) moves
/// along x = ln(ΣE/m) by δ = Δ·ln2/H, and so by at most tanh(δ/4), which bounds the total variation. That bound is
/// taken, not the user's own drift: it needs no population, so that statistics do not depend on one.
struct StaleAfter {
  private let asOf: Int64
  /// nil when nothing ever changes.
  private(set) var instant: Int64?

  init(asOf: Int64) { self.asOf = asOf }

  /// - Parameter time: after `asOf`.
  mutating func note(_ time: Int64) { instant = min(instant ?? time, time) }

  mutating func note(_ time: Int64, plus duration: Int64) {
    let (sum, isPastEnd) = time.addingReportingOverflow(duration)
    if !isPastEnd { note(sum) }
  }

  /// The end of the streak, and of the oldest day that `plays_by_day` shows.
  mutating func note(_ streak: (length: Int, end: Int64), of days: PlayDays, in zone: Zone, today: Int64) {
    if streak.length > 0, let end = zone.firstInstant(ofDay: streak.end + 2, after: asOf) { note(end) }
    if let oldest = days.counts.first(where: { $0.day > today - Statistics.dailyDays && $0.day <= today }),
      let end = zone.firstInstant(ofDay: oldest.day + Statistics.dailyDays, after: asOf)
    {
      note(end)
    }
  }

  mutating func noteFuture(of facts: UserFacts) {
    for play in facts.plays.prefix(while: { $0.playedAt > asOf }) { note(play.playedAt) }
    for favorite in facts.favorites where favorite.addedAt > asOf { note(favorite.addedAt) }
  }

  /// The first millisecond at which tanh(Δ·ln2 / 4H) > 0.02.
  mutating func noteDrift(halfLifeDays: Double) {
    let days = 4 * halfLifeDays / log(2) * atanh(LearningParameters.tolerableDrift)
    let milliseconds = days * Double(Instant.day)
    guard milliseconds < 0x1p62 else { return }
    note(asOf, plus: Int64(milliseconds.rounded(.down)) + 1)
  }
}
