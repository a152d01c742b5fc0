import BSON
import Foundation
import Stores
import Testing

@testable import Jobs

/// What a journal does when the disk does not.
@Suite struct JournalTests {
  @Test func `behind a record that is torn nothing is recorded`() async throws {
    let store = try TestStore(.directory)
    let folder = store.folder
    await #expect(processExitsWith: .success) { [folder = folder as String] in
      let store = try openStore(folder + "/store", locking: true, run: "test")
      let libraries = try store.open(.userLibrary)
      let place = try RunFolder(state: folder + "/state", run: RunID(milliseconds: wallClock()))
      let journal = Journal(place, run: "test", store: store.name)
      func record(_ users: [String]) throws {
        let arena = Arena()
        let changes = users.map { DocumentChange(key: arena.copy(Array($0.utf8)), stored: nil, document: nil) }
        try journal.record(changes, of: libraries)
      }
      try record(["ann"])
      // As on a disk that is full: the system takes some of what is written.
      signal(SIGXFSZ, SIG_IGN)
      let whole = try #require(FileManager.default.contents(atPath: place.journal)).count
      var limit = rlimit()
      #expect(unsafe getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      limit.rlim_cur = rlim_t(whole + 1000)
      #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let full = StoreError.inputOutput(path: place.journal, operation: "write", code: EFBIG)
      #expect(throws: full) { try record((0..<100).map { "many-\($0)" }) }
      limit.rlim_cur = limit.rlim_max
      #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      // There is room again, and behind what is torn nobody would read it.
      let torn = try #require(try JournalReader(ifPresent: place))
      #expect(torn.isTorn)
      #expect(throws: full) { try record(["bob"]) }
    }
  }

  @Test func `an old file of a later attempt takes no number that another has, when forget has dropped one between`()
    throws
  {
    let store = try TestStore(.directory)
    let folder = try RunFolder(state: store.folder + "/state", run: RunID(milliseconds: wallClock()))
    func record(_ user: String, in schema: CollectionSchema, _ journal: Journal) throws {
      let arena = Arena()
      let collection = try store.open(locking: false).open(schema)
      let key = arena.copy(Array(user.utf8))
      let stored = try #require(try collection.documents(of: [key], in: arena).first?.first)
      try journal.record([DocumentChange(key: key, stored: stored, document: nil)], of: collection)
    }
    try store.put([#"{"_id": 1, "user_id": "ann"}"#], into: .userLibrary)
    let months = ["abe", "bob"].map { #"{"_id": "\#($0)", "user_id": "\#($0)", "month": "2025-01"}"# }
    try store.put(months, into: .playArchive)
    let first = Journal(folder, run: "test", store: store.name)
    try record("ann", in: .userLibrary, first)
    try record("bob", in: .playArchive, first)
    let archive = RunArchive(state: store.folder + "/state")
    try JournalCleaning(folder, Traces(of: [Array("ann".utf8)], in: store.open(locking: false), archive)).run()
    try store.put([#"{"_id": 3, "user_id": "cat", "month": "2025-01"}"#], into: .playArchive)
    try record("cat", in: .playArchive, Journal(folder, run: "test", store: store.name))
    let journal = try #require(try JournalReader(ifPresent: folder))
    let changes = Array(journal.changes())
    #expect(changes.map(\.key.string) == ["bob", "cat"])
    for change in changes {
      #expect(try journal.document(change.before)?.value("user_id")?.string == change.key)
    }
  }
}
