import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// What cannot be used ends the run within the time-out, with address, reason and what to do (docs/stores.md, *When
/// something breaks*).
@Suite struct MongoUnreachableTests {
  /// - Returns: the error that reading or writing ends with.
  private func failure(_ address: String, writes: Bool = false, seconds: Int = 2) -> StoreError? {
    do throws(StoreError) {
      let store = try openStore(
        address, locking: false, options: MongoOptions(serverTimeout: .seconds(seconds)))
      let collection = try store.open(.userLibrary)
      if writes {
        let scratch = Scratch()
        let document = scratch.document(library("zoe", at: 1))
        let change = DocumentChange(key: scratch.view("zoe"), stored: nil, document: document)
        _ = try collection.beginWriting(.any).write([change])
      }
      return nil
    } catch {
      return error
    }
  }

  private func check(
    _ error: StoreError?, _ stage: StoreError.Stage = .network, reason: [String], advice: String,
    secret: String = "S3cret"
  ) throws {
    let error = try #require(error)
    guard case .unreachable(let address, let found, let why, let what) = error else {
      Issue.record("not unreachable, but \(error)")
      return
    }
    #expect(address.hasPrefix("mongodb") && found == stage)
    #expect(reason.contains { why.localizedCaseInsensitiveContains($0) }, "\(why)")
    #expect(what.contains(advice), "\(why) → \(what)")
    #expect(!"\(error)".contains(secret), "\(error)")
    #expect(!"\(error)".contains(".."), "\(error)")
  }

  @Test func `nothing listens`() throws {
    let server = try Mongod()
    let address = "mongodb://ann:S3cret@127.0.0.1:\(server.port)/music"
    server.kill()
    let begun = ContinuousClock.now
    try check(failure(address), reason: ["refused"], advice: "Nothing listens")
    // Not a measure of speed: it must not wait for a server that never was there as for one that will come back.
    #expect(begun.duration(to: .now) < .seconds(30))
  }

  @Test func `something listens and never answers`() throws {
    let listener = try SilentListener()
    let address = "mongodb://ann:S3cret@127.0.0.1:\(listener.port)/music"
    try check(failure(address), reason: ["takes connections", "take connections"], advice: "tls=true")
  }

  @Test(arguments: [
    "mongodb://ann:S3cret@nowhere.invalid/music", "mongodb+srv://ann:S3cret@cluster.nowhere.invalid/music",
  ])
  func `a name that nobody knows`(address: String) throws {
    try check(failure(address), reason: ["resolve", "DNS", "SRV"], advice: "name server")
  }

  @Test func `a server that speaks no TLS is asked for it`() throws {
    let database = try TestDatabase()
    let address = "mongodb://ann:S3cret@127.0.0.1:\(database.server.members[0].port)/music?tls=true"
    try check(failure(address), .encryption, reason: ["TLS"], advice: "tlsCAFile")
  }

  // MARK: With users

  /// A server that wants to know who asks, with a reader and a writer.
  private static let guarded = Result { () throws -> ReplicaSet in
    let server = try ReplicaSet.guarded.get()
    let admin = try server.database("music")
    try admin.run(
      json:
        #"{"createIndexes": "user_library", "indexes": [{"key": {"user_id": 1}, "name": "user_id_1", "unique": true}]}"#
    )
    try admin.run(json: #"{"createUser": "reader", "pwd": "S3cret:/@", "roles": ["read"]}"#)
    try admin.run(json: #"{"createUser": "writer", "pwd": "S3cret:/@", "roles": ["readWrite"]}"#)
    return server
  }

  @Test func `the right password, written with its escapes, is let in`() throws {
    let server = try Self.guarded.get()
    #expect(failure(server.address("music", user: "writer:S3cret%3A%2F%40"), writes: true, seconds: 20) == nil)
  }

  @Test func `a wrong password`() throws {
    let server = try Self.guarded.get()
    let error = failure(server.address("music", user: "writer:otherS3cret"))
    try check(error, .signIn, reason: ["signing in failed"], advice: "password")
  }

  @Test(arguments: ["writer", "writer:", "nobody"])
  func `no password`(user: String) throws {
    let error = failure(try Self.guarded.get().address("music", user: user))
    try check(error, .signIn, reason: ["has no password"], advice: "MIXDOWN_MONGO_PASSWORD")
  }

  @Test func `a user whom another database knows`() throws {
    let server = try Self.guarded.get()
    let error = failure(server.address("music", user: "writer:S3cret%3A%2F%40", options: "&authSource=other"))
    try check(error, .signIn, reason: ["signing in failed"], advice: "authSource")
  }

  @Test func `no user`() throws {
    let error = failure(try Self.guarded.get().address("music"))
    try check(error, .rights, reason: ["authentication", "authorized"], advice: "name a user in the address")
  }

  @Test func `no right to write`() throws {
    let server = try Self.guarded.get()
    let error = failure(server.address("music", user: "reader:S3cret%3A%2F%40"), writes: true)
    try check(error, .rights, reason: ["not authorized on music"], advice: "docs/stores.md")
    // Nor anything of the document that was to be written.
    #expect(!"\(try #require(error))".contains("zoe"))
  }

  @Test func `the password from a variable or a file`() async throws {
    let server = try Self.guarded.get()
    let address = server.address("music", user: "writer")
    // How a line ends in the file; a variable has none.
    for end in [nil, "", "\n", "\r\n"] {
      await #expect(processExitsWith: .success) {
        [address = address as String, end = end as String?] in
        let (name, isFile) = (end == nil ? "MIXDOWN_MONGO_PASSWORD" : "MIXDOWN_MONGO_PASSWORD_FILE", end != nil)
        let path = FileManager.default.temporaryDirectory.path + "/password-\(getpid())"
        if let end { try Data("S3cret:/@\(end)".utf8).write(to: URL(fileURLWithPath: path)) }
        defer { if isFile { try? FileManager.default.removeItem(atPath: path) } }
        #expect(unsafe setenv(name, isFile ? path : "S3cret:/@", 1) == 0)
        // A variable that is empty is as good as not set.
        #expect(unsafe setenv(isFile ? "MIXDOWN_MONGO_PASSWORD" : "MIXDOWN_MONGO_PASSWORD_FILE", "", 1) == 0)
        let store = try openStore(address, locking: false)
        _ = try store.open(.userLibrary)
        #expect(store.name == address.split(separator: "?")[0])
      }
    }
  }

  // MARK: TLS

  @Test func `a certificate that nobody vouches for, and a server that wants TLS`() throws {
    let server = try ReplicaSet.encrypted.get().members[0]
    let plain = "mongodb://127.0.0.1:\(server.port)/music?directConnection=true"
    try check(failure(plain), reason: ["takes connections", "take connections"], advice: "tls=true")
    try check(failure(plain + "&tls=true"), .encryption, reason: ["TLS"], advice: "tlsCAFile")
    guard case .indexesMissing = failure(server.address("music"), seconds: 20) else {
      Issue.record("\(failure(server.address("music")).debugDescription)")
      return
    }
  }
}
