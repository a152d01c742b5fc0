import ArgumentParser
import Foundation
import Jobs
import Logging
import Stores

struct CopyCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Copy one store into another, byte for byte.",
    discussion: """
      FROM and TO are folders in mongodump's layout or mongodb:// addresses, in any combination: the way between dump \
      files and a server without MongoDB's tools. Every collection that Mixdown knows is copied, the application's \
      users too if FROM has them; collections and indexes that TO lacks are made. On a server no index of `users` is: \
      these are the application's, and one over `id` has to be there before `mixdown learn --mirror-users`.

      A document that TO has already is compared and not written. So a copy that was cut off goes on where it was when \
      it is run again (into a folder, collection by collection: each appears when it is complete), and one that is \
      complete writes nothing. A document that TO has with other bytes is left as it is, and the exit status is 65, \
      unless --overwrite says that FROM is right. What TO has beyond FROM stays.

      While a run writes one of the collections in TO, the copy ends with 75. Leases in job_runs are not copied.

      At the end every document of FROM is read again, from both sides, and number, bytes and a digest are compared. \
      If somebody writes to FROM meanwhile, they can differ: run it again.

      Documents keep their times. So a `mixdown learn` that looks on a server for what changed since it last ran does not \
      find what was copied: let it run with --full once.

      mixdown copy dump/music mongodb://ann@db.example.org/music
      mixdown copy mongodb://ann@db.example.org/music backup/music --collections user_library,play_archive
      """)

  @Argument(help: "The store to read.", completion: .directory)
  var from: String

  @Argument(help: "The store to write.", completion: .directory)
  var to: String

  @Flag(help: "Replace documents of TO that differ.")
  var overwrite = false

  @Option(help: ArgumentHelp("Copy these collections alone.", valueName: "a,b,…"))
  var collections: String?

  @OptionGroup var workers: WorkerOptions

  @OptionGroup var server: ServerOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    _ = try chosen()
  }

  private func chosen() throws -> [String]? {
    guard let collections else { return nil }
    let names = collections.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    for name in names where CollectionSchema.named(name) == nil {
      let known = (CollectionSchema.all + [.users]).map(\.name).joined(separator: ", ")
      throw ValidationError("\(name) is no collection of Mixdown; they are \(known).")
    }
    guard !names.isEmpty else { throw ValidationError("--collections names none.") }
    return names
  }

  func run() throws {
    let source = try openNamed(from, locking: false, server)
    guard !isSame(source) else { throw failure("FROM and TO are the same store", .usage) }
    if let folder = source as? DirectoryStore, (try? folder.facts())??.isDirectory != true {
      throw failure("\(from): no such folder", .inputOutput)
    }
    do throws(StoreError) {
      // Before anything is asked of a server.
      try checkAddress(to)
      try Copy.check(source)
    } catch {
      throw failure(error)
    }
    let target = try openNamed(to, locking: true, server)
    var copy = Copy()
    copy.collections = try chosen()
    copy.overwrites = overwrite
    copy.workers = workers.count
    let logger = log.logger()
    copy.copied = { [isQuiet = log.quiet] collection in
      if (!isQuiet && collection.read > 0) || !collection.isEqual { say(collection.line) }
      if collection.differing > 0 {
        logger.warning("\(collection.name): left as they are in TO: \(collection.examples.joined(separator: ", "))")
      }
    }
    copy.missed = { logger.warning("\($0)") }
    let results: [CopiedCollection]
    do throws(StoreError) {
      results = try copy.run(from: source, to: target)
    } catch {
      throw failure(error)
    }
    let documents = results.reduce(0) { $0 + $1.read }
    let written = results.reduce(0) { $0 + $1.written + $1.overwritten }
    let unequal = results.filter { !$0.isEqual }
    if unequal.isEmpty {
      if !log.quiet {
        say("\(documents) documents in \(results.count) collections, \(written) written; both sides are equal")
      }
    } else {
      say("not equal: \(unequal.map(\.name).joined(separator: ", ")); \(written) documents were written")
    }
    if written > 0, !(target is DirectoryStore), !log.quiet {
      say("Where mixdown learn has run on TO before, let it run with --full once: what was copied keeps its times")
    }
    guard unequal.isEmpty else { throw ExitCode(ExitStatus.refused.rawValue) }
  }

  private func isSame(_ source: any Store) -> Bool {
    if from.isSame(as: to) { return true }
    guard source is DirectoryStore, !MongoAddress.isAddress(to) else { return false }
    return pathWithoutLinks(from).isSame(as: pathWithoutLinks(to))
  }
}

extension CopiedCollection {
  /// For a person.
  var line: String {
    var parts = ["\(read) documents", "\(written) written", "\(present) there already"]
    if overwritten > 0 { parts.append("\(overwritten) replaced") }
    if differing > 0 { parts.append("\(differing) differ and were left") }
    if nameless > 0 { parts.append("\(nameless) with neither id nor _id were not copied") }
    let sides =
      source == target
      ? "equal, \(source.bytes) bytes, digest \(source.digest)"
      : "NOT EQUAL: \(source.documents) documents, \(source.bytes) bytes, digest \(source.digest) in FROM, "
        + "\(target.documents), \(target.bytes), \(target.digest) in TO"
    return "\(name): \(parts.joined(separator: ", ")); \(sides)"
  }
}
