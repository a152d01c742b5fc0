internal import BSON
public import Dumps
public import Library

/// What became of dumps, entries and users, in figures that balance.
public struct SyncCounts: Sendable {
  public var dumps = DumpCounts()
  public var entries = EntryFates()
  public var users = UserCounts()

  public init() {}

  /// Whether everything that was read is accounted for.
  public var isBalanced: Bool { dumps.isBalanced && entries.isBalanced && users.isBalanced }

  static func += (sum: inout SyncCounts, part: SyncCounts) {
    sum.dumps += part.dumps
    sum.entries += part.entries
    sum.users += part.users
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
