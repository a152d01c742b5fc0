/// How many plays each day of the job's zone has: tells which days are counted together, where memory does not hold all.
public struct ServiceDays: Sendable {
  private let asOf: Int64
  private let zone: Zone
  private let limits: ClosedRange<Int64>
  private var plays: [Int64: Int] = [:]

  /// - Parameter days: as days since 1970; nil for all.
  public init(_ parameters: LearningParameters, zones: Zones, days: ClosedRange<Int64>?) {
    asOf = parameters.asOf
    zone = zones.zone(parameters.timezone) ?? .utc
    limits = days ?? Int64.min...Int64.max
  }

  public mutating func add(_ facts: UserFacts) {
    var last: (day: Int64, plays: Int)?
    for play in facts.plays where play.playedAt <= asOf {
      let day = zone.day(of: play.playedAt)
      guard limits.contains(day) else { continue }
      if let known = last, known.day != day { plays[known.day, default: 0] += known.plays }
      last = (day, last?.day == day ? (last?.plays ?? 0) + 1 : 1)
    }
    if let last { plays[last.day, default: 0] += last.plays }
  }

  public mutating func merge(_ other: ServiceDays) { plays.merge(other.plays, uniquingKeysWith: +) }

  /// Runs of days, ascending, each with as many plays as this or of one day.
  public func ranges(upTo most: Int) -> [ClosedRange<Int64>] {
    var ranges: [ClosedRange<Int64>] = []
    var sum = 0
    for (day, count) in plays.sorted(by: { $0.key < $1.key }) {
      if let range = ranges.last, sum + count <= most {
        ranges[ranges.count - 1] = range.lowerBound...day
        sum += count
      } else {
        ranges.append(day...day)
        sum = count
      }
    }
    return ranges
  }
}
