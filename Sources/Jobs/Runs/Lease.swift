internal import BSON
internal import Dispatch
internal import Glibc
internal import Library
internal import Stores
internal import Synchronization

/// The right to write collections of a server's store for some time: one document in `job_runs` for each collection.
///
/// Leases are compared with the server's clock, so that clocks of machines need not agree. A lease is renewed while its
/// holder lives; one that is past its end may be taken over by anybody. A holder that was too slow notices before its
/// next batch, for it counts the time since it last renewed, and finds its document rewritten when it renews. What it
/// has in flight then does no harm: every write names the version that it replaces.
final class Lease: Sendable {
  /// What is at most lost when a holder's machine dies, in seconds.
  static let standardSeconds = 60.0

  /// How long a lease is at least and at most, in seconds; what is beyond is cut.
  private static let bounds = 0.5...86_400

  /// How long a lease is: `MIXDOWN_LEASE` in seconds, or the standard.
  static func secondsAsked() throws(StoreError) -> Double {
    guard let text = unsafe getenv("MIXDOWN_LEASE").map({ unsafe String(cString: $0) }), !text.isEmpty else {
      return standardSeconds
    }
    guard let seconds = Double(text), seconds.isFinite, seconds > 0 else {
      throw .badSetting(name: "MIXDOWN_LEASE", value: text, why: "it is how many seconds a lease is long, such as 60")
    }
    return min(max(seconds, bounds.lowerBound), bounds.upperBound)
  }

  private enum Standing: Sendable {
    case held(until: ContinuousClock.Instant)
    /// How it came that the run must not write any more.
    case lost(String)
  }

  private let store: any Store
  private let run: String
  private let job: String
  private let names: [String]
  private let seconds: Double
  /// Tells this attempt of the run from any other, which has the same id.
  private let token = Int64.random(in: .min ... .max)
  private let lost: @Sendable () -> Void
  private let standing: Mutex<Standing>
  private let queue = DispatchQueue(label: "mixdown.lease")
  private let timer: RenewalTimer

  /// Takes the leases of these collections at once or not at all.
  ///
  /// One that another attempt of the same run holds is taken over before its end where that attempt's process is known
  /// to have died.
  ///
  /// - Parameter lost: is told, perhaps several times, that the run must not write any more.
  /// - Throws: ``StoreError/locked(path:holder:)`` naming the holder.
  init(
    _ collections: [CollectionSchema], of store: any Store, run: String, job: String, seconds: Double,
    lost: @escaping @Sendable () -> Void = {}
  ) throws(StoreError) {
    (self.store, self.run, self.job, self.seconds, self.lost) = (store, run, job, seconds, lost)
    // In one order, so that two runs never wait for each other's halves; neither waits at all.
    names = Set(collections.map { "lock:\($0.name)" }).sorted()
    standing = Mutex(.held(until: .now + .seconds(seconds)))
    timer = RenewalTimer(queue)
    var taken: [String] = []
    do throws(StoreError) {
      for name in names {
        try take(name)
        taken.append(name)
      }
    } catch {
      giveBack(taken)
      throw error
    }
    timer.begin(every: seconds / 3) { [weak self] in self?.renew() }
  }

  /// Throws ``StoreError/leaseLost(address:why:)`` unless the run may still write.
  func check() throws(StoreError) {
    if let loss { throw loss }
  }

  /// Why the run must not write any more; nil while it may.
  var loss: StoreError? {
    let why = standing.withLock { standing -> String? in
      switch standing {
      case .held(let end):
        if .now < end { return nil }
        let why = "it ended before it could be renewed"
        standing = .lost(why)
        return why
      case .lost(let why): return why
      }
    }
    guard let why else { return nil }
    lost()
    return .leaseLost(address: store.name, why: why)
  }

  /// Gives the leases back. Call at the run's end.
  func end() {
    timer.end()
    queue.sync {
      guard standing.withLock({ if case .held = $0 { true } else { false } }) else { return }
      giveBack(names)
    }
  }

  private func renew() {
    guard standing.withLock({ if case .held = $0 { true } else { false } }) else { return }
    let start = ContinuousClock.now
    do throws(StoreError) {
      for name in names {
        try take(name, isRenewal: true)
      }
      standing.withLock { if case .held = $0 { $0 = .held(until: start + .seconds(seconds)) } }
    } catch .leaseLost(_, let why) {
      standing.withLock { $0 = .lost(why) }
      lost()
    } catch {
      // A server that cannot be reached now may be again before the lease ends; until then the run may write.
      _ = loss
    }
  }

  // MARK: Documents

  /// Whether a document of `job_runs` is a lease, and no run.
  static func isLease(_ document: BSONDocument) -> Bool {
    document.text("run_id")?.string.hasPrefix("lock:") == true
  }

