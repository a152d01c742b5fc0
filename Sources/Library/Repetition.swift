/// What merging the same dumps once more would count, found without doing so.
///
/// A merge is idempotent (docs/merge.md), and what a second one counts follows from the first: every entry of the
/// result meets itself. But there are libraries of which it is not certain, and these are merged again to find out:
/// where the clock decides something (a dump from the future, a tombstone), where something is in quarantine, and where
/// a local id of a playlist has two homes.
struct Repetition {
  /// Whether nothing was met of which it is not certain.
  var isCertain = true
  /// Entries of dumps that the limits of the sections keep out, each counted once.
  private var beyondLimit = 0

  /// - Parameter entries: of a section's dumps; nil when they were not counted.
  mutating func add(beyondLimit entries: Int?) {
    if let entries { beyondLimit += entries } else { isCertain = false }
  }

  /// What a second merge would count; nil when it is not certain that it would change nothing.
  ///
  /// - Parameters:
  ///   - first: what the first merge has counted.
  ///   - isChanged: whether it changed anything.
  func fates(
    of dumps: [Replica], cloud: CloudLibrary?, first: EntryFates, isChanged: Bool, _ parameters: MergeParameters
  ) -> EntryFates? {
    let dumpsSayTheSame = dumps.allSatisfy { dump in
      let isPast = !dump.hasFutureTimes && (dump.time ?? Entry.never) < parameters.asOf
      return dump.isDump && isPast && dump.removed == nil && dump.quarantined.isEmpty
    }
    let isWhole = cloud?.replica.quarantined.isEmpty ?? true
    guard dumpsSayTheSame, isWhole, cloud?.stored[.removed] == nil else { return nil }
    guard isChanged else { return first }
    guard isCertain, parameters.mode == .merge, parameters.sections == .all else { return nil }
    var again = EntryFates()
    again.kept = first.kept
    again.beyondLimit = beyondLimit
    // The library's queue is of the winner's time now, and at equal times the library's wins.
    again.superseded = dumps.reduce(0) { $0 + ($1.queue?.count ?? 0) }
    let ofDumps = dumps.reduce(0) { $0 + $1.entriesRead }
    again.merged = ofDumps - again.superseded - again.beyondLimit
    again.read = first.kept + ofDumps
    return again
  }
}
