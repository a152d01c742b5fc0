internal import BSON
public import Dumps
internal import Library
public import Stores
public import Sync

/// Imports session pings, removes sessions that have ended, and says who is active (docs/stores.md, *Sessions*).
public struct Sessions: Sendable {
  /// NDJSON of `user_id`, `session_id`, `last_ping_at`; none to remove and report alone.
  public var inputs: [String]
  /// The run's clock, in ms since 1970.
  public var asOf: Int64
  /// How far after that clock a ping may lie, in ms.
  public var maxClockSkew: Int64 = 24 * 3_600_000
  /// Whether the store stays as it is.
  public var dryRun = false
  /// Whether a user, in UTF-8, has asked to be forgotten: their pings are refused.
  public var forgotten: (@Sendable ([UInt8]) -> Bool)?
  /// Keeps what is replaced.
  public var journal: (any ChangeJournal)?
  /// Asks the run to stop between two batches.
  public var cancellation = Cancellation()

  public init(inputs: [String], asOf: Int64) {
    self.inputs = inputs
    self.asOf = asOf
  }

  /// - Parameters:
  ///   - store: a directory must be locked, unless this is a dry run.
  ///   - quarantine: takes what is no ping.
  public func run(on store: any Store, quarantine: QuarantineFile) throws(SyncError) -> SessionsSummary {
    let clock = SessionClock(asOf: asOf)
    var intake = PingIntake(self, clock, quarantine: quarantine)
    var digests: [InputDigest] = []
    for input in inputs where !cancellation.isRequested { digests.append(try intake.read(input)) }
    var summary = SessionsSummary()
    do throws(StoreError) {
      // Of no session is the newest ping known before all is read.
      summary.isInterrupted = cancellation.isRequested
      if !summary.isInterrupted {
        var update = try SessionUpdate(store.open(.sessionPings), clock, pings: intake.newest, self)
        try update.run()
        summary = update.summary
      }
    } catch {
      throw .store(error)
    }
    summary.pings = intake.counts
    summary.inputs = digests
    return summary
  }

  /// The users with an active session: their browser is syncing them now.
  ///
  /// - Parameter asOf: in ms since 1970.
  public static func activeUsers(in store: any Store, asOf: Int64) throws(StoreError) -> Set<[UInt8]> {
    let collection = try store.open(.sessionPings)
    let clock = SessionClock(asOf: asOf)
    var users: Set<[UInt8]> = []
    try collection.cursor(updatedSince: nil).forEachDocument { document throws(StoreError) in
      guard let session = try collection.session(document) else { return }
      if let lastPing = session.lastPing, clock.isActive(lastPing) { users.insert(session.id.user) }
    }
    return users
  }
}

/// What a run of ``Sessions`` did.
public struct SessionsSummary: Sendable {
  public struct Pings: Sendable {
    /// Lines that are pings.
    public var used = 0
    /// Of these, those that are not the newest of their session in the inputs.
    public var superseded = 0
    /// Of these, those whose session has ended.
    public var expired = 0
    public var quarantined = 0
    /// Files that are no input.
    public var skipped = 0

    public var read: Int { used + quarantined + skipped }
  }

  /// A user with at least one active session.
  public struct User: Sendable, Equatable {
    /// In UTF-8.
    public let id: [UInt8]
    public let activeSessions: Int

    public var hasMultipleSessions: Bool { activeSessions > 1 }
  }

  public var pings = Pings()
  public var inputs: [InputDigest] = []
  /// Sessions that were not stored.
  public var new = 0
  /// Stored ones with a newer ping.
  public var renewed = 0
  /// Stored ones that had ended.
  public var removed = 0
  /// Stored ones that do not say when they were last heard of, and are left.
  public var unreadable = 0
  /// Sessions that somebody else wrote each time.
  public var left = 0
  /// By id, as bytes.
  public var users: [User] = []
  /// Whether the run was asked to stop before it had looked at all: the figures are of what it came to.
  public var isInterrupted = false

  public var activeSessions: Int { users.reduce(0) { $0 + $1.activeSessions } }
}

extension StoredCollection {
  /// The session of a document.
  func session(_ document: BSONDocument) throws(StoreError) -> StoredSession? {
    do throws(BSONFault) {
      return try StoredSession(document)
    } catch {
      throw refusal(of: document.text("user_id") ?? .empty, error)
    }
  }
}
