public import ArgumentParser
public import Jobs
import Logging
import Stores

extension Setup.Validation: ExpressibleByArgument {}

struct SetupCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "setup",
    abstract: "Make the collections and indexes of a store.",
    discussion: """
      On a MongoDB: every collection, its indexes, and validators of user_library and session_pings, which the \
      application writes too. In a folder: an empty file of documents for each collection that has none, and the same \
      in its metadata.json, from which mongorestore makes it.

      What is right already is not touched, so that a second setup does nothing and says so. An index that has the \
      name of one of these and another definition is reported and left alone, and the exit status is 65; \
      --rebuild-indexes drops it and makes the right one, and until that is done the collection is without.

      Validators name types, not more: unknown fields may be there, known ones may be missing. With warn the server \
      takes a document that does not fit and notes it in its log; with error it refuses it; with off there is no \
      validator. One that somebody else made is left alone.

      The user who signs in needs createCollection, createIndex, dropIndex, collMod, listCollections and listIndexes: \
      see docs/stores.md.

      mixdown setup --store data/store
      mixdown setup --store mongodb://ann@db.example.org/music --validate error
      """)

  @OptionGroup var store: StoreOptions

  @Option(help: "What happens to documents that do not fit: error, warn or off.")
  var validate = Setup.Validation.warn

  @Flag(help: "Replace indexes of the right name and a wrong definition.")
  var rebuildIndexes = false

  @OptionGroup(title: "Messages")
  var log: LogOptions

  private var setup: Setup {
    var setup = Setup()
    setup.validation = validate
    setup.rebuildsIndexes = rebuildIndexes
    return setup
  }

  func step() throws -> any JobStep {
    let logger = log.logger()
    var step = SetupStep(setup, parameters: ["validate": validate.rawValue, "rebuild-indexes": "\(rebuildIndexes)"])
    step.done = { [isQuiet = log.quiet] report in Self.tell(of: report, logger, isQuiet: isQuiet) }
    return step
  }

  /// Says what was done and found.
  private static func tell(of report: SetupReport, _ logger: Logger, isQuiet: Bool) {
    for line in report.refused { logger.error("\(line)") }
    for line in report.notes { logger.notice("\(line)") }
    if !isQuiet { report.lines.forEach(say) }
  }

  var serverTimeout: TimeSpan? { store.server.serverTimeout }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String { "collections and indexes are there" }

  func run() throws {
    let opened = try store.open(locking: true)
    let report: SetupReport
    do throws(StoreError) { report = try setup.run(on: opened) } catch { throw failure(error) }
    Self.tell(of: report, log.logger(), isQuiet: log.quiet)
    let made = report.done.isEmpty ? "nothing to do" : "set up"
    guard report.refused.isEmpty else {
      say("\(opened.name): \(made), but \(report.refused.count) indexes are not as they should be")
      throw ExitCode(ExitStatus.refused.rawValue)
    }
    if !log.quiet { say("\(opened.name): \(made)") }
  }
}
