internal import BSON

/// A day of the proleptic Gregorian calendar.
struct CivilDay {
  let year: Int64
  /// 1…12
  let month: Int64
  /// 1…31
  let day: Int64

  /// - Parameter number: days since 1970.
  init(_ number: Int64) {
    // Counted in years that begin in March, so that a leap day is a year's last.
    let shifted = number + 719_468
    let era = floored(shifted, by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// Days since 1970.
  static func number(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = floored(shifted, by: 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// 0 is Monday.
  static func weekday(_ number: Int64) -> Int { Int(((number + 3) % 7 + 7) % 7) }

  /// `2025-12-31`
  var text: [UInt8] { monthText + [UInt8(ascii: "-")] + Self.digits(day, 2) }

  /// `2025-12`
  var monthText: [UInt8] { Self.digits(year, 4) + [UInt8(ascii: "-")] + Self.digits(month, 2) }

  private static func digits(_ number: Int64, _ width: Int) -> [UInt8] {
    let digits = Array(String(number).utf8)
    return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, width - digits.count)) + digits
  }
}
