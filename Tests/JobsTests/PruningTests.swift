import ArgumentParser
import Foundation
import Glibc
import Testing

@testable import Jobs
@testable import mixdown

/// Folders of runs that are in the way of `mixdown runs prune`.
@Suite struct PruningTests {
  @Test func `a folder that cannot be read or removed is named, and the others go`() async throws {
    let folder = try Folder()
    let open: [FileAttributeKey: Any] = [.posixPermissions: 0o777]
    for name in ["store", "state", "state/01AAAAAAAAAAAAAAAAAAAAAAA1", "state/01AAAAAAAAAAAAAAAAAAAAAAA3"] {
      try FileManager.default.createDirectory(
        atPath: folder.path + "/" + name, withIntermediateDirectories: true, attributes: open)
      // Whatever the umask says.
      try FileManager.default.setAttributes(open, ofItemAtPath: folder.path + "/" + name)
    }
    try folder.write("state/01AAAAAAAAAAAAAAAAAAAAAAA2", "")
    let closed = folder.path + "/state/01AAAAAAAAAAAAAAAAAAAAAAA3"
    try folder.write("state/01AAAAAAAAAAAAAAAAAAAAAAA3/manifest.json", "")
    try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: closed)
    await #expect(processExitsWith: .success) { [path = folder.path as String] in
      // Root may read and remove every folder.
      if geteuid() == 0 { #expect(setuid(65_534) == 0) }
      let archive = RunArchive(state: path + "/state")
      var pruning = try Pruning.prune(archive, store: path + "/store", keep: 0, force: false)
      #expect(pruning.removed == ["01AAAAAAAAAAAAAAAAAAAAAAA1"] && pruning.failed == 0)
      #expect(pruning.kept.map { $0.run.suffix(1) } == ["3", "2"])
      for (kept, why) in zip(pruning.kept, ["Permission denied", "Not a directory"]) {
        #expect(kept.why.hasPrefix("\(archive.state)/\(kept.run)/") && kept.why.hasSuffix(why), "\(kept.why)")
      }
      pruning = try Pruning.prune(archive, store: path + "/store", keep: 0, force: true)
      #expect(pruning.removed == ["01AAAAAAAAAAAAAAAAAAAAAAA2"] && pruning.failed == 1)
      let why = "\(archive.state)/01AAAAAAAAAAAAAAAAAAAAAAA3: cannot remove: Permission denied"
      #expect(pruning.kept.map(\.why) == [why])
      let prune = ["--keep", "0", "--store", path + "/store", "--state", archive.state]
      try RunsCommand.Prune.parse(prune).run()
      #expect(throws: ExitCode(74)) { try RunsCommand.Prune.parse(prune + ["--force"]).run() }
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: closed)
  }
}
