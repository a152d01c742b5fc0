import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// The password may come from a variable or a file, and is never printed (docs/stores.md, *The password*).
@Suite struct MongoAddressTests {
  private static let names: [(address: String, name: String, database: String, user: String?)] = [
    ("mongodb://db.example.org/music", "mongodb://db.example.org:27017/music", "music", nil),
    ("mongodb://ann@db:1234/music", "mongodb://ann@db:1234/music", "music", "ann"),
    ("mongodb://ann:secret@db/music", "mongodb://ann@db:27017/music", "music", "ann"),
    ("mongodb://a%40b:s%3Ae%2Fc@db/music", "mongodb://a%40b@db:27017/music", "music", "a@b"),
    (
      "mongodb://ann:secret@a:1,b:2,c/music?replicaSet=rs&tls=true", "mongodb://ann@a:1,b:2,c:27017/music", "music",
      "ann"
    ),
    ("mongodb://[::1]:1234/music", "mongodb://[::1]:1234/music", "music", nil),
    (
      "mongodb+srv://ann:secret@cluster.example.org/music", "mongodb+srv://ann@cluster.example.org/music", "music",
      "ann"
    ),
    ("mongodb://ann:secret@db/m%C3%BCsic", "mongodb://ann@db:27017/m%C3%BCsic", "müsic", "ann"),
  ]

  @Test(arguments: names)
  func `an address is shown without password and options`(
    row: (address: String, name: String, database: String, user: String?)
  ) throws {
    let address = try MongoAddress(row.address)
    #expect(address.name == row.name)
    #expect(address.database == row.database)
    #expect(address.user == row.user)
  }

  @Test(arguments: [
    "mongodb://", "mongodb:///music", "mongodb://ann:sec/ret@db/music", "mongodb://ann:27/ret@db/music",
    "mongodb://ann:27?ret@db/music",
    "mongodb://ann:se@cret@db/music",
    "mongodb://ann:secret%@db/music", "mongodb://ann:secret@db:port/music", "mongodb://ann:secret@/music",
    "mongodb+srv://ann:secret@a,b/music", "mongodb+srv://ann:secret@cluster.example.org:27017/music",
    "mongodb://ann:secret@db", "mongodb://ann:secret@db/", "mongodb://ann:secret@db/?tls=true",
  ])
  func `what is no address, or names no database, is refused without a word of the password`(text: String) {
    #expect {
      try MongoAddress(text)
    } throws: { error in
      guard case StoreError.badAddress = error else { return false }
      return !["sec", "ret"].contains { "\(error)".contains($0) } && !"\(error)".contains("se@")
    }
  }

  @Test(arguments: [
    ("mongodb://ann@db/music", true), ("mongodb://ann:@db/music", true),
    ("mongodb://ann@db/music?authMechanism=SCRAM-SHA-1", true), ("mongodb://ann@db/music?authMechanism=PLAIN", true),
    ("mongodb://ann@db/music?authMechanism=SCRAM-SHA-256", true),
    ("mongodb://ann@db/music?authMechanism=MONGODB-X509&tls=true", false),
    ("mongodb://ann@db/music?authMechanism=GSSAPI", false), ("mongodb://ann:secret@db/music", false),
    ("mongodb://db/music", false),
  ])
  func `a user who needs a password and has none is refused before a server is asked`(
    text: String, isRefused: Bool
  ) throws {
    let address = try MongoAddress(text)
    do throws(StoreError) {
      _ = try MongoDatabase(address, MongoOptions())
      #expect(!isRefused)
    } catch {
      guard case .unreachable(_, let stage, let reason, let advice) = error else { throw error }
      // Not every libmongoc is built with all mechanisms; that is another reason.
      #expect(reason.contains("ann has no password") == isRefused, "\(error)")
      #expect(!isRefused || stage == .signIn && advice.contains("MIXDOWN_MONGO_PASSWORD_FILE"))
    }
  }

  @Test(arguments: [
    ("mongodb://prod/music", "mongodb://staging/music", true), ("mongodb://db/music", "mongodb://db/other", true),
    ("mongodb://db:1/music", "mongodb://db:2/music", true),
    ("mongodb://db:1/music", "mongodb://db.example.org:2/music", true),
    ("mongodb://db/music", "mongodb://DB:27017/music", false),
    ("mongodb://db/music", "mongodb://db.example.org/music", false),
    ("mongodb://localhost/music", "mongodb://127.0.0.1/music", false),
    ("mongodb://localhost:1/music", "mongodb://db/music", false),
    ("mongodb://127.0.0.1:1/music", "mongodb://127.0.0.1:2/music", false),
    ("mongodb://10.0.0.1/music", "mongodb://db/music", false),
    ("mongodb://10.0.0.1/music", "mongodb://10.0.0.2/music", true),
    ("mongodb://a/music", "mongodb://b/music?replicaSet=rs", false),
    ("mongodb://a,b/music", "mongodb://c/music", false),
    ("mongodb+srv://cluster.example.org/music", "mongodb://c/music", false),
  ])
  func `two addresses are of two databases where they cannot be of one`(
    one: String, other: String, isOther: Bool
  ) throws {
    let (one, other) = (try MongoAddress(one), try MongoAddress(other))
    #expect(one.isOther(than: other) == isOther && other.isOther(than: one) == isOther)
  }

  @Test func `a directory is no address`() {
    #expect(MongoAddress.isAddress("mongodb://a/b") && MongoAddress.isAddress("mongodb+srv://a/b"))
    #expect(!MongoAddress.isAddress("data/store") && !MongoAddress.isAddress("mongodb"))
    #expect(!MongoAddress.isAddress("./mongodb://a/b"))
  }

  @Test(arguments: [
    "mongo://ann:secret@db/music", "Mongodb://ann:secret@db/music", "MONGODB+SRV://ann:secret@db/music",
    " mongodb://ann:secret@db/music", "postgres://ann:secret@db/music", "file:///secret/music",
    "://ann:secret@db/music", "ann:secret@mongodb://db/music",
  ])
  func `a misspelt scheme is no folder, and nothing of it is shown`(text: String) {
    #expect(MongoAddress.isAddress(text))
    #expect {
      try checkAddress(text)
    } throws: { error in
      guard case StoreError.badAddress(let name, let why) = error else { return false }
      return name.hasSuffix("://…") && why.contains("mongodb+srv://") && !"\(error)".contains("secret")
    }
  }
}
