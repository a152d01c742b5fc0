internal import Dispatch
internal import Synchronization

/// Runs `body` once on each worker, and throws what failed first.
///
/// - Parameter body: is handed the worker's number and a question: whether another has failed, so that it may stop.
package func inParallel(
  _ workers: Int, _ body: @Sendable (_ worker: Int, _ hasFailed: () -> Bool) throws(StoreError) -> Void
) throws(StoreError) {
  let failure = Mutex<StoreError?>(nil)
  DispatchQueue.concurrentPerform(iterations: workers) { worker in
    do throws(StoreError) {
      try body(worker) { failure.withLock { $0 != nil } }
    } catch {
      failure.withLock { $0 = $0 ?? error }
    }
  }
  if let error = failure.withLock({ $0 }) { throw error }
}
