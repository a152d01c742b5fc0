import ArgumentParser
import Foundation
import Jobs
import Stores
import Sync

struct RunsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs",
    abstract: "Show the runs of a store, newest first; remove old folders.",
    subcommands: [List.self, Show.self, Prune.self], defaultSubcommand: List.self)

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "Show when, job, outcome, users changed, quarantined, seconds.",
      discussion: """
        Where a store is named, the runs that it knows from other machines, or whose folder was pruned, are shown too. \
        When it cannot be reached, the runs whose folder is here are shown, and the exit status is 69.
        """)

    @OptionGroup
    var folders: RunFolderOptions

    @Option(help: "How runs are written.")
    var format = OutputFormat.text

    @Option(help: "The most runs that are shown.")
    var limit = 50

    func validate() throws {
      guard limit >= 0 else { throw ValidationError("--limit cannot be negative.") }
      try folders.requirePlace()
    }

    func run() throws {
      let (listing, failed) = try folders.listing()
      let runs = listing.runs.prefix(limit)
      switch format {
      case .json:
        let encoder = JSONEncoder.steady()
        for run in runs {
          if let manifest = run.manifest { say(String(decoding: try encoder.encode(manifest), as: UTF8.self)) }
        }
      case .text:
        for run in runs { say(Self.line(run).printable) }
      }
      if let failed { throw failed }
    }

    private static func line(_ run: RunListing.Run) -> String {
      guard let manifest = run.manifest else { return "\(run.id)  its manifest cannot be read" }
      let changed = manifest.users.changed + manifest.users.created
      let quarantined = manifest.quarantine.values.reduce(0, +)
      let status = manifest.exitStatus.map { " (\($0))" } ?? ""
      let seconds = manifest.seconds["total"].map { "  \(($0 * 100).rounded() / 100) s" } ?? ""
      let outcome = run.wasKilled ? "killed" : manifest.outcome.rawValue
      let dry = manifest.isDryRun ? ", dry run" : ""
      let change = manifest.isRehearsal ? "would change" : "changed"
      let place = run.hasFolder ? "" : "  no folder here, host \(manifest.host)"
      return "\(manifest.runID)  \(manifest.startedAt)  \(manifest.job)  \(outcome)\(status)\(dry)  "
        + "\(changed) \(change)  \(quarantined) quarantined\(seconds)\(place)"
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the manifest of a run.")

    @Argument(help: ArgumentHelp("The run's id, its beginning or end, or its folder.", valueName: "run"))
    var id: String

    @OptionGroup
    var folders: RunFolderOptions

    func validate() throws { try folders.requirePlace(of: id) }

    func run() throws {
      if let manifest = try folders.manifestWithoutFolder(id) {
        return say(String(decoding: try manifest.json(), as: UTF8.self).trimmingCharacters(in: .newlines))
      }
      let (run, archive) = try folders.run(id)
      if let why = archive.unreadable(run) { throw failure(why, .refused) }
      let path = "\(archive.state)/\(run)/manifest.json"
      guard let json = FileManager.default.contents(atPath: path) else {
        throw failure("\(path): cannot be read", .inputOutput)
      }
      say(String(decoding: json, as: UTF8.self).trimmingCharacters(in: .newlines))
    }
  }

  struct Prune: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "prune",
      abstract: "Remove the folders of old runs.",
      discussion: """
        A folder whose run can still be undone stays, unless --force: one that has a journal, as long as the store \
        holds any document that the run has written. So does the folder of a run that --resume would go on with, and of \
        one that may still run, and one whose manifest or journal cannot be read, for it may be another store's. \
        Folders of runs that are known to be another store's always stay. When one cannot be removed, the others are, \
        and the exit status is 74.
        """)

    @OptionGroup
    var folders: RunFolderOptions

    @Option(help: "How many of the newest folders stay whatever they are.")
    var keep = 30

    @Flag(help: "Remove folders although their runs could still be undone, or have a manifest that cannot be read.")
    var force = false

    func validate() throws {
      guard keep >= 0 else { throw ValidationError("--keep cannot be negative.") }
      try folders.requireStore()
    }

    func run() throws {
      let (archive, store) = (try folders.archive(), folders.storeName)
      let result: Pruning
      do throws(StoreError) {
        result = try Pruning.prune(archive, store: store, server: folders.server.options, keep: keep, force: force)
      } catch {
        throw failure(error)
      }
      for (run, why) in result.kept { say("\(run) stays: \(why)") }
      say("\(result.removed.count) folders removed, \(result.freed) bytes; \(result.kept.count) older ones stay")
      if result.failed > 0 { throw ExitCode(ExitStatus.inputOutput.rawValue) }
    }
  }
}
