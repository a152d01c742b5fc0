import ArgumentParser
import Jobs

/// A program with two steps, declared as Mixdown's are: what job files are checked against here.
struct FixtureTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fixture", subcommands: [SetupFixture.self, SyncFixture.self])

  static let declarations: [StepDeclaration] = [
    declaration(SetupFixture.self), declaration(SyncFixture.self),
  ].compactMap { $0 }

  private static func declaration<Command: ParsableCommand & SendableMetatype>(
    _ command: Command.Type
  ) -> StepDeclaration? {
    StepDeclaration(command.configuration.commandName ?? "", dump: _dumpHelp()) { arguments in
      do {
        _ = try command.parse(arguments)
        return nil
      } catch {
        return command.message(for: error)
      }
    }
  }
}

struct SetupFixture: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "setup")

  @Option(completion: .directory) var store: String?
  @Flag(help: "Make indexes again.") var rebuildIndexes = false
}

struct SyncFixture: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "sync", abstract: "Merge dumps.")

  enum Mode: String, ExpressibleByArgument, CaseIterable { case merge, replace }

  @Argument(help: "Files.", completion: .file()) var inputs: [String] = []
  @Option(completion: .directory) var store: String?
  @Option(completion: .directory) var state: String?
  @Option(help: "How.") var mode = Mode.merge
  @Option(help: "Threads. Default: one a core.") var workers: Int?
  @Option var share = 0.5
  @Option var sections: String?
  @Option var asOf: String?
  @Option(completion: .file()) var userMap: String?
  @Option var memory = Bytes(count: 1)
  @Flag(help: "Touch nothing.") var dryRun = false
  @Flag var noCreate = false
  @Flag(inversion: .prefixedNo) var archive = true

  /// A value that is a number or a number with a unit.
  struct Bytes: ExpressibleByArgument {
    var count: Double

    init(count: Double) { self.count = count }

    init?(argument: String) {
      guard let count = Double(argument.replacing("MiB", with: "").replacing("KiB", with: "")) else { return nil }
      self.count = count
    }

    var defaultValueDescription: String { "1MiB" }
  }

  func validate() throws {
    guard !inputs.isEmpty else { throw ValidationError("Name at least one INPUT.") }
    guard (workers ?? 1) >= 1 else { throw ValidationError("--workers is 1 or more.") }
    guard sections != "none" else { throw ValidationError("none is no section.") }
  }
}
