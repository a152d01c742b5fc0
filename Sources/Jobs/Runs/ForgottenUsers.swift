internal import BSON
internal import Digests
internal import Library
internal import Stores

/// Who has asked a store to be forgotten: salted hashes, which tell a user's dump from others and give no user away.
///
/// The salt is the store's own: a document of the same collection, made when the first user is forgotten.
struct ForgottenUsers: Sendable {
  private static let saltKey = "salt"

  private let salt: [UInt8]
  private let hashes: Set<String>

  /// Nobody, when the store has none.
  init(_ store: any Store) throws(StoreError) {
    var (salt, hashes): ([UInt8], Set<String>) = ([], [])
    try store.open(.forgotten).cursor(updatedSince: nil).forEachDocument { document throws(StoreError) in
      do throws(BSONFault) {
        let key = try document.value("user_id_hash")?.string?.string ?? ""
        if key == Self.saltKey {
          salt = try document.value("salt")?.string?.copy() ?? []
        } else {
          hashes.insert(key)
        }
      } catch {
        throw .refused(path: store.name + " forgotten", offset: Int64(error.offset), why: error.what)
      }
    }
    (self.salt, self.hashes) = (salt, hashes)
  }

  /// Tells whether a user is among them; nil when there are none, so that nobody has to be asked.
  var test: (@Sendable ([UInt8]) -> Bool)? {
    guard !hashes.isEmpty else { return nil }
    return { [salt, hashes] user in hashes.contains(Self.hash(user, salt)) }
  }

  /// What tells these users from others.
  var print: String { hexadecimal(sha256(salt + hashes.sorted().flatMap(\.utf8))) }

  private static func hash(_ user: [UInt8], _ salt: [UInt8]) -> String { hexadecimal(sha256(salt + user)) }

  /// Adds users, in UTF-8, to those whom the store knows as forgotten.
  static func add(_ users: [[UInt8]], to store: any Store, at now: Int64) throws(StoreError) {
    // What somebody else has added in between is read: above all a salt, for the hashes are of that one then.
    for _ in 1...Conflicts.mostTries where try addOnce(users, to: store, at: now) { return }
    throw .locked(path: store.name, holder: "somebody who writes forgotten at this moment; forget the users again")
  }

  /// - Returns: false when somebody else has added one of the documents since.
  private static func addOnce(_ users: [[UInt8]], to store: any Store, at now: Int64) throws(StoreError) -> Bool {
    var salt = try ForgottenUsers(store).salt
    let forgotten = try store.open(.forgotten)
    let arena = Arena()
    var changes: [DocumentChange] = []
    func add(_ key: String, _ fill: (inout BSONWriter) -> Void) throws(StoreError) {
      let name = arena.copy(Array(key.utf8))
      guard try forgotten.documents(of: [name], in: arena).first?.first == nil else { return }
      var writer = BSONWriter(capacity: 128)
      let start = writer.open()
      writer.key("_id", .objectID)
      for byte in objectID(of: Array("forgotten\0\(key)".utf8)) { writer.put(byte) }
      writer.append("user_id_hash", string: name)
      fill(&writer)
      writer.append("forgotten_at", date: now)
      writer.close(start)
      changes.append(
        DocumentChange(key: name, stored: nil, document: BSONDocument(unchecked: arena.copy(writer.view))))
    }
    if salt.isEmpty {
      salt = Array(hexadecimal((0..<32).map { _ in UInt8.random(in: .min ... .max) }).utf8)
      try add(saltKey) { writer in salt.withView { writer.append("salt", string: $0) } }
    }
    for user in Set(users) { try add(hash(user, salt)) { _ in } }
    guard !changes.isEmpty else { return true }
    let writer = try forgotten.beginWriting(.any)
    let conflicts = try writer.write(changes)
    try writer.commit()
    return conflicts.isEmpty
  }
}
