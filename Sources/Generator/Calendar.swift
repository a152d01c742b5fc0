/// Lengths of time in milliseconds.
enum Span {
  static let second: Int64 = 1000
  static let minute = 60 * second
  static let hour = 60 * minute
  static let day = 24 * hour
  static let week = 7 * day
}

/// A moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`, from milliseconds since 1970.
func timestamp(_ milliseconds: Int64) -> String {
  let (day, time) = floorDivision(milliseconds, Span.day)
  let (year, month, date) = civilDate(day)
  func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  let (hour, minute, second) = (time / Span.hour, time / Span.minute % 60, time / Span.second % 60)
  return "\(padded(year, 4))-\(padded(month, 2))-\(padded(date, 2))T"
    + "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2)).\(padded(time % 1000, 3))Z"
}

/// Quotient and remainder, the remainder never negative.
private func floorDivision(_ number: Int64, _ divisor: Int64) -> (Int64, Int64) {
  let remainder = (number % divisor + divisor) % divisor
  return ((number - remainder) / divisor, remainder)
}

/// The Gregorian date of a day counted from 1970-01-01.
///
/// Years are taken to begin in March, which puts the leap day last and makes the lengths of the months regular.
private func civilDate(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
  let (era, dayOfEra) = floorDivision(day + 719_468, 146_097)
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let marchMonth = (5 * dayOfYear + 2) / 153
  let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
}
