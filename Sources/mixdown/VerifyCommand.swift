import ArgumentParser
import Jobs
import Logging
import Stores

struct VerifyCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that the store still holds what a run has written.",
    discussion: """
      Compares every document that the run's journal names with what the store holds, and the journal with the digest \
      in the manifest. Names the documents that differ and who wrote them: a later run, or somebody else. Reads only.

      Exit status: 0 all is as the run left it; 3 something differs; 65 the journal does not fit the manifest.

      mixdown verify 01M89TR7EBMW1QV46YT6B2R517 --store data/store
      """)

  @Argument(help: ArgumentHelp("The run's id, its beginning or end, or its folder.", valueName: "run"))
  var id: String

  @OptionGroup
  var folders: RunFolderOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws { try folders.requireStore() }

  func run() throws {
    let logger = log.logger()
    let (verified, archive) = try folders.run(id)
    guard archive.manifest(verified)?.isDryRun != true else {
      if !log.quiet { say("\(verified) was a dry run: it has written nothing, and there is nothing to check") }
      return
    }
    let store = folders.storeName
    if let why = archive.unreadable(verified) { throw failure(why, .refused) }
    if let why = archive.mismatch(of: verified, with: store) { throw failure(why, .usage) }
    let result: Verification
    do throws(StoreError) {
      result = try Verification.verify(verified, in: archive, store: store, server: folders.server.options)
    } catch {
      throw failure(error)
    }
    if result.isTorn { logger.warning("the journal is torn: only what is whole was compared") }
    for difference in result.differences { say("\(difference.document): \(difference.why)".printable) }
    let (all, other) = (result.documents, result.differences.count)
    if !log.quiet { say("\(verified): \(all - other) of \(all) documents are as the run left them") }
    if result.rootHolds == false {
      throw failure("the journal does not hold what the manifest says that the run has written", .refused)
    }
    if other > 0 { throw ExitCode(ExitStatus.quarantined.rawValue) }
  }
}
