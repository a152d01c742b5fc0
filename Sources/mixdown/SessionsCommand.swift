import ArgumentParser
import Foundation
import Jobs
import Library
import Stores

struct SessionsCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "sessions",
    abstract: "Import session pings, remove ended sessions, and show who is active.",
    discussion: """
      INPUT holds pings, one JSON object a line: {"user_id": "4d1f", "session_id": "s1", "last_ping_at": \
      "2026-01-01T00:00:00Z"}; the time in any form that a dump may use; files, folders or archives. Of a session the \
      newest ping counts, in the inputs and in the store. A session ends five minutes after its last ping; those that \
      have ended by --as-of are removed, on a folder as on a MongoDB, whose own monitor does it once a minute. Without \
      INPUT only that is done.

      Shown is every user with an active session: how many (active_sessions), and whether there are several \
      (multiple_sessions), by user, in the order of their bytes. What is no ping goes to the run's quarantine.ndjson \
      with the reason, and the exit status is 3.

      `mixdown sync --skip-active` leaves these users for its next run: their browser is syncing them now.

      mixdown sessions pings.ndjson --store data/store
      mixdown sessions --store mongodb://ann@db.example.org/music --format json
      """)

  @Argument(help: "Files, folders and archives with pings.", completion: .file())
  var inputs: [String] = []

  @OptionGroup var store: StoreOptions

  @Option(help: "The clock of the run: a time as in dumps, up to the year 9999. Default: now.")
  var asOf: Moment?

  @Option(help: "How far after that clock a ping may lie.")
  var maxClockSkew = TimeSpan(hours: 24)

  @Option(help: "How the active users are shown: a line each, or one JSON object.")
  var format = OutputFormat.text

  @OptionGroup var state: StateOptions

  @Flag(help: "Do everything but write.")
  var dryRun = false

  @Flag(help: "Exit with 0 although something was quarantined.")
  var allowQuarantine = false

  @OptionGroup(title: "Messages")
  var log: LogOptions

  private var sessions: Sessions {
    var sessions = Sessions(inputs: inputs, asOf: asOf?.milliseconds ?? wallClock())
    sessions.maxClockSkew = maxClockSkew.milliseconds
    sessions.dryRun = dryRun
    return sessions
  }

  /// What the manifest shows of the flags: those that decide what is done, defaults included.
  private func effectiveParameters(_ sessions: Sessions) -> [String: String] {
    var shown = [
      "inputs": inputs.joined(separator: "\n"), "as-of": Instant.text(sessions.asOf),
      "max-clock-skew": "\(maxClockSkew)", "dry-run": "\(dryRun)", "allow-quarantine": "\(allowQuarantine)",
    ]
    shown["state"] = state.folder
    shown["server-timeout"] = serverTimeout?.description
    return shown
  }

  func step() throws -> any JobStep {
    let sessions = sessions
    var step = SessionsStep(sessions, parameters: effectiveParameters(sessions))
    step.allowQuarantine = allowQuarantine
    // Among other steps the users would be many lines; who wants them asks for them.
    if format == .json {
      step.done = { [isQuiet = log.quiet] summary in
        let text = SessionsText(summary, asOf: sessions.asOf)
        if !isQuiet || text.needsLook { say(text.json) }
      }
    }
    return step
  }

  var serverTimeout: TimeSpan? { store.server.serverTimeout }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String {
    let figures = manifest.sessions ?? [:]
    let figure = { (name: String) in figures[name] ?? 0 }
    return LastLine.beginning(isDry: manifest.isDryRun(of: SessionsStep.name))
      + "\(figure("new")) sessions new, \(figure("renewed")) renewed, \(figure("removed")) ended and removed; "
      + "\(figure("active")) active of \(figure("active_users")) users"
  }

  func run() throws {
    let sessions = sessions
    var step = SessionsStep(sessions, parameters: effectiveParameters(sessions))
    step.allowQuarantine = allowQuarantine
    step.done = { [format, isQuiet = log.quiet, dryRun] summary in
      let text = SessionsText(summary, asOf: sessions.asOf)
      guard !isQuiet || text.needsLook else { return }
      guard format == .text else { return say(text.json) }
      if !isQuiet { text.users.forEach(say) }
      say(LastLine.beginning(isDry: dryRun) + text.lastLine)
    }
    let job = Job(
      name: SessionsStep.name, store: store.name, state: state.folder, asOf: sessions.asOf, steps: [step],
      server: store.server.options)
    try end(job.run(), on: store.name)
  }
}

/// What a run of `sessions` shows.
struct SessionsText {
  private let summary: SessionsSummary
  private let asOf: Int64

  init(_ summary: SessionsSummary, asOf: Int64) {
    self.summary = summary
    self.asOf = asOf
  }

  /// Whether something is not as it should be.
  var needsLook: Bool { summary.pings.quarantined + summary.left > 0 }

  /// A line for each user with an active session.
  var users: [String] {
    summary.users.map { user in
      let name = String(decoding: user.id, as: UTF8.self)
      return "\(name): active_sessions \(user.activeSessions), multiple_sessions \(user.hasMultipleSessions)"
    }
  }

  var lastLine: String {
    let pings = summary.pings
    var parts = [
      "\(pings.read) pings: \(pings.used) used, \(pings.quarantined) quarantined, \(pings.skipped) skipped",
      "\(summary.new) sessions new, \(summary.renewed) renewed, \(summary.removed) ended and removed",
      "\(summary.activeSessions) active of \(summary.users.count) users",
    ]
    if summary.unreadable > 0 { parts.append("\(summary.unreadable) without a time were left") }
    if summary.left > 0 { parts.append("\(summary.left) that others write all the time were left") }
    return parts.joined(separator: "; ")
  }

  private struct Shown: Encodable {
    struct Pings: Encodable { let read, used, superseded, expired, quarantined, skipped: Int }
    struct Sessions: Encodable { let new, renewed, removed, unreadable, left, active: Int }
    struct User: Encodable {
      let userId: String
      let activeSessions: Int
      let multipleSessions: Bool
    }
    let asOf: String
    let pings: Pings
    let sessions: Sessions
    let users: [User]
  }

  /// One object, keys in order, users by the bytes of their ids.
  var json: String {
    let pings = summary.pings
    let shown = Shown(
      asOf: Instant.text(asOf),
      pings: .init(
        read: pings.read, used: pings.used, superseded: pings.superseded, expired: pings.expired,
        quarantined: pings.quarantined, skipped: pings.skipped),
      sessions: .init(
        new: summary.new, renewed: summary.renewed, removed: summary.removed, unreadable: summary.unreadable,
        left: summary.left, active: summary.activeSessions),
      users: summary.users.map { user in
        .init(
          userId: String(decoding: user.id, as: UTF8.self), activeSessions: user.activeSessions,
          multipleSessions: user.hasMultipleSessions)
      })
    let encoder = JSONEncoder.steady(isIndented: true)
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return (try? encoder.encode(shown)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
