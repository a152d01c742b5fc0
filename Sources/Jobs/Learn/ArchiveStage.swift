internal import BSON
internal import Library
internal import Stores
internal import Sync
internal import Synchronization

/// Writes months of the play archive as the readers come upon them.
///
/// Safe to share: a directory's one writer is used with the lock held, and it takes changes in any order; to a server
/// each caller sends with a writer of its own.
final class ArchiveStage: @unchecked Sendable {
  let plays: any StoredCollection
  private let options: LearnOptions
  private let lock = Mutex<Void>(())
  private let writer: (any StoreWriter)?

  init(_ plays: any StoredCollection, _ options: LearnOptions) throws(StoreError) {
    self.plays = plays
    self.options = options
    writer = plays.hasOneWriter && !options.dryRun ? try plays.beginWriting(.any) : nil
  }

  /// - Returns: the indices of changes that met another version.
  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    guard !changes.isEmpty, !options.dryRun else { return [] }
    try options.journal?.record(changes, of: plays)
    guard let writer else {
      let own = try plays.beginWriting(.any)
      let conflicts = try own.write(changes)
      try own.commit()
      if !conflicts.isEmpty { try options.journal?.withdraw(conflicts.map { changes[$0] }, of: plays) }
      return conflicts
    }
    return try lock.withLock { _ throws(StoreError) in try writer.write(changes) }
  }

  func commit() throws(StoreError) {
    try options.journal?.seal()
    try lock.withLock { _ throws(StoreError) in try writer?.commit() }
  }

  func abandon() { lock.withLock { _ in writer?.abandon() } }
}

/// Which months of plays are kept.
struct ArchiveSpan: Sendable {
  /// The name of the first month that is kept; nil when all are.
  let firstMonth: [UInt8]?
  /// When it begins, in milliseconds since 1970.
  let start: Int64

  /// - Parameter months: how many before the one of `asOf`.
  init(asOf: Int64, months: Int?) {
    guard let months else {
      (firstMonth, start) = (nil, .min)
      return
    }
    let month = CalendarMonth(of: asOf, back: Int64(months))
    (firstMonth, start) = (month.name, month.start)
  }

  func keeps(_ month: BSONDocument) throws(BSONFault) -> Bool {
    guard let firstMonth, let name = try month.value("month")?.string else { return true }
    return firstMonth.withView { name >= $0 }
  }
}
