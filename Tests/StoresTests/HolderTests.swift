import Foundation
import Testing

@testable import Stores

/// Who holds a directory, by the kernel's list of locks.
@Suite struct HolderTests {
  @Test func `a lock of another volume's file of the same number is not this one's`() throws {
    let sandbox = try Sandbox()
    let lock = try DirectoryLock(sandbox.path, run: "held")
    #expect(try DirectoryLock.holder(of: lock.directory)?.contains("run held") == true)
    let file = try #require(try FileStatus.of(sandbox.lockPath))
    let locks = try String(contentsOfFile: "/proc/locks", encoding: .utf8)
    let line = try #require(locks.split(separator: "\n").first { $0.contains(":\(file.inode) ") }).split(separator: " ")
    func isHeld(_ change: (inout [Substring]) -> Void, by process: Int32?) -> Bool {
      var fields = line
      change(&fields)
      return DirectoryLock.isHeld(file, by: process, in: fields.joined(separator: " "))
    }
    let elsewhere = { (fields: inout [Substring]) in fields[5] = "7f:ff:\(file.inode)" }
    #expect(isHeld({ _ in }, by: nil))
    #expect(!isHeld(elsewhere, by: nil) && !isHeld(elsewhere, by: 1))
    // Where the system tells two devices of one file, the process decides.
    #expect(isHeld(elsewhere, by: ProcessInfo.processInfo.processIdentifier))
    #expect(!isHeld({ $0[1] = "POSIX" }, by: nil) && !isHeld({ $0[5] = "fe:00:\(file.inode)1" }, by: nil))
  }
}
