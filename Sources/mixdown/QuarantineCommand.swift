import ArgumentParser
import Dumps
import Foundation
import Jobs
import Library
import Logging
import Stores
import Sync

struct QuarantineCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "quarantine",
    abstract: "Show what a run has not used, by reason; feed in again what was mended.",
    discussion: """
      To mend, copy quarantine.ndjson out of the run's folder, keep the lines that can be saved, and put right what \
      stands in raw. --replay merges them as dumps of their users, as a run of its own with that run's limits and sections, and says \
      which cannot be. A dump that does not say when it was made is as old as the newest entry in it. \
      Entries of a queue and preferences are not fed in alone: they count only as a whole, at the time of their \
      export. Nor are songs of a playlist, for the line does not say of which. The exit status is 3 where none can be.

      mixdown quarantine 01M89TR7EBMW1QV46YT6B2R517 --store data/store
      mixdown quarantine 01M89TR7EBMW1QV46YT6B2R517 --store data/store --replay mended.ndjson
      """)

  @Argument(help: ArgumentHelp("The run's id, its beginning or end, or its folder.", valueName: "run"))
  var id: String

  @Option(help: "A file of quarantined lines that somebody has mended.", completion: .file(extensions: ["ndjson"]))
  var replay: String?

  @OptionGroup
  var folders: RunFolderOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    if replay == nil { try folders.requirePlace(of: id) } else { try folders.requireStore() }
  }

  func run() throws {
    let (run, archive) = try folders.run(id)
    let folder = "\(archive.state)/\(run)"
    if let replay { return try feed(replay, archive.manifest(run), in: folder, of: archive) }
    let groups: [Quarantine.Group]
    do throws(StepFailure) { groups = try Quarantine(folder + "/quarantine.ndjson").groups() } catch {
      throw failure(error.description, error.status)
    }
    for group in groups {
      say("\(group.reason): \(group.count)")
      for example in group.examples { say("  \(example.printable)") }
    }
    if groups.isEmpty { say("\(run) has quarantined nothing") }
  }

  /// So many lines that cannot be fed in are shown.
  private static let mostLeft = 20

  /// What the run was told that a merge of what it has left out is told as well.
  private static let kept = [
    "sections", "history-limit", "max-clock-skew", "tombstone-ttl", "max-dump-size", "max-depth", "users-from",
  ]

  private func feed(
    _ replay: String, _ manifest: Manifest?, in folder: String, of archive: RunArchive
  ) throws {
    let store = folders.storeName
    // A file without a name is nobody's.
    let dumps = folder + "/.ndjson"
    defer { try? FileManager.default.removeItem(atPath: dumps) }
    func told(_ name: String) -> String? { manifest?.parameters[name] ?? manifest?.parameters["sync." + name] }
    var arguments = [dumps, "--store", store]
    for name in Self.kept { if let value = told(name) { arguments += ["--" + name, value] } }
    if told("archive") == "false" { arguments.append("--no-archive") }
    let sync = try SyncCommand.parse(arguments)
    var options = try sync.syncOptions()
    let (written, left): (Int, [String])
    do throws(StepFailure) {
      (written, left) = try Quarantine(replay).writeDumps(to: dumps, users: options.users)
    } catch {
      throw failure(error.description, error.status)
    }
    if !log.quiet || !left.isEmpty { say("\(written) lines are fed in again, \(left.count) cannot be") }
    for line in left.prefix(Self.mostLeft) { say("  \(line.printable)") }
    guard written > 0 else {
      if left.isEmpty { return }
      throw ExitCode(ExitStatus.quarantined.rawValue)
    }
    // What they say of their users is what the run has found, or has asked them.
    options.users = .content
    var shown = sync.effectiveParameters(options)
    (shown["replay"], shown["users-from"]) = (replay, options.users.rawValue)
    var job = SyncStep(options: options, store: store, state: archive.state, parameters: shown)
    // It had a library for what was quarantined, or made one.
    job.makesStore = false
    let logger = log.logger()
    job.runEvents = JobEvents(tellingTo: logger)
    let report = job.run(server: folders.server.options)
    try end(report, on: store) {
      if report.manifest.outcome == .done { say(LastLine(report.manifest, seconds: report.elapsed).text) }
    }
  }
}
