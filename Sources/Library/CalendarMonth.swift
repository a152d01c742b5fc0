/// A month of the calendar, UTC.
package struct CalendarMonth {
  /// `2025-12`, ASCII.
  package let name: [UInt8]
  /// Milliseconds since 1970.
  package let start: Int64

  /// - Parameters:
  ///   - time: in milliseconds since 1970, positive.
  ///   - back: how many months before the one of that time, but none before 1970.
  package init(of time: Int64, back: Int64 = 0) {
    let now = CivilDay(time.flooredDivision(by: Instant.day))
    let number = max(1970 * 12, now.year * 12 + now.month - 1 - back)
    let (year, month) = (number / 12, number % 12 + 1)
    start = Instant.daysSince1970(year: year, month: month, day: 1) * Instant.day
    let digits = Array(String(year).utf8)
    let padding = [UInt8](repeating: 48, count: max(0, 4 - digits.count))
    name = padding + digits + [45, UInt8(48 + month / 10), UInt8(48 + month % 10)]
  }
}
