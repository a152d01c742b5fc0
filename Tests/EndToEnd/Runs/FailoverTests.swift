import Foundation
import MongodHarness
import Stores
import Testing

/// Issue 4: whole runs go on over the loss of a primary, and leave what an undisturbed run leaves.
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
}
