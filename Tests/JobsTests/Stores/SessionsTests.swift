import BSON
import Dispatch
import Foundation
import MongodHarness
import Stores
import Sync
import Synchronization
import Testing

@testable import Jobs

/// Sessions in bulk, the same on both stores (docs/stores.md, *Sessions*).
@Suite struct SessionsTests {
  static let kinds = TestStore.Kind.allCases
  /// Far ahead, so that the server's own monitor removes nothing meanwhile: 2100-01-01T00:00:00Z.
  static let now: Int64 = 4_102_444_800_000

  private func store(_ kind: TestStore.Kind) throws -> TestStore {
    let store = try TestStore(kind)
    _ = try Setup().run(on: store.open())
    return store
  }

  @discardableResult
  private func run(
    _ store: TestStore, _ lines: [String] = [], asOf: Int64 = now, dryRun: Bool = false
  ) throws -> SessionsSummary {
    let input = try store.file("pings.ndjson", lines.joined(separator: "\n"))
    var sessions = Sessions(inputs: lines.isEmpty ? [] : [input], asOf: asOf)
    sessions.dryRun = dryRun
    let quarantine = try QuarantineFile(store.folder + "/quarantine.ndjson", run: "test", store: store.folder)
    return try sessions.run(on: store.open(locking: !dryRun), quarantine: quarantine)
  }

  private func ping(_ user: String, _ session: String, _ time: String) -> String {
    #"{"user_id": "\#(user)", "session_id": "\#(session)", "last_ping_at": \#(time)}"#
  }

  private func reasons(_ store: TestStore) throws -> [String] {
    let text = try String(contentsOfFile: store.folder + "/quarantine.ndjson", encoding: .utf8)
    return text.split(separator: "\n").map { Array($0.utf8) }.compactMap { line in
      document(json: line)?.field("reason")?.string
    }
  }

  private func shown(_ summary: SessionsSummary) -> [String] {
    summary.users.map { "\(String(decoding: $0.id, as: UTF8.self)) \($0.activeSessions) \($0.hasMultipleSessions)" }
  }

  /// user, session, last ping, expiry
  private func sessions(_ store: TestStore) throws -> [String] {
    try store.documents(of: .sessionPings).map { document in
      let (user, session) = (document.field("user_id")?.string ?? "", document.field("session_id")?.string ?? "")
      return "\(user) \(session) \((document.field("last_ping_at")?.date ?? 0) - Self.now)"
        + " \((document.field("expires_at")?.date ?? 0) - Self.now)"
    }
  }

  // MARK: Tests

