/// How a server is spoken to.
public struct MongoOptions: Sendable {
  /// How long to look for a server that can be used before giving up; nil: as the address says, else 10 s.
  public var serverTimeout: Duration?
  /// How long to wait for a server that was there once in this run and is gone: an election takes 10 to 12 s, a
  /// restart longer.
  public var patience: Duration
  /// Whether who waits is asked to stop: then a server that is gone is waited for no longer than one is looked for.
  public var isToStop: @Sendable () -> Bool = { false }
  /// How long one answer may take before the connection counts as dead, unless the address says it
  /// (`socketTimeoutMS`). A frozen server keeps its connections, so nothing else would notice.
  public var answerTimeout: Duration
  /// Collections that are used even though they lack their indexes: those that a dry run takes for made.
  public var unindexed: Set<String> = []
  /// Is told that a server is gone and waited for, with its address and the reason.
  public var waiting: @Sendable (String) -> Void

  public init(
    serverTimeout: Duration? = nil, patience: Duration = .seconds(60), answerTimeout: Duration = .seconds(30),
    waiting: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.serverTimeout = serverTimeout
    self.patience = patience
    self.answerTimeout = answerTimeout
    self.waiting = waiting
  }
}

extension Duration {
  /// In whole milliseconds, as libmongoc counts.
  var milliseconds: Int32 {
    let (seconds, attoseconds) = components
    return Int32(
      clamping: seconds.multipliedReportingOverflow(by: 1000).partialValue + attoseconds / 1_000_000_000_000_000)
  }
}
