internal import Digests
internal import Dumps
public import Stores
internal import Sync

/// ``Sessions`` as a step of a job.
public struct SessionsStep: JobStep {
  public static let name = "sessions"

  public var sessions: Sessions
  /// What the manifest shows of the flags.
  public let parameters: [String: String]
  /// Whether a run that quarantined something ends as if it had not.
  public var allowQuarantine = false
  /// What was done, for whoever shows it.
  public var done: @Sendable (SessionsSummary) -> Void = { _ in }

  public init(_ sessions: Sessions, parameters: [String: String]) {
    self.sessions = sessions
    self.parameters = parameters
  }

  public var writes: Bool { !sessions.dryRun }
  /// Pings may be the first that a store is given.
  public var makesStore: Bool { !sessions.inputs.isEmpty }

  public var collections: [CollectionSchema] { [.sessionPings] }

  public func check() throws(StepFailure) {
    do throws(InputError) { try InputReader.check(sessions.inputs) } catch { throw StepFailure(.input(error)) }
  }

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    let summary: SessionsSummary
    let quarantine: QuarantineFile
    let store: any Store
    var sessions = sessions
    sessions.cancellation = run.cancellation
    if let clock = run.keptClock(of: Self.name) { sessions.asOf = clock }
    do throws(StoreError) {
      store = try run.store()
      quarantine = try run.quarantine()
      sessions.forgotten = try ForgottenUsers(store).test
      if writes { sessions.journal = try run.journal() }
    } catch {
      throw StepFailure(error)
    }
    do throws(SyncError) {
      summary = try sessions.run(on: store, quarantine: quarantine)
    } catch {
      throw StepFailure(error)
    }
    run.manifest.take(summary)
    if summary.isInterrupted {
      let done = writes && summary.new + summary.renewed + summary.removed > 0
      throw .interrupt(
        "\(run.cancellation.why ?? "asked to stop"): \(done ? "what is decided" : "nothing") was written; "
          + "run again for the rest")
    }
    done(summary)
    let needsALook = summary.pings.quarantined > 0 || summary.left > 0
    return needsALook && !allowQuarantine ? .quarantined : .done
  }
}

extension Manifest {
  /// Takes over the figures: a ping counts as a dump, a session as an entry of nobody's library.
  mutating func take(_ summary: SessionsSummary) {
    inputs += summary.inputs.map { digest in
      Input(
        path: digest.path, bytes: digest.bytes, sha256: digest.sha256.map(hexadecimal), finished: digest.finished)
    }
    let pings = summary.pings
    counts.dumps.count(\.used, pings.used)
    counts.dumps.count(\.quarantined, pings.quarantined)
    counts.dumps.count(\.skipped, pings.skipped)
    sessions = [
      "new": summary.new, "renewed": summary.renewed, "removed": summary.removed, "left": summary.left,
      "unreadable": summary.unreadable, "active": summary.activeSessions, "active_users": summary.users.count,
      "multiple_sessions": summary.users.reduce(0) { $0 + ($1.hasMultipleSessions ? 1 : 0) },
    ]
  }
}
