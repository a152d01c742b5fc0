import ArgumentParser
import Jobs

/// A subcommand that can be a step of a job.
///
/// What a step may say in a job file is read from the command's own declaration, and its parser checks the values: a
/// flag that is added to the command is a key of the step at once. A value that names a file or a folder has to be
/// declared so (`completion: .file()`, `.directory`), for then it counts from the job file's folder.
protocol StepCommand: SpeakingCommand, SendableMetatype {
  /// The flags that name a file that is read: in a job, one that is not there is refused with its place.
  static var filesRead: [String] { get }

  /// Whether a step has the command's arguments too.
  static var isArguedInJobs: Bool { get }

  /// What the arguments ask for. Files that they name are read; nothing is touched.
  func step() throws -> any JobStep

  /// How long to look for a server; nil: as the store's address says.
  var serverTimeout: TimeSpan? { get }

  /// What was done, in one line for a person.
  ///
  /// - Parameters:
  ///   - manifest: of the run so far.
  ///   - seconds: that the step took.
  static func lastLine(_ manifest: Manifest, seconds: Double) -> String
}

extension StepCommand {
  static var filesRead: [String] { [] }

  static var isArguedInJobs: Bool { true }

  var serverTimeout: TimeSpan? { nil }
}

/// The steps that this version has.
enum Steps {
  /// In the order in which it makes sense to run them.
  static let commands: [any StepCommand.Type] = [
    SetupCommand.self, SyncCommand.self, SessionsCommand.self, LearnCommand.self, EvaluateCommand.self,
    ReportCommand.self,
  ]

  static let names = commands.compactMap { $0.configuration.commandName }

  static let declarations: [StepDeclaration] = {
    let dump = Mixdown._dumpHelp()
    return commands.compactMap { command in
      StepDeclaration(
        command.configuration.commandName ?? "", dump: dump, reading: command.filesRead,
        isArgued: command.isArguedInJobs
      ) { arguments in
        do {
          _ = try command.parse(arguments)
          return nil
        } catch {
          return command.message(for: error)
        }
      }
    }
  }()

  /// The command of a step.
  static func command(_ name: String) -> (any StepCommand.Type)? {
    commands.first { $0.configuration.commandName == name }
  }
}
