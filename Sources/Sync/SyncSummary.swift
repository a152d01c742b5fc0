public import Dumps
public import Library

/// What a run of the merge did, in figures that balance.
public struct SyncSummary: Sendable {
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
  public var quarantine: [QuarantineReason: Int] = [:]
  /// Users who were left, by reason: `document-too-large`, `would-empty`.
  public var left: [String: Int] = [:]
  /// How many users each field changed for.
  public var changedFields: [String: Int] = [:]
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
  /// The plays in the libraries of the users who were seen.
  public var plays: PlayTally?
  public var throughput = Throughput()

  public init() {}

  /// Whether everything that was read is accounted for.
  public var isBalanced: Bool {
    dumps.read == dumps.used + dumps.quarantined + dumps.skipped && entries.isBalanced
      && users.seen == users.changed + users.unchanged + users.created + users.left
  }

  mutating func add(_ batch: SyncSummary) {
    dumps.used += batch.dumps.used
    dumps.quarantined += batch.dumps.quarantined
    dumps.skipped += batch.dumps.skipped
    dumps.read += batch.dumps.read
    entries += batch.entries
    users.seen += batch.users.seen
    users.changed += batch.users.changed
    users.unchanged += batch.users.unchanged
    users.created += batch.users.created
    users.left += batch.users.left
    left.merge(batch.left, uniquingKeysWith: +)
    changedFields.merge(batch.changedFields, uniquingKeysWith: +)
  }
}
