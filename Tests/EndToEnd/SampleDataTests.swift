import Foundation
import Testing

/// The data that ships.
@Suite struct SampleDataTests {
  /// `data/`, beside `Tests/`.
  private static let data = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appending(path: "data")

  @Test(arguments: ["everything", "listening"])
  func `archives are not named where a profile names its own`(_ profile: String) throws {
    let folder = try TemporaryFolder()
    let flags = ["--users", "2", "--out", folder("out"), "--profile", profile, "--archives", "a.zip"]
    let run = try mixdown(["generate"] + flags)
    #expect(run.status == 64 && run.errors.contains("--archives goes with"), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder("out")))
  }

  @Test func `the sample is what the generator makes of its seed`() throws {
    let folder = try TemporaryFolder()
    let made = URL(fileURLWithPath: folder("made"))
    let flags = ["--users", "40", "--seed", "2026", "--damaged", "0.02", "--out", made.path]
    #expect(try Child([mixdownBinary, "generate"] + flags).wait() == .exited(0))
    for part in ["exports", "cloud"] {
      let names = try Self.names(in: made.appending(path: part))
      // Nothing else either: the README syncs the whole folder.
      #expect(try !names.isEmpty && names == Self.names(in: Self.data.appending(path: part)))
      for name in names {
        let (fresh, shipped) = (made.appending(path: part + "/" + name), Self.data.appending(path: part + "/" + name))
        #expect(try contents(fresh) == contents(shipped), "\(part)/\(name)")
      }
    }
  }

  /// What is in a folder, at any depth.
  private static func names(in folder: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
  }

  /// A file's bytes; nil for a folder.
  private func contents(_ file: URL) throws -> Data? {
    let isFolder = try file.resourceValues(forKeys: [.isDirectoryKey]).isDirectory ?? false
    return isFolder ? nil : try Data(contentsOf: file)
  }
}
