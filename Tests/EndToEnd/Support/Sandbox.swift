import Foundation
import Testing

/// What a run left: how it ended, what it said, and its folder.
struct Run {
  let status: Int32
  let output: String
  let errors: String
  /// The directory of run folders, which this run alone used.
  let state: String

  /// The run's folder.
  var folder: String {
    get throws {
      let names = try FileManager.default.contentsOfDirectory(atPath: state).filter { $0.count == 26 }
      guard names.count == 1 else { throw NotOneFolder(names: names) }
      return "\(state)/\(names[0])"
    }
  }

  struct NotOneFolder: Error { let names: [String] }

  var manifest: Manifest {
    get throws { try .read(Data(contentsOf: URL(fileURLWithPath: folder + "/manifest.json"))) }
  }

  /// The quarantine as it stands in its file.
  var quarantineText: String {
    get throws { try String(contentsOfFile: folder + "/quarantine.ndjson", encoding: .utf8) }
  }

  /// The lines of the quarantine, in an order that depends on their content alone.
  var quarantine: [QuarantineLine] {
    get throws {
      let text = try quarantineText
      return try text.split(separator: "\n").map { try .read(Data($0.utf8)) }.sorted { $0.order < $1.order }
    }
  }
}

/// A store, inputs and runs of one test.
final class Sandbox: Sendable {
  /// The clock of all runs, so that they can be compared.
  static let asOf = "2026-01-01T00:00:00Z"

  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  var store: String { folder("store") }
  var library: String { store + "/user_library.bson" }

  /// The bytes of the store; nil when there is none.
  var bytes: Data? { FileManager.default.contents(atPath: library) }

  /// Puts a store in its place, or none.
  func restore(_ bytes: Data?) throws {
    try? FileManager.default.removeItem(atPath: store)
    guard let bytes else { return }
    try FileManager.default.createDirectory(atPath: store, withIntermediateDirectories: true)
    try bytes.write(to: URL(fileURLWithPath: library))
  }

  /// The arguments of a sync into the store with this clock and a new state directory.
  func arguments(_ inputs: [String], _ flags: [String] = [], state: String) -> [String] {
    ["sync"] + inputs + ["--store", store, "--state", state, "--as-of", Self.asOf] + flags
  }

  func newState() -> String { folder("state-\(UUID().uuidString)") }

  /// Begins a sync and does not wait for it.
  func begin(_ inputs: [String], _ flags: [String] = []) throws -> (child: Child, state: String) {
    let state = newState()
    return (try Child([mixdownBinary] + arguments(inputs, flags, state: state)), state)
  }

  /// Merges the inputs into the store.
  ///
  /// - Parameter wrapper: what the program is run through, as `sh -c …`.
  @discardableResult
  func sync(_ inputs: [String], _ flags: [String] = [], through wrapper: [String] = []) throws -> Run {
    let state = newState()
    let child = try Child(wrapper + [mixdownBinary] + arguments(inputs, flags, state: state))
    let end = try child.wait()
    guard case .exited(let status) = end else {
      throw Crash(end: end, errors: child.errors)
    }
    return Run(status: status, output: child.output, errors: child.errors, state: state)
  }

  /// Merges the inputs, and fails the test unless all goes well.
  @discardableResult
  func syncWell(_ inputs: [String], _ flags: [String] = []) throws -> Run {
    let run = try sync(inputs, flags)
    try #require(run.status == 0, "\(run.output)\(run.errors)")
    return run
  }

  /// A process that a signal ended.
  struct Crash: Error {
    let end: Child.End
    let errors: String
  }
}

/// Runs the program with these arguments alone.
func mixdown(_ arguments: [String], environment: [String: String] = [:]) throws -> Run {
  let child = try Child([mixdownBinary] + arguments, environment: environment)
  guard case .exited(let status) = try child.wait() else {
    throw Sandbox.Crash(end: .killed(signal: 0), errors: child.errors)
  }
  return Run(status: status, output: child.output, errors: child.errors, state: "")
}
