/// Measures the phases of a run, one after another.
public struct PhaseClock {
  private let clock = ContinuousClock()
  private let began: @Sendable (String) -> Void
  private var current: (name: String, start: ContinuousClock.Instant)?
  /// Seconds of each phase that has ended.
  public private(set) var seconds: [String: Double] = [:]

  /// - Parameter began: is told of each phase as it begins.
  public init(_ began: @escaping @Sendable (String) -> Void) { self.began = began }

  /// Begins a phase, and ends the one before.
  public mutating func begin(_ phase: String) {
    end()
    began(phase)
    current = (phase, clock.now)
  }

  public mutating func end() {
    guard let (name, start) = current else { return }
    seconds[name] = (clock.now - start) / .seconds(1)
    current = nil
  }
}
