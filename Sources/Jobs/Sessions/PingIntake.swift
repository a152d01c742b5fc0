internal import BSON
internal import Dumps
internal import Library
internal import Stores
internal import Sync

/// Reads pings: the newest of each session counts, and what is none goes to the quarantine.
///
/// A ping whose session has ended by the run's clock changes nothing: a stored one that is newer stays, and one that is
/// older has ended as well. So memory holds no more than the sessions that are active now.
struct PingIntake: ~Copyable {
  private(set) var newest: [SessionID: Int64] = [:]
  private(set) var counts = SessionsSummary.Pings()

  private let clock: SessionClock
  private let maxClockSkew: Int64
  private let limits = Limits()
  private let forgotten: (@Sendable ([UInt8]) -> Bool)?
  private let cancellation: Cancellation
  private let quarantine: QuarantineFile
  private let arena = Arena()
  private var reader = JSONReader()

  init(_ sessions: Sessions, _ clock: SessionClock, quarantine: QuarantineFile) {
    self.clock = clock
    maxClockSkew = sessions.maxClockSkew
    forgotten = sessions.forgotten
    cancellation = sessions.cancellation
    self.quarantine = quarantine
  }

  /// Reads one input.
  mutating func read(_ input: String) throws(SyncError) -> InputDigest {
    var failure: StoreError?
    var lines = quarantine.lines()
    var written = counts.quarantined
    let digest: InputDigest
    do throws(InputError) {
      digest = try InputReader(limits: limits).read(input) { event in
        take(event, &lines)
        if counts.quarantined - written >= 500 {
          written = counts.quarantined
          failure = flush(&lines)
        }
        return failure == nil && !cancellation.isRequested
      }
    } catch {
      throw .input(error)
    }
    if let failure = failure ?? flush(&lines) { throw .store(failure) }
    return digest
  }

  private func flush(_ lines: inout QuarantineLines) -> StoreError? {
    defer { lines = quarantine.lines() }
    do throws(StoreError) {
      try quarantine.append(lines)
      return nil
    } catch {
      return error
    }
  }

  private mutating func take(_ event: InputEvent, _ lines: inout QuarantineLines) {
    switch event {
    case .skipped: counts.skipped += 1
    case .refused(let source, let fault):
      counts.quarantined += 1
      lines.add(fault, from: source)
    case .dump(let text):
      do throws(DumpFault) {
        let (id, time) = try ping(text)
        counts.used += 1
        if !clock.isActive(time) {
          counts.expired += 1
        } else if let known = newest[id], known >= time {
          counts.superseded += 1
        } else if newest.updateValue(time, forKey: id) != nil {
          counts.superseded += 1
        }
      } catch {
        counts.quarantined += 1
        lines.add(error, of: nil, from: text.source, size: text.count)
      }
      arena.reset()
    }
  }

  // MARK: One ping

  private mutating func ping(_ dump: RawDump) throws(DumpFault) -> (SessionID, Int64) {
    let ping = try document(dump)
    let user: ByteView?
    let session: ByteView?
    let time: Int64?
    do throws(BSONFault) {
      user = try ping.value("user_id")?.string
      session = try ping.value("session_id")?.string
      time = try ping.value("last_ping_at").flatMap { value throws(BSONFault) in try Instant.milliseconds(value) }
    } catch {
      throw DumpFault(reason: .invalidJSON, detail: "\(error)")
    }
    guard let user, UserID.lengths.contains(user.count) else {
      throw DumpFault(reason: .noUser, detail: "user_id is no string of 1 to 256 bytes", raw: ping)
    }
    if let forgotten, forgotten(user.copy()) {
      // Nothing of it is kept.
      throw DumpFault(reason: .forgotten, detail: "the user has asked to be forgotten")
    }
    guard let session, UserID.lengths.contains(session.count) else {
      throw DumpFault(reason: .noIdentity, detail: "session_id is no string of 1 to 256 bytes", raw: ping)
    }
    guard let time else { throw DumpFault(reason: .noTime, detail: "last_ping_at is no time", raw: ping) }
    // A wrong clock would keep its session for ever.
    guard time - clock.asOf <= maxClockSkew else {
      throw DumpFault(
        reason: .futureTime, detail: "last_ping_at is \(Instant.text(time)), after the run's clock", raw: ping)
    }
    return (SessionID(user: user.copy(), session: session.copy()), time)
  }

  private mutating func document(_ dump: RawDump) throws(DumpFault) -> BSONDocument {
    let text = dump.text.withView { arena.copy($0) }
    let kind: JSONValue.Kind
    do throws(JSONFault) {
      kind = try reader.read(text, maxDepth: limits.maxDepth).kind
    } catch {
      switch error {
      case .invalid(let offset): throw DumpFault(reason: .invalidJSON, detail: "it does not parse", offset: offset)
      case .tooDeep(let offset): throw DumpFault(reason: .tooDeep, detail: "too deep", offset: offset)
      case .tooLarge: throw DumpFault(reason: .tooLarge, detail: "it does not fit into memory")
      }
    }
    guard kind == .object else { throw DumpFault(reason: .invalidJSON, detail: "no object") }
    return BSONDocument(unchecked: reader.copyBSON(to: arena))
  }
}
