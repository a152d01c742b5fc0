import Foundation

extension Thread {
  /// Runs a body on a thread of its own, which can be waited for.
  static func detached(_ body: @escaping @Sendable () -> Void) -> DispatchGroup {
    let group = DispatchGroup()
    group.enter()
    detachNewThread {
      body()
      group.leave()
    }
    return group
  }
}
