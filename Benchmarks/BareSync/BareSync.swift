import Foundation
import Library
import Stores
import Sync

/// The merge into a directory store and nothing beside it: no run folder, journal, digest, report or metrics, so that
/// `mixdown sync` beside it shows what these cost.
///
///     BareSync INPUT STORE AS_OF
///
/// AS_OF is in ms since 1970. What cannot be used goes to a file that is gone in the end.
@main struct BareSync {
  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let asOf = Int64(arguments[3]) else {
      print("usage: BareSync INPUT STORE AS_OF")
      exit(64)
    }
    var parameters = MergeParameters(asOf: asOf)
    parameters.archivesPlays = false
    var options = SyncOptions(inputs: [arguments[1]], parameters: parameters)
    options.workers = ProcessInfo.processInfo.activeProcessorCount
    options.talliesPlays = false
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent("bare-\(UUID())").path
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let store = try openStore(arguments[2], locking: true)
    let quarantine = try QuarantineFile(scratch + "/quarantine.ndjson", run: "bare", store: store.name)
    let sync = Sync(options, store: store, quarantine: quarantine, spillFolder: scratch)
    let summary = try sync.run()
    print("\(summary.counts.users) \(summary.seconds)")
  }
}
