import Dispatch
import Dumps
import Foundation
import Logging
import Sync
import Synchronization

/// Shows how far a merge has come: on a terminal a bar, elsewhere a message now and then.
final class ProgressDisplay: Sendable {
  /// How long nothing is said where nobody looks on, in seconds.
  static let silence = 30.0

  private struct State {
    var figures = ProgressFigures()
    var rate = ProgressRate()
    var lastMessage = 0.0
    var start: ContinuousClock.Instant?
    var hasEnded = false
  }

  private let logger: Logger
  private let inputs: [String]
  private let limits: Limits
  private let isTerminal: Bool
  private let isPlain: Bool
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "mixdown.progress")

  /// - Parameters:
  ///   - logger: where messages go when standard error is no terminal.
  ///   - inputs: what is to be read.
  init(_ logger: Logger, inputs: [String], limits: Limits) {
    self.logger = logger
    self.inputs = inputs
    self.limits = limits
    isTerminal = Console.Stream.errors.isTerminal
    let environment = ProcessInfo.processInfo.environment
    let locale = environment["LC_ALL"] ?? environment["LC_CTYPE"] ?? environment["LANG"] ?? ""
    isPlain = !locale.lowercased().contains("utf")
  }

  /// Shows the next frame a little later, and so on to the end.
  private func goOn() {
    queue.asyncAfter(deadline: .now() + .milliseconds(isTerminal ? 100 : 1000)) { [weak self] in
      guard let self, !self.state.withLock({ $0.hasEnded }) else { return }
      self.tick()
      self.goOn()
    }
  }

  /// Finds out in the background how much there is to read: until then the bar has no end.
  private func measure() {
    DispatchQueue.global(qos: .utility).async { [weak self, inputs, limits] in
      var total = 0
      for input in inputs {
        // An input that cannot be opened ends the run elsewhere.
        guard let size = try? InputReader(limits: limits).size(of: input) else { return }
        total += size
      }
      self?.state.withLock { $0.figures.bytesInAll = total }
    }
  }

  func take(_ progress: SyncProgress) { state.withLock { $0.figures.add(progress) } }

  /// A phase of the merge begins, with the first of them the merge.
  func begin(_ phase: String) {
    let isFirst = state.withLock { state in
      state.figures.phase = ProgressFigures.Phase(rawValue: phase) ?? state.figures.phase
      defer { state.start = state.start ?? ContinuousClock().now }
      return state.start == nil
    }
    guard isFirst else { return }
    measure()
    goOn()
  }

  /// Takes the bar away. Nothing is drawn any more.
  func end() {
    state.withLock { $0.hasEnded = true }
    // A frame that is being drawn is drawn to its end.
    queue.sync {}
    Console.shared.erase()
  }

  private func tick() {
    let shown = state.withLock { state -> (ProgressFigures, ProgressRate)? in
      guard !state.hasEnded, let start = state.start else { return nil }
      let now = (ContinuousClock().now - start) / .seconds(1)
      state.rate.note(state.figures, at: now)
      if !isTerminal {
        guard now - state.lastMessage >= Self.silence else { return nil }
        state.lastMessage = now
      }
      return (state.figures, state.rate)
    }
    guard let (figures, rate) = shown else { return }
    let bar = ProgressBar(figures: figures, rate: rate, isPlain: isPlain)
    if isTerminal {
      Console.shared.draw(bar.line(columns: Console.columns))
    } else {
      logger.notice("\(bar.message)")
    }
  }
}
