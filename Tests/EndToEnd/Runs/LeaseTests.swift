import Foundation
import Stores
import Testing

/// One run at a time writes what a run writes, on a server as in a directory.
@Suite(.serialized) struct LeaseTests {
  @Test(arguments: Bench.Kind.allCases)
  func `the second of two ends with 75 at once and names the first`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 300, plays: 40))
    let first = try bench.begin("sync", input + ["--workers", "1", "--as-of", Bench.asOf])
    let run = try waitFor { bench.ids.first }
    let holder = try waitFor { try? bench.manifest(run) }
    first.send(SIGSTOP)
    let second = try bench.run("sync", input + ["--as-of", Bench.asOf], expecting: 75)
    for part in [run, holder.host, "process \(first.processID)", "since 20"] { #expect(second.errors.contains(part)) }
    // What writes the same collections is another job, but waits no less.
    let undo = try bench.run("undo", [run], expecting: 75)
    #expect(undo.errors.contains(run))
    first.send(SIGCONT)
    #expect(try first.wait() == .exited(0), "\(first.errors)")
    try bench.sync(input)
  }

  @Test func `a holder that is gone is superseded after its lease, and one that was slow stops writing`() throws {
    let bench = try Bench(.server)
    let input = try bench.inputs(Listeners(count: 400, plays: 40))
    let undisturbed = try Bench(.directory)
    try undisturbed.sync(input)
    let arguments = input + ["--workers", "1", "--as-of", Bench.asOf]
    let slow = try bench.begin("sync", arguments, environment: ["MIXDOWN_LEASE": "8"])
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    slow.send(SIGSTOP)
    // Until the lease has ended it is the slow one's.
    try bench.run("sync", arguments, expecting: 75)
    try bench.run("sync", arguments, retries: 200)
    let after = try bench.contents()
    #expect(try after == undisturbed.contents())
    slow.send(SIGCONT)
    #expect(try slow.wait() == .exited(75), "\(slow.errors)")
    #expect(slow.errors.contains("this run has lost its lease: "))
    #expect(try bench.contents() == after)
    #expect(try bench.manifest(run).outcome == "failed")
  }

  @Test(arguments: ["abc", "0", "-3", "nan", "inf"])
  func `a length that is none is refused`(_ seconds: String) throws {
    let bench = try Bench(.server)
    let input = try bench.inputs(Listeners(count: 2))
    let refused = try bench.run("sync", input, expecting: 64, environment: ["MIXDOWN_LEASE": seconds])
    #expect(refused.errors.contains("MIXDOWN_LEASE=\(seconds): "), "\(refused.errors)")
    #expect(try bench.contents().isEmpty)
  }
}
