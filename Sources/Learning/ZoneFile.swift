internal import BSON
internal import Library

/// A TZif file: the transitions of the past, and a rule for the time after the last of them.
struct ZoneFile {
  /// Ascending, the first from the beginning of time; milliseconds.
  private(set) var intervals: [(start: Int64, offset: Int64)] = []

  /// Rules are followed until this year.
  private static let lastYear: Int64 = 2100

  /// nil when the bytes are no TZif file.
  init?(_ bytes: [UInt8]) {
    guard var block = Block(bytes, at: 0, timeSize: 4) else { return nil }
    if block.version >= UInt8(ascii: "2") {
      guard let second = Block(bytes, at: block.end, timeSize: 8) else { return nil }
      block = second
    }
    guard let first = block.offsets.first else { return nil }
    intervals.append((.min, first * 1000))
    for (time, type) in zip(block.times, block.types) {
      guard type < block.offsets.count else { return nil }
      add(time, block.offsets[type])
    }
    if block.timeSize == 8, let rule = ZoneRule(bytes[block.end...]) {
      for (time, offset) in rule.transitions(after: block.times.last, until: Self.lastYear) { add(time, offset) }
    }
  }

  /// - Parameters: seconds since 1970; seconds east of UTC.
  private mutating func add(_ time: Int64, _ offset: Int64) {
    let (start, isPastEnd) = time.multipliedReportingOverflow(by: 1000)
    guard !isPastEnd, let last = intervals.last else { return }
    if start <= last.start {
      intervals[intervals.count - 1].offset = offset * 1000
    } else if last.offset != offset * 1000 {
      intervals.append((start, offset * 1000))
    }
  }

  /// One of the two data blocks of a file.
  private struct Block {
    let version: UInt8
    let timeSize: Int
    /// Where the next thing begins.
    let end: Int
    private(set) var times: [Int64] = []
    private(set) var types: [Int] = []
    /// Seconds east of UTC of each type.
    private(set) var offsets: [Int64] = []

    init?(_ bytes: [UInt8], at start: Int, timeSize: Int) {
      guard start >= 0, bytes.count - start >= 44, Array(bytes[start..<start + 4]) == Array("TZif".utf8) else {
        return nil
      }
      func word(_ at: Int) -> UInt32 { (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[at + $1]) } }
      let counts = (0..<6).map { Int(word(start + 20 + 4 * $0)) }
      let (isUT, isStandard, leaps, timeCount, typeCount, characters) =
        (counts[0], counts[1], counts[2], counts[3], counts[4], counts[5])
      guard counts.allSatisfy({ $0 < 1 << 16 }) else { return nil }
      version = bytes[start + 4]
      self.timeSize = timeSize
      let body = start + 44
      let size =
        timeCount * (timeSize + 1) + typeCount * 6 + characters + leaps * (timeSize + 4) + isStandard + isUT
      guard bytes.count - body >= size else { return nil }
      end = body + size
      for index in 0..<timeCount {
        let at = body + index * timeSize
        let high = Int64(Int32(bitPattern: word(at)))
        times.append(timeSize == 4 ? high : high << 32 | Int64(word(at + 4)))
        types.append(Int(bytes[body + timeCount * timeSize + index]))
      }
      let table = body + timeCount * (timeSize + 1)
      for index in 0..<typeCount { offsets.append(Int64(Int32(bitPattern: word(table + 6 * index)))) }
    }
  }
}

