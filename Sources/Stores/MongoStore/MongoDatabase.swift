public import BSON
internal import Glibc
internal import Synchronization

/// A database on a server: commands, queries and what to do when the server goes away meanwhile.
///
/// For any number of threads at once.
///
/// ```swift
/// let database = try MongoDatabase(address, MongoOptions())
/// let answer = try database.run(command)               // the server's answer, as a document's bytes
/// let documents = try database.documents(of: command)  // what it answers with through a cursor, the bytes of each
/// ```
public final class MongoDatabase: Sendable {
  public let address: MongoAddress
  public let options: MongoOptions

  /// For what is answered soon.
  private let pool: MongoPool
  /// For commands that may take hours, such as making an index; made when first needed.
  private let patientPool = Mutex<MongoPool?>(nil)
  /// Whether anything has succeeded in this run, and no server was waited for in vain since.
  private let wasReached = Atomic(false)

  /// - Throws: ``StoreError/unreachable(address:stage:reason:advice:)`` when an SRV record cannot be looked up, or the
  ///   address names a user without a password. Apart from that no server is asked.
  public init(_ address: MongoAddress, _ options: MongoOptions) throws(StoreError) {
    prepareForMongo()
    self.address = address
    self.options = options
    if let refusal = address.refusal { throw refusal }
    do throws(MongoFailure) {
      pool = try MongoPool(address, options, answerTimeout: options.answerTimeout)
    } catch {
      throw StoreError(error, at: address, "connect")
    }
  }

  // MARK: Commands

  /// Runs a command.
  ///
  /// - Parameters:
  ///   - command: its first field is its name, as the server wants it.
  ///   - isLong: whether the answer may take longer than an answer should.
  /// - Returns: the server's answer, a document's bytes.
  /// - Throws: ``StoreError/unreachable(address:stage:reason:advice:)``; `rejected` when the server refuses it.
  public func run(
    _ command: BSONDocument, _ kind: MongoCommandKind = .plain, isLong: Bool = false
  ) throws(StoreError) -> [UInt8] {
    let what = command.shownName
    let pool = isLong ? try longPool() : self.pool
    return try attempt(what) { () throws(MongoFailure) in
      try pool.lease().run(command, on: address.database, kind)
    }
  }

  /// The same, where one of the server's codes is an answer too, nil: somebody else has done it, or an earlier try whose
  /// answer was lost.
  ///
  /// - Parameter code: 48 where a collection may be there by now.
  public func run(
    _ command: BSONDocument, _ kind: MongoCommandKind = .plain, orNilFor code: UInt32
  ) throws(StoreError) -> [UInt8]? {
    try attempt(command.shownName) { () throws(MongoFailure) in
      do throws(MongoFailure) {
        return try pool.lease().run(command, on: address.database, kind)
      } catch  where error.code == code {
        return nil
      }
    }
  }

  /// All documents that a command answers with through a cursor, such as `listIndexes` and `aggregate`.
  ///
  /// - Returns: the bytes of each; none when the collection is not there.
  public func documents(of command: BSONDocument) throws(StoreError) -> [[UInt8]] {
    try attempt(command.shownName) { () throws(MongoFailure) in
      do throws(MongoFailure) {
        var cursor = try MongoCursor(pool.lease(), command: command, on: address.database)
        var documents: [[UInt8]] = []
        while let document = try cursor.next() { documents.append(document.bytes.copy()) }
        return documents
      } catch  where error.code == Self.noCollection {
        return []
      }
    }
  }

  /// The server's code of a collection that does not exist.
  static let noCollection: UInt32 = 26

  /// Queries a collection.
  func open(_ query: MongoQuery, in collection: String) throws(MongoFailure) -> MongoCursor {
    try MongoCursor(pool.lease(), query, in: collection, of: address.database)
  }

  /// A client for one thread, until it is dropped.
  func lease() throws(MongoFailure) -> LeasedClient { try pool.lease() }

  private func longPool() throws(StoreError) -> MongoPool {
    let made = patientPool.withLock { pool -> Result<MongoPool, MongoFailure> in
      Result { () throws(MongoFailure) in
        if let pool { return pool }
        let new = try MongoPool(address, options, answerTimeout: .seconds(24 * 3600))
        pool = new
        return new
      }
    }
    do throws(MongoFailure) { return try made.get() } catch { throw StoreError(error, at: address, "connect") }
  }

  // MARK: Patience

  /// Calls the server, and again while it is gone: an election takes seconds, a restart longer.
  ///
  /// What is called must be harmless to repeat: the server may have done it although its answer was lost.
  ///
  /// - Parameters:
  ///   - what: for messages, after "cannot".
  ///   - body: one try; libmongoc has waited for a server in it, as long as the server timeout says.
  func attempt<Answer>(
    _ what: String, _ body: () throws(MongoFailure) -> Answer
  ) throws(StoreError) -> Answer {
    let begun = ContinuousClock.now
    var pause = Duration.milliseconds(50)
    while true {
      do throws(MongoFailure) {
        let answer = try body()
        noteSuccess()
        return answer
      } catch {
        guard error.kind == .transient, begun.duration(to: .now) < patience(error) else {
          // One that was waited for in vain is not waited for as long again by whoever asks next.
          if error.kind == .transient { wasReached.store(false, ordering: .relaxed) }
          throw StoreError(error, at: address, what)
        }
        options.waiting("\(address.name): \(address.shown(error.message)); waiting for a server")
      }
      sleep(for: pause)
      pause = min(pause * 2, .seconds(1))
    }
  }

  func noteSuccess() { wasReached.store(true, ordering: .relaxed) }

  /// How long to wait for a server that is gone. One that never was there is looked for by libmongoc alone; one that was
  /// found and broke the first question off is asked for as long as that would be.
  private func patience(_ failure: MongoFailure) -> Duration {
    let isKnown = wasReached.load(ordering: .relaxed)
    if !isKnown, failure.isOfSelection { return .zero }
    return isKnown && !options.isToStop() ? options.patience : min(options.patience, address.serverTimeout(options))
  }
}

/// Stops this thread for some time.
func sleep(for time: Duration) {
  let (seconds, attoseconds) = time.components
  var left = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  // A signal may end it early; what waits looks at the time itself.
  _ = unsafe nanosleep(&left, nil)
}

extension BSONDocument {
  /// The name of a command, and of the collection that it is about.
  fileprivate var shownName: String {
    var elements = self.elements
    guard let first = try? elements.next() else { return "an empty command" }
    return [first.key.string, first.value.string?.string].compactMap { $0 }.joined(separator: " ")
  }
}
