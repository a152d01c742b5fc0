import ArgumentParser
import Jobs
import Learning
import Library
import Logging
import Pages
import Sync

struct LearnCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "learn",
    abstract: "Compute statistics and affinities of the users of a store.",
    discussion: """
      Reads libraries, the play archive and accounts, and writes songs, user_stats, user_scores, service_stats and \
      population; plays that the archive lacks go into it. A run counts what changed since the last one; everything \
      with --full or when --full-every says so, after a change of parameters, and when it is the first. Its clock is \
      --as-of.

      mixdown learn --store data/store
      mixdown learn --store data/store --full --as-of 2026-01-01T00:00:00Z --timezone Asia/Kolkata
      mixdown learn --store data/store --half-life-days 14 --unknown-weight 0
      """)

  @OptionGroup var store: StoreOptions

  @Flag(help: "Count everything, not what changed alone.")
  var full = false

  @Option(help: "Count everything when the last run that did is so many days ago: 7 for every week. Default: never.")
  var fullEvery: Int?

  @OptionGroup(title: "Figures")
  var figures: LearningOptions

  @Flag(help: "Also put the scores into the application's users.")
  var mirrorUsers = false

  @Option(help: "How many months of plays before the present one the archive keeps. Default: all.")
  var archiveMonths: Int?

  @Flag(help: "Replace documents that were computed for a later time.")
  var force = false

  @OptionGroup var workers: WorkerOptions

  @Option(help: "What may be held in memory for work in flight.")
  var memory = ByteCount(1 << 30)

  @OptionGroup var state: StateOptions

  @Flag(help: "Do everything but write.")
  var dryRun = false

  @OptionGroup(title: "What the run leaves")
  var record: RecordOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    guard memory.bytes >= 16 << 20 else { throw ValidationError("--memory is at least 16MiB.") }
    guard (fullEvery ?? 1) >= 1 else { throw ValidationError("--full-every is a number of days, 1 or more.") }
    guard (archiveMonths ?? 0) >= 0 else { throw ValidationError("--archive-months cannot be negative.") }
  }

  func run() throws {
    let report = learnStep().run(server: store.server.options)
    try end(report, on: store.name) {
      if report.manifest.outcome == .done { say(Self.lastLine(report.manifest, seconds: report.elapsed)) }
    }
  }

  func step() throws -> any JobStep { learnStep() }

  var serverTimeout: TimeSpan? { store.server.serverTimeout }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String {
    guard let learning = manifest.learning else { return "nothing was learned" }
    let users = learning.users
    let isDry = manifest.isDryRun(of: LearnStep.name)
    let written = learning.written.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let removed = learning.removed.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    let zones = learning.usersOfUnknownZones ?? 0
    var parts = [
      "\(users.seen) users: \(users.changed) changed, \(users.unchanged) unchanged, \(users.created) new"
        + (users.left > 0 ? ", \(users.left) left" : ""),
      "\(learning.computed) computed" + (learning.full ? " (all)" : "") + " from \(learning.plays) plays",
      written.isEmpty
        ? "nothing \(isDry ? "to write" : "written")"
        : (isDry ? "would write: " : "written: ") + written.joined(separator: ", "),
    ]
    if !removed.isEmpty { parts.append((isDry ? "would remove: " : "removed: ") + removed.joined(separator: ", ")) }
    if zones > 0 { parts.append("\(zones) users of unknown zones") }
    if learning.withoutAccount > 0 { parts.append("\(learning.withoutAccount) without an account") }
    parts.append("\(Quantity.plain(seconds, 2)) s")
    return LastLine.beginning(isDry: isDry) + parts.joined(separator: "; ")
  }

  private func learnStep() -> LearnStep {
    var options = LearnOptions(parameters: figures.parameters)
    options.isFull = full
    options.fullEvery = fullEvery
    options.force = force
    options.mirrorsUsers = mirrorUsers
    options.archiveMonths = archiveMonths
    options.workers = workers.count
    options.memory = memory.bytes
    options.dryRun = dryRun
    var job = LearnStep(options: options, store: store.name, state: state.folder, parameters: shown(options))
    job.records = record.records
    let logger = log.logger()
    job.events.left = { report in
      logger.warning(
        "left as it is",
        metadata: ["subject": "\(report.subject)", "reason": "\(report.reason)", "detail": "\(report.detail)"])
    }
    job.events.phase = { logger.info("phase \($0)") }
    job.events.countsAll = { logger.notice("everything is counted, for \($0)") }
    return job
  }

  /// What the manifest shows of the flags: those that decide what is done, defaults included.
  private func shown(_ options: LearnOptions) -> [String: String] {
    var shown = figures.shown
    shown["as-of"] = Instant.text(options.parameters.asOf)
    shown["full"] = "\(full)"
    shown["full-every"] = fullEvery.map(String.init)
    shown["mirror-users"] = "\(mirrorUsers)"
    shown["force"] = "\(force)"
    shown["workers"] = "\(options.workers)"
    shown["memory"] = "\(memory)"
    shown["dry-run"] = "\(dryRun)"
    shown["archive-months"] = archiveMonths.map(String.init)
    shown["state"] = state.folder
    shown["server-timeout"] = serverTimeout?.description
    shown.merge(record.shown) { $1 }
    return shown
  }
}
