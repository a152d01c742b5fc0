import ArgumentParser
import Foundation
import Jobs
import Logging
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

  var name: String { namedStore(store) ?? "" }

  func open(locking: Bool) throws -> any Store { try openNamed(name, locking: locking, server) }
}

/// The store that an option names, or else MIXDOWN_STORE; nil where there is no name, or an empty one.
func namedStore(_ option: String?) -> String? {
  let name = option ?? ProcessInfo.processInfo.environment["MIXDOWN_STORE"] ?? ""
  return name.isEmpty ? nil : name
}

/// Where the folders of runs lie.
struct StateOptions: ParsableArguments {
  @Option(
    help: """
      Where the folders of runs lie. Also from MIXDOWN_STATE. Default: .runs in a store that is a folder, of servers \
      mixdown in $XDG_STATE_HOME (or ~/.local/state).
      """,
    completion: .directory)
  var state: String?

  func validate() throws {
    if let folder, MongoAddress.isAddress(folder) { throw ValidationError("--state is a folder, not a server.") }
  }

  /// What the option names, or else MIXDOWN_STATE; nil for the place that the store gives.
  var folder: String? {
    [state, ProcessInfo.processInfo.environment["MIXDOWN_STATE"]].compactMap(\.self).first { !$0.isEmpty }
  }
}

/// How many threads a command works with.
struct WorkerOptions: ParsableArguments {
  @Option(help: "Threads that work at once. Default: one for each active core.")
  var workers: Int?

  func validate() throws {
    guard (1...1024).contains(count) else { throw ValidationError("--workers is 1 to 1024.") }
  }

  var count: Int { workers ?? ProcessInfo.processInfo.activeProcessorCount }
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
  if case .unreachable(let name, _, _, _) = error { sayAdvice(forStore: name) }
  return code
}

/// Says what can be seen of the way to a store that cannot be reached.
func sayAdvice(forStore name: String) {
  for line in Doctor.advice(forStore: name) {
    switch Console.shared.format {
    case .text: Console.shared.say("  \(line)", to: .errors)
    case .json: Console.shared.tell(.notice, line)
    }
  }
}
