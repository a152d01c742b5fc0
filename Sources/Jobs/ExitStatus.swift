public import Stores
public import Sync

/// How a command ends; what each asks of the operator is in docs/operations.md.
public enum ExitStatus: Int32, Sendable, Codable {
  case done = 0
  /// The program found a mistake of its own, or something nobody foresaw; or somebody else wrote libraries each time that
  /// they were merged.
  case failed = 1
  /// Done, and something was quarantined, or a user was left whom the next run will not take as it is: look at it.
  case quarantined = 3
  /// Done, but what was learnt predicts worse than a simple baseline.
  case outdone = 4
  case usage = 64
  /// Data or an index was refused.
  case refused = 65
  case unreachable = 69
  case inputOutput = 74
  /// Another run holds the store, or this one was interrupted: try again.
  case locked = 75
  /// A job file cannot be run as it is written.
  case jobFile = 78
}

extension ExitStatus: Comparable {
  /// What asks more of the operator comes later.
  public static func < (one: ExitStatus, other: ExitStatus) -> Bool { one.urgency < other.urgency }

  private var urgency: Int32 { self == .failed ? .max : rawValue }
}

extension ExitStatus {
  /// What an error that ended a run asks of the operator.
  public init(_ error: SyncError) {
    self =
      switch error {
      case .store(let error): ExitStatus(error)
      case .input, .writeBack: .inputOutput
      case .unbalanced, .tokensGone: .failed
      }
  }

  public init(_ error: StoreError) {
    self =
      switch error {
      case .refused, .rejected, .indexesMissing: .refused
      case .unreachable: .unreachable
      case .badAddress, .badSetting: .usage
      case .inputOutput, .noRoom: .inputOutput
      case .locked, .leaseLost: .locked
      case .inconsistent: .failed
      }
  }
}