/// The rule of a zone after its last transition, in the notation of POSIX's `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRule {
  private enum Day {
    /// The `week`-th `weekday` (Sunday is 0) of a month; 5 is the last.
    case weekday(month: Int64, week: Int64, weekday: Int64)
    /// 1…365, February 29 never counted.
    case julian(Int64)
    /// 0…365, February 29 counted.
    case ordinal(Int64)
  }

  private struct Change {
    var day: Day
    /// Seconds after midnight, by the clock that is left.
    var time: Int64
  }

  private let standard: Int64
  private var daylight: Int64 = 0
  private var begin: Change?
  private var end: Change?

  /// - Parameter footer: the text between two line feeds.
  init?(_ footer: ArraySlice<UInt8>) {
    var scanner = Scanner(bytes: footer)
    guard scanner.take("\n"), scanner.name(), let offset = scanner.time() else { return nil }
    standard = -offset
    if scanner.peek == UInt8(ascii: "\n") { return }
    guard scanner.name() else { return nil }
    daylight = standard + 3600
    if scanner.peek != UInt8(ascii: ",") {
      guard let offset = scanner.time() else { return nil }
      daylight = -offset
    }
    guard scanner.take(","), let first = scanner.change(), scanner.take(","), let second = scanner.change() else {
      return nil
    }
    (begin, end) = (first, second)
  }

  /// Seconds since 1970 and the seconds east of UTC from then on.
  func transitions(after last: Int64?, until lastYear: Int64) -> [(Int64, Int64)] {
    guard let begin, let end else { return [] }
    var transitions: [(Int64, Int64)] = []
    let firstYear = CivilDay(max(last ?? 0, 0).flooredDivision(by: 86_400)).year
    for year in firstYear...max(firstYear, lastYear) {
      transitions.append((Self.time(begin, year) - standard, daylight))
      transitions.append((Self.time(end, year) - daylight, standard))
    }
    return transitions.filter { $0.0 > last ?? .min }.sorted { $0.0 < $1.0 }
  }

  /// Seconds since 1970 by the local clock.
  private static func time(_ change: Change, _ year: Int64) -> Int64 {
    let newYear = Instant.daysSince1970(year: year, month: 1, day: 1)
    let day: Int64
    switch change.day {
    case .weekday(let month, let week, let weekday):
      let first = Instant.daysSince1970(year: year, month: month, day: 1)
      // 1970-01-01 was a Thursday, which is 4.
      let weekdayOfFirst = (first % 7 + 11) % 7
      let next = Instant.daysSince1970(year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
      var date = first + (weekday - weekdayOfFirst + 7) % 7 + (week - 1) * 7
      while date >= next { date -= 7 }
      day = date
    case .julian(let number):
      let isLeap = Instant.daysSince1970(year: year + 1, month: 1, day: 1) - newYear == 366
      day = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
    case .ordinal(let number): day = newYear + number
    }
    return day * 86_400 + change.time
  }

  private struct Scanner {
    let bytes: ArraySlice<UInt8>
    var offset: Int

    init(bytes: ArraySlice<UInt8>) {
      self.bytes = bytes
      offset = bytes.startIndex
    }

    var peek: UInt8? { offset < bytes.endIndex ? bytes[offset] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard peek == UInt8(truncatingIfNeeded: character.value) else { return false }
      offset += 1
      return true
    }

    /// `CET` or `<+03>`.
    mutating func name() -> Bool {
      let start = offset
      if take("<") {
        while let byte = peek, byte != UInt8(ascii: ">"), byte != UInt8(ascii: "\n") { offset += 1 }
        return take(">")
      }
      while let byte = peek, byte | 0x20 >= UInt8(ascii: "a"), byte | 0x20 <= UInt8(ascii: "z") { offset += 1 }
      return offset > start
    }

    mutating func number() -> Int64? {
      var number: Int64?
      while let byte = peek, byte &- 48 < 10, number ?? 0 < 100_000 {
        number = (number ?? 0) * 10 + Int64(byte - 48)
        offset += 1
      }
      return number
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func time() -> Int64? {
      var sign: Int64 = 1
      if take("-") { sign = -1 } else { _ = take("+") }
      guard var seconds = number().map({ $0 * 3600 }) else { return nil }
      for unit in [60, 1] as [Int64] where peek == UInt8(ascii: ":") {
        offset += 1
        guard let part = number() else { return nil }
        seconds += part * unit
      }
      return sign * seconds
    }

    mutating func change() -> Change? {
      let day: Day
      if take("M") {
        guard let month = number(), take("."), let week = number(), take("."), let weekday = number(),
          (1...12).contains(month), (1...5).contains(week), weekday < 7
        else { return nil }
        day = .weekday(month: month, week: week, weekday: weekday)
      } else if take("J") {
        guard let number = number() else { return nil }
        day = .julian(number)
      } else {
        guard let number = number() else { return nil }
        day = .ordinal(number)
      }
      guard take("/") else { return Change(day: day, time: 7200) }
      guard let time = time() else { return nil }
      return Change(day: day, time: time)
    }
  }
}
