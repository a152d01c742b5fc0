import BSON
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// Writes of jobs that meet what somebody else writes into a server at the same moment.
@Suite struct ContentionTests {
  private static let user = "ann-who-wants-to-be-forgotten"

  private func contended(
    _ store: TestStore, meanwhile: @escaping @Sendable () throws -> Void
  ) throws -> ContendedStore {
    ContendedStore(try store.open(), meanwhile: meanwhile)
  }

  @Test func `a forgotten user is taken out of the document of a run that somebody else writes just then`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    try store.put(
      [
        #"{"_id": "r", "run_id": "r", "inputs": [{"path": "in/\#(Self.user).json"}], "updated_at": {"$date": 1}}"#
      ], into: .jobRuns)
    let contended = try contended(store) {
      try store.database?.run(
        """
        {"update": "job_runs", "updates": [{"q": {"run_id": "r"},
         "u": {"$set": {"outcome": "done", "updated_at": {"$date": {"$numberLong": "2"}}}}}]}
        """)
    }
    let traces = try Traces(
      of: [Array(Self.user.utf8)], in: store.open(), RunArchive(state: store.folder + "/state", store: store.name))
    #expect(try RunDocuments(contended).clean(traces) == [])
    let run = try #require(try store.documents(of: .jobRuns).first)
    #expect(run.field("outcome")?.string == "done")
    #expect(!String(decoding: run, as: UTF8.self).contains(Self.user))
  }

  @Test(arguments: TestStore.Kind.allCases)
  func `a forgotten user is taken out of a document of a run that is nested deep`(_ kind: TestStore.Kind) throws {
    let store = try TestStore(kind)
    _ = try Setup().run(on: store.open())
    var run = #"{"x": "\#(Self.user)"}"#
    for _ in 0..<90 { run = #"{"x": \#(run)}"# }
    try store.put([#"{"_id": "r", "run_id": "r", "inputs": \#(run), "updated_at": {"$date": 1}}"#], into: .jobRuns)
    let traces = try Traces(
      of: [Array(Self.user.utf8)], in: store.open(), RunArchive(state: store.folder + "/state", store: store.name))
    #expect(try RunDocuments(store.open()).clean(traces) == [])
    let cleaned = try #require(try store.documents(of: .jobRuns).first)
    #expect(!String(decoding: cleaned, as: UTF8.self).contains(Self.user))
  }

  @Test func `who is forgotten while another makes the salt is known as forgotten by that salt`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    let contended = try contended(store) {
      try ForgottenUsers.add([Array("bob".utf8)], to: store.open(), at: 2)
    }
    try ForgottenUsers.add([Array(Self.user.utf8)], to: contended, at: 1)
    let isForgotten = try #require(try ForgottenUsers(store.open()).test)
    #expect(isForgotten(Array(Self.user.utf8)) && isForgotten(Array("bob".utf8)) && !isForgotten(Array("eve".utf8)))
  }

  @Test func `a copy puts no second document beside one that it could not remove`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    try store.put([#"{"_id": 1, "user_id": "ann", "version": "old", "updated_at": {"$date": 1}}"#], into: .userLibrary)
    let contended = try contended(store) {
      try store.database?.run(
        """
        {"update": "user_library", "updates": [{"q": {"user_id": "ann"},
         "u": {"$set": {"version": "meanwhile", "updated_at": {"$date": {"$numberLong": "2"}}}}}]}
        """)
    }
    let source = try bson(#"{"_id": 2, "user_id": "ann", "version": "new", "updated_at": {"$date": 9}}"#)
    let arena = Arena()
    var copy = Copy()
    copy.overwrites = true
    let target = try contended.open(.userLibrary)
    let result = try BatchCopy(copy, .userLibrary, target, target.beginWriting(.any), arena)
      .run([BSONDocument(unchecked: source.withView { arena.copy($0) })])
    #expect(result.overwritten == 1 && result.written == 0)
    #expect(try store.documents(of: .userLibrary) == [source])
  }
}
