import ArgumentParser
import Library

/// When a run is to stop: a time of the day in UTC, `06:00`, or a span of time from its start, `90m`.
struct Deadline: ExpressibleByArgument {
  private enum End {
    case timeOfDay(minutes: Int64)
    case after(TimeSpan)
  }

  private let end: End

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    if parts.count == 2 {
      guard let hours = Int64(parts[0]), let minutes = Int64(parts[1]), parts[1].count == 2,
        (0...23).contains(hours), (0...59).contains(minutes)
      else { return nil }
      end = .timeOfDay(minutes: hours * 60 + minutes)
    } else {
      guard let span = TimeSpan(argument: argument), span.milliseconds > 0 else { return nil }
      end = .after(span)
    }
  }

  /// The first such moment after the start, both in ms since 1970.
  func moment(start: Int64) -> Int64 {
    let (minute, day): (Int64, Int64) = (60_000, Instant.day)
    switch end {
    case .after(let span): return start + span.milliseconds
    case .timeOfDay(let minutes):
      let today = start - start % day + minutes * minute
      return today > start ? today : today + day
    }
  }
}
