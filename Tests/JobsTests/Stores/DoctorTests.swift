import BSON
import Foundation
import MongodHarness
import Stores
import Testing

@testable import Jobs

/// What a doctor says of a store.
@Suite struct DoctorTests {
  private func examine(_ store: String) -> DoctorReport { Doctor(serverTimeout: .seconds(2)).examine(store) }

  private func text(_ report: DoctorReport) -> String { report.findings.flatMap(\.lines).joined(separator: "\n") }

  // MARK: A folder

  @Test func `a folder that was set up is well`() throws {
    let store = try TestStore(.directory)
    _ = try Setup().run(on: store.open())
    try store.put([#"{"_id": 1, "user_id": "ann"}"#], into: .userLibrary)
    let report = examine(store.name)
    #expect(report.status == .done, "\(text(report))")
    #expect(text(report).contains("user_library: 1 documents"))
  }

  @Test func `a folder that is not there, is a file, or holds a torn collection is not`() throws {
    let store = try TestStore(.directory)
    #expect(examine(store.name).status == .inputOutput)
    #expect(examine(try store.file("file", "")).status == .inputOutput)
    try store.put([#"{"_id": 1, "user_id": "ann"}"#], into: .userLibrary)
    let path = store.name + "/user_library.bson"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try bytes.dropLast().write(to: URL(fileURLWithPath: path))
    let report = examine(store.name)
    #expect(report.status == .refused && text(report).contains("byte 0"))
  }

  @Test(arguments: ["", #"{"v": 2, "key": {"key": 1}, "name": "key_1", "unique": true, "sparse": true}"#])
  func `metadata that lacks an index, or has another of its name, is reported`(_ index: String) throws {
    let store = try TestStore(.directory)
    _ = try Setup().run(on: store.open())
    try Data(#"{"options":{},"indexes":[\#(index)]}"#.utf8)
      .write(to: URL(fileURLWithPath: store.name + "/songs.metadata.json"))
    let report = examine(store.name)
    #expect(report.status == .refused && text(report).contains("or of another definition: key_1"))
    // A setup does not replace one that somebody has made.
    #expect(text(report).contains("reports what is in their way"))
    #expect(try Setup().run(on: store.open()).refused.isEmpty == index.isEmpty)
  }

  @Test func `who holds the lock is said, and the lock is not touched`() throws {
    let store = try TestStore(.directory)
    let holder = try DirectoryStore.open(store.name, locking: true, run: "01HOLDER")
    #expect(text(examine(store.name)).contains("held by run 01HOLDER"))
    let error = #expect(throws: StoreError.self) { try DirectoryStore.open(store.name, locking: true) }
    #expect(error?.description.contains("01HOLDER") == true)
    #expect(holder.lock != nil)
  }

  // MARK: The way to a server

  @Test(arguments: [
    ("127.0.0.1:27017", "127.0.0.1", "27017"), ("db.example.org:1", "db.example.org", "1"),
    ("[::1]:27018", "::1", "27018"), ("[::1]", "::1", "27017"),
  ])
  func `a host of an address is a name and a port`(_ text: String, _ host: String, _ port: String) {
    let probe = HostProbe(text)
    #expect(probe.host == host && probe.port == port)
  }

  @Test func `a name that nobody knows, and a port where nobody listens, are told apart`() throws {
    let unknown = examine("mongodb://no-such-host.invalid/music")
    #expect(unknown.status == .unreachable && text(unknown).contains("name no-such-host.invalid"))
    #expect(!text(unknown).contains("TCP"))
    let refused = examine("mongodb://127.0.0.1:1/music")
    #expect(refused.status == .unreachable && text(refused).contains("TCP 127.0.0.1 port 1: refused"))
    let advice = Doctor.advice(forStore: "mongodb://127.0.0.1:1/music")
    #expect(advice.contains { $0.contains("refused") })
    #expect(Doctor.advice(forStore: "data/store") == [])
  }

  @Test func `a connection that nobody answers is one that a firewall drops`() throws {
    // A queue of connections that is full: the system then lets the next ones time out.
    let listener = try FullListener()
    let address = HostProbe.Address(text: "127.0.0.1", family: AF_INET, bytes: listener.address)
    #expect(HostProbe.connect(address, within: .milliseconds(300)) == .timedOut)
    let report = Doctor(serverTimeout: .milliseconds(300)).examine("mongodb://127.0.0.1:\(listener.port)/music")
    #expect(report.status == .unreachable)
    #expect(text(report).contains("VPC connector"))
  }

  @Test func `an address that is none is a matter of usage, and is not shown`() throws {
    let report = examine("mongodb://ann:se@cret:secret@127.0.0.1/music")
    #expect(report.status == .usage && !text(report).contains("cret"))
  }

  // MARK: A server

  @Test func `a database without indexes lacks a setup, and one with them is well`() throws {
    let store = try TestStore(.server)
    let bare = examine(store.name)
    #expect(bare.status == .refused && text(bare).contains("user_library (user_id_1, updated_at_1)"))
    _ = try Setup().run(on: store.open())
    let report = examine(store.name)
    #expect(report.status == .done, "\(text(report))")
    for part in ["primary is", "MongoDB 6", "round trip", "clocks", "indexes: all there", "TCP 127.0.0.1"] {
      #expect(text(report).contains(part), "\(part)")
    }
  }

  @Test func `one host of several that is gone is no reason to worry`() throws {
    let store = try TestStore(.server)
    _ = try Setup().run(on: store.open())
    let address = store.name.replacing("mongodb://", with: "mongodb://127.0.0.1:1,")
    let report = examine(address)
    #expect(report.status == .done, "\(text(report))")
    #expect(text(report).contains("note TCP 127.0.0.1 port 1: refused"))
  }

  @Test func `a server that falls silent once it has said hello is waited for as long as any other`() throws {
    let store = try TestStore(.server)
    let data = #"{"failCommands": ["buildInfo"], "blockConnection": true, "blockTimeMS": 30000, "appName": "silent"}"#
    // Also where another host is gone, which is not what ends the examination.
    for other in ["", "127.0.0.1:1,"] {
      try #require(store.database).server.database("admin")
        .run(json: #"{"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": \#(data)}"#)
      let begun = ContinuousClock.now
      let report = examine(store.name.replacing("mongodb://", with: "mongodb://" + other) + "&appName=silent")
      #expect(begun.duration(to: .now) < .seconds(20))
      #expect(report.status == .unreachable && text(report).contains("does not answer"), "\(text(report))")
      let gone = report.findings.filter { $0.part == "TCP 127.0.0.1 port 1" }
      #expect(gone.map(\.grade) == (other.isEmpty ? [] : [.note]), "\(text(report))")
    }
  }

  @Test func `who may not sign in, and who lacks a right, is told so without the password`() throws {
    let server = try ReplicaSet.guarded.get()
    let admin = try server.database("admin")
    let resource = { (name: String) in #"{"db": "doctor", "collection": "\#(name)"}"# }
    try admin.run(
      json: """
        {"createRole": "examined", "roles": [], "privileges": [
          {"resource": \(resource("")), "actions": ["find", "listCollections", "listIndexes"]},
          {"resource": \(resource("user_library")), "actions": ["insert", "update"]}]}
        """)
    try admin.run(
      json: """
        {"createRole": "unlisted", "roles": [], "privileges": [
          {"resource": \(resource("")), "actions": ["find", "insert", "update", "remove"]},
          {"resource": \(resource("user_library")), "actions": ["listIndexes"]}]}
        """)
    for (user, role) in [("ann", "examined"), ("bob", "unlisted")] {
      let roles = #"[{"role": "\#(role)", "db": "admin"}]"#
      try admin.run(json: #"{"createUser": "\#(user)", "pwd": "\#(user)S3cret", "roles": \#(roles)}"#)
    }
    func address(_ user: String) -> String { server.address("doctor", user: user, options: "&authSource=admin") }

    let wrong = examine(address("ann:wrongS3cret"))
    #expect(wrong.status == .unreachable && text(wrong).contains("BAD  authentication"), "\(text(wrong))")
    let elsewhere = examine(address("ann:wrongS3cret").replacing("@", with: "@127.0.0.1:1,"))
    #expect(text(elsewhere).contains("BAD  authentication"), "\(text(elsewhere))")
    let nobody = examine(server.address("doctor"))
    #expect(nobody.status == .unreachable, "\(text(nobody))")
    let reader = examine(address("ann:annS3cret"))
    #expect(reader.status == .unreachable)
    #expect(text(reader).contains("signed in as ann@admin"), "\(text(reader))")
    #expect(text(reader).contains("rights on user_library: remove not allowed"))
    #expect(text(reader).contains("rights on songs: insert, update, remove not allowed"))
    #expect(text(reader).contains("rights for setup: createCollection"))
    // No job begins without a look at the indexes.
    let unlisted = examine(address("bob:bobS3cret"))
    #expect(unlisted.status == .unreachable)
    #expect(text(unlisted).contains("rights on songs: listIndexes not allowed"), "\(text(unlisted))")
    #expect(!text(unlisted).contains("rights on user_library") && !text(unlisted).contains("indexes: "))
    #expect(text(unlisted).contains("collMod, listCollections not allowed"), "\(text(unlisted))")
    let root = examine(address("root:rootS3cret"))
    #expect(root.status == .refused, "only the indexes are missing: \(text(root))")
    for report in [wrong, elsewhere, nobody, reader, unlisted, root] { #expect(!text(report).contains("S3cret")) }
  }

  @Test func `an encrypted connection is said to be one, and what is wrong with one is a matter of TLS`() throws {
    let server = try ReplicaSet.encrypted.get().members[0]
    let address = server.address("doctor")
    _ = try Setup().run(on: openStore(address, locking: true))
    let good = examine(address)
    #expect(good.status == .done, "\(text(good))")
    #expect(text(good).contains("TLS: the connection is encrypted, and the certificate was accepted"))
    let plain = "mongodb://127.0.0.1:\(server.port)/doctor?directConnection=true"
    let unknown = examine(plain + "&tls=true")
    #expect(unknown.status == .unreachable && text(unknown).contains("BAD  TLS: "), "\(text(unknown))")
    #expect(text(unknown).contains("tlsCAFile"))
    // No word of TLS comes back: the server closes the connection.
    let bare = examine(plain)
    #expect(bare.status == .unreachable && text(bare).contains("tls=true"), "\(text(bare))")
    let other = examine(try TestStore(.server).name + "&tls=true")
    #expect(other.status == .unreachable && text(other).contains("BAD  TLS: "), "\(text(other))")
  }

  @Test func `a set without a primary, and a server that waits for its set, cannot be written to`() throws {
    let waiting = try Mongod(["--replSet", "rs"])
    try wait(upTo: .seconds(180), for: "the server") {
      (try? waiting.database().run(json: #"{"ping": 1}"#)) != nil
    }
    let report = examine(waiting.address("music"))
    #expect(report.status == .unreachable && text(report).contains("rs.initiate()"), "\(text(report))")

    let set = try ReplicaSet(3)
    let primary = try set.primary()
    for member in set.members where member !== primary { member.kill() }
    try wait(upTo: .seconds(180), for: "the primary to give up") {
      try primary.database().run(json: #"{"hello": 1}"#).field("isWritablePrimary")?.bool == false
    }
    let alone = examine(primary.address("music"))
    #expect(alone.status == .unreachable && text(alone).contains("no primary"), "\(text(alone))")
  }

  // MARK: Rights

  @Test func `a privilege of all collections, of all databases or of any resource counts`() throws {
    func allow(_ resource: String) throws -> Bool {
      let status = try bson(
        """
        {"authInfo": {"authenticatedUsers": [{"user": "ann", "db": "admin"}], "authenticatedUserPrivileges": [
          {"resource": \(resource), "actions": ["find"]}]}}
        """)
      let rights = try #require(Rights(status, in: "music"))
      #expect(rights.users == ["ann@admin"] && !rights.allow("insert", on: "songs"))
      return rights.allow("find", on: "songs")
    }
    for resource in [
      #"{"db": "music", "collection": "songs"}"#, #"{"db": "music", "collection": ""}"#,
      #"{"db": "", "collection": "songs"}"#, #"{"db": "", "collection": ""}"#, #"{"anyResource": true}"#,
    ] { #expect(try allow(resource), "\(resource)") }
    for resource in [
      #"{"db": "other", "collection": "songs"}"#, #"{"db": "music", "collection": "users"}"#, #"{"cluster": true}"#,
    ] { #expect(try !allow(resource), "\(resource)") }
  }
}

/// A port of the loopback interface that answers no connection any more.
private final class FullListener {
  let port: Int
  /// As `connect(2)` takes it.
  let address: [UInt8]
  private let listener: CInt
  private var waiting: [CInt] = []

  init() throws {
    listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let status = unsafe withUnsafeMutableBytes(of: &address) { bytes in
      let pointer = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
      guard let pointer = unsafe pointer, unsafe bind(descriptor, pointer, length) == 0 else { return CInt(-1) }
      return unsafe getsockname(descriptor, pointer, &length)
    }
    guard status == 0, listen(listener, 0) == 0 else { throw MongodError("no listener: errno \(errno)") }
    port = Int(UInt16(bigEndian: address.sin_port))
    self.address = unsafe withUnsafeBytes(of: &address) { unsafe [UInt8]($0) }
    for _ in 0..<8 {
      let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_NONBLOCK.rawValue), 0)
      unsafe self.address.withUnsafeBytes { bytes in
        if let target = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) {
          _ = unsafe connect(client, target, socklen_t(bytes.count))
        }
      }
      waiting.append(client)
    }
  }

  deinit { for descriptor in waiting + [listener] { close(descriptor) } }
}
