import BSON
import Foundation
import MongodHarness
import Stores
import Synchronization
import Testing

/// A primary that steps down or dies in the middle of a run is waited for and the batch goes on (docs/stores.md, *When
/// something breaks*).
@Suite(.serialized) struct MongoFailoverTests {
  /// The three nodes that these tests break, one test after another.
  private static let servers = Result { try ReplicaSet(3, arguments: ["--setParameter", "enableTestCommands=1"]) }

  private let servers: ReplicaSet
  private let database: TestDatabase
  private let users = (100..<180).map { "user-\($0)" }

  init() throws {
    servers = try Self.servers.get()
    for member in servers.members where !member.isRunning { try member.start() }
    _ = try servers.primary()
    database = try TestDatabase(on: servers)
    try database.makeIndexes([.userLibrary])
    try database.insert(users.map { library($0, at: 1, favorites: 0) }, into: "user_library")
  }

  enum Fault: CaseIterable { case killed, steppedDown, frozen, allGone, cut }

  /// Whether servers are frozen and gone for 20 s, and noticed as late as by default. Else they are for as long as it
  /// takes to show; that is not much to add to every test run.
  private static let isLong = ProcessInfo.processInfo.environment["MIXDOWN_LONG_FAULTS"] != nil

  @Test(arguments: Fault.allCases)
  func `a run goes on over a fault, and each change is made once`(fault: Fault) throws {
    let progress = Progress()
    var options = Self.isLong ? MongoOptions() : MongoOptions(answerTimeout: .seconds(1))
    options.waiting = { _ in progress.waits.add(1, ordering: .releasing) }
    let counter = try Counter(database.address, users, options: options)
    let breaking = Thread.detached {
      do { try self.cause(fault, progress) } catch { Issue.record(error) }
      progress.isOver.store(true, ordering: .releasing)
    }
    while !progress.isOver.load(ordering: .acquiring) {
      try counter.count()
      progress.rounds.add(1, ordering: .releasing)
    }
    breaking.wait()
    try counter.count()
    let rounds = progress.rounds.load(ordering: .acquiring) + 1
    #expect(try counter.counts == users.map { _ in rounds })
    #expect(counter.conflicts == 0)
  }

  /// How far a run has come, for who disturbs it.
  private final class Progress: Sendable {
    let rounds = Atomic(0)
    /// How often it found no server.
    let waits = Atomic(0)
    let isOver = Atomic(false)

    /// Waits until the run has done a whole round that began after this call.
    func goesOn() throws {
      let before = rounds.load(ordering: .acquiring)
      try wait(upTo: .seconds(180), for: "the run to go on") { rounds.load(ordering: .acquiring) > before + 1 }
    }

    func waits(from before: Int) throws {
      try wait(upTo: .seconds(180), for: "the run to miss the server") { waits.load(ordering: .acquiring) > before }
    }
  }

