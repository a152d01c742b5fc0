internal import BSON
internal import Library

/// The local days on which a user played, with what was played on each.
struct PlayDays {
  /// Days since 1970; ascending once closed.
  private(set) var counts: [(day: Int64, plays: Int32, liked: Int32)] = []

  /// - Parameter day: of plays that come newest first; a clock that is set back past midnight may repeat a day.
  mutating func add(_ day: Int64, isLiked: Bool) {
    if counts.last?.day != day { counts.append((day, 0, 0)) }
    counts[counts.count - 1].plays += 1
    if isLiked { counts[counts.count - 1].liked += 1 }
  }

  mutating func close() {
    counts.sort { $0.day < $1.day }
    var kept = 0
    for count in counts {
      if kept > 0, counts[kept - 1].day == count.day {
        counts[kept - 1].plays += count.plays
        counts[kept - 1].liked += count.liked
      } else {
        counts[kept] = count
        kept += 1
      }
    }
    counts.removeSubrange(kept...)
  }

  /// The most days in a row.
  var longestStreak: Int {
    var (longest, length) = (0, 0)
    for index in counts.indices {
      length = index > 0 && counts[index - 1].day == counts[index].day - 1 ? length + 1 : 1
      longest = max(longest, length)
    }
    return longest
  }

  /// The days in a row that end today, else yesterday, else none; and the day on which they end.
  func streak(endingBy today: Int64) -> (length: Int, end: Int64) {
    for end in [today, today - 1] {
      guard let last = counts.lastIndex(where: { $0.day == end }) else { continue }
      var first = last
      while first > 0, counts[first - 1].day == counts[first].day - 1 { first -= 1 }
      return (last - first + 1, end)
    }
    return (0, today)
  }

  func writeDays(from first: Int64, through last: Int64, to writer: inout BSONWriter) {
    writer.key("plays_by_day", .array)
    let array = writer.open()
    var index = 0
    for count in counts where count.day >= first && count.day <= last {
      writer.index(index, .document)
      write("day", CivilDay(count.day).text, count.plays, count.liked, to: &writer)
      index += 1
    }
    writer.close(array)
  }

  func writeMonths(to writer: inout BSONWriter) {
    writer.key("plays_by_month", .array)
    let array = writer.open()
    var index = 0
    var month: (day: CivilDay, plays: Int32, liked: Int32)?
    func put(_ writer: inout BSONWriter) {
      guard let month else { return }
      writer.index(index, .document)
      write("month", month.day.monthText, month.plays, month.liked, to: &writer)
      index += 1
    }
    for count in counts {
      let day = CivilDay(count.day)
      if let known = month, known.day.year == day.year, known.day.month == day.month {
        month = (known.day, known.plays + count.plays, known.liked + count.liked)
      } else {
        put(&writer)
        month = (day, count.plays, count.liked)
      }
    }
    put(&writer)
    writer.close(array)
  }

  private func write(
    _ name: StaticString, _ text: [UInt8], _ plays: Int32, _ liked: Int32, to writer: inout BSONWriter
  ) {
    let start = writer.open()
    text.withView { writer.append(name, string: $0) }
    writer.append("plays", int32: plays)
    writer.append("liked", int32: liked)
    writer.close(start)
  }
}

/// Plays that follow each other without a long gap.
struct PlaySessions {
  private(set) var count = 0
  /// The most plays of a session.
  private(set) var longest = 0
  private var length = 0
  private var previous: Int64?

  /// - Parameter time: of plays that come newest first.
  mutating func add(_ time: Int64) {
    if let previous, previous - time <= Statistics.sessionGap {
      length += 1
    } else {
      count += 1
      length = 1
    }
    longest = max(longest, length)
    previous = time
  }
}
