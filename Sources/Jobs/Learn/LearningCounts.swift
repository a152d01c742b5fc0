public import Sync
internal import Synchronization

/// What a run learned, in its manifest.
public struct LearningCounts: Codable, Sendable {
  public struct Report: Codable, Sendable {
    /// The user; of a song its key. A long one is cut.
    public var subject: String
    public var reason: String
    public var detail: String
  }

  /// Where the next run goes on; nil when this one wrote nothing.
  public struct Mark: Codable, Sendable, Equatable {
    /// The server's own time when the run began to read.
    public var watermark: String
    /// The clock of the run, and of the last one that counted everything.
    public var asOf: String
    public var fullAsOf: String
    /// The parameters that make the figures of two runs comparable.
    public var figures: String
    /// A print of the song catalogue that the run left, up to 16 hexadecimal digits; nil of a run that left none.
    public var catalogue: String?

    enum CodingKeys: String, CodingKey {
      case watermark, figures, catalogue
      case asOf = "as_of"
      case fullAsOf = "full_as_of"
    }
  }

  public var mark: Mark?
  /// Whether everything was counted.
  public var full: Bool
  public var users: UserCounts
  /// Users whose documents were computed, the others having been known to be the same.
  public var computed: Int
  /// Counted plays of these.
  public var plays: Int
  /// Entries of stored documents that could not be used.
  public var unusable: Int
  /// Documents written, and removed, by collection.
  public var written: [String: Int]
  public var removed: [String: Int]
  /// Users of zones that the zone database does not have; nil of an earlier version, which named all of the zones.
  public var usersOfUnknownZones: Int?
  /// These users by the zone's name: the commonest hundred.
  public var unknownZones: [String: Int]
  /// Users with scores and without an account, where the scores are mirrored.
  public var withoutAccount: Int
  /// What was left as it was and why: the first hundred.
  public var reports: [Report]

  enum CodingKeys: String, CodingKey {
    case mark, full, users, computed, plays, unusable, written, removed, reports
    case usersOfUnknownZones = "users_of_unknown_zones"
    case unknownZones = "unknown_zones"
    case withoutAccount = "without_account"
  }
}

extension Manifest {
  /// Takes over the figures of finished learning.
  mutating func take(_ summary: LearnSummary, reports: [LearnReport]) {
    // In a job with a merge the users of the manifest are the merge's, also where nobody has sent anything.
    if !steps.contains(where: { $0.name == SyncStep.name }) { users = summary.users }
    learning = LearningCounts(
      mark: summary.mark, full: summary.isFull, users: summary.users, computed: summary.computed, plays: summary.plays,
      unusable: summary.unusable, written: summary.written, removed: summary.removed,
      usersOfUnknownZones: summary.unknownZones.users, unknownZones: summary.unknownZones.commonest,
      withoutAccount: summary.withoutAccount,
      reports: reports.map {
        LearningCounts.Report(subject: $0.subject, reason: $0.reason.rawValue, detail: $0.detail)
      })
    left.merge(summary.left.byName, uniquingKeysWith: +)
    for (phase, time) in summary.seconds { seconds["learn.\(phase)"] = time }
  }
}

/// The first reports of those from several threads, in an order that does not depend on who came first.
final class ReportList: Sendable {
  /// There may be as many reports as users.
  private static let most = 100
  private let reports = Mutex<[LearnReport]>([])

  func add(_ report: LearnReport) {
    reports.withLock { reports in
      if reports.count == Self.most {
        guard let last = reports.last, report.precedes(last) else { return }
        reports.removeLast()
      }
      reports.insert(report, at: reports.firstIndex { report.precedes($0) } ?? reports.count)
    }
  }

  /// Ascending.
  var first: [LearnReport] { reports.withLock { $0 } }
}
