internal import BSON
internal import Library

/// A day of the proleptic Gregorian calendar.
struct CivilDay {
  let year: Int64
  /// 1…12
  let month: Int64
  /// 1…31
  let day: Int64

  /// - Parameter number: days since 1970.
  init(_ number: Int64) {
    (year, month, day) = Instant.date(number)
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
