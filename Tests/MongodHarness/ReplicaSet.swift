import BSON
import Foundation
public import Stores

/// A replica set of real servers.
public final class ReplicaSet: Sendable {
  public let members: [Mongod]
  private let user: String?

  /// Starts the servers and waits for a primary.
  ///
  /// - Parameters:
  ///   - count: 1, which is enough for majority writes, or 3, of which one may be lost.
  ///   - arguments: for each server.
  ///   - signIn: the servers want to know who asks; a user `root` with this password is made.
  ///   - isEncrypted: they take encrypted connections alone.
  public init(_ count: Int, arguments: [String] = [], signIn: String? = nil, isEncrypted: Bool = false) throws {
    user = signIn.map { "root:" + $0 }
    members = try (0..<count).map { _ in
      try Mongod(
        arguments + ["--replSet", "rs"], key: signIn == nil ? nil : "bWl4ZG93bi10ZXN0cw==", isEncrypted: isEncrypted)
    }
    let list = members.enumerated().map { #"{"_id": \#($0), "host": "127.0.0.1:\#($1.port)"}"# }
    let first = try members[0].database()
    let configuration = """
      {"replSetInitiate": {"_id": "rs", "members": [\(list.joined(separator: ", "))],
       "settings": {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 300}}}
      """
    do {
      // The first asks the others at once whether they take part.
      for member in members.dropFirst() { _ = try member.database().run(json: #"{"hello": 1}"#) }
      _ = try first.run(json: configuration)
      try wait(upTo: .seconds(180), for: "a primary") {
        try first.run(json: #"{"hello": 1}"#).field("isWritablePrimary")?.bool == true
      }
      if let signIn {
        // The first user may be made by anybody on this machine.
        let roles = #"["root"]"#
        _ = try first.run(json: #"{"createUser": "root", "pwd": "\#(signIn)", "roles": \#(roles)}"#)
      }
    } catch {
      throw MongodError("\(error)\n\(members[0].log)")
    }
  }

  /// One server for the process that wants to know who asks: `root` with the password `rootS3cret`.
  public static let guarded = Result { try ReplicaSet(1, signIn: "rootS3cret") }

  /// One server for the process that takes encrypted connections alone.
  public static let encrypted = Result { try ReplicaSet(1, isEncrypted: true) }

  /// The address of the set.
  public func address(_ database: String, user: String? = nil, options: String = "") -> String {
    let hosts = members.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    return "mongodb://\(user.map { $0 + "@" } ?? "")\(hosts)/\(database)?replicaSet=rs\(members[0].tls)\(options)"
  }

  /// A database of the set, as an operator would see it.
  public func database(_ name: String, options: String = "") throws -> MongoDatabase {
    let signIn = user.map { _ in "&authSource=admin" } ?? ""
    return try MongoDatabase(
      MongoAddress(address(name, user: user, options: signIn + options)), MongoOptions(serverTimeout: .seconds(30)))
  }

  /// The server that takes writes now.
  public func primary() throws -> Mongod {
    var found: Mongod?
    try wait(upTo: .seconds(180), for: "a primary") {
      found = members.first { member in
        guard member.isRunning else { return false }
        let options = MongoOptions(serverTimeout: .seconds(1), patience: .zero, answerTimeout: .seconds(1))
        guard let address = try? MongoAddress(member.address("admin")),
          let answer = try? MongoDatabase(address, options).run(json: #"{"hello": 1}"#)
        else { return false }
        return answer.field("isWritablePrimary")?.bool == true
      }
      return found != nil
    }
    guard let found else { throw MongodError("no primary") }
    return found
  }

  /// Makes the primary give up its office for some seconds.
  public func stepDown() throws {
    // It answers, or breaks the connection off.
    _ = try? primary().database(user: user, options: user == nil ? "" : "&authSource=admin")
      .run(json: #"{"replSetStepDown": 5, "force": true}"#)
  }
}
