public import Stores
public import Sync

/// One step of a job: what a subcommand does, without what surrounds a run.
///
/// A step leaves id, folder, lock, manifest and exit status to the ``JobRun`` that it works in, so that several steps
/// are one run.
public protocol JobStep: Sendable {
  /// The name in job files, which is the subcommand's.
  static var name: String { get }

  /// What the manifest shows of the step's flags, defaults included.
  var parameters: [String: String] { get }

  /// What it asks the run to leave beside its manifest.
  var records: RunRecords { get }

  /// Whether the step writes into the store, which needs its lock.
  var writes: Bool { get }

  /// Whether the step may begin with a folder that is not there and is to be the store. Elsewhere its name is misspelt.
  var makesStore: Bool { get }

  /// The collections that it writes, which no other run may write meanwhile.
  var collections: [CollectionSchema] { get }

  /// The collections whose indexes it relies on: those that it writes, and those that it reads.
  var reliesOn: [CollectionSchema] { get }

  /// The collections whose indexes it makes, on which the steps after it rely.
  var makes: [CollectionSchema] { get }

  /// Makes what a run on a server needs before it may write anything: the place of its lease.
  func prepare(_ store: any Store) throws(StoreError)

  /// Looks whether the step can begin. Touches nothing; called for all steps before the first one begins.
  func check() throws(StepFailure)

  /// Does the work, and adds its figures to the run's manifest.
  ///
  /// - Returns: `.done`, or what of it needs a look: `.quarantined`, `.outdone`.
  func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus
}

extension JobStep {
  public var records: RunRecords { RunRecords() }

  public func prepare(_ store: any Store) throws(StoreError) {}

  public var makesStore: Bool { false }

  /// The libraries and what belongs to them.
  public var collections: [CollectionSchema] { [.userLibrary, .playArchive] }

  public var reliesOn: [CollectionSchema] { collections + [.forgotten] }

  public var makes: [CollectionSchema] { [] }
}

/// What ends a step, and with it the run.
public struct StepFailure: Error, Sendable, CustomStringConvertible {
  public let status: ExitStatus
  public let description: String
  /// Whether the run was asked to stop and did so in order.
  public private(set) var isInterrupt = false

  public init(_ status: ExitStatus, _ message: String) {
    self.status = status
    description = message
  }

  /// What was asked to stop has stopped: at the deadline, or by a signal.
  public static func interrupt(_ message: String) -> StepFailure {
    var failure = StepFailure(.locked, message)
    failure.isInterrupt = true
    return failure
  }

  public init(_ error: SyncError) { self.init(ExitStatus(error), error.description) }

  public init(_ error: StoreError) { self.init(ExitStatus(error), error.description) }
}
