/// How a run gets on: users that are done, at moments of its time. At most some hundred samples, however long it takes.
public struct Throughput: Sendable {
  public struct Sample: Sendable, Equatable {
    /// Since the run began to read.
    public var seconds: Double
    public var users: Int
  }

  private static let mostSamples = 240

  public private(set) var samples: [Sample] = []
  private let start = ContinuousClock().now
  private var users = 0
  /// The least time between two samples, in seconds.
  private var interval = 0.05

  public init() {}

  /// Notes that some more users are done.
  mutating func note(users count: Int) {
    note(users: count, at: (ContinuousClock().now - start) / .seconds(1))
  }

  mutating func note(users count: Int, at seconds: Double) {
    users += count
    if let last = samples.last, seconds - last.seconds < interval { return }
    samples.append(Sample(seconds: seconds, users: users))
    guard samples.count >= Self.mostSamples else { return }
    samples = samples.indices.filter { $0 % 2 == 0 }.map { samples[$0] }
    interval *= 2
  }
}
