internal import BSON
public import Dumps
public import Library

/// What became of dumps, entries and users, in figures that balance.
public struct SyncCounts: Sendable {
  /// `read` is the sum of the others.
  public struct Dumps: Sendable, Equatable {
    public var used = 0
    public var quarantined = 0
    /// Files that are no dumps, and dumps of users who were left as they are.
    public var skipped = 0
    public var read = 0
  }

  /// `seen` is the sum of the others.
  public struct Users: Sendable, Equatable {
    public var seen = 0
    /// Had a document, and got another.
    public var changed = 0
    public var unchanged = 0
    public var created = 0
    /// Reported and left as they are.
    public var left = 0
  }

  public var dumps = Dumps()
  public var entries = EntryFates()
  public var users = Users()

  public init() {}

  /// Whether everything that was read is accounted for.
  public var isBalanced: Bool {
    dumps.read == dumps.used + dumps.quarantined + dumps.skipped && entries.isBalanced
      && users.seen == users.changed + users.unchanged + users.created + users.left
  }

  static func += (sum: inout SyncCounts, part: SyncCounts) {
    sum.dumps.used += part.dumps.used
    sum.dumps.quarantined += part.dumps.quarantined
    sum.dumps.skipped += part.dumps.skipped
    sum.dumps.read += part.dumps.read
    sum.entries += part.entries
    sum.users.seen += part.users.seen
    sum.users.changed += part.users.changed
    sum.users.unchanged += part.users.unchanged
    sum.users.created += part.users.created
    sum.users.left += part.users.left
  }
}

/// What a run of the merge did.
public struct SyncSummary: Sendable {
  public var counts = SyncCounts()
  /// What the merge has not used, by reason: without what an earlier step of the same run has not.
  public var quarantine: [QuarantineReason: Int] = [:]
  /// Users who were left, by reason.
  public var left: [LeftReason: Int] = [:]
  /// How many users each field changed for.
  public var changedFields: [String: Int] {
    Dictionary(fieldChanges.map { ("\($0.field)", $0.users) }, uniquingKeysWith: +)
  }
  private var fieldChanges: [(field: StaticString, users: Int)] = []
  public var inputs: [InputDigest] = []
  /// Paths of inputs that an earlier attempt of the run had read.
  public var resumedInputs: Set<String> = []
  /// Seconds by phase: `read`, `merge`, `commit`.
  public var seconds: [String: Double] = [:]
  /// Whether the run was asked to stop before everything was merged.
  public var isInterrupted = false
  /// The first user, in UTF-8, whom a run that was asked to stop has left for the next one.
  public var nextUser: [UInt8]?
  /// How often dumps were put on disk to be sorted.
  public var spilledRuns = 0
  /// Of the users who are unchanged, those whom an earlier run has found so with the same dumps.
  public var settledUsers = 0
  /// The plays in the libraries of the users who were seen.
  public var plays: PlayTally?
  public var throughput = Throughput()

  public init() {}

  mutating func add(_ user: MergedUser) {
    counts += user.counts
    if user.settled != nil { settledUsers += 1 }
    for field in user.changedFields {
      if let place = fieldChanges.firstIndex(where: { ByteView($0.field) == ByteView(field) }) {
        fieldChanges[place].users += 1
      } else {
        fieldChanges.append((field, 1))
      }
    }
    if let report = user.report { left[report.reason, default: 0] += 1 }
  }

  /// Adds what the second half of a run did to what the first did.
  mutating func add(_ merged: SyncSummary) {
    counts += merged.counts
    left = merged.left
    settledUsers = merged.settledUsers
    fieldChanges = merged.fieldChanges
    throughput = merged.throughput
  }
}
