import ArgumentParser
import Jobs
import Logging
import Sync

struct UndoCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "undo",
    abstract: "Put back what a run has changed.",
    discussion: """
      Every document that the run changed becomes what it was, byte for byte; what it created is removed. A document \
      that somebody has written since is named and left, and the exit status is 3; --force puts it back as well. Of an \
      account, which is the application's, only the scores are put back. \
      Derived collections are not put back: they are computed again. Where the run's journal is missing or damaged, \
      what it still holds is put back, and the exit status is 65.

      An undo is a run of its own, and can be undone.

      mixdown undo 01M89TR7EBMW1QV46YT6B2R517 --store data/store
      """)

  @Argument(help: ArgumentHelp("The run's id, its beginning or end, or its folder.", valueName: "run"))
  var id: String

  @OptionGroup
  var folders: RunFolderOptions

  @Flag(help: "Put back documents that somebody has written since, too, and those of a run without a manifest.")
  var force = false

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws { try folders.requireStore() }

  func run() throws {
    let logger = log.logger()
    let (undone, archive) = try folders.run(id)
    guard archive.manifest(undone)?.isDryRun != true else {
      if !log.quiet { say("\(undone) was a dry run: it has written nothing, and there is nothing to put back") }
      return
    }
    var job = UndoStep(undone, store: folders.storeName, state: archive.state)
    job.isForced = force
    job.left = { logger.warning("left as it is: \($1)", metadata: ["document": "\($0)"]) }
    job.warn = { logger.warning("\($0)") }
    let report = job.run(server: folders.server.options)
    try end(report, on: job.store) {
      guard report.manifest.outcome == .done else { return }
      let users = report.manifest.users
      say(
        "undo of \(undone): \(users.changed) documents put back or removed, \(users.created) brought back, "
          + "\(users.unchanged) were as before, \(users.left) left; run \(report.manifest.runID)")
    }
  }
}
