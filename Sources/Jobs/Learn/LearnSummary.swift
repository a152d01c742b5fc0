public import Sync

/// What a run of learning did.
public struct LearnSummary: Sendable {
  public var users = UserCounts()
  /// What was left as it was, by reason: users, and documents such as songs.
  public var left: [LeftReason: Int] = [:]
  /// How many documents of each collection were written.
  public var written: [String: Int] = [:]
  /// How many documents of each collection were removed: figures of people of whom nothing is left among them, who count
  /// as changed.
  public var removed: [String: Int] = [:]
  /// Users whose documents were computed.
  public var computed = 0
  /// Counted plays of these.
  public var plays = 0
  /// Entries of stored documents that could not be used.
  public var unusable = 0
  /// Users of zones that the database does not have.
  var unknownZones = UnknownZones()
  /// Users with scores and without an account, where the scores are mirrored.
  public var withoutAccount = 0
  /// Where the next run goes on.
  var mark: LearningCounts.Mark?
  /// What the population likes, for the report.
  var population: [ReportData.Shares] = []
  /// Whether everything was counted.
  public var isFull = false
  /// Whether the run was asked to stop, and did: the next one does all of it.
  public var isInterrupted = false
  /// Seconds by phase.
  public var seconds: [String: Double] = [:]

  public init() {}

  /// Notes what was made of a collection.
  mutating func note(_ name: String, _ made: WriteCounts) {
    if made.written > 0 { written[name, default: 0] += made.written }
    if made.removed > 0 { removed[name, default: 0] += made.removed }
  }

  mutating func leave(_ reason: LeftReason) {
    users.seen += 1
    users.left += 1
    left[reason, default: 0] += 1
  }

  mutating func add(_ other: LearnSummary) {
    users += other.users
    left.merge(other.left, uniquingKeysWith: +)
    written.merge(other.written, uniquingKeysWith: +)
    removed.merge(other.removed, uniquingKeysWith: +)
    computed += other.computed
    plays += other.plays
    unusable += other.unusable
    unknownZones.add(other.unknownZones)
    withoutAccount += other.withoutAccount
  }
}

/// A user, song or month that was left as it is.
public struct LearnReport: Sendable {
  /// The user; of a song its key. As ``detail`` cut to ``longest``.
  public let subject: String
  public let reason: LeftReason
  public let detail: String

  /// The most characters of a text: a title may have as many bytes as a dump, and reports stand in the manifest, a
  /// document of `job_runs`. A user's id, of 256 bytes at most, stays whole.
  static let longest = 256

  init(subject: String, reason: LeftReason, detail: String) {
    self.subject = subject.cut(to: Self.longest)
    self.reason = reason
    self.detail = detail.cut(to: Self.longest)
  }

  /// By the bytes of the subject, then of the reason and the detail.
  func precedes(_ other: LearnReport) -> Bool {
    for (own, others) in [
      (subject, other.subject), (reason.rawValue, other.reason.rawValue), (detail, other.detail),
    ] where !own.utf8.elementsEqual(others.utf8) {
      return own.utf8.lexicographicallyPrecedes(others.utf8)
    }
    return false
  }
}

/// What a run tells while it goes on. Called from several threads.
public struct LearnEvents: Sendable {
  public var left: @Sendable (LearnReport) -> Void = { _ in }
  public var phase: @Sendable (String) -> Void = { _ in }
  /// Why everything is counted where nobody asked for it and nothing else tells.
  public var countsAll: @Sendable (String) -> Void = { _ in }

  public init() {}
}
