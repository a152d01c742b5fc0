internal import BSON
public import Learning
public import Sync

/// Everything that decides what a run of learning does.
public struct LearnOptions: Sendable {
  /// The figures' own parameters, and the run's clock.
  public var parameters: LearningParameters
  /// Whether everything is counted; else what changed since the last run.
  public var isFull = false
  /// After how many days everything is counted again, by the days of the parameters' zone; nil for never unasked.
  public var fullEvery: Int?
  /// Whether documents of a later `as_of` are replaced too.
  public var force = false
  /// Whether the scores are also put into the application's `users`.
  public var mirrorsUsers = false
  /// A run that replaces what is newer has to come past everybody.
  var countsEverything: Bool { isFull || force }

  /// Whether a stored document stays that would be removed: it was computed for a later time.
  func keeps(_ stored: BSONDocument) throws(BSONFault) -> Bool {
    guard !force else { return false }
    return try DerivedDocument.isLater(stored, than: parameters.asOf)
  }

  /// How many months of plays before the present one the archive keeps; nil for all.
  public var archiveMonths: Int?
  /// Threads that read and count.
  public var workers = 1
  /// What may be held for work in flight, in bytes.
  public var memory = 1 << 30
  /// Whether the store stays as it is.
  public var dryRun = false
  /// Keeps what is replaced of what cannot be computed again.
  public var journal: (any ChangeJournal)?

  /// Asks the run to stop between two batches.
  public var cancellation = Cancellation()

  public init(parameters: LearningParameters) { self.parameters = parameters }

  /// Documents that are read at once, in bytes: the same for every number of workers.
  var readLimit: Int { min(4 << 20, max(64 << 10, memory / 64)) }

  /// Batches that are being worked on or wait to be written.
  var batchesInFlight: Int { workers + 2 }

  /// Plays whose days are counted together: some 100 bytes each while parts are being joined, of half of the memory.
  var servicePlays: Int { memory / 200 }

  /// What makes the figures of two runs comparable: when it differs, everything is counted again.
  var fingerprint: String {
    // In a month's first night other months leave, also of those for whom nothing else changes.
    let firstMonth = ArchiveSpan(asOf: parameters.asOf, months: archiveMonths).firstMonth
    let weights = Dimension.allCases.map { "\(parameters.priorWeight[$0])" }.joined(separator: ",")
    return [
      "liked \(parameters.likedAbove)", "skipped \(parameters.skippedBelow)", "half-life \(parameters.halfLifeDays)",
      "prior \(weights)", "explicit \(parameters.explicitWeight)", "favorite \(parameters.favoriteWeight)",
      "unknown \(parameters.unknownWeight)", "zone \(parameters.timezone)",
      "archive \(firstMonth.map { String(decoding: $0, as: UTF8.self) } ?? "all")",
    ].joined(separator: "; ")
  }
}
