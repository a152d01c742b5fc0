import ArgumentParser
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
      stands in raw. --replay merges them as dumps of their users, as a run of its own, and says which cannot be. \
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
    if let replay { return try feed(Quarantine(replay), in: folder, of: archive) }
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

  private func feed(_ quarantine: Quarantine, in folder: String, of archive: RunArchive) throws {
    let store = folders.storeName
    let dumps = folder + "/replay.ndjson"
    defer { try? FileManager.default.removeItem(atPath: dumps) }
    let (written, left): (Int, [String])
    do throws(StepFailure) { (written, left) = try quarantine.writeDumps(to: dumps) } catch {
      throw failure(error.description, error.status)
    }
    if !log.quiet || !left.isEmpty { say("\(written) lines are fed in again, \(left.count) cannot be") }
    for line in left.prefix(Self.mostLeft) { say("  \(line.printable)") }
    guard written > 0 else {
      if left.isEmpty { return }
      throw ExitCode(ExitStatus.quarantined.rawValue)
    }
    let now = wallClock()
    let options = SyncOptions(inputs: [dumps], parameters: MergeParameters(asOf: now))
    let shown = ["inputs": dumps, "as-of": Instant.text(now), "replay": replay ?? ""]
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
