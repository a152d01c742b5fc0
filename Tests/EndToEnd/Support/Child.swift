import Dispatch
import Foundation
import Testing

/// Where the program under test lies: `MIXDOWN_BINARY`, or beside the bundle of these tests.
let mixdownBinary: String = {
  if let path = ProcessInfo.processInfo.environment["MIXDOWN_BINARY"] { return path }
  // Under swift test the first argument is the bundle, or the runner with the bundle behind a flag.
  let candidates = CommandLine.arguments + [Bundle.main.executablePath ?? "", Bundle.main.bundlePath]
  let folders = candidates.filter { $0.hasPrefix("/") }.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
  return folders.map { "\($0.path)/mixdown" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    ?? ".build/debug/mixdown"
}()

/// A child process whose output goes to files, so that nobody has to drain a pipe.
final class Child {
  enum End: Equatable {
    case exited(Int32)
    case killed(signal: Int32)
  }

  struct TookTooLong: Error {}

  private let process = Process()
  private let ended = DispatchSemaphore(value: 0)
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - command: the program's path and its arguments.
  ///   - environment: on top of this process's own.
  ///   - terminal: what takes output and errors instead of files.
  init(_ command: [String], environment: [String: String] = [:], terminal: FileHandle? = nil) throws {
    folder = try TemporaryFolder()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    // The backtracer of a crashed process can hang for minutes.
    let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MIXDOWN_") }
    // libmongoc keeps counters in shared memory under the process's id, and says so when it finds those of a process
    // of the same id that was killed.
    let quiet = ["SWIFT_BACKTRACE": "enable=no", "MONGOC_DISABLE_SHM": "1"]
    process.environment = inherited.merging(quiet) { $1 }.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let files = terminal == nil ? try (output: Self.file(folder("out")), errors: Self.file(folder("err"))) : nil
    process.standardOutput = terminal ?? files?.output
    process.standardError = terminal ?? files?.errors
    process.terminationHandler = { [ended] _ in ended.signal() }
    // A `Process` is never freed, nor what it holds; and with a thousand files open the next one's start may crash
    // (swift-corelibs-foundation 5472: it reads past an entry of /proc/self/fd).
    defer { for file in [files?.output, files?.errors] { try? file?.close() } }
    try process.run()
  }

  private static func file(_ path: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: path))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: path))
  }

  var processID: Int32 { process.processIdentifier }

  func send(_ signal: Int32) { _ = kill(processID, signal) }

  /// Waits for the end; kills what hangs. The bound says nothing of speed: a busy machine may take minutes.
  func wait(seconds: Double = 300) throws -> End {
    guard ended.wait(timeout: .now() + seconds) == .success else {
      send(SIGKILL)
      throw TookTooLong()
    }
    let status = process.terminationStatus
    return process.terminationReason == .exit ? .exited(status) : .killed(signal: status)
  }

  var output: String { text("out") }
  var errors: String { text("err") }

  private func text(_ name: String) -> String {
    String(decoding: (try? folder.bytes(of: name)) ?? [], as: UTF8.self)
  }
}
