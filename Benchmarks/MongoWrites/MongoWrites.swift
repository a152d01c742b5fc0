import BSON
import Dispatch
import Foundation
import Stores
import Synchronization

/// The write phase of a sync on MongoDB alone: what is to be written is at hand, and only the writing is timed.
///
///     MongoWrites ADDRESS OLD NEW fields|whole THREADS
///
/// OLD and NEW are folders with a `user_library.bson`: what the server has, and what it shall have. Prints one line of
/// JSON.
@main struct MongoWrites {
  static let sections: [StaticString] = [
    "favorites", "history", "total_songs_played", "queue", "playlists", "preferences", "recent_searches",
    "section_updated_at", "removed", "updated_at",
  ]
  static let batch = 200

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 6, let threads = Int(arguments[5]) else {
      print("usage: MongoWrites ADDRESS OLD NEW fields|whole THREADS")
      exit(64)
    }
    let arena = Arena()
    let (old, new) = try (documents(arguments[2], arena), documents(arguments[3], arena))
    let known = Dictionary(uniqueKeysWithValues: new)
    var bytes = 0
    var changes: [DocumentChange] = []
    // In the order in which the server has them, as a sync and the C program send them.
    for (user, stored) in old {
      guard let document = known[user], stored.bytes != document.bytes else { continue }
      var fields: [StaticString] = []
      var sections = 0
      for section in Self.sections {
        let (before, after) = (try stored.value(section), try document.value(section))
        guard before?.type != after?.type || before?.bytes != after?.bytes else { continue }
        fields.append(section)
        sections += after?.bytes.count ?? 0
      }
      let isWhole = arguments[4] == "whole"
      bytes += isWhole ? document.bytes.count : sections
      changes.append(
        DocumentChange(key: user, stored: stored, document: document, changedFields: isWhole ? [] : fields))
    }
    let work = Work(changes)
    let collection = try MongoStore(arguments[1]).open(.userLibrary)
    _ = try collection.contains([ByteView("nobody")])
    let begun = (time: ContinuousClock.now, cpu: cpuSeconds())
    let conflicts = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: threads) { _ in
      do {
        let writer = try collection.beginWriting(.any)
        while let batch = work.next(Self.batch) {
          conflicts.add(try writer.write(Array(batch)).count, ordering: .relaxed)
        }
      } catch {
        print("\(error)")
        exit(1)
      }
    }
    let (seconds, attoseconds) = begun.time.duration(to: .now).components
    let wall = Double(seconds) + Double(attoseconds) * 1e-18
    let count = changes.count
    print(
      """
      {"documents": \(count), "bytes": \(bytes), "conflicts": \(conflicts.load(ordering: .relaxed)), \
      "seconds": \(wall), "cpu": \(cpuSeconds() - begun.cpu)}
      """)
  }

  private static func documents(_ folder: String, _ arena: Arena) throws -> [(ByteView, BSONDocument)] {
    let cursor = try DirectoryStore.open(folder, locking: false).collection(.userLibrary).cursor(updatedSince: nil)
    var found: [(ByteView, BSONDocument)] = []
    while true {
      let part = try cursor.next(upTo: 32 << 20, in: arena)
      if part.isEmpty { return found }
      for document in part {
        // Copied, since what is mapped is given back when the cursor goes on.
        let copy = BSONDocument(unchecked: arena.copy(document.bytes))
        if let user = try copy.value("user_id")?.string { found.append((user, copy)) }
      }
    }
  }

  private static func cpuSeconds() -> Double {
    var usage = rusage()
    _ = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

/// What is left to write, handed out in batches.
///
/// Safe to share: the changes are only read, their bytes lie in an arena that lives to the end, and the place is a
/// lock's.
private final class Work: @unchecked Sendable {
  private let changes: [DocumentChange]
  private let place = Mutex(0)

  init(_ changes: [DocumentChange]) { self.changes = changes }

  func next(_ count: Int) -> ArraySlice<DocumentChange>? {
    let start = place.withLock { place in
      defer { place += count }
      return place
    }
    return start < changes.count ? changes[start..<min(start + count, changes.count)] : nil
  }
}
