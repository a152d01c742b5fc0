public import Dumps
public import Library

/// Everything that decides what a run of the merge does.
public struct SyncOptions: Sendable {
  /// Paths of files, directories and archives.
  public var inputs: [String]
  public var parameters: MergeParameters
  public var limits = Limits()
  public var users = UserSource.content
  /// Whether dumps of users without a library are left aside.
  public var noCreate = false
  /// Which guest became which account.
  public var userMap = UserMap()
  /// Threads that parse and merge.
  public var workers = 1
  /// What may be held for work in flight, in bytes.
  public var memory = 1 << 30
  /// Where the merged libraries are written for the browser: a folder or an archive.
  public var writeBack: String?
  /// Whether the store stays as it is.
  public var dryRun = false
  /// Users who are left for the next run, because their browser is syncing them now.
  public var leftOut: Set<[UInt8]> = []
  /// Whether a user, in UTF-8, has asked to be forgotten: their dumps are refused.
  public var forgotten: (@Sendable ([UInt8]) -> Bool)?
  /// Keeps what is replaced.
  public var journal: (any ChangeJournal)?
  /// Keeps what was read, for a run that may be killed.
  public var spool: Spool?
  /// Where it is kept whose dumps have nothing new to say; nil for a run that merges everybody.
  public var settled: SettledPlace?
  /// Asks the run to stop.
  public var cancellation = Cancellation()
  /// The user, in UTF-8, with whom an earlier run that stopped would have gone on: they and those behind them come first.
  public var firstUser: [UInt8]?
  /// Whether the changes are described user by user.
  public var diff = false
  /// Whether the plays of the users are counted, for the report.
  public var talliesPlays = true

  public init(inputs: [String], parameters: MergeParameters) {
    self.inputs = inputs
    self.parameters = parameters
  }

  /// What dumps may hold in memory before they are sorted and put on disk, in bytes.
  var groupingBudget: Int { max(1 << 20, memory / 4) }

  /// Batches that are being worked on or wait to be written.
  var batchesInFlight: Int { workers + 2 }

  /// What the dumps and documents of one batch may hold together, in bytes: reading and merging multiply it by
  /// about six.
  ///
  /// More would not stay in a core's cache until it is written.
  var batchBudget: Int { min(512 << 10, mostPerBatch) }

  /// The same for a server, where each batch costs a way there and back.
  var serverBatchBudget: Int { min(2 << 20, mostPerBatch) }

  private var mostPerBatch: Int { max(64 << 10, memory / 2 / batchesInFlight / 6) }
}