  /// The run that has a lease; nil for another document, and for a lease that has ended.
  ///
  /// - Parameter now: by the server's clock, in milliseconds since 1970.
  static func owner(of document: BSONDocument, at now: Int64) -> String? {
    guard let name = document.text("run_id")?.string, name.hasPrefix("lock:"), let owner = document.text("owner"),
      let expires = ((try? document.value("expires")) ?? nil)?.date, expires > now
    else { return nil }
    return owner.string
  }

  /// Takes or renews one lease.
  ///
  /// - Throws: ``StoreError/locked(path:holder:)``; of a renewal ``StoreError/leaseLost(address:why:)``.
  private func take(_ name: String, isRenewal: Bool = false) throws(StoreError) {
    let runs = try store.open(.jobRuns)
    let arena = Arena()
    let key = arena.copy(Array(name.utf8))
    for _ in 1...Conflicts.mostTries {
      let stored = try runs.documents(of: [key], in: arena).first?.first
      let now = try store.now()
      let holder = try stored.map { document throws(StoreError) in try Holder(document, in: store) }
      let isOwn = holder?.token == token
      if isRenewal, !isOwn {
        let why = holder.map { "\($0) has taken it" } ?? "somebody has removed it from job_runs"
        throw .leaseLost(address: store.name, why: why)
      }
      if let holder, !isOwn, holder.expires > now, holder.run != run || !holder.hasDied {
        throw .locked(path: store.name, holder: holder.description)
      }
      var writer = BSONWriter()
      let start = writer.open()
      writer.append("_id", string: name)
      writer.append("run_id", string: name)
      writer.append("owner", string: run)
      writer.append("token", integer: token)
      writer.append("job", string: job)
      writer.append("host", string: hostName())
      writer.append("process", integer: Int64(getpid()))
      writer.append("since", date: isOwn ? holder?.since ?? now : now)
      writer.append("expires", date: now + Int64(seconds * 1000))
      writer.append("updated_at", date: Instant.next(after: holder?.updated, atLeast: now))
      writer.close(start)
      if try Self.write(stored, BSONDocument(unchecked: writer.view), key, runs) { return }
    }
    if isRenewal { throw .leaseLost(address: store.name, why: "somebody else writes it again and again") }
    throw .locked(path: store.name, holder: "runs that begin at the same moment")
  }

  private func giveBack(_ names: [String]) {
    // A server that could not be reached for the first is not waited for once more.
    guard !names.isEmpty else { return }
    // A lease that is not given back ends by itself, and where one cannot be, the next need not be tried.
    do throws(StoreError) {
      let runs = try store.open(.jobRuns)
      for name in names {
        let arena = Arena()
        let key = arena.copy(Array(name.utf8))
        guard let stored = try runs.documents(of: [key], in: arena).first?.first,
          try Holder(stored, in: store).token == token
        else { continue }
        _ = try Self.write(stored, nil, key, runs)
      }
    } catch {
      return
    }
  }

  /// - Returns: false when somebody else was faster.
  private static func write(
    _ stored: BSONDocument?, _ document: BSONDocument?, _ key: ByteView, _ runs: any StoredCollection
  ) throws(StoreError) -> Bool {
    let writer = try runs.beginWriting(.any)
    let conflicts = try writer.write([DocumentChange(key: key, stored: stored, document: document)])
    try writer.commit()
    return conflicts.isEmpty
  }

  /// Who has a lease.
  private struct Holder: CustomStringConvertible {
    let run: String
    /// Nil in a lease of an older version.
    let token: Int64?
    let job: String
    let host: String
    let process: Int32
    let since: Int64
    let expires: Int64
    let updated: Int64

    init(_ document: BSONDocument, in store: any Store) throws(StoreError) {
      do throws(BSONFault) {
        run = try document.value("owner")?.string?.string ?? ""
        token = try document.value("token")?.integer
        job = try document.value("job")?.string?.string ?? ""
        host = try document.value("host")?.string?.string ?? ""
        process = Int32(clamping: try document.value("process")?.integer ?? 0)
        since = try document.value("since")?.date ?? 0
        expires = try document.value("expires")?.date ?? 0
        updated = try document.value("updated_at")?.date ?? 0
      } catch {
        throw .refused(path: store.name + ".job_runs", offset: Int64(error.offset), why: error.what)
      }
    }

    var hasDied: Bool { !mayLive(process, on: host) }

    var description: String { "run \(run) (\(job), host \(host), process \(process), since \(Instant.text(since)))" }
  }
}

/// Calls again and again, on one queue.
///
/// Safe to share: a timer of Dispatch may be scheduled and cancelled from any thread.
private final class RenewalTimer: @unchecked Sendable {
  private let source: any DispatchSourceTimer

  init(_ queue: DispatchQueue) {
    source = DispatchSource.makeTimerSource(queue: queue)
    source.activate()
  }

  func begin(every seconds: Double, _ body: @escaping @Sendable () -> Void) {
    source.setEventHandler(handler: body)
    source.schedule(deadline: .now() + seconds, repeating: seconds)
  }

  func end() { source.cancel() }

  deinit { source.cancel() }
}
