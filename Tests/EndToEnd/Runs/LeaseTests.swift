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

  @Test(arguments: Bench.Kind.allCases)
  func `a run that still lives is not gone on with`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let arguments = try bench.inputs(Listeners(count: 300, plays: 40)) + ["--workers", "1", "--as-of", Bench.asOf]
    let first = try bench.begin("sync", arguments + ["--resumable"])
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    first.send(SIGSTOP)
    let resumed = try bench.run("sync", arguments + ["--resume"], expecting: 75)
    for part in [run, "process \(first.processID)", "since 20"] { #expect(resumed.errors.contains(part)) }
    #expect(try bench.manifest(run).attempts == nil)
    first.send(SIGCONT)
    #expect(try first.wait() == .exited(0), "\(first.errors)")
    #expect(bench.ids == [run])
    #expect(try bench.manifest(run).outcome == "done")
    try bench.run("verify", [run])
  }

  @Test func `a run whose process has died is gone on with at once`() throws {
    let bench = try Bench(.server)
    let arguments = try bench.inputs(Listeners(count: 300, plays: 40)) + ["--workers", "1", "--as-of", Bench.asOf]
    let first = try bench.begin("sync", arguments + ["--resumable"])
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    first.send(SIGKILL)
    try #require(try first.wait() == .killed(signal: SIGKILL))
    // Another job waits until the lease has ended.
    try bench.run("undo", [run], expecting: 75)
    try bench.run("sync", arguments + ["--resume"])
    #expect(bench.ids == [run])
    #expect(try bench.manifest(run).attempts == 2)
  }

  @Test(arguments: ["resume/0.dumps", "journal.bson"])
  func `a run that was frozen until it was gone on with leaves folder and store to the other attempt`(
    _ file: String
  ) throws {
    let bench = try Bench(.server)
    let inputs = try bench.inputs(Listeners(count: 400, plays: 40), over: 2)
    let arguments = inputs + [try bench.folder.write("broken.json", "{"), "--workers", "1", "--as-of", Bench.asOf]
    let slow = try bench.begin("sync", arguments + ["--resumable"], environment: ["MIXDOWN_LEASE": "2"])
    let run = try waitFor { bench.ids.first }
    try waitFor { FileManager.default.fileExists(atPath: "\(bench.state)/\(run)/\(file)") ? true : nil }
    slow.send(SIGSTOP)
    try bench.run("sync", arguments + ["--resume"], expecting: 3, retries: 200)
    #expect(bench.ids == [run])
    let files = ["manifest.json", "journal.bson", "quarantine.ndjson", "report.html", "metrics.prom"]
    func state() throws -> [[UInt8]] {
      let stored = try bench.contents([.userLibrary, .playArchive, .jobRuns]).sorted { $0.key < $1.key }
      let left = try files.map { try bench.folder.bytes(of: "state/\(run)/\($0)") }
      return left + stored.map(\.value)
    }
    let after = try state()
    slow.send(SIGCONT)
    #expect(try slow.wait() == .exited(75), "\(slow.errors)")
    #expect(slow.errors.contains("this run has lost its lease: "), "\(slow.errors)")
    #expect(try state() == after)
    let manifest = try bench.manifest(run)
    #expect(manifest.attempts == 2 && manifest.outcome == "done" && manifest.quarantine == ["invalid-json": 1])
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents().isEmpty)
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
