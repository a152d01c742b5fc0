internal import Library

/// Lengths of time in milliseconds.
enum Span {
  static let second: Int64 = 1000
  static let minute = 60 * second
  static let hour = 60 * minute
  static let day = 24 * hour
  static let week = 7 * day
}

/// A moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`, from milliseconds since 1970.
func timestamp(_ milliseconds: Int64) -> String { Instant.text(milliseconds) }
