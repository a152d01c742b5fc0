import Foundation
import Testing

/// The file of `--metrics-file`, by which monitors know how the last run ended.
@Suite struct MetricsFileTests {
  /// Who names the file.
  enum Naming: String, CaseIterable, Sendable { case sync, jobSync, jobReport }

  /// What ends a run: as early as before it has a folder, and as late as in its first step.
  enum Ending: String, CaseIterable, Sendable {
    case tornMetadata, missingStore, tornLibrary, deadline

    var status: Int32 {
      switch self {
      case .tornMetadata, .tornLibrary: 65
      case .missingStore: 74
      case .deadline: 75
      }
    }
  }

  private static func arguments(_ naming: Naming, _ sandbox: Sandbox, metrics: String) throws -> [String] {
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let places = ["--store", sandbox.store, "--state", sandbox.folder("state")]
    guard naming != .sync else { return ["sync", input, "--metrics-file", metrics] + places }
    // What an earlier step names counts for nothing where a later one names another.
    let (first, last) = naming == .jobSync ? (metrics, "") : (sandbox.folder("unused.prom"), metrics)
    let steps = ["sync: {inputs: [ann.json], metrics-file: \(first)}", "report: {metrics-file: \"\(last)\"}"]
    let job = "job: night\nsteps:\n" + steps.map { "  - \($0)\n" }.joined()
    return ["run", try sandbox.folder.write("job.yaml", job)] + places
  }

  /// The lines that begin so.
  private static func lines(_ text: String, _ prefix: String) -> [Substring] {
    text.split(separator: "\n").filter { $0.hasPrefix(prefix) }
  }

  /// The exit status as it stands in the file, as often as it stands there.
  private static func exitStatuses(_ text: String) -> [Substring] {
    lines(text, "mixdown_run_exit_status{").compactMap { $0.split(separator: " ").last }
  }

  @Test(arguments: Naming.allCases, Ending.allCases)
  func `a run that fails is in the file, however early it ends and whichever step names the file`(
    _ naming: Naming, _ ending: Ending
  ) throws {
    let sandbox = try Sandbox()
    let metrics = sandbox.folder("mixdown.prom")
    let arguments = try Self.arguments(naming, sandbox, metrics: metrics)
    let first = try mixdown(arguments)
    try #require(first.status == 0, "\(first.output)\(first.errors)")
    let before = try String(contentsOfFile: metrics, encoding: .utf8)
    #expect(Self.exitStatuses(before) == ["0"])

    var flags: [String] = []
    switch ending {
    case .tornMetadata: try sandbox.folder.write("store/user_library.metadata.json", "[")
    case .tornLibrary: try sandbox.folder.write("store/user_library.bson", [9, 0, 0, 0, 1])
    case .missingStore:
      try FileManager.default.removeItem(atPath: sandbox.store)
      try sandbox.folder.write("store", "no folder")
    case .deadline: flags = naming == .sync ? ["--deadline", "1ms"] : ["--set", "sync.deadline=1ms"]
    }
    let run = try mixdown(arguments + flags)
    #expect(run.status == ending.status, "\(run.output)\(run.errors)")
    let after = try String(contentsOfFile: metrics, encoding: .utf8)
    #expect(Self.exitStatuses(after) == ["\(ending.status)"], "\(after)")
    let outcome = ending == .deadline ? "interrupted" : "failed"
    #expect(after.contains("outcome=\"\(outcome)\"} 1\n"))
    let success = Self.lines(before, "mixdown_run_last_success")
    #expect(success.count == 1 && Self.lines(after, "mixdown_run_last_success") == success)
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("unused.prom")))

    // A run with a folder has the same in it.
    let ids = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder("state")).filter { $0.count == 26 }
    if ids.count > 1, let last = ids.max() {
      #expect(try String(contentsOfFile: sandbox.folder("state/\(last)/metrics.prom"), encoding: .utf8) == after)
    }
  }

  @Test(arguments: [(nil, 0o644), (0o600, 0o644), (0o644, 0o644), (0o664, 0o664)] as [(Int?, Int)])
  func `anybody may read the file whatever the umask says, and who else might write it still may`(
    _ earlier: Int?, _ expected: Int
  ) throws {
    let sandbox = try Sandbox()
    let metrics = sandbox.folder("mixdown.prom")
    let manager = FileManager.default
    if let earlier {
      try sandbox.folder.write("mixdown.prom", "")
      try manager.setAttributes([.posixPermissions: earlier], ofItemAtPath: metrics)
    }
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let narrow = ["/bin/sh", "-c", "umask 077; exec \"$@\"", "sh"]
    let run = try sandbox.sync([input], ["--metrics-file", metrics], through: narrow)
    #expect(run.status == 0, "\(run.errors)")
    let mode = { (path: String) in try manager.attributesOfItem(atPath: path)[.posixPermissions] as? Int }
    #expect(try mode(metrics) == expected)
    #expect(try mode(run.folder + "/metrics.prom") == 0o600)
  }
}
