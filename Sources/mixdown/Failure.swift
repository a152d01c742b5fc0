import ArgumentParser
import Jobs
import Logging

/// Says why a command cannot go on, and gives the status that it ends with.
func failure(_ message: String, _ status: ExitStatus) -> ExitCode {
  Console.shared.tell(.error, message)
  return ExitCode(status.rawValue)
}
