import Jobs
import Library
import Pages
import Sync

/// The line that a run ends with, for a person.
struct LastLine {
  let text: String

  /// - Parameter seconds: that the merge took.
  init(_ manifest: Manifest, seconds: Double) {
    let (users, dumps, entries) = (manifest.users, manifest.counts.dumps, manifest.counts.entries)
    let fates = [
      ("kept", entries.kept), ("merged", entries.merged), ("superseded", entries.superseded),
      ("beyond the limit", entries.beyondLimit), ("removed", entries.removed), ("quarantined", entries.quarantined),
    ]
    let quarantine = manifest.quarantine.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let rate = seconds > 0 ? Double(users.seen) / seconds : 0
    var parts = [
      "\(users.seen) users: \(users.changed) changed, \(users.unchanged) unchanged, \(users.created) new",
      "\(dumps.read) dumps: \(dumps.used) used, \(dumps.quarantined) quarantined, \(dumps.skipped) skipped",
      "\(entries.read) entries: " + fates.map { "\($0.1) \($0.0)" }.joined(separator: ", "),
      quarantine.isEmpty ? "nothing quarantined" : "quarantined: " + quarantine.joined(separator: ", "),
      "\(Quantity.plain(seconds, 2)) s, \(Quantity.plain(rate, 0)) users/s",
    ]
    if users.left > 0 {
      let reasons = manifest.left.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
      parts[0] += ", \(users.left) left (\(reasons.joined(separator: ", ")))"
    }
    text = Self.beginning(isDry: manifest.isDryRun(of: SyncStep.name)) + parts.joined(separator: "; ")
  }

  /// What the last line of a dry run says first.
  static func beginning(isDry: Bool) -> String { isDry ? "dry run, nothing written; " : "" }
}
