public import BSON

/// What a run decides about its merge.
public struct MergeParameters: Sendable {
  public enum Mode: String, Sendable, CaseIterable {
    /// All replicas are joined.
    case merge
    /// The newest dump's sections take the place of the cloud's.
    case replace
  }

  public var mode = Mode.merge
  /// The sections that the run decides; the others stay as they are stored.
  public var sections = SectionSet.all
  /// The run's clock, in milliseconds since 1970.
  public var asOf: Int64
  /// Plays kept in a library.
  public var historyLimit = 500
  /// How far after `asOf` a dump's times may lie, in milliseconds.
  public var maxClockSkew: Int64 = 24 * 3_600_000
  /// How long a tombstone counts, in milliseconds.
  public var tombstoneTTL: Int64 = 180 * 86_400_000
  /// Whether the plays that the archive may lack are found.
  public var archivesPlays = true
  /// Whether `replace` may empty a section that is not.
  public var allowEmpty = false

  public init(asOf: Int64) { self.asOf = asOf }

  /// The latest believable time of a dump's entries, in milliseconds.
  public var latest: Int64 {
    let (sum, overflow) = asOf.addingReportingOverflow(maxClockSkew)
    return overflow ? .max : sum
  }

  /// Before this a tombstone no longer counts, in milliseconds.
  var tombstonesExpire: Int64 {
    let (difference, overflow) = asOf.subtractingReportingOverflow(tombstoneTTL)
    return overflow ? .min : difference
  }

  /// All parameters as text, but for the clock: two runs with the same text decide alike.
  public var exceptClock: String {
    let sections = sections.map(\.rawValue).joined(separator: ",")
    return "mode \(mode.rawValue), sections \(sections), historyLimit \(historyLimit), maxClockSkew \(maxClockSkew), "
      + "tombstoneTTL \(tombstoneTTL), archivesPlays \(archivesPlays), allowEmpty \(allowEmpty)"
  }

  /// The sections that are read from dumps and documents.
  public var readSections: SectionSet {
    var read = sections
    if mode == .replace || (!sections.contains(.favorites) && !sections.contains(.playlists)) {
      read.remove(.removed)
    } else {
      read.insert(.removed)
    }
    return read
  }
}

/// What the merge made of one user's replicas.
public struct MergeOutcome {
  /// MongoDB's limit of a document, in bytes.
  public static var largestDocument: Int { 16 << 20 }

  /// Why a user was left as they are.
  public enum Left: Sendable, Equatable {
    /// The document would pass 16 MiB: its size in bytes.
    case documentTooLarge(Int)
    /// `replace` would empty this section, which is not empty.
    case wouldEmpty(Section)
  }

  /// The new document; nil when nothing changed.
  public var document: BSONDocument?
  /// The sections that were decided, changed or not: they are in normal form.
  public var decided: SectionSet = []
  /// Names of the fields that changed.
  public var changed: [StaticString] = []
  public var fates = EntryFates()
  /// What a merge of the same dumps with the library as it is from now on would count, whatever its clock, unless that
  /// is earlier; nil when it is not certain that it would change nothing.
  public var again: EntryFates?
  /// What the stored document held that was not used; noted when the document is written.
  public var quarantined: [Quarantined] = []
  public var left: Left?
  /// The plays that the archive may lack, in any order and with repetitions.
  public var plays: [Entry] = []
  /// The plays of the library as it is decided; none where the run does not decide them.
  public var history: [Entry] = []

  /// Nothing changed.
  public init() {}
}
