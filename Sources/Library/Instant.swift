public import BSON

/// Reads a time in any of the forms that browsers, servers and exports write.
///
/// The normal form is milliseconds since 1970, UTC; a result of 0 or less, or past int64, is no time.
public enum Instant {
  /// The length of a day, in milliseconds.
  @inlinable public static var day: Int64 { 86_400_000 }

  /// A number below this is in seconds.
  static let secondsBelow: Int64 = 100_000_000_000

  /// The time that a value stands for, in milliseconds; nil when it is none.
  ///
  /// A BSON date, `{"$date": …}` in both forms of Extended JSON, a number of milliseconds or seconds, or a string
  /// `YYYY-MM-DDTHH:MM:SS[.f…](Z|±HH[:]MM)`.
  public static func milliseconds(_ value: BSONValue) throws(BSONFault) -> Int64? {
    switch value.type {
    case .date: return positive(value.date)
    case .int32, .int64:
      guard let number = positive(value.integer) else { return nil }
      return number < secondsBelow ? number * 1000 : number
    case .double:
      guard let number = value.double else { return nil }
      return truncated(number < Double(secondsBelow) ? number * 1000 : number)
    case .string: return positive(value.string.flatMap(parse))
    case .document: return try value.document.map(extendedDate) ?? nil
    default: return nil
    }
  }

  /// `{"$date": …}` alone: a string, or a number of milliseconds, which may be wrapped in turn.
  private static func extendedDate(_ document: BSONDocument) throws(BSONFault) -> Int64? {
    var elements = document.elements
    guard let only = try elements.next(), only.key == ByteView("$date"), try elements.next() == nil else { return nil }
    switch only.value.type {
    case .string: return positive(only.value.string.flatMap(parse))
    case .int32, .int64: return positive(only.value.integer)
    case .double: return only.value.double.flatMap(truncated)
    case .date: return positive(only.value.date)
    case .document:
      guard let nested = only.value.document else { return nil }
      switch try WrappedNumber(nested) {
      case .int32(let number): return positive(Int64(number))
      case .int64(let number): return positive(number)
      case .double(let number): return truncated(number)
      case nil: return nil
      }
    default: return nil
    }
  }

  private static func positive(_ time: Int64?) -> Int64? { time.flatMap { $0 > 0 ? $0 : nil } }

  private static func truncated(_ number: Double) -> Int64? {
    guard number.isFinite, number >= 1, number < 0x1p63 else { return nil }
    return Int64(number)
  }

  /// Milliseconds of `YYYY-MM-DDTHH:MM:SS[.f…](Z|±HH[:]MM)`; digits past the third of the fraction are cut off.
  public static func parse(_ text: String) -> Int64? { Array(text.utf8).withView { parse($0) } }

  /// The same of text that lies somewhere.
  public static func parse(_ text: ByteView) -> Int64? {
    var scanner = Scanner(text: text)
    guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
      let day = scanner.digits(2), scanner.take("T"), let hour = scanner.digits(2), scanner.take(":"),
      let minute = scanner.digits(2), scanner.take(":"), let second = scanner.digits(2)
    else { return nil }
    var millisecond: Int64 = 0
    if scanner.take(".") {
      guard let fraction = scanner.fraction() else { return nil }
      millisecond = fraction
    }
    guard let offset = scanner.zone(), scanner.isAtEnd else { return nil }
    guard (1...12).contains(month), day >= 1, day <= daysIn(month: month, year: year), hour < 24, minute < 60,
      second < 60
    else { return nil }
    let seconds = daysSince1970(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second
    return (seconds - offset) * 1000 + millisecond
  }

  private static func daysIn(month: Int64, year: Int64) -> Int64 {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : (month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31)
  }

  /// Days from 1970-01-01 in the proleptic Gregorian calendar, counted in years that begin in March.
  package static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = shifted.flooredDivision(by: 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// `2025-12-31T23:59:59.999Z`
  public static func text(_ milliseconds: Int64) -> String {
    let date = dateText(day: milliseconds.flooredDivision(by: day))
    // Not what is left of the day's first millisecond: the earliest day of all begins before the earliest Int64.
    var rest = (milliseconds % day + day) % day
    let hour = rest / 3_600_000
    rest -= hour * 3_600_000
    let time = "\(padded(hour, 2)):\(padded(rest / 60_000, 2)):\(padded(rest / 1000 % 60, 2))"
    return "\(date)T\(time).\(padded(rest % 1000, 3))Z"
  }

  /// `2025-12-31`, of a day counted from 1970-01-01; of one that no time in milliseconds reaches, the nearest that one
  /// does.
  public static func dateText(day: Int64) -> String { String(decoding: CivilDay(day).text, as: UTF8.self) }

  private static func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  /// When a document is written: now, or just after what the stored one says where that is later, for the clock of a
  /// document never goes back. At the end of all time it stands still.
  public static func next(after stored: Int64?, atLeast now: Int64) -> Int64 {
    let (later, isPastEnd) = (stored ?? 0).addingReportingOverflow(1)
    return isPastEnd ? .max : max(now, later)
  }

  private struct Scanner {
    let text: ByteView
    var offset = 0

    var isAtEnd: Bool { offset == text.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard offset < text.count, text[offset] == UInt8(truncatingIfNeeded: character.value) else { return false }
      offset += 1
      return true
    }

    mutating func digit() -> Int64? {
      guard offset < text.count, text[offset] &- 48 < 10 else { return nil }
      defer { offset += 1 }
      return Int64(text[offset] - 48)
    }

    mutating func digits(_ count: Int) -> Int64? {
      var number: Int64 = 0
      for _ in 0..<count {
        guard let digit = digit() else { return nil }
        number = number * 10 + digit
      }
      return number
    }

    /// At least one digit; the first three are milliseconds.
    mutating func fraction() -> Int64? {
      guard var number = digit() else { return nil }
      var places = 1
      while let digit = digit() {
        if places < 3 { number = number * 10 + digit }
        places += 1
      }
      for _ in min(places, 3)..<3 { number *= 10 }
      return number
    }

    /// Seconds east of UTC.
    mutating func zone() -> Int64? {
      if take("Z") { return 0 }
      let sign: Int64
      if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
      guard let hours = digits(2) else { return nil }
      _ = take(":")
      guard let minutes = digits(2), hours < 24, minutes < 60 else { return nil }
      return sign * (hours * 3600 + minutes * 60)
    }
  }
}

extension Int64 {
  /// Division that rounds towards the past.
  @inlinable
  package func flooredDivision(by divisor: Int64) -> Int64 {
    let quotient = self / divisor
    return self % divisor < 0 ? quotient - 1 : quotient
  }
}
