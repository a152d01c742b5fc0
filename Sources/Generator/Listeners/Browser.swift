/// One browser of a listener, and what it has exchanged with the cloud.
struct Browser {
  /// How much of the listening happens here.
  let share: Double
  /// `device_<random>_<base 36 of the time of its first visit>`; nil for browsers without a guest account.
  let deviceID: String?
  /// The name of its file among the user's dumps.
  let fileName: String
  /// Rows of before lack what older clients did not keep.
  let upgradedAt: Int64
  /// Whether it shows what the cloud had when it last synced, or its own alone.
  let loadsCloud: Bool
  /// The last moment whose plays the cloud has seen.
  var syncedAt: Int64 = 0
  /// When it was exported, oldest first.
  var exports: [Int64] = []

  init(_ random: inout Random, since start: Int64, until end: Int64) {
    share = 0.15 + random.unit()
    let firstVisit = start + Int64(random.unit() * Double(end - start) * 0.3)
    let id = "device_\(random.alphanumeric(6))_\(String(firstVisit, radix: 36))"
    fileName = id
    deviceID = random.chance(0.7) ? id : nil
    upgradedAt = random.chance(0.2) ? start + Int64(random.unit() * Double(end - start)) : 0
    loadsCloud = random.chance(0.4)
  }
}
