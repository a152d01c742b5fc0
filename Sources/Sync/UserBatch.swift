internal import BSON
internal import Stores

/// Some users with all that a run knows of each, in the order in which they are visited.
struct UserBatch: Sendable {
  struct User: Sendable {
    /// UTF-8.
    let id: [UInt8]
    /// At least one, dumps or guests.
    let dumps: [GroupedDump]
    /// What tells the dumps from all others; nil where it is not known yet.
    let print: DumpsPrint?

    /// Where the user's document stands in the store; nil when that is not known or there is none.
    var position: Int? { dumps.first.flatMap { $0.position == .max ? nil : $0.position } }
  }

  private(set) var users: [User] = []
  /// Bytes of the dumps and of the documents that they meet.
  private(set) var size = 0

  /// Brings the users into the order that a server is asked in: ascending by id.
  mutating func sortByID() { users.sort { $0.id.lexicographicallyPrecedes($1.id) } }

  mutating func append(_ user: User, size: Int) {
    users.append(user)
    self.size += size
  }
}

/// Cuts the grouped dumps into batches that fit the memory budget, in the order in which they are written.
struct UserBatches {
  private static let mostUsers = 64

  private var dumps: SortedDumps
  private var next: GroupedDump?
  private let library: any StoredCollection
  private let settled: SettledUsers?
  private let budget: Int
  private var taken = 0

  init(
    _ dumps: consuming SortedDumps, library: any StoredCollection, settled: SettledUsers?, budget: Int
  ) throws(StoreError) {
    self.dumps = dumps
    self.library = library
    self.settled = settled
    self.budget = budget
    next = try self.dumps.next()
  }

  /// The user with whom the next batch would begin.
  var nextUser: [UInt8]? { next?.user }

  /// The next batch, at least one user, else as many as the budget allows, and its number, from 0 without gaps; nil at
  /// the end.
  mutating func nextBatch() throws(StoreError) -> (UserBatch, number: Int)? {
    var batch = UserBatch()
    let isLate = next?.isLate
    while let first = next, batch.users.count < Self.mostUsers, batch.size < budget, first.isLate == isLate {
      var dumps: [GroupedDump] = []
      while let dump = next, dump.isOfSameUser(as: first) {
        dumps.append(dump)
        next = try self.dumps.next()
      }
      let user = UserBatch.User(id: first.user, dumps: dumps, print: settled == nil ? nil : DumpsPrint(dumps))
      batch.append(user, size: size(of: user))
    }
    guard !batch.users.isEmpty else { return nil }
    if !library.hasOneWriter { batch.sortByID() }
    defer { taken += 1 }
    return (batch, taken)
  }

  /// The bytes that merging a user is about: none of one who is known, and not merged.
  private func size(of user: UserBatch.User) -> Int {
    if let print = user.print, settled?.mayKnow(user.id, with: print) ?? false { return 0 }
    return user.id.withView { library.documentSize(of: $0) } + user.dumps.reduce(0) { $0 + $1.text.count }
  }
}
