internal import Dispatch
internal import Glibc
internal import Sync
internal import Synchronization

/// Turns the signals that ask a process to end into a wish to stop in order; a second one ends the process at once.
///
/// Signals that were ignored when the process began, as after `nohup` or behind a shell's `&`, stay ignored.
final class SignalWatch {
  /// The names under which messages speak of them.
  static let names: [Int32: String] = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]

  private var sources: [any DispatchSourceSignal] = []

  /// - Parameters:
  ///   - heard: is told of the first signal.
  ///   - second: the last thing that is done before the process ends with 75; false where it is not to end now.
  init(
    _ cancellation: Cancellation, heard: @escaping @Sendable (String) -> Void, second: @escaping @Sendable () -> Bool
  ) {
    let queue = DispatchQueue(label: "mixdown.signals")
    let heardOne = Flag()
    for (number, name) in Self.names.sorted(by: { $0.key < $1.key }) where !Self.isIgnored(number) {
      _ = signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if heardOne.set() {
          if second() { _exit(ExitStatus.locked.rawValue) }
          return
        }
        cancellation.request("interrupted by \(name)")
        heard(name)
      }
      source.resume()
      sources.append(source)
    }
  }

  /// Whether the process was started with the signal ignored.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    // Both are pointers to C functions, of one word: compared and never called.
    let handler = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
    let ignored = unsafe unsafeBitCast(SIG_IGN, to: Int.self)
    return handler == ignored
  }

  deinit {
    for source in sources { source.cancel() }
    for number in Self.names.keys where sources.contains(where: { $0.handle == UInt(number) }) {
      _ = signal(number, SIG_DFL)
    }
  }
}

/// Something that is true from one moment on.
private final class Flag: Sendable {
  private let value = Atomic(false)

  /// - Returns: whether it was true before.
  func set() -> Bool { value.exchange(true, ordering: .acquiringAndReleasing) }
}
