internal import BSON

/// Recent searches – the lists of all replicas one after another, newest first, deduplicated by lowercase, 20 kept.
enum RecentSearches {
  static var limit: Int { 20 }

  struct Merged {
    var searches: [ByteView]
    /// The newest time among the replicas that had the section, in milliseconds.
    var time: Int64?
  }

  /// - Parameter replicas: dumps in replica order, newest first; the cloud stands by its section time, after dumps of
  ///   the same time.
  static func merged(
    replicas: [Replica], cloud: [ByteView]?, cloudTime: Int64?, fates: inout EntryFates, in arena: Arena
  ) -> Merged? {
    var lists: [(time: Int64, searches: [ByteView])] = []
    for replica in replicas {
      if let searches = replica.recentSearches { lists.append((replica.time ?? Entry.never, searches)) }
    }
    if let cloud {
      let time = cloudTime ?? Entry.never
      lists.insert((time, cloud), at: lists.firstIndex { $0.time < time } ?? lists.count)
    }
    guard let newest = lists.first else { return nil }
    var merged: [ByteView] = []
    var seen: Set<ByteView> = []
    for search in lists.flatMap(\.searches) {
      guard seen.insert(Lowercase.text(search, in: arena)).inserted else {
        fates.merged += 1
        continue
      }
      if merged.count < limit { merged.append(search) } else { fates.beyondLimit += 1 }
    }
    fates.kept += merged.count
    return Merged(searches: merged, time: newest.time == Entry.never ? nil : newest.time)
  }

  static func write(_ searches: [ByteView], to writer: inout BSONWriter) {
    let start = writer.open()
    for (index, search) in searches.enumerated() {
      writer.index(index, .string)
      writer.put(string: search)
    }
    writer.close(start)
  }
}
