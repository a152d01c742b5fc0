import Sync

/// How far a merge has come, in figures.
struct ProgressFigures: Equatable {
  enum Phase: String {
    case read, merge, commit
  }

  var phase = Phase.read
  var bytesRead = 0
  /// Nil while it is being found out.
  var bytesInAll: Int?
  var dumpsGrouped = 0
  var dumpsMerged = 0
  var users = 0

  mutating func add(_ progress: SyncProgress) {
    switch progress {
    case .read(let bytes): bytesRead += bytes
    case .grouped(let dumps): dumpsGrouped += dumps
    case .merged(let users, let dumps):
      self.users += users
      dumpsMerged += dumps
    case .begunAnew:
      let inAll = bytesInAll
      self = ProgressFigures()
      bytesInAll = inAll
    }
  }

  /// What is done in this phase, in bytes or dumps.
  var done: Int {
    switch phase {
    case .read: bytesRead
    case .merge: dumpsMerged
    case .commit: 0
    }
  }

  /// What there is to do in this phase; nil when nobody knows.
  var inAll: Int? {
    switch phase {
    case .read: bytesInAll
    case .merge: dumpsGrouped
    case .commit: nil
    }
  }

  /// 0…1; nil when nobody knows.
  var share: Double? {
    guard let inAll, inAll > 0 else { return nil }
    return min(1, Double(done) / Double(inAll))
  }
}

/// How fast it goes: the speed by what was done in the last seconds, the time left by all of the phase, for it is not to
/// jump when the disk pauses.
struct ProgressRate {
  /// In seconds.
  private static let window = 10.0

  private var first: Sample?
  private var samples: [Sample] = []
  private var phase = ProgressFigures.Phase.read

  /// - Parameter time: seconds on a clock that only goes forward.
  mutating func note(_ figures: ProgressFigures, at time: Double) {
    if figures.phase != phase { (phase, first, samples) = (figures.phase, nil, []) }
    let sample = Sample(time: time, done: figures.done, users: figures.users)
    first = first ?? sample
    samples.append(sample)
    while samples.count > 2, time - samples[1].time >= Self.window { samples.removeFirst() }
  }

  /// Bytes or dumps a second; nil when it is too early to tell.
  var perSecond: Double? { rate(from: samples.first) { $0.done } }

  var usersPerSecond: Double? { rate(from: samples.first) { $0.users } }

  /// Seconds; nil when it is too early to tell.
  func left(_ figures: ProgressFigures) -> Double? {
    guard let inAll = figures.inAll, let average = rate(from: first, { $0.done }), average > 0 else { return nil }
    return Double(max(0, inAll - figures.done)) / average
  }

  private struct Sample {
    let time: Double
    let done: Int
    let users: Int
  }

  private func rate(from first: Sample?, _ figure: (Sample) -> Int) -> Double? {
    guard let first, let last = samples.last, last.time - first.time >= 0.5 else { return nil }
    return Double(figure(last) - figure(first)) / (last.time - first.time)
  }
}
