import ArgumentParser
import BSON
import Dumps
import Jobs
import Library
import Stores
import Sync

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what lies in inputs, or one library of a store.",
    discussion: """
      With INPUTs: shapes, users, devices, time span, sections, and what a merge would quarantine and why. No store \
      is needed and nothing is written. With --store and --user: that user's library as JSON.

      mixdown inspect exports.tar.zst
      mixdown inspect --store data/store --user 4d1f6c1e
      """)

  @Argument(help: "Files, folders and archives with dumps.")
  var inputs: [String] = []

  @Option(help: "The store: a folder, or mongodb://user@host/database. Also from MIXDOWN_STORE.")
  var store: String?

  @OptionGroup var server: ServerOptions

  @Option(help: "Whose library to show.")
  var user: String?

  @OptionGroup(title: "Reading")
  var input: InputOptions

  @OptionGroup var workers: WorkerOptions

  private var storePath: String? { namedStore(store) }

  func validate() throws {
    if user != nil {
      guard storePath != nil else { throw ValidationError("Name the store with --store or MIXDOWN_STORE.") }
      guard inputs.isEmpty else { throw ValidationError("Name either INPUTs or a --user.") }
    } else {
      guard !inputs.isEmpty else { throw ValidationError("Name at least one INPUT, or --store and --user.") }
    }
  }

  func run() throws {
    if let user, let storePath { return try show(user, in: storePath) }
    var options = SyncOptions(
      inputs: inputs, parameters: MergeParameters(asOf: input.asOf?.milliseconds ?? wallClock()))
    options.parameters.maxClockSkew = input.maxClockSkew.milliseconds
    options.limits = input.limits
    options.users = input.usersFrom
    options.workers = workers.count
    do throws(InputError) {
      for line in InspectionText(try Inspection.inspect(options)).lines { say(line) }
    } catch {
      throw failure("\(error)", .inputOutput)
    }
  }

  private func show(_ user: String, in path: String) throws {
    let text: String?
    do throws(StoreError) {
      try checkStore(path)
      let library = try openStore(path, locking: false, options: server.options).open(.userLibrary)
      let arena = Arena()
      let name = Array(user.utf8).withView { arena.copy($0) }
      let document = try library.documents(of: [name], limit: .max, in: arena).first?.first
      text = try document.map { document throws(StoreError) in
        var json = ReadableJSON(date: Instant.text)
        do throws(BSONFault) { return try json.text(document) } catch { throw library.refusal(of: name, error) }
      }
    } catch {
      throw failure(error)
    }
    guard let text else { throw failure("\(path): no library of \(user)", .refused) }
    say(text)
  }
}

/// An inspection as lines for a person, of which none steers the terminal.
struct InspectionText {
  let lines: [String]

  init(_ inspection: Inspection) {
    var lines: [String] = []
    let dumps = inspection.dumps
    for input in inspection.inputs { lines.append("\(input.path): \(input.bytes) bytes") }
    lines.append(
      "\(dumps.read) dumps and other files: \(dumps.used) usable, \(dumps.quarantined) to be quarantined, "
        + "\(dumps.skipped) skipped")
    lines.append("\(inspection.users) users, \(inspection.devices) devices, \(inspection.entries) entries")
    if let oldest = inspection.oldest, let newest = inspection.newest {
      lines.append("taken from \(Instant.text(oldest)) to \(Instant.text(newest))")
    }
    let shapes = inspection.shapes.sorted { $0.key.rawValue < $1.key.rawValue }
    lines.append(
      "shapes: " + (shapes.isEmpty ? "none" : shapes.map { "\($0.value) \($0.key)" }.joined(separator: ", ")))
    let sections = Section.allCases.compactMap { section in
      inspection.sections[section].map { "\($0) \(section.rawValue)" }
    }
    lines.append("sections: " + (sections.isEmpty ? "none" : sections.joined(separator: ", ")))
    if inspection.withoutSections > 0 { lines.append("\(inspection.withoutSections) dumps without any section") }
    for (why, count) in inspection.skipped.sorted(by: { $0.key < $1.key }) { lines.append("skipped \(count): \(why)") }
    if inspection.quarantine.isEmpty { lines.append("nothing to be quarantined") }
    for (reason, count) in inspection.quarantine.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      lines.append("to be quarantined \(count): \(reason.rawValue)")
      for example in inspection.examples[reason] ?? [] {
        let place = [example.user.map { "user \($0)" }, example.section?.rawValue].compactMap { $0 }
        lines.append("  \(example.source)" + place.map { ", \($0)" }.joined() + ": \(example.detail)")
      }
    }
    self.lines = lines.map(\.printable)
  }
}
