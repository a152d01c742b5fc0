/// When somebody listens: on which days, at what hours, for how long.
struct Habits {
  /// An hour of the day and the chance of a session near it.
  private let favoriteHours: [(hour: Int, spread: Int)]
  private let activeDays: Double
  private let longestSession: Int
  /// East of Greenwich, in ms.
  private let offset: Int64

  /// Some songs in a row on one browser.
  struct Session {
    let start: Int64
    let plays: Int
    let browser: Int
  }

  init(offset: Int64, _ random: inout Random) {
    self.offset = offset
    favoriteHours = [(random.within(6...10), 1), (random.within(17...23), 1), (random.below(24), 12)]
    activeDays = 0.3 + 0.65 * random.unit()
    longestSession = random.within(5...22)
  }

  /// Sessions with together `plays` plays, the oldest first; the last of them begins on or before `lastDay` (days
  /// since 1970, in the listener's own time).
  func sessions(plays: Int, until lastDay: Int64, on browsers: [Browser], _ random: inout Random) -> [Session] {
    var sessions: [Session] = []
    var missing = plays
    var day = lastDay
    let shares = browsers.map(\.share)
    while missing > 0 {
      // 1970-01-01 was a Thursday: days 2 and 3 of each week are a weekend.
      let isWeekend = (2...3).contains(day % 7)
      // The last day is one with plays: it says when the listener was last seen.
      if day == lastDay || random.chance(isWeekend ? min(0.95, activeDays * 1.3) : activeDays) {
        for _ in 0..<random.within(1...2) where missing > 0 {
          let count = min(missing, random.within(2...longestSession))
          missing -= count
          sessions.append(
            Session(start: start(on: day, &random), plays: count, browser: random.weighted(shares)))
        }
      }
      day -= 1
    }
    return sessions.sorted { ($0.start, $0.plays, $0.browser) < ($1.start, $1.plays, $1.browser) }
  }

  private func start(on day: Int64, _ random: inout Random) -> Int64 {
    let (hour, spread) = favoriteHours[random.weighted([0.3, 0.55, 0.15])]
    let near = (hour + random.within(-spread...spread) + 24) % 24
    return day * Span.day + Int64(near) * Span.hour + Int64(random.below(Int(Span.hour))) - offset
  }
}

/// A time zone: its IANA name and its offset in winter, which is near enough for the hours of the day.
struct TimeZone {
  let name: StaticString
  let minutes: Int64

  static let all: [TimeZone] = [
    TimeZone(name: "Asia/Kolkata", minutes: 330), TimeZone(name: "Asia/Kolkata", minutes: 330),
    TimeZone(name: "Asia/Kolkata", minutes: 330), TimeZone(name: "America/New_York", minutes: -300),
    TimeZone(name: "America/Los_Angeles", minutes: -480), TimeZone(name: "Europe/London", minutes: 0),
    TimeZone(name: "Europe/Berlin", minutes: 60), TimeZone(name: "Europe/Madrid", minutes: 60),
    TimeZone(name: "Europe/Istanbul", minutes: 180), TimeZone(name: "Asia/Dubai", minutes: 240),
    TimeZone(name: "Asia/Seoul", minutes: 540), TimeZone(name: "America/Mexico_City", minutes: -360),
    TimeZone(name: "Asia/Kathmandu", minutes: 345),
  ]
}
