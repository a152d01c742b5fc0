internal import BSON
internal import Library
internal import Pages
internal import Stores

/// Looks at a store that is a database on a server, from the name to the indexes.
struct ServerExamination {
  private let store: String
  private let timeout: Duration?
  private var report = DoctorReport()

  init(_ store: String, timeout: Duration?) {
    self.store = store
    self.timeout = timeout
  }

  func run() -> DoctorReport {
    var examination = self
    examination.examine()
    return examination.report
  }

  private mutating func examine() {
    let address: MongoAddress
    do throws(StoreError) { address = try MongoAddress(store) } catch { return report.bad("address", error) }
    report.good("address", address.name)
    var network = DoctorReport()
    network.examineNetwork(address, timeout: min(timeout ?? .seconds(5), .seconds(5)))
    let isSound = network.status == .done
    var isReached = false
    do throws(StoreError) {
      let options = MongoOptions(serverTimeout: timeout, patience: .zero, answerTimeout: timeout ?? .seconds(10))
      let database = try MongoDatabase(address, options)
      let hello = try database.run(text: #"{"hello":1}"#)
      isReached = true
      // Of several servers or addresses one is enough.
      report.add(network.softened)
      try examine(database, hello)
    } catch {
      if !isReached { report.add(network) }
      // Where the way ends is known better from the network than from what libmongoc makes of it.
      if isReached || isSound || !error.isOfNetwork { report.bad(part(of: error), error) }
    }
  }

  private mutating func examine(_ database: MongoDatabase, _ hello: [UInt8]) throws(StoreError) {
    try measure(database)
    examineTLS(database.address)
    examineSet(hello)
    try examineVersion(database)
    if try examineRights(database) { try examineIndexes(database) }
  }

  private func part(of error: StoreError) -> String {
    guard case .unreachable(_, let stage, _, _) = error else { return "server" }
    return switch stage {
    case .network: "server"
    case .encryption: "TLS"
    case .signIn, .rights: "authentication"
    }
  }

  // MARK: The server

  /// Says hello a few times: how long an answer takes, and what time it is there.
  private mutating func measure(_ database: MongoDatabase) throws(StoreError) {
    var times: [Duration] = []
    var difference: Int64?
    for _ in 0..<5 {
      let (wall, start) = (wallClock(), ContinuousClock.now)
      let hello = try database.run(text: #"{"hello":1}"#)
      let time = start.duration(to: .now)
      if time < times.min() ?? .seconds(1000) {
        difference = hello.date("localTime").map { $0 - wall - Int64(time.inSeconds * 500) }
      }
      times.append(time)
    }
    let milliseconds = (times.sorted()[times.count / 2]).inSeconds * 1000
    report.good("server", "answers in \(Quantity.plain(milliseconds, 1)) ms (round trip, median of \(times.count))")
    if let difference { examineClock(difference) }
    if milliseconds > 20 {
      report.note(
        "distance", "\(Quantity.plain(milliseconds, 1)) ms to the server",
        "Run Mixdown in the server's region: every batch waits for an answer.")
    }
  }

  private mutating func examineClock(_ difference: Int64) {
    let text = "the server's is \(abs(difference)) ms \(difference < 0 ? "behind" : "ahead of") this machine's"
    if abs(difference) < 2000 {
      report.good("clocks", text)
    } else {
      report.note(
        "clocks", text, "Let both follow a time server (chrony, systemd-timesyncd): merges compare times of both.")
    }
  }

  private mutating func examineTLS(_ address: MongoAddress) {
    if address.isEncrypted {
      report.good("TLS", "the connection is encrypted, and the certificate was accepted")
    } else if address.hosts.allSatisfy({ $0.hasPrefix("127.") || $0.hasPrefix("localhost:") || $0.hasPrefix("[::1]") })
    {
      report.good("TLS", "not encrypted, on this machine")
    } else {
      report.note(
        "TLS", "the connection is not encrypted", "Where the server speaks TLS, put tls=true into the address.")
    }
  }

  private mutating func examineSet(_ hello: [UInt8]) {
    let isPrimary = hello.withView { (try? BSONDocument(unchecked: $0).value("isWritablePrimary"))??.bool } == true
    guard let name = hello.text("setName") else {
      if hello.withView({ (try? BSONDocument(unchecked: $0).value("isreplicaset"))??.bool }) == true {
        return report.bad(
          "replica set", "the server waits for one to be made", "Run rs.initiate() on it once.", .unreachable)
      }
      report.note(
        "replica set", "none: a server by itself",
        "What was acknowledged is lost with this one disk. A set of three survives the loss of one.")
      return
    }
    let primary = hello.text("primary")
    let part = "replica set \(name)"
    if isPrimary {
      report.good(part, "primary is \(primary ?? hello.text("me") ?? "this server")")
    } else if let primary {
      report.bad(
        part, "this server is not the primary, which is \(primary)",
        "Name all members and replicaSet=\(name) in the address, without directConnection.", .unreachable)
    } else {
      report.bad(
        part, "there is no primary, so nothing can be written",
        "A majority of the members must be up and see each other: look at rs.status() and their logs.", .unreachable)
    }
  }

  private mutating func examineVersion(_ database: MongoDatabase) throws(StoreError) {
    let build = try database.run(text: #"{"buildInfo":1}"#)
    let version = build.text("version") ?? "unknown"
    let major = version.split(separator: ".").first.flatMap { Int($0) } ?? 0
    if major >= 5 {
      report.good("version", "MongoDB \(version)")
    } else {
      report.note("version", "MongoDB \(version)", "It has reached its end of life, and Mixdown is tested with 6.0.")
    }
  }

  // MARK: Rights

  /// - Returns: whether the rest can be looked at.
  private mutating func examineRights(_ database: MongoDatabase) throws(StoreError) -> Bool {
    let status = try database.run(text: #"{"connectionStatus":1,"showPrivileges":true}"#)
    guard let rights = Rights(status, in: database.address.database) else { return true }
    if rights.users.isEmpty {
      do throws(StoreError) {
        _ = try database.documents(text: #"{"listCollections":1,"nameOnly":true,"cursor":{}}"#)
        report.note(
          "authentication", "nobody has to sign in, so everybody may do everything",
          "On any other machine than your own, start mongod with --auth.")
        return true
      } catch {
        report.bad(part(of: error), error)
        return false
      }
    }
    report.good("authentication", "signed in as \(rights.users.joined(separator: ", "))")
    var lacks = false
    for schema in CollectionSchema.all + [.users] {
      let wanted = schema.isOwn ? Rights.ofJobs : ["find"]
      let missing = wanted.filter { !rights.allow($0, on: schema.name) }
      if missing.isEmpty { continue }
      lacks = true
      report.bad(
        "rights on \(schema.name)", "\(missing.joined(separator: ", ")) not allowed",
        "Give the user the role of docs/stores.md, with grantRolesToUser.", .unreachable)
    }
    let setup = Rights.ofSetup.filter { !rights.allow($0, on: CollectionSchema.userLibrary.name) }
    if !setup.isEmpty {
      report.note(
        "rights for setup", "\(setup.joined(separator: ", ")) not allowed",
        "Only `mixdown setup` needs them: let it be run by somebody who has them.")
    }
    if !lacks { report.good("rights", "\(Rights.ofJobs.joined(separator: ", ")) on every collection; find on users") }
    return CollectionSchema.all.allSatisfy { rights.allow("listIndexes", on: $0.name) }
  }

  // MARK: Indexes

  private mutating func examineIndexes(_ database: MongoDatabase) throws(StoreError) {
    var missing: [String] = []
    for schema in CollectionSchema.all {
      let names = try database.missingIndexes(of: schema).map(\.name)
      if !names.isEmpty { missing.append("\(schema.name) (\(names.joined(separator: ", ")))") }
    }
    guard !missing.isEmpty else { return report.good("indexes", "all there") }
    report.bad(
      "indexes", "missing, or of another definition: " + missing.joined(separator: ", "),
      "`mixdown setup` makes them, and reports what is in their way.", .refused)
  }
}

/// What the user who signed in may do.
struct Rights {
  /// `name@database`
  let users: [String]
  private let database: String
  private var privileges: [(database: String, collection: String, actions: Set<String>)] = []

  /// On each collection. Every job looks for the indexes that it relies on before it begins.
  static let ofJobs = ["find", "insert", "update", "remove", "listIndexes"]
  /// What a setup needs besides.
  static let ofSetup = ["createCollection", "createIndex", "dropIndex", "collMod", "listCollections"]

  /// - Parameter status: the answer to `connectionStatus`.
  init?(_ status: [UInt8], in database: String) {
    self.database = database
    var users: [String] = []
    var privileges: [(database: String, collection: String, actions: Set<String>)] = []
    let isThere = status.withView { bytes in
      guard let info = (try? BSONDocument(unchecked: bytes).value("authInfo"))?.document else { return false }
      info.each("authenticatedUsers") { user in
        users.append("\(user.text("user")?.string ?? "")@\(user.text("db")?.string ?? "")")
      }
      info.each("authenticatedUserPrivileges") { privilege in
        guard let resource = (try? privilege.value("resource"))?.document else { return }
        var actions: Set<String> = []
        if let list = (try? privilege.value("actions"))?.array {
          var elements = list.elements
          while let element = try? elements.next() {
            if let action = element.value.string { actions.insert(action.string) }
          }
        }
        if (try? resource.value("anyResource"))??.bool == true {
          privileges.append(("", "", actions))
        } else if let database = resource.text("db"), let collection = resource.text("collection") {
          privileges.append((database.string, collection.string, actions))
        }
      }
      return true
    }
    guard isThere else { return nil }
    self.users = users
    self.privileges = privileges
  }

  /// Whether an action is allowed on a collection. An empty name in a privilege stands for all.
  func allow(_ action: String, on collection: String) -> Bool {
    privileges.contains { privilege in
      (privilege.database.isEmpty || privilege.database == database)
        && (privilege.collection.isEmpty || privilege.collection == collection) && privilege.actions.contains(action)
    }
  }
}

extension StoreError {
  /// Whether no server was found, or none answered.
  fileprivate var isOfNetwork: Bool {
    if case .unreachable(_, .network, _, _) = self { true } else { false }
  }
}

extension BSONDocument {
  /// The documents of an array.
  fileprivate func each(_ field: StaticString, _ body: (BSONDocument) -> Void) {
    guard let list = (try? value(field))?.array else { return }
    var elements = list.elements
    while let element = try? elements.next() {
      if let document = element.value.document { body(document) }
    }
  }
}

extension [UInt8] {
  fileprivate func text(_ field: StaticString) -> String? {
    withView { BSONDocument(unchecked: $0).text(field)?.string }
  }

  fileprivate func date(_ field: StaticString) -> Int64? {
    withView { (try? BSONDocument(unchecked: $0).value(field))??.date }
  }
}
