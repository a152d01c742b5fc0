import ArgumentParser
import Dumps
import Foundation
import Jobs
import Library
import Logging
import Stores
import Sync

struct SyncCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "sync",
    abstract: "Merge dumps into the libraries of a store.",
    discussion: """
      INPUT is a JSON or NDJSON file, a folder, or any archive or compressed file. Dumps of one user may lie in any \
      inputs in any order. The store is a folder in mongodump's layout, which is made when it is not there, replaced in \
      one step, and left as it was when anything fails; or a MongoDB server, on which the live service may go on.

      A run leaves its manifest, quarantine, journal and report in a folder of its own under --state, and ends with \
      one line. What --write-back names is replaced when the run has merged everybody; it lies neither in the store nor \
      among the inputs. Users are not merged again of whom an earlier run has found that the same dumps change nothing.

      mixdown sync exports.tar.zst --store data/store
      mixdown sync exports/ guests.zip --store data/store --user-map guests.csv --write-back merged.tar.zst
      mixdown sync late.ndjson --store data/store --dry-run --diff
      mixdown sync exports/ --store mongodb://localhost/music --skip-active
      """)

  @Argument(help: "Files, folders and archives with dumps.", completion: .file())
  var inputs: [String] = []

  @OptionGroup var store: StoreOptions

  @Option(help: "merge joins all replicas; replace puts the newest dump's sections in the place of the store's.")
  var mode = MergeParameters.Mode.merge

  @Option(
    help: ArgumentHelp(
      """
      Decide these sections alone: favorites, history, queue, playlists, preferences, recent_searches. Default: all.
      """,
      valueName: "a,b,…"))
  var sections: String?

  @OptionGroup(title: "Reading")
  var input: InputOptions

  @Flag(help: "Quarantine dumps of users who have no library in the store.")
  var noCreate = false

  @Flag(help: "Leave users with an active session (see sessions) for the next run.")
  var skipActive = false

  @Option(
    help: "CSV without a header, from,to a line: the dumps and the library of a guest go to an account.",
    completion: .file(extensions: ["csv"]))
  var userMap: String?

  @Option(help: "The most plays that a library keeps.")
  var historyLimit = 500

  @Option(help: "How long a removal counts.")
  var tombstoneTtl = TimeSpan(days: 180)

  @Flag(
    inversion: .prefixedNo, help: "Keep every play that the run sees in the play archive, beyond the history limit.")
  var archive = true

  @Flag(help: "Let --mode replace empty a section that is not empty.")
  var allowEmpty = false

  @OptionGroup var workers: WorkerOptions

  @Option(help: "What may be held in memory for work in flight.")
  var memory = ByteCount(1 << 30)

  @OptionGroup var state: StateOptions

  @Option(
    help: ArgumentHelp(
      """
      Write the merged library of every user of this run for the browser: a folder, or an archive whose name ends with \
      .tar, .tar.gz or .tgz, .tar.zst or .tzst, .tar.xz or .txz, .tar.bz2 or .tbz2, .zip, .7z.
      """,
      valueName: "dir|file"),
    completion: .file())
  var writeBack: String?

  @Option(
    help: ArgumentHelp(
      "When to stop: a time of the day in UTC, or a span of time. The next run begins with the users who were left.",
      valueName: "06:00|90m"))
  var deadline: Deadline?

  @Flag(help: "Keep what is read until the run has ended, so that --resume need not read it again.")
  var resumable = false

  @Flag(help: "Go on with the last run of the same flags if it did not end; implies --resumable.")
  var resume = false

  @OptionGroup(title: "What the run leaves")
  var record: RecordOptions

  @Flag(help: "Do everything but write.")
  var dryRun = false

  @Flag(help: "Show what changes, user by user.")
  var diff = false

  @Flag(help: "Exit with 0 although something was quarantined.")
  var allowQuarantine = false

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    guard !inputs.isEmpty else { throw ValidationError("Name at least one INPUT.") }
    guard historyLimit >= 0 else { throw ValidationError("--history-limit cannot be negative.") }
    guard memory.bytes >= 16 << 20 else { throw ValidationError("--memory is at least 16MiB.") }
    _ = try decidedSections()
    guard let writeBack else { return }
    do throws(StepFailure) {
      try WriteBackPlace(writeBack).check(inputs: inputs, store: store.name)
    } catch {
      throw ValidationError(error.description)
    }
  }

  /// The sections that the run decides.
  private func decidedSections() throws -> SectionSet {
    guard let sections else { return .all }
    var decided: SectionSet = []
    for name in sections.split(separator: ",") {
      let name = name.trimmingCharacters(in: .whitespaces).replacingOccurrences(of: "-", with: "_")
      guard let section = Section(rawValue: name), section != .removed else {
        throw ValidationError(
          "\(name) is no section; they are favorites, history, queue, playlists, preferences, recent_searches.")
      }
      decided.insert(section)
    }
    guard !decided.isEmpty else { throw ValidationError("--sections names none.") }
    return decided
  }

  func run() throws {
    let report = try syncStep().run(server: store.server.options)
    try end(report, on: store.name) {
      if report.manifest.outcome == .done { say(Self.lastLine(report.manifest, seconds: report.elapsed)) }
    }
  }

  static let filesRead = ["user-map"]

  func step() throws -> any JobStep { try syncStep() }

  var serverTimeout: TimeSpan? { store.server.serverTimeout }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String { LastLine(manifest, seconds: seconds).text }

  private func syncStep() throws -> SyncStep {
    let logger = log.logger()
    let options = try syncOptions()
    var job = SyncStep(
      options: options, store: store.name, state: state.folder, parameters: effectiveParameters(options))
    job.records = record.records
    job.resume = resume
    job.isResumable = resumable
    job.allowQuarantine = allowQuarantine
    job.deadline = deadline?.moment(start: wallClock())
    job.runEvents = JobEvents(tellingTo: logger)
    job.skipsActive = skipActive
    job.events.left = { report in
      // Whose browser is syncing is left on most nights, as it was asked for.
      logger.log(
        level: report.reason == .active ? .notice : .warning, "user left as they are",
        metadata: [
          "user": "\(report.user)", "reason": "\(report.reason)", "detail": "\(report.detail)",
        ])
    }
    job.events.begunAnew = { user in
      logger.notice(
        "all inputs are read again: which of two dumps is the newer hangs on login tokens, which are not kept",
        metadata: ["user": "\(user)"])
    }
    let display = log.quiet ? nil : ProgressDisplay(logger, inputs: inputs, limits: input.limits)
    job.events.phase = { phase in
      logger.info("phase \(phase)")
      display?.begin(phase)
    }
    job.events.progress = { display?.take($0) }
    job.ended = { display?.end() }
    if diff { job.events.difference = { say($0.printable) } }
    return job
  }

  func syncOptions() throws -> SyncOptions {
    var parameters = MergeParameters(asOf: input.asOf?.milliseconds ?? wallClock())
    parameters.mode = mode
    parameters.sections = try decidedSections()
    parameters.historyLimit = historyLimit
    parameters.maxClockSkew = input.maxClockSkew.milliseconds
    parameters.tombstoneTTL = tombstoneTtl.milliseconds
    parameters.allowEmpty = allowEmpty
    parameters.archivesPlays = archive
    var options = SyncOptions(inputs: inputs, parameters: parameters)
    options.limits = input.limits
    options.users = input.usersFrom
    options.noCreate = noCreate
    if let userMap { options.userMap = try readUserMap(userMap) }
    options.workers = workers.count
    options.memory = memory.bytes
    options.writeBack = writeBack
    options.dryRun = dryRun
    options.diff = diff
    return options
  }

  private func readUserMap(_ path: String) throws -> UserMap {
    guard let csv = FileManager.default.contents(atPath: path) else {
      throw failure("\(path): the user map cannot be read", .inputOutput)
    }
    do throws(UserMapError) {
      return try UserMap(csv: [UInt8](csv))
    } catch {
      throw failure("\(path): \(error)", .refused)
    }
  }

  /// What the manifest shows of the flags: those that decide what is done, defaults included.
  func effectiveParameters(_ options: SyncOptions) -> [String: String] {
    var shown = [
      "inputs": inputs.joined(separator: "\n"), "mode": mode.rawValue, "users-from": input.usersFrom.rawValue,
      "sections": options.parameters.sections.filter { $0 != .removed }.map(\.rawValue).sorted().joined(separator: ","),
      "no-create": "\(noCreate)", "skip-active": "\(skipActive)", "as-of": Instant.text(options.parameters.asOf),
      "history-limit": "\(historyLimit)", "max-clock-skew": "\(input.maxClockSkew)",
      "tombstone-ttl": "\(tombstoneTtl)", "max-dump-size": "\(input.maxDumpSize)", "max-depth": "\(input.maxDepth)",
      "max-entries": "\(input.maxEntries)", "max-expansion": "\(input.maxExpansion)",
      "workers": "\(options.workers)", "memory": "\(memory)", "dry-run": "\(dryRun)", "diff": "\(diff)",
      "archive": "\(archive)", "allow-empty": "\(allowEmpty)", "allow-quarantine": "\(allowQuarantine)",
    ]
    shown["user-map"] = userMap
    // Of two maps of one name a run that is gone on with must not take one for the other.
    shown["user-map-digest"] = userMap.map { _ in options.userMap.digest }
    // Whole, for whoever looks for it later does so from elsewhere: `forget`.
    shown["write-back"] = writeBack.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
    shown["state"] = state.folder
    shown["server-timeout"] = serverTimeout?.description
    shown.merge(record.shown) { $1 }
    return shown
  }
}
