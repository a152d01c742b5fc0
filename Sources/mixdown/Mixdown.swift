import ArgumentParser
import Dumps
import Glibc
import Jobs

@main
struct Mixdown: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixdown",
    abstract: "Merges exported browser libraries into the cloud's, in bulk.",
    discussion: """
      Reads dumps of browser libraries from files, folders and archives, joins them with the libraries of a store, \
      and writes the result back. What is refused is kept in the run's quarantine with the reason; what a rule of the \
      merge drops, an older queue or a search past the twentieth, is counted. A second run on the same input changes \
      nothing.

      Exit status: 0 done; 3 done, and something was quarantined or left; 4 done, but a baseline predicts better; \
      1 failed; 64 usage; 65 data refused; 69 store unreachable; 74 input or output; 75 the store is in use, or \
      interrupted; 78 job file.
      """,
    version: programVersion,
    subcommands: [
      RunCommand.self,
      SyncCommand.self,
      LearnCommand.self,
      EvaluateCommand.self,
      ExplainCommand.self,
      StatsCommand.self,
      SessionsCommand.self,
      SetupCommand.self,
      CopyCommand.self,
      UndoCommand.self,
      VerifyCommand.self,
      RunsCommand.self,
      QuarantineCommand.self,
      ReportCommand.self,
      ForgetCommand.self,
      DoctorCommand.self,
      InspectCommand.self,
      GenerateCommand.self,
      ManualCommand.self,
    ])

  static func main() {
    // What was closed would be the next file that is opened, and what is said would go into that.
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = unsafe open("/dev/null", O_RDWR)
    }
    // A limit on the size of files, and a reader of the output that has gone, are errors like others, not signals.
    for ignored in [SIGXFSZ, SIGPIPE] { _ = signal(ignored, SIG_IGN) }
    prepareForArchives()
    hidePasswords()
    // Counters of libmongoc's that nobody reads. A process that is killed would leave them, and a later one of the same
    // number complain of them.
    _ = unsafe shm_unlink("/mongoc-\(getpid())")
    Glibc.exit(ended().rawValue)
  }

  /// Runs the command that the arguments name.
  ///
  /// - Returns: the status to end with.
  private static func ended() -> ExitCode {
    let code = parsedAndRun()
    guard let loss = Console.shared.loss, [.success, ExitCode(3), ExitCode(4)].contains(code) else { return code }
    return failure("standard output: cannot write: \(loss). What the command has done is done", .inputOutput)
  }

  /// Which argument, from 1 on, is no text: read as one, two stores could be the same.
  private static var firstUnreadableArgument: Int? {
    (1..<max(1, Int(CommandLine.argc))).first { place in
      guard let argument = unsafe CommandLine.unsafeArgv[place] else { return false }
      return unsafe String(validatingCString: argument) == nil
    }
  }

  private static func parsedAndRun() -> ExitCode {
    if let place = firstUnreadableArgument {
      return failure("argument \(place) is not UTF-8: rename what it names", .usage)
    }
    do {
      var command = try parseAsRoot()
      if let speaking = command as? any SpeakingCommand { Console.shared.format = speaking.log.logFormat }
      try command.run()
      return .success
    } catch {
      // The parser's own way to end would show arguments as they stand, passwords among them.
      let code = exitCode(for: error)
      let text = fullMessage(for: error)
      if !text.isEmpty { Console.shared.say(text, to: code.isSuccess ? .output : .errors) }
      return code
    }
  }
}
