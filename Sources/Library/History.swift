internal import BSON

/// History – chronological union, deduplicated by (song key, `playedAt`), the newest kept.
///
/// Entries with the same song key and `playedAt` are one play. Its `completionRate` is the greatest, for the browser
/// raises it as the song plays; every other field takes the value of the entry with the greatest `completionRate` that
/// has the field. Order: `playedAt` descending, ties by song key ascending.
enum History {
  struct Merged {
    var plays: [Entry]
    /// Plays before the limit was applied.
    var distinct: Int
    /// Plays beyond the limit that a dump has; nil when that was not looked at.
    var beyondLimitOfDumps: Int? = 0
  }

  static func merged(
    dumps: [[Entry]], cloud: [Entry]?, limit: Int, fates: inout EntryFates, in arena: Arena
  ) throws(BSONFault) -> Merged {
    var news: [Entry] = []
    for list in dumps { news += list }
    let old = cloud ?? []
    // The cloud's list is as long as ten of a browser's, and nearly always in order, each play once.
    guard cloud != nil, isInOrder(old) else {
      var merged = try merged(
        sorted: (news + old).sorted(by: Entry.precedesAsPlay), limit: limit, fates: &fates, in: arena)
      merged.beyondLimitOfDumps = cloud == nil ? merged.distinct - merged.plays.count : nil
      return merged
    }
    news.sort(by: Entry.precedesAsPlay)
    var merged = Merged(plays: [], distinct: 0)
    merged.plays.reserveCapacity(min(limit, news.count + old.count))
    var (start, end, next) = (0, 0, 0)
    while start < news.count || next < old.count {
      // The play that comes first, of which the cloud has one version at most.
      if start == news.count || (next < old.count && Entry.precedesAsPlay(old[next], news[start])) {
        merged.take(old[next], limit: limit, fates: &fates)
        next += 1
        continue
      }
      end = start + 1
      while end < news.count, isSame(news[end], news[start]) { end += 1 }
      fates.merged += end - start - 1
      if next < old.count, isSame(old[next], news[start]) {
        fates.merged += 1
        merged.take(try joined(news, start..<end, old[next], in: arena), limit: limit, fates: &fates)
        next += 1
      } else {
        merged.take(try joined(news, start..<end, in: arena), limit: limit, fates: &fates)
      }
      if merged.distinct > limit { merged.beyondLimitOfDumps? += 1 }
      start = end
    }
    return merged
  }

  /// Plays of several lists, sorted: versions of one lie side by side.
  private static func merged(
    sorted plays: [Entry], limit: Int, fates: inout EntryFates, in arena: Arena
  ) throws(BSONFault) -> Merged {
    var merged = Merged(plays: [], distinct: 0)
    var start = 0
    while start < plays.count {
      var end = start + 1
      while end < plays.count, isSame(plays[end], plays[start]) { end += 1 }
      fates.merged += end - start - 1
      merged.take(try joined(plays, start..<end, in: arena), limit: limit, fates: &fates)
      start = end
    }
    return merged
  }

  private static func isSame(_ a: Entry, _ b: Entry) -> Bool { a.playedAt == b.playedAt && a.key == b.key }

  /// Whether each play stands after the one before it, and so none twice.
  private static func isInOrder(_ plays: [Entry]) -> Bool {
    for index in plays.indices.dropFirst() where !Entry.precedesAsPlay(plays[index - 1], plays[index]) { return false }
    return true
  }

  /// The one play that its versions make: at least one of the list, and what the cloud has.
  private static func joined(
    _ plays: [Entry], _ range: Range<Int>, _ stored: Entry? = nil, in arena: Arena
  ) throws(BSONFault) -> Entry {
    let first = stored ?? plays[range.lowerBound]
    guard !range.allSatisfy({ plays[$0].document.bytes == first.document.bytes }) else { return first }
    var versions = Array(plays[range])
    if let stored { versions.append(stored) }
    return try Entry.joined(versions, by: \.completionRate, in: arena)
  }
}

extension History.Merged {
  /// Adds a play, if it is among the first so many.
  fileprivate mutating func take(_ play: Entry, limit: Int, fates: inout EntryFates) {
    distinct += 1
    if plays.count < limit {
      plays.append(play)
      fates.kept += 1
    } else {
      fates.beyondLimit += 1
    }
  }
}
