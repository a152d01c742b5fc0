import Foundation
import Jobs
import MongodHarness
import Stores
import Testing

/// The roles that docs/stores.md gives to be pasted are enough for what it says of them, and for no more.
@Suite struct RoleTests {
  /// The manual's scripts in the server's own words, as far as they are lists of names.
  private struct Manual {
    let collections, ofJobs, ofJobsOnUsers, ofSetup, ofSetupOnDatabase: [String]

    init() throws {
      let docs = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/stores.md")
      let text = try String(contentsOf: docs, encoding: .utf8)
      let start = try #require(text.firstRange(of: "const own = "))
      let end = try #require(text[start.upperBound...].firstRange(of: "### "))
      var lists: [[String]] = []
      var rest = text[start.upperBound..<end.lowerBound]
      while let open = rest.firstRange(of: "[\""), let close = rest[open.upperBound...].firstIndex(of: "]") {
        lists.append(try JSONDecoder().decode([String].self, from: Data(rest[open.lowerBound...close].utf8)))
        rest = rest[close...].dropFirst()
      }
      try #require(lists.count == 6 && lists[3] == ["mixdown"], "the scripts have changed: \(lists)")
      (collections, ofJobs, ofJobsOnUsers) = (lists[0], lists[1], lists[2])
      (ofSetup, ofSetupOnDatabase) = (lists[4], lists[5])
    }
  }

