import ArgumentParser
import Foundation
import Jobs
import Library
import Logging
import Pages
import Sync

struct ForgetCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Remove users from a store and from the folders of its runs, for good.",
    discussion: """
      Removes them from every collection, their account in users among these, from journals, quarantines, reports and \
      logs of all runs in the state directory, and from what these have written back, and others of this host that the \
      store knows. Where others' playlists name them as owner, the word "forgotten" takes their place. Songs that were \
      theirs alone go from what was computed of everybody, until learn computes it again. A salted hash stays, so that \
      a dump found later is refused (forgotten). It cannot be undone, and no undo of an earlier run brings them back. \
      Backups, copies and inputs are yours to clean.

      The last line says of how many users nothing was found. A store that is not there is refused (exit status 74).

      mixdown forget ann bob --store data/store
      mixdown forget --file erasure-requests.txt --store data/store
      """)

  @Argument(help: "Users' ids.")
  var users: [String] = []

  @Option(help: "A file in UTF-8 with a user's id a line.", completion: .file())
  var file: String?

  @OptionGroup
  var folders: RunFolderOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    guard !users.isEmpty || file != nil else { throw ValidationError("Name a USER or a --file.") }
    guard !users.contains("") else { throw ValidationError("A USER's id is empty.") }
    try folders.requireStore()
  }

  func run() throws {
    let logger = log.logger()
    var all = users.map { Array($0.utf8) }
    if let file {
      guard let bytes = FileManager.default.contents(atPath: file) else {
        throw failure("\(file): cannot be read", .inputOutput)
      }
      all += try Self.ids(bytes, of: file)
    }
    let ids = Set(all.filter { !$0.isEmpty })
    guard !ids.isEmpty else { throw failure("\(file ?? ""): names nobody", .usage) }
    guard ids.allSatisfy({ UserID.lengths.contains($0.count) }) else {
      throw failure("a user's id has 1 to 256 bytes", .usage)
    }
    var job = ForgetStep(ids, store: folders.storeName, state: folders.state.folder)
    job.warn = { logger.warning("\($0)") }
    let report = job.run(server: folders.server.options)
    try end(report, on: job.store) {
      guard report.manifest.outcome == .done else { return }
      say(Self.lastLine(of: ids.count, met: report.manifest.users.changed, report.manifest.removedDocuments ?? 0))
    }
  }

  /// The ids in a file in UTF-8, a line each, which ends with LF or CR LF. A byte order mark before them is nobody's.
  ///
  /// Bytes that are not UTF-8 are nobody's id, and what they would be read as might be another's.
  private static func ids(_ bytes: Data, of file: String) throws -> [[UInt8]] {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes
    // Not at what else may end a line: an id may have that inside.
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if let line = lines.firstIndex(where: { !UserID.isText($0) }) {
      throw failure("\(file): line \(line + 1): not UTF-8; save the file in UTF-8. Nobody was removed", .refused)
    }
    return lines.map { Array($0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0) }
  }

  /// Says also of how many nothing was found: an id that is misspelt leaves somebody where they are.
  private static func lastLine(of users: Int, met: Int, _ removed: Int) -> String {
    let done = "forgotten: \(Quantity.count(users, "user")), \(Quantity.count(removed, "document")) removed"
    guard met < users else { return done }
    let whose = met == 0 ? "nothing of them" : "of \(Quantity.count(users - met)) of them nothing"
    return "\(done); \(whose) was found in the store or in what its runs have left: check the spelling"
  }
}