  private func cause(_ fault: Fault, _ progress: Progress) throws {
    try progress.goesOn()
    switch fault {
    case .killed:
      let primary = try servers.primary()
      primary.kill()
      try progress.goesOn()
      try primary.start()
    case .steppedDown:
      for _ in 0..<2 {
        try servers.stepDown()
        try progress.goesOn()
      }
    case .frozen:
      let primary = try servers.primary()
      primary.freeze()
      // It goes on with another primary while this one still believes to be it.
      if Self.isLong { sleep(20) } else { try progress.goesOn() }
      primary.thaw()
    case .allGone:
      let before = progress.waits.load(ordering: .acquiring)
      for member in servers.members { member.kill() }
      if Self.isLong { sleep(20) } else { try progress.waits(from: before) }
      for member in servers.members { try member.start() }
    case .cut:
      // The server closes connections instead of answering some writes, before and after doing them.
      let admin = try servers.primary().database("admin")
      for _ in 0..<6 {
        try admin.run(
          json: """
            {"configureFailPoint": "failCommand", "mode": {"times": 2},
             "data": {"failCommands": ["update", "find"], "closeConnection": true}}
            """)
        try progress.goesOn()
      }
      try admin.run(json: #"{"configureFailPoint": "failCommand", "mode": "off"}"#)
    }
    try progress.goesOn()
  }

  @Test func `stepping through a collection goes on where it was when the primary died`() throws {
    try database.insert((0..<400).map { library("u-\($0 + 1000)", at: 1, padding: 20_000) }, into: "user_library")
    let collection = try MongoStore(database.address).open(.userLibrary)
    let cursor = try collection.cursor(updatedSince: nil)
    let arena = Arena()
    var found: [String] = []
    var faults = 2
    while true {
      arena.reset()
      let part = try cursor.next(upTo: 100_000, in: arena)
      if part.isEmpty { break }
      found += try part.map { try $0.value("user_id")?.string?.string ?? "" }
      if faults > 0, found.count > 150 * (3 - faults) {
        faults -= 1
        let primary = try servers.primary()
        primary.kill()
        try primary.start()
      }
    }
    #expect(found == (0..<400).map { "u-\($0 + 1000)" } + users)
  }

  @Test func `a secondary alone is read-only, and is not waited for as long as for an election`() throws {
    let primary = try servers.primary()
    let secondary = try #require(servers.members.first { $0.port != primary.port })
    // What all members have acknowledged the secondary has, and with it the index that was made before.
    let all = servers.members.count
    try database.run(#"{"insert": "late", "documents": [{}], "writeConcern": {"w": \#(all), "wtimeout": 300000}}"#)
    let options = MongoOptions(serverTimeout: .seconds(2))
    let collection = try MongoStore(secondary.address(database.name), options).open(.userLibrary)
    let scratch = Scratch()
    #expect(try scratch.documents(collection, of: ["user-100"])[0].count == 1)
    #expect {
      try collection.beginWriting(.any)
    } throws: { error in
      guard case StoreError.unreachable(_, _, _, let advice) = error else { return false }
      return advice.contains("takes no writes")
    }
  }

  @Test func `what a secondary does not know yet is read from the primary after a conflict`() throws {
    let address = servers.address(database.name, options: "&readPreference=secondary")
    let collection = try MongoStore(address).open(.userLibrary)
    let scratch = Scratch()
    let primary = try servers.primary()
    // Wait until both have it, then stop one of them from following.
    try wait(upTo: .seconds(180), for: "the secondaries") {
      try servers.members.allSatisfy {
        try $0.database(database.name).documents(json: #"{"find": "user_library"}"#).count == users.count
      }
    }
    let stale = servers.members.filter { $0.port != primary.port }
    for member in stale {
      try member.database("admin").run(json: #"{"configureFailPoint": "stopReplProducer", "mode": "alwaysOn"}"#)
    }
    defer {
      for member in stale {
        _ = try? member.database("admin").run(json: #"{"configureFailPoint": "stopReplProducer", "mode": "off"}"#)
      }
    }
    try database.run(
      """
      {"update": "user_library", "writeConcern": {"w": 1}, "updates": [{"q": {"user_id": "user-100"},
       "u": {"$set": {"updated_at": {"$date": {"$numberLong": "77"}}}}}]}
      """)
    let change = try scratch.change(
      collection, to: library("user-100", at: 90, favorites: 5), fields: ["favorites", "updated_at"])
    #expect(try change.stored?.value("updated_at")?.date == 1)
    // A majority cannot be had now, so a conflict that is found out by one could not be; the write waits for it.
    let writing = Thread.detached {
      usleep(700_000)
      for member in stale {
        _ = try? member.database("admin").run(json: #"{"configureFailPoint": "stopReplProducer", "mode": "off"}"#)
      }
    }
    #expect(try collection.beginWriting(.any).write([change]) == [0])
    writing.wait()
    #expect(try scratch.stored(collection, scratch.view("user-100"), nil)?.value("updated_at")?.date == 77)
  }
}