  private func json(_ texts: [String]) -> String { "[\(texts.map { "\"\($0)\"" }.joined(separator: ", "))]" }

  /// A database whose users have the manual's roles.
  private func database(_ name: String) throws -> MongoDatabase {
    let manual = try Manual()
    #expect(manual.collections == CollectionSchema.all.map(\.name))
    let root = try ReplicaSet.guarded.get().database(name)
    func privilege(_ collection: String, _ actions: [String]) -> String {
      #"{"resource": {"db": "\#(name)", "collection": "\#(collection)"}, "actions": \#(json(actions))}"#
    }
    let ofJobs =
      manual.collections.map { privilege($0, manual.ofJobs) } + [privilege("users", manual.ofJobsOnUsers)]
    let ofSetup =
      manual.collections.map { privilege($0, manual.ofSetup) } + [privilege("", manual.ofSetupOnDatabase)]
    for (role, privileges) in [("mixdown", ofJobs), ("mixdownSetup", ofSetup)] {
      let list = privileges.joined(separator: ", ")
      try root.run(json: #"{"createRole": "\#(role)", "roles": [], "privileges": [\#(list)]}"#)
      try root.run(json: #"{"createUser": "\#(role)", "pwd": "S3cret", "roles": ["\#(role)"]}"#)
    }
    return root
  }

  @Test func `a user whom the server knows and who has no password ends a command with 69`() throws {
    let name = "passwords_\(getpid())"
    let server = try ReplicaSet.guarded.get()
    let root = try server.database(name)
    try root.run(json: #"{"createUser": "mix", "pwd": "S3cret", "roles": ["readWrite"]}"#)
    for (user, variables) in [
      ("mix", [:]), ("mix:", [:]), ("mix", ["MIXDOWN_MONGO_PASSWORD": ""]),
      ("mix", ["MIXDOWN_MONGO_PASSWORD_FILE": ""]),
    ] as [(String, [String: String])] {
      for command in ["runs", "setup", "doctor"] {
        let run = try mixdown([command, "--store", server.address(name, user: user)], environment: variables)
        #expect(run.status == 69, "\(command): \(run.errors)")
        #expect((run.output + run.errors).contains("mix has no password"), "\(command): \(run.output)\(run.errors)")
      }
    }
    try root.run(json: #"{"dropUser": "mix"}"#)
  }

  @Test func `the roles that the manual gives are enough for the jobs, and for setup`() throws {
    let name = "roles_\(getpid())"
    let root = try database(name)
    let server = try ReplicaSet.guarded.get()
    let (jobs, setup) = (
      server.address(name, user: "mixdown:S3cret"), server.address(name, user: "mixdownSetup:S3cret")
    )
    let sandbox = try Sandbox()
    let state = sandbox.folder("state")
    func run(_ store: String, _ arguments: [String], expecting status: Int32 = 0) throws -> Run {
      let run = try mixdown(arguments + ["--store", store])
      #expect(run.status == status, "\(arguments): \(run.output)\(run.errors)")
      return run
    }

    _ = try run(setup, ["setup"])
    _ = try run(setup, ["setup", "--validate", "error"])
    try root.run(json: #"{"dropIndexes": "songs", "index": "key_1"}"#)
    try root.run(json: #"{"createIndexes": "songs", "indexes": [{"key": {"key": -1}, "name": "key_1"}]}"#)
    _ = try run(setup, ["setup", "--rebuild-indexes"])
    #expect(try run(jobs, ["doctor"]).output.contains("rights: find, insert, update, remove, listIndexes"))

    let inputs = sandbox.folder("in")
    for (number, user) in ["ann", "bob"].enumerated() {
      let history = (0..<20).map { #"{"videoId": "v\#($0)", "title": "t", "playedAt": \#(1_760_000_000_000 + $0)}"# }
      try sandbox.folder.write("in/\(user).json", #"{"history": [\#(history.joined(separator: ", "))]}"#)
      let pings = #"{"user_id": "\#(user)", "session_id": "s\#(number)", "last_ping_at": "2025-12-31T23:59:00Z"}"#
      try sandbox.folder.write("pings/\(user).ndjson", pings + "\n")
    }
    let clock = ["--as-of", Sandbox.asOf, "--state", state]
    _ = try run(jobs, ["sync", inputs] + clock)
    _ = try run(jobs, ["sessions", sandbox.folder("pings")] + clock)
    try sandbox.folder.write("in/ann.json", #"{"queue": [{"videoId": "q"}]}"#)
    _ = try run(jobs, ["sync", inputs, "--skip-active"] + clock)
    _ = try run(jobs, ["sync", inputs] + clock)
    _ = try run(jobs, ["learn"] + clock)
    _ = try run(jobs, ["stats", "ann"])
    _ = try run(jobs, ["explain", "ann"])
    let last = try #require(try FileManager.default.contentsOfDirectory(atPath: state).sorted().dropLast().last)
    _ = try run(jobs, ["verify", last, "--state", state])
    _ = try run(jobs, ["undo", last, "--state", state])
    #expect(try mixdown(["copy", jobs, sandbox.folder("copy"), "--collections", "user_library,songs"]).status == 0)
    _ = try run(jobs, ["forget", "ann", "--state", state])

    // Whoever puts scores into accounts, and takes them out again, needs what the manual names besides.
    try root.run(json: #"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "id_1"}]}"#)
    try root.run(json: #"{"insert": "users", "documents": [{"id": "bob", "plan": "free"}]}"#)
    let mirror = ["learn", "--mirror-users", "--full"] + clock
    _ = try run(jobs, mirror, expecting: 69)
    func change(_ command: String, _ actions: [String]) throws {
      let users = #"{"resource": {"db": "\#(name)", "collection": "users"}, "actions": \#(json(actions))}"#
      try root.run(json: #"{"\#(command)": "mixdown", "privileges": [\#(users)]}"#)
    }
    try change("grantPrivilegesToRole", ["insert", "update", "listIndexes"])
    _ = try run(jobs, mirror)
    try change("revokePrivilegesFromRole", ["listIndexes"])
    let mirrored = try #require(try FileManager.default.contentsOfDirectory(atPath: state).sorted().dropLast().last)
    #expect(try run(jobs, ["undo", mirrored, "--state", state]).output.contains(" 1 documents put back"))

    // And for no more.
    try root.run(json: #"{"dropIndexes": "songs", "index": "key_1"}"#)
    #expect(try run(jobs, ["setup"], expecting: 69).errors.contains("docs/stores.md"))
    #expect(try run(setup, ["inspect", "--user", "bob"], expecting: 69).errors.contains("docs/stores.md"))
    try root.run(json: #"{"dropDatabase": 1}"#)
  }

  @Test func `the role is enough for a backup, which says that it could not note the indexes of users`() throws {
    let name = "backup_\(getpid())"
    let root = try database(name)
    let store = try ReplicaSet.guarded.get().address(name, user: "mixdown:S3cret")
    let sandbox = try Sandbox()
    let user = try bson(#"{"_id": 1, "id": "ann", "plan": "free"}"#)
    _ = try Setup().run(on: MongoStore(root))
    try root.run(json: #"{"insert": "users", "documents": [{"_id": 1, "id": "ann", "plan": "free"}]}"#)
    try root.run(json: #"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "by_id"}]}"#)
    func change(_ command: String, _ collection: String) throws {
      let resource = #"{"resource": {"db": "\#(name)", "collection": "\#(collection)"}, "actions": ["listIndexes"]}"#
      try root.run(json: #"{"\#(command)": "mixdown", "privileges": [\#(resource)]}"#)
    }
    func metadata(_ folder: String) throws -> String {
      String(decoding: try sandbox.folder.bytes(of: "\(folder)/users.metadata.json"), as: UTF8.self)
    }
    func copied(_ folder: String) throws -> (run: Run, notesIndex: Bool) {
      let run = try mixdown(["copy", store, sandbox.folder(folder)])
      #expect(run.status == 0 && run.output.contains("both sides are equal"), "\(run.output)\(run.errors)")
      #expect(try sandbox.folder.bytes(of: "\(folder)/users.bson") == user)
      return (run, try metadata(folder).contains("by_id"))
    }

    let (without, notesIndex) = try copied("without")
    #expect(!notesIndex && without.errors.contains("listIndexes"), "\(without.errors)")
    #expect(without.errors.hasPrefix("mixdown: warning: users: "), "\(without.errors)")
    try change("grantPrivilegesToRole", "users")
    let (with, notesAll) = try copied("with")
    #expect(notesAll && with.errors.isEmpty, "\(with.errors)")

    // Of Mixdown's own collections none is copied without them, and nothing is there that could pass for a store.
    try change("revokePrivilegesFromRole", "songs")
    let refused = try mixdown(["copy", store, sandbox.folder("refused")])
    #expect(
      refused.status == 69 && refused.errors.contains("cannot listIndexes songs: not authorized"), "\(refused.errors)")
    let left = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder("refused"))
    #expect(!left.contains { $0.hasSuffix(".bson") }, "\(left)")
    try root.run(json: #"{"dropDatabase": 1}"#)
  }
}
