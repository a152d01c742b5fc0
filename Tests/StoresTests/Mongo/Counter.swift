import BSON
import MongodHarness
import Stores

/// A run in small: raises a number in each user's library by one, reading and writing as the sync does.
///
/// Of a number that is raised it shows when a write was lost, and when it was done twice.
final class Counter {
  private let collection: any StoredCollection
  private let users: [String]
  /// Stands beside each number: of two that come to equal documents, one would have nothing to write.
  private let mark: String
  /// How often a user was read again because somebody else had written.
  private(set) var conflicts = 0

  init(_ address: String, _ users: [String], mark: String = "", options: MongoOptions = MongoOptions()) throws {
    self.mark = mark
    collection = try MongoStore(address, options).open(.userLibrary)
    self.users = users
  }

  /// Raises every user's number once.
  func count() throws {
    let writer = try collection.beginWriting(.any)
    var left = users
    while !left.isEmpty {
      let scratch = Scratch()
      let found = try scratch.documents(collection, of: left, limit: 1 << 20)
      let changes = try found.map { documents in
        guard let stored = documents.first else { throw MongodError("a user is gone") }
        let time = (try stored.value("updated_at")?.date ?? 0) + 1
        let favorites = try number(stored) + 1
        let user = try stored.value("user_id")?.string ?? .empty
        var new = BSONWriter()
        let root = new.open()
        var elements = stored.elements
        while let element = try elements.next() {
          switch element.key.string {
          case "favorites":
            favoritesValue(favorites).withView { new.append("favorites", BSONValue(type: .array, bytes: $0)) }
          case "updated_at": new.append("updated_at", date: time)
          default: new.append(element.key, element.value)
          }
        }
        new.close(root)
        return DocumentChange(
          key: user, stored: stored, document: scratch.document(new.view.copy()),
          changedFields: ["favorites", "updated_at"])
      }
      let met = try writer.write(changes)
      conflicts += met.count
      left = met.map { left[$0] }
    }
    try writer.commit()
  }

  /// Every user's number.
  var counts: [Int] {
    get throws {
      let scratch = Scratch()
      return try scratch.documents(collection, of: users).map { try $0.first.map { try number($0) } ?? -1 }
    }
  }

  private func number(_ document: BSONDocument) throws -> Int {
    let list = try document.value("favorites")?.array
    let entry = try list?.value("0")?.document
    return Int(try entry?.value("version")?.integer ?? -1)
  }

  private func favoritesValue(_ count: Int) -> [UInt8] {
    document { writer in
      writer.index(0, .document)
      let entry = writer.open()
      writer.append("version", integer: Int64(count))
      writer.append("title", string: mark)
      writer.close(entry)
    }
  }
}
