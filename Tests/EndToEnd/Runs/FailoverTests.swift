import Foundation
import MongodHarness
import Stores
import Testing

/// Whole runs go on over the loss of a primary, and leave what an undisturbed run leaves (docs/stores.md, *When
/// something breaks*).
@Suite(.serialized) struct FailoverTests {
  private static let servers = Result { try ReplicaSet(3) }

  enum Fault: CaseIterable { case killed, steppedDown, frozen, allGone }

  @Test(arguments: Fault.allCases)
  func `a sync ends well although the primary does not`(_ fault: Fault) throws {
    let servers = try Self.servers.get()
    for member in servers.members where !member.isRunning { try member.start() }
    let primary = try servers.primary()
    let bench = try Bench(.server, on: servers)
    let input = try bench.inputs(Listeners(count: 300, plays: 40))
    let undisturbed = try Bench(.directory)
    try undisturbed.sync(input)

    let child = try bench.begin("sync", input + ["--workers", "1", "--as-of", Bench.asOf])
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    switch fault {
    case .killed: primary.kill()
    case .steppedDown: try servers.stepDown()
    case .frozen:
      primary.freeze()
      // Another is elected after a second.
      sleep(4)
      primary.thaw()
    case .allGone:
      for member in servers.members { member.kill() }
      for member in servers.members { try member.start() }
    }
    #expect(try child.wait() == .exited(0), "\(child.errors)")
    if fault == .killed { try primary.start() }
    #expect(try bench.contents() == undisturbed.contents())
    #expect(try bench.manifest(run).outcome == "done")
    try bench.run("verify", [run])
    // Nothing is left to be done.
    try bench.sync(input)
    let again = try bench.manifest(#require(bench.ids.last))
    #expect(again.users.changed == 0 && again.users.created == 0)
  }

  @Test func `a sync and an undo whose server does not come back end once, and tell what was written`() throws {
    let servers = try ReplicaSet(1)
    let bench = try Bench(.server, on: servers)
    let input = try bench.inputs(Listeners(count: 2000, plays: 40))
    let flags = ["--server-timeout", "1s"]

    let arguments = input + ["--workers", "1", "--as-of", Bench.asOf] + flags
    let sync = try bench.begin("sync", arguments, environment: ["MIXDOWN_LEASE": "20"])
    let first = try waitFor { bench.ids.first }
    _ = try waitFor { try bench.contents([.userLibrary]).count >= 400 ? true : nil }
    servers.members[0].kill()
    try expectLost(sync, first, bench)
    let manifest = try bench.manifest(first)
    #expect(manifest.users.created > 0 && manifest.counts.dumps.read == 2 * manifest.users.seen)
    #expect(try #require(manifest.written).documents >= manifest.users.created)

    try servers.members[0].start()
    _ = try servers.primary()
    try bench.run("sync", input + ["--as-of", Bench.asOf], retries: 300)
    let whole = try #require(bench.ids.last)
    let undo = try bench.begin("undo", [whole] + flags)
    let second = try waitFor { bench.ids.last { $0 > whole } }
    let journal = "\(bench.state)/\(second)/journal.bson"
    _ = try waitFor {
      let size = (try? FileManager.default.attributesOfItem(atPath: journal))?[.size] as? Int
      return size ?? 0 > 2 << 20 ? true : nil
    }
    undo.send(SIGSTOP)
    servers.members[0].kill()
    undo.send(SIGCONT)
    try expectLost(undo, second, bench)
    #expect(try bench.manifest(second).users.changed > 0)
  }

  /// Waits for a run without a server, which is asked to stop so that it does not wait for a minute.
  private func expectLost(_ child: Child, _ run: String, _ bench: Bench) throws {
    let begun = ContinuousClock.now
    sleep(2)
    child.send(SIGINT)
    #expect(try child.wait() == .exited(69), "\(child.errors)")
    // Not a measure of speed: job_runs and each of the leases must not be waited for as the batch was.
    #expect(begun.duration(to: .now) < .seconds(30))
    let manifest = try bench.manifest(run)
    #expect(manifest.outcome == "failed" && manifest.exitStatus == 69)
    let error = try #require(manifest.error)
    #expect(error.split(separator: "refused the connection").count == 2, "\(error)")
  }
}