  @Test(arguments: kinds)
  func `the newest ping of a session wins, and the session ends five minutes later`(_ kind: TestStore.Kind) throws {
    let store = try store(kind)
    let now = Self.now
    let summary = try run(
      store,
      [
        ping("bob", "x", "\(now - 1000)"), ping("ann", "b", "\(now - 5000)"), ping("ann", "b", "\(now - 2000)"),
        ping("ann", "b", "\(now - 9000)"), ping("ann", "a", "{\"$date\": {\"$numberLong\": \"\(now - 3000)\"}}"),
        ping("zoe", "z", "\"2099-12-31T23:55:00.001Z\""), ping("eve", "e", "\"2099-12-31T23:55:00Z\""),
      ])
    #expect(shown(summary) == ["ann 2 true", "bob 1 false", "zoe 1 false"])
    #expect(
      try sessions(store) == [
        "ann a -3000 297000", "ann b -2000 298000", "bob x -1000 299000", "zoe z -299999 1",
      ])
    #expect(summary.pings.used == 7 && summary.pings.superseded == 2 && summary.pings.expired == 1)
    #expect(summary.new == 4)
  }

  @Test(arguments: kinds)
  func `a stored session is renewed by a newer ping alone, and keeps what else is in it`(
    _ kind: TestStore.Kind
  ) throws {
    let store = try store(kind)
    func stored(_ session: String, _ age: Int64) -> String {
      let (ping, expiry) = (Self.now - age, Self.now - age + 300_000)
      return #"{"_id": "\#(session)", "user_id": "ann", "session_id": "\#(session)", "device": "phone","#
        + #" "last_ping_at": {"$date": \#(ping)}, "expires_at": {"$date": \#(expiry)}}"#
    }
    try store.put(
      [stored("a", 5000), stored("b", 5000), stored("c", 300_000), stored("d", 400_000)], into: .sessionPings)
    let lines = [
      ping("ann", "a", "\(Self.now - 6000)"), ping("ann", "b", "\(Self.now)"), ping("ann", "d", "\(Self.now)"),
    ]
    let summary = try run(store, lines)
    #expect(try sessions(store) == ["ann a -5000 295000", "ann b 0 300000", "ann d 0 300000"])
    #expect(try store.documents(of: .sessionPings).allSatisfy { $0.field("device")?.string == "phone" })
    #expect(summary.renewed == 2 && summary.removed == 1 && summary.new == 0)
    let before = try store.documents(of: .sessionPings)
    let again = try run(store, lines)
    #expect(again.renewed == 0 && again.removed == 0 && shown(again) == ["ann 3 true"])
    #expect(try store.documents(of: .sessionPings) == before)
  }

  @Test(arguments: kinds)
  func `without inputs what has ended is removed and the rest reported`(_ kind: TestStore.Kind) throws {
    let store = try store(kind)
    try run(store, [ping("ann", "a", "\(Self.now)"), ping("bob", "b", "\(Self.now + 60_000)")])
    #expect(shown(try run(store, asOf: Self.now + 299_999)) == ["ann 1 false", "bob 1 false"])
    let later = try run(store, asOf: Self.now + 300_000, dryRun: true)
    #expect(later.removed == 1 && shown(later) == ["bob 1 false"])
    #expect(try sessions(store).count == 2, "a dry run writes nothing")
    #expect(try run(store, asOf: Self.now + 300_000).removed == 1)
    #expect(try sessions(store) == ["bob b 60000 360000"])
    #expect(try run(store, asOf: Self.now + 900_000).users == [])
    #expect(try sessions(store) == [])
  }

  @Test(arguments: kinds)
  func `what is no ping is quarantined with its reason, and the rest is used`(_ kind: TestStore.Kind) throws {
    let store = try store(kind)
    let long = String(repeating: "x", count: 257)
    let bad = [
      ("[]", []), ("nonsense", ["invalid-json"]), ("7", ["invalid-json"]),
      (ping("", "s", "1"), ["no-user"]), (#"{"user_id": {"$ne": null}, "session_id": "s"}"#, ["no-user"]),
      (ping(long, "s", "1"), ["no-user"]), (#"{"user_id": "u", "last_ping_at": 1}"#, ["no-identity"]),
      (ping("u", "", "1"), ["no-identity"]), (ping("u", "s", "null"), ["no-time"]), (ping("u", "s", "0"), ["no-time"]),
      (ping("u", "s", "\"yesterday\""), ["no-time"]), (ping("u", "s", "\(Self.now + 86_400_001)"), ["future-time"]),
    ]
    for (line, expected) in bad {
      let summary = try run(store, [line, ping("ann", "a", "\(Self.now)")])
      #expect(try reasons(store) == expected, "\(line)")
      #expect(summary.pings.quarantined == expected.count && shown(summary) == ["ann 1 false"])
    }
    #expect(try sessions(store) == ["ann a 0 300000"])
  }

  @Test(arguments: kinds)
  func `a session without a time is left, and one that the monitor would not remove gets its expiry`(
    _ kind: TestStore.Kind
  ) throws {
    let store = try store(kind)
    try store.put(
      [
        #"{"_id": 1, "user_id": "ann", "session_id": "a"}"#,
        #"{"_id": 2, "user_id": "ann", "session_id": "b", "last_ping_at": {"$date": \#(Self.now)}}"#,
      ], into: .sessionPings)
    let summary = try run(store)
    #expect(summary.unreadable == 1 && summary.renewed == 1 && shown(summary) == ["ann 1 false"])
    #expect(try sessions(store) == ["ann a \(-Self.now) \(-Self.now)", "ann b 0 300000"])
  }

  @Test(arguments: kinds)
  func `active users are those whose session has not ended`(_ kind: TestStore.Kind) throws {
    let store = try store(kind)
    try run(store, [ping("ann", "a", "\(Self.now)"), ping("bob", "b", "\(Self.now - 1000)")])
    func active(_ asOf: Int64) throws -> Set<[UInt8]> {
      try Sessions.activeUsers(in: store.open(locking: false), asOf: asOf)
    }
    #expect(try active(Self.now) == [Array("ann".utf8), Array("bob".utf8)])
    #expect(try active(Self.now + 299_000) == [Array("ann".utf8)])
    #expect(try active(Self.now + 300_000) == [])
  }

  @Test func `both stores hold the same sessions, byte for byte`() throws {
    let stores = try Self.kinds.map { try store($0) }
    var random = SystemRandomNumberGenerator()
    let seed = random.next() % 1_000_000
    var state = seed
    func below(_ bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    for round in 0..<3 {
      let lines = (0..<400).map { _ in
        ping("u\(below(40))", "s\(below(4))", "\(Self.now + Int64(round) * 200_000 - Int64(below(400_000)))")
      }
      let asOf = Self.now + Int64(round) * 200_000
      let summaries = try stores.map { try run($0, lines, asOf: asOf) }
      #expect(shown(summaries[0]) == shown(summaries[1]), "seed \(seed)")
      #expect(
        try stores[0].documents(of: .sessionPings) == stores[1].documents(of: .sessionPings), "seed \(seed)")
    }
  }

  @Test(arguments: kinds)
  func `pings of a user who asked to be forgotten are refused, and nothing of them is kept`(
    _ kind: TestStore.Kind
  ) throws {
    let store = try store(kind)
    let input = try store.file("pings.ndjson", ping("ann", "secret-session", "\(Self.now)"))
    var sessions = Sessions(inputs: [input], asOf: Self.now)
    sessions.forgotten = { $0 == Array("ann".utf8) }
    let quarantine = try QuarantineFile(store.folder + "/quarantine.ndjson", run: "test", store: store.folder)
    let summary = try sessions.run(on: store.open(), quarantine: quarantine)
    #expect(summary.pings.quarantined == 1 && summary.users.isEmpty)
    #expect(try reasons(store) == ["forgotten"])
    let text = try String(contentsOfFile: store.folder + "/quarantine.ndjson", encoding: .utf8)
    #expect(!text.contains("secret-session") && !text.contains("ann\""))
  }

  // MARK: Beside the live API

  @Test func `no ping that the API writes meanwhile is lost to the removal of ended sessions`() throws {
    let store = try store(.server)
    let database = try #require(store.database)
    let users = 40
    try store.put(
      (0..<users).map {
        #"{"_id": \#($0), "user_id": "u\#($0)", "session_id": "s", "last_ping_at": {"$date": \#(Self.now - 400_000)},"#
          + #" "expires_at": {"$date": \#(Self.now - 100_000)}}"#
      }, into: .sessionPings)
    let isDone = Atomic(false)
    let failures = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 2) { worker in
      if worker == 0 {
        for round in 0..<40 {
          let time = Self.now + Int64(round)
          for user in 0..<users {
            let update =
              #"{"q": {"user_id": "u\#(user)", "session_id": "s"}, "upsert": true, "u": {"$set": "#
              + #"{"last_ping_at": {"$date": \#(time)}, "expires_at": {"$date": \#(time + 300_000)}}}}"#
            // A duplicate key is what two inserts at once may meet: the API tries again.
            let command = #"{"update": "session_pings", "updates": [\#(update)]}"#
            let answer = try? database.run(command)
            if answer?.field("n")?.integer != 1, (try? database.run(command))?.field("n")?.integer != 1 {
              failures.add(1, ordering: .relaxed)
            }
          }
        }
        isDone.store(true, ordering: .relaxed)
      } else {
        // Renewals of its own and removals, again and again.
        while !isDone.load(ordering: .relaxed) {
          if (try? run(store, (0..<users).map { ping("u\($0)", "s", "\(Self.now - 1)") })) == nil {
            failures.add(1, ordering: .relaxed)
          }
        }
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
    let found = try store.documents(of: .sessionPings)
    #expect(found.count == users)
    #expect(found.allSatisfy { $0.field("last_ping_at")?.date == Self.now + 39 })
  }

  // MARK: The server's own monitor

  @Test func `the server removes a session by itself when it has ended`() throws {
    let store = try store(.server)
    let now = wallClock()
    try run(store, [ping("ann", "a", "\(now - 298_000)"), ping("bob", "b", "\(now)")], asOf: now - 60_000)
    #expect(try store.documents(of: .sessionPings).count == 2)
    try wait(upTo: .seconds(180), for: "the monitor, which looks every second") {
      try store.documents(of: .sessionPings).count == 1
    }
    #expect(try store.documents(of: .sessionPings).first?.field("user_id")?.string == "bob")
  }
}
