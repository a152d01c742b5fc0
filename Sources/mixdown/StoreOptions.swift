import ArgumentParser
import Foundation
import Jobs
import Stores

/// How a command speaks to a server.
struct ServerOptions: ParsableArguments {
  @Option(help: "How long to look for a server of a mongodb:// store. Default: as its address says, else 10s.")
  var serverTimeout: TimeSpan?

  var options: MongoOptions {
    MongoOptions(serverTimeout: serverTimeout.map { .milliseconds($0.milliseconds) })
  }
}

/// Which store a command works on, and how long it waits for it.
struct StoreOptions: ParsableArguments {
  @Option(
    help: "The store: a folder, or mongodb://user@host/database. Also from MIXDOWN_STORE.", completion: .directory)
  var store: String?

  @OptionGroup var server: ServerOptions

  func validate() throws {
    guard !name.isEmpty else { throw ValidationError("Name the store with --store or MIXDOWN_STORE.") }
  }

  var name: String { store ?? ProcessInfo.processInfo.environment["MIXDOWN_STORE"] ?? "" }

  func open(locking: Bool) throws -> any Store { try openNamed(name, locking: locking, server) }
}

/// Opens a store for a command.
///
/// - Throws: the status to end with, after the message.
func openNamed(_ name: String, locking: Bool, _ server: ServerOptions) throws -> any Store {
  do throws(StoreError) {
    let run = RunID(milliseconds: wallClock())
    return try openStore(name, locking: locking, run: run.description, options: server.options)
  } catch {
    throw failure(error)
  }
}

/// Says why a store cannot be used, and what can be seen of the way to it.
func failure(_ error: StoreError) -> ExitCode {
  let code = failure("\(error)", ExitStatus(error))
  if case .unreachable(let name, _, _) = error { sayAdvice(forStore: name) }
  return code
}

/// Says what can be seen of the way to a store that cannot be reached.
func sayAdvice(forStore name: String) {
  for line in Doctor.advice(forStore: name) {
    Console.shared.say("  \(line)", to: .errors)
  }
}
