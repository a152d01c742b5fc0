internal import BSON

/// Preferences – local first: key by key the newest dump that has the key wins over older dumps, and over the cloud
/// when the cloud never said when it decided, or not later than the dump.
struct MergedPreferences {
  var document: BSONDocument?
  /// When the section was last decided, in milliseconds.
  var time: Int64?

  /// - Parameters:
  ///   - replicas: dumps in replica order, newest first.
  ///   - cloudTime: the cloud's section time.
  ///   - cloudDecides: whether the cloud has `section_updated_at` at all.
  init(
    replicas: [Replica], cloud: Preferences?, cloudTime: Int64?, cloudDecides: Bool, in arena: Arena
  ) throws(BSONFault) {
    var fields = FieldMerge()
    var accepted: Replica?
    let cloudRank = replicas.count
    if let cloud { try fields.add(cloud.document, rank: cloudRank) }
    for (rank, replica) in replicas.enumerated() {
      guard let preferences = replica.preferences else { continue }
      let isAccepted = cloud == nil || !cloudDecides || (replica.time ?? Entry.never) >= (cloudTime ?? Entry.never)
      if isAccepted, accepted == nil { accepted = replica }
      // A dump that is not accepted still brings the keys that nobody else has.
      try fields.add(preferences.document, rank: isAccepted ? rank : cloudRank + 1 + rank)
    }
    guard cloud != nil || replicas.contains(where: { $0.preferences != nil }) else { return }
    document = fields.written(in: arena)
    time = if let accepted { accepted.time } else { cloudTime }
  }
}
