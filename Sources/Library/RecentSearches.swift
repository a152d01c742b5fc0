internal import BSON

/// Recent searches – the lists of all replicas one after another, newest first, deduplicated by lowercase, 20 kept.
enum RecentSearches {
  static var limit: Int { 20 }

  struct Merged {
    var searches: [ByteView]
    /// The newest time among the replicas that had the section, in milliseconds.
    var time: Int64?
    /// Different searches beyond the limit that a dump has.
    var beyondLimitOfDumps: Int
  }

  /// - Parameter replicas: dumps in replica order, newest first; the cloud stands by its section time, after dumps of
  ///   the same time.
  static func merged(
    replicas: [Replica], cloud: [ByteView]?, cloudTime: Int64?, fates: inout EntryFates, in arena: Arena
  ) -> Merged? {
    var lists: [(time: Int64, isCloud: Bool, searches: [ByteView])] = []
    for replica in replicas {
      if let searches = replica.recentSearches { lists.append((replica.time ?? Entry.never, false, searches)) }
    }
    if let cloud {
      let time = cloudTime ?? Entry.never
      lists.insert((time, true, cloud), at: lists.firstIndex { $0.time < time } ?? lists.count)
    }
    guard let newest = lists.first else { return nil }
    var merged = Merged(searches: [], time: newest.time == Entry.never ? nil : newest.time, beyondLimitOfDumps: 0)
    var seen: Set<ByteView> = []
    /// Beyond the limit, and in no dump so far.
    var ofCloudAlone: Set<ByteView> = []
    for list in lists {
      for search in list.searches {
        let key = Lowercase.text(search, in: arena)
        guard seen.insert(key).inserted else {
          fates.merged += 1
          if !list.isCloud, ofCloudAlone.remove(key) != nil { merged.beyondLimitOfDumps += 1 }
          continue
        }
        guard merged.searches.count == limit else {
          merged.searches.append(search)
          continue
        }
        fates.beyondLimit += 1
        if list.isCloud { ofCloudAlone.insert(key) } else { merged.beyondLimitOfDumps += 1 }
      }
    }
    fates.kept += merged.searches.count
    return merged
  }
}
