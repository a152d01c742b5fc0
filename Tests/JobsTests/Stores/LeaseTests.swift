import BSON
import Foundation
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// Who may take a lease that somebody has (docs/runs.md, *Lock*).
@Suite struct LeaseTests {
  /// A process that has died.
  private static let dead = Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/true")
    try process.run()
    process.waitUntilExit()
    return process.processIdentifier
  }

  struct Holder: Sendable {
    var run = "ours"
    var host = hostName()
    var isDead = true
    var isOver = false
    let isTaken: Bool
  }

  @Test(arguments: [
    Holder(isTaken: true),
    Holder(isDead: false, isTaken: false),
    Holder(host: "elsewhere", isTaken: false),
    Holder(run: "another's", isTaken: false),
    Holder(run: "another's", host: "elsewhere", isDead: false, isOver: true, isTaken: true),
    Holder(isDead: false, isOver: true, isTaken: true),
  ])
  func `a lease is taken when it is over, or by the run itself when its process is known to have died`(
    _ holder: Holder
  ) throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    let process = holder.isDead ? try Self.dead.get() : getpid()
    let end = wallClock() + (holder.isOver ? -1000 : 60_000)
    try store.put(
      [
        """
        {"_id": "lock:songs", "run_id": "lock:songs", "owner": "\(holder.run)", "token": {"$numberLong": "7"},
         "job": "night", "host": "\(holder.host)", "process": \(process), "since": {"$date": 1},
         "expires": {"$date": {"$numberLong": "\(end)"}}, "updated_at": {"$date": 1}}
        """
      ], into: .jobRuns)
    func take() throws { try Lease([.songs], of: store.open(), run: "ours", job: "night", seconds: 60).end() }
    if holder.isTaken {
      try take()
      #expect(try store.documents(of: .jobRuns).isEmpty)
    } else {
      #expect {
        try take()
      } throws: { error in
        guard case StoreError.locked(_, let name) = error else { return false }
        return name.contains("run \(holder.run) (night, host \(holder.host), process \(process)")
      }
      #expect(try store.documents(of: .jobRuns).count == 1)
    }
  }

  @Test func `a second attempt of a run is another holder, and what the first has lost is not its to end`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    let lost = DispatchSemaphore(value: 0)
    let first = try Lease([.songs], of: store.open(), run: "ours", job: "night", seconds: 3) { lost.signal() }
    #expect(throws: StoreError.self) {
      try Lease([.songs], of: store.open(), run: "ours", job: "night", seconds: 3)
    }
    try first.check()
    // As another attempt does when the lease has ended.
    try store.database?.run(
      """
      {"update": "job_runs", "updates": [{"q": {"run_id": "lock:songs"},
       "u": {"$set": {"token": {"$numberLong": "7"}, "updated_at": {"$date": 1}}}}]}
      """)
    #expect(lost.wait(timeout: .now() + 60) == .success)
    #expect(throws: StoreError.self) { try first.check() }
    first.end()
    #expect(try store.documents(of: .jobRuns).first?.field("token")?.integer == 7)
  }
}
