import BSON
import Foundation
import MongodHarness
import Stores
import Synchronization
import Testing

/// A writer that does what the live API does, on the same users during the run (docs/stores.md, *How conflicts are
/// resolved*).
@Suite struct MongoLiveTests {
  private let users = (100..<220).map { "user-\($0)" }
  private static let writers = 4
  private static let writesOfEach = 600

  @Test func `of what the live service was told is written, nothing is lost`() throws {
    let database = try TestDatabase()
    try database.makeIndexes([.userLibrary])
    try database.insert(users.map { library($0, at: 1, favorites: 0) }, into: "user_library")
    let running = Atomic(Self.writers)
    let acknowledged = Mutex([String: Int]())
    let (users, address) = (self.users, database.address)
    let live = (0..<Self.writers).map { writer in
      Thread.detached {
        // Each has users of its own, so that which write is a user's last is known.
        let own = stride(from: writer, to: users.count, by: Self.writers).map { users[$0] }
        do {
          let service = try LiveService(address)
          for number in 1...Self.writesOfEach {
            let user = own[number * 7 % own.count]
            try service.write(user, number)
            acknowledged.withLock { $0[user] = number }
          }
        } catch {
          Issue.record(error)
        }
        running.subtract(1, ordering: .acquiringAndReleasing)
      }
    }
    // Writes the same section, in which the live service's number must stay.
    let merger = try LiveMerger(address, users)
    var conflicts = 0
    while running.load(ordering: .acquiring) > 0 { conflicts += try merger.merge() }
    for thread in live { thread.wait() }
    conflicts += try merger.merge()
    #expect(conflicts > 0, "the two never met")
    let last = acknowledged.withLock { $0 }
    #expect(last.count == users.count)
    for document in try database.documents(of: "user_library", sortedBy: "user_id") {
      let user = try #require(document.field("user_id")?.string)
      let (favorites, queue, title) = try document.withView { bytes in
        let favorites = try BSONDocument(bytes).value("favorites")?.array?.value("0")?.document
        let queue = try BSONDocument(bytes).value("queue")?.array?.value("0")?.integer
        return (try favorites?.value("live")?.integer, queue, try favorites?.value("title")?.string?.string)
      }
      let number = last[user].map { Int64($0) }
      #expect(favorites == number && queue == number && title == "merged", "\(user)")
    }
  }
}

/// Sets whole sections and a new time, as the application's API does, and waits until a majority has it.
private struct LiveService {
  private let database: MongoDatabase

  init(_ address: String) throws { database = try MongoDatabase(MongoAddress(address), MongoOptions()) }

  func write(_ user: String, _ number: Int) throws {
    let now = Int64(Date().timeIntervalSince1970 * 1000)
    let answer = try database.run(
      json: """
        {"update": "user_library", "writeConcern": {"w": "majority"}, "updates": [{"q": {"user_id": "\(user)"},
         "u": {"$set": {"favorites": [{"version": 0, "title": "", "live": \(number)}], "queue": [\(number)],
          "updated_at": {"$date": {"$numberLong": "\(now)"}}}}}]}
        """)
    guard answer.field("n")?.integer == 1 else { throw MongodError("the live write of \(user) found nobody") }
  }
}

/// Reads libraries and marks them as merged, keeping everything else.
private final class LiveMerger {
  private let collection: any StoredCollection
  private let users: [String]

  init(_ address: String, _ users: [String]) throws {
    collection = try MongoStore(address).open(.userLibrary)
    self.users = users
  }

  /// - Returns: how many conflicts there were.
  func merge() throws -> Int {
    let writer = try collection.beginWriting(.any)
    var left = users
    var conflicts = 0
    while !left.isEmpty {
      let scratch = Scratch()
      let changes = try scratch.documents(collection, of: left).map { documents in
        let stored = try #require(documents.first)
        let live = try stored.value("favorites")?.array?.value("0")?.document?.value("live")
        var new = BSONWriter()
        let root = new.open()
        var elements = stored.elements
        while let element = try elements.next() {
          switch element.key.string {
          case "favorites":
            new.key("favorites", .array)
            let list = new.open()
            new.index(0, .document)
            let entry = new.open()
            new.append("version", integer: 0)
            new.append("title", string: "merged")
            if let live { new.append("live", live) }
            new.close(entry)
            new.close(list)
          case "updated_at": new.append("updated_at", date: (element.value.date ?? 0) + 1)
          default: new.append(element.key, element.value)
          }
        }
        new.close(root)
        return DocumentChange(
          key: try stored.value("user_id")?.string ?? .empty, stored: stored,
          document: scratch.document(new.view.copy()), changedFields: ["favorites", "updated_at"])
      }
      let met = try writer.write(changes)
      conflicts += met.count
      left = met.map { left[$0] }
    }
    return conflicts
  }
}
