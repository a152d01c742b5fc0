internal import BSON

/// A day of the proleptic Gregorian calendar.
package struct CivilDay {
  package let year: Int64
  /// 1…12
  package let month: Int64
  /// 1…31
  package let day: Int64

  /// Counted in years that begin in March.
  ///
  /// - Parameter number: days since 1970; for one that no time in milliseconds reaches, the nearest that one does.
  package init(_ number: Int64) {
    let reached = (Int64.min / Instant.day - 1)...(Int64.max / Instant.day)
    let shifted = min(max(number, reached.lowerBound), reached.upperBound) + 719_468
    let era = shifted.flooredDivision(by: 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  /// 0 is Monday.
  ///
  /// - Parameter number: days since 1970, which began on a Thursday.
  @inlinable
  package static func weekday(_ number: Int64) -> Int { Int((number % 7 + 10) % 7) }

  /// `2025-12-31`
  package var text: [UInt8] {
    var text = monthText
    text.append(UInt8(ascii: "-"))
    Self.append(day, 2, to: &text)
    return text
  }

  /// `2025-12`
  package var monthText: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(10)
    Self.append(year, 4, to: &text)
    text.append(UInt8(ascii: "-"))
    Self.append(month, 2, to: &text)
    return text
  }

  private static func append(_ number: Int64, _ width: Int, to text: inout [UInt8]) {
    if number < 0 { text.append(UInt8(ascii: "-")) }
    let number = number.magnitude
    var unit: UInt64 = 1
    for _ in 1..<width { unit *= 10 }
    while number / unit >= 10 { unit *= 10 }
    while unit > 0 {
      text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / unit % 10))
      unit /= 10
    }
  }
}
