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
  public var tombstoneTTL: Int64 = 180 * Instant.day
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
