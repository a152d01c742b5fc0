internal import Stores
internal import Synchronization

/// The wish that a run stops in order: what is in flight is finished, nothing more is begun.
///
/// It comes from a signal or a deadline. From any thread.
public final class Cancellation: Sendable {
  /// When the run is to stop by itself, in ms since 1970; nil when only a signal stops it.
  public let deadline: Int64?
  private let reason = Mutex<String?>(nil)
  private let isDone = Atomic(false)

  public init(deadline: Int64? = nil) { self.deadline = deadline }

  /// Asks the run to stop; the first reason counts.
  public func request(_ why: String) {
    reason.withLock { $0 = $0 ?? why }
    isDone.store(true, ordering: .releasing)
  }

  /// Whether nothing more is to be begun.
  public var isRequested: Bool {
    if isDone.load(ordering: .acquiring) { return true }
    guard let deadline, wallClock() >= deadline else { return false }
    request("the deadline passed")
    return true
  }

  /// What asked the run to stop; nil when nothing did.
  public var why: String? { isRequested ? reason.withLock { $0 } : nil }
}
