import Foundation
import Testing

/// One run at a time has the store.
@Suite struct LockTests {
  @Test func `a second run ends with 75 at once and names the holder, who completes`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 60, in: sandbox)
    try sandbox.restore(big.cloud)
    let undisturbed = try Sandbox()
    try undisturbed.restore(big.cloud)
    try undisturbed.syncWell([big.exports])

    let (holder, state) = try sandbox.begin([big.exports])
    let first = Run(status: 0, output: "", errors: "", state: state)
    let manifest = try waitFor { try? first.manifest }
    holder.send(SIGSTOP)
    let second = try sandbox.sync([big.exports])
    #expect(second.status == 75)
    #expect(second.output.isEmpty)
    for part in [manifest.runId, manifest.host, "process \(holder.processID)", sandbox.store] {
      #expect(second.errors.contains(part))
    }
    let dry = try sandbox.sync([big.exports], ["--dry-run"])
    #expect(dry.status == 0, "a dry run needs no lock")
    holder.send(SIGCONT)
    #expect(try holder.wait() == .exited(0))
    #expect(sandbox.bytes == undisturbed.bytes)
    try sandbox.syncWell([big.exports])
    #expect(sandbox.bytes == undisturbed.bytes)
  }

  @Test func `many runs at once leave what one leaves`() throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners().dumps, in: sandbox.folder)
    let alone = try Sandbox()
    try alone.syncWell([input])
    let runs = try (0..<6).map { _ in try sandbox.begin([input]).child }
    let ends = try runs.map { try $0.wait() }
    #expect(ends.contains(.exited(0)))
    #expect(ends.allSatisfy { $0 == .exited(0) || $0 == .exited(75) })
    #expect(sandbox.bytes == alone.bytes)
  }
}
