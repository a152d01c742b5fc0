import ArgumentParser
import Jobs

/// Says why a command cannot go on, and gives the status that it ends with.
func failure(_ message: String, _ status: ExitStatus) -> ExitCode {
  Console.shared.say("mixdown: error: \(message)", to: .errors)
  return ExitCode(status.rawValue)
}
