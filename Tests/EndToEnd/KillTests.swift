import Foundation
import Randomness
import Testing

/// A run that dies at any instant leaves the old store or the new one, whole, and the next run completes.
@Suite(.serialized) struct KillTests {
  private static let instants = 50

  @Test func `a kill at any instant leaves a whole store, and the next run completes`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 100, in: sandbox)
    let clock = ContinuousClock()
    try sandbox.restore(big.cloud)
    // Seconds that a run takes; while other tests run or end that changes, so that it is measured again and again.
    var length = try clock.measure { try sandbox.syncWell([big.exports]) } / .seconds(1)
    let undisturbed = try #require(sandbox.bytes)
    try #require(undisturbed != big.cloud)

    let seed = UInt64.random(in: 0 ... .max)
    print("kills: seed \(seed), a run takes \(length) s")
    var random = SeededRandom(seed: seed)
    var (killed, replaced) = (0, 0)
    for number in 0..<Self.instants {
      try sandbox.restore(big.cloud)
      let (child, _) = try sandbox.begin([big.exports])
      // Every second instant lies around what matters most: from the first byte of the new store to its being in place,
      // which takes longer while other tests run.
      let isLate = number % 2 == 1
      let instant = Double.random(in: 0...(isLate ? length * 1.5 : length), using: &random)
      if isLate { try waitFor { FileManager.default.fileExists(atPath: sandbox.library + ".partial") ? true : nil } }
      Thread.sleep(forTimeInterval: instant)
      child.send(SIGKILL)
      let end = try child.wait()
      if end == .killed(signal: SIGKILL) { killed += 1 }
      let left = sandbox.bytes
      #expect(left == big.cloud || left == undisturbed, "seed \(seed), \(instant) s: the store is neither old nor new")
      if left == undisturbed { replaced += 1 }
      let next = try clock.measure {
        let run = try sandbox.sync([big.exports])
        #expect(run.status == 0, "seed \(seed), \(instant) s: \(run.errors)")
      }
      if left == big.cloud { length = next / .seconds(1) }
      #expect(sandbox.bytes == undisturbed, "seed \(seed), \(instant) s: the next run gives other bytes")
      let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.store).sorted()
      let collections = ["job_runs", "play_archive", "user_library"].flatMap { ["\($0).bson", "\($0).metadata.json"] }
      #expect(names == [".mixdown.lock"] + collections)
    }
    print("kills: \(killed) of \(Self.instants) died, \(replaced) had the new store in its place")
    #expect(killed > Self.instants / 4, "the instants do not fall into the run")
  }

  @Test func `a run that was killed says so by a manifest that still runs`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 100, in: sandbox)
    let (child, state) = try sandbox.begin([big.exports])
    let run = Run(status: 0, output: "", errors: "", state: state)
    let manifest = try waitFor { try? run.manifest }
    child.send(SIGKILL)
    #expect(try child.wait() == .killed(signal: SIGKILL))
    #expect(manifest.outcome == "running" && manifest.exitStatus == nil && manifest.process == child.processID)
  }
}

/// What `body` gives as soon as it gives something; fails when that takes minutes.
@discardableResult
func waitFor<Value>(_ body: () throws -> Value?) throws -> Value {
  let end = ContinuousClock.now + .seconds(180)
  while .now < end {
    if let value = try body() { return value }
    Thread.sleep(forTimeInterval: 0.001)
  }
  throw Child.TookTooLong()
}
