public import ArgumentParser
import BSON
public import Dumps
public import Library

extension UserSource: ExpressibleByArgument {}
extension MergeParameters.Mode: ExpressibleByArgument {}

/// How dumps are read: shared by every command that takes inputs.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which place names a dump's user: content (the dump, else its path), path (file or folder alone), agree (both).",
      valueName: "source"))
  var usersFrom = UserSource.content

  @Option(help: "The clock of the run: a time as in dumps, up to the year 9999. Default: now.")
  var asOf: Moment?

  @Option(help: "How far after that clock a dump's times may lie.")
  var maxClockSkew = TimeSpan(hours: 24)

  @Option(help: "The most bytes of one dump.")
  var maxDumpSize = ByteCount(64 << 20)

  /// What a library may nest, without its own document, in which the list of a string of localStorage comes to stand.
  private static let deepest = BSONDocument.deepest - 1

  @Option(
    help:
      "The most arrays and objects inside each other in a dump, and in each string of its localStorage; at most 199.")
  var maxDepth = 64

  @Option(help: "The most entries of one archive.")
  var maxEntries = 10_000_000

  @Option(help: "The most bytes that come out of an archive for each that goes in, past its first 64 MiB.")
  var maxExpansion = 1000

  func validate() throws {
    guard maxDepth >= 1, maxEntries >= 0, maxExpansion >= 1 else {
      throw ValidationError("limits must be positive")
    }
    guard maxDepth <= Self.deepest else {
      throw ValidationError("--max-depth is at most \(Self.deepest): a deeper library is not read again.")
    }
  }

  var limits: Limits {
    Limits(
      maxDumpSize: maxDumpSize.bytes, maxDepth: maxDepth, maxEntries: maxEntries, maxExpansion: maxExpansion)
  }
}
