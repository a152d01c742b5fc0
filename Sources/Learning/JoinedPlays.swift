internal import BSON
internal import Library

/// The plays of several lists, each once: by (song key, `playedAt`), `completionRate` the greatest, every other field
/// the greater bytes (docs/learning.md, *The play archive*). What comes out depends on neither the order nor the
/// repetition of what goes in.
enum JoinedPlays {
  /// Sorts plays newest first, ties by song key, and joins those that are one.
  static func join(_ plays: inout [ReadPlay], with scanner: inout PlayScanner, in arena: Arena) throws(BSONFault) {
    // Library and archive are sorted already: the library's sort makes use of such runs.
    plays.sort(by: ReadPlay.precedes)
    var kept = 0
    var start = 0
    while start < plays.count {
      var end = start + 1
      var differs = false
      while end < plays.count, plays[end].playedAt == plays[start].playedAt, plays[end].key == plays[start].key {
        differs = differs || plays[end].document.bytes != plays[start].document.bytes
        end += 1
      }
      plays[kept] = differs ? try joined(plays[start..<end], with: &scanner, in: arena) : plays[start]
      kept += 1
      start = end
    }
    plays.removeSubrange(kept...)
  }

  private static func joined(
    _ versions: ArraySlice<ReadPlay>, with scanner: inout PlayScanner, in arena: Arena
  ) throws(BSONFault) -> ReadPlay {
    let first = versions[versions.startIndex]
    var fields = FieldMerge()
    var rate = first.completionRate
    for version in versions {
      rate = max(rate, version.completionRate)
      try fields.add(version.document, rank: 0)
    }
    return try scanner.play(
      fields.written(in: arena), key: first.key, playedAt: first.playedAt, completionRate: rate)
  }
}

/// A user's favourites, one for each song key, as the merge would join them (docs/merge.md, *Favourites*): what
/// somebody else wrote into the library need not be.
enum JoinedFavorites {
  /// By `addedAt`, those without one first, ties by song key.
  static func joined(_ favorites: [Entry], in arena: Arena) throws(BSONFault) -> [Entry] {
    var groups = favorites.sorted {
      $0.key != $1.key ? $0.key < $1.key : $0.addedAt > $1.addedAt
    }
    var kept = 0
    var start = 0
    while start < groups.count {
      var end = start + 1
      while end < groups.count, groups[end].key == groups[start].key { end += 1 }
      groups[kept] = end - start > 1 ? try .joined(Array(groups[start..<end]), by: \.addedAt, in: arena) : groups[start]
      kept += 1
      start = end
    }
    groups.removeSubrange(kept...)
    groups.sort { $0.addedAt != $1.addedAt ? $0.addedAt < $1.addedAt : $0.key < $1.key }
    return groups
  }
}
