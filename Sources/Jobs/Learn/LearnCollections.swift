internal import BSON
internal import Digests
internal import Dispatch
internal import Stores
internal import Synchronization

/// What learning reads and writes, opened.
struct LearnCollections: Sendable {
  let libraries: any StoredCollection
  let plays: any StoredCollection
  let accounts: any StoredCollection
  let statistics: any StoredCollection
  let scores: any StoredCollection
  let songs: any StoredCollection
  let services: any StoredCollection
  let population: any StoredCollection

  static let schemas: [CollectionSchema] = [
    .playArchive, .userLibrary, .userStats, .userScores, .users, .songs, .serviceStats, .population,
  ]

  /// Opens them beside one another, for to open a directory's is to walk over its file.
  init(_ store: any Store) throws(StoreError) {
    let schemas = Self.schemas
    let results = Mutex<[String: Result<any StoredCollection, StoreError>]>([:])
    let failure = Mutex<StoreError?>(nil)
    DispatchQueue.concurrentPerform(iterations: schemas.count) { place in
      // A server that does not answer is waited for once, not for each.
      guard failure.withLock({ $0 == nil }) else { return }
      let result = Result { () throws(StoreError) in try store.open(schemas[place]) }
      if case .failure(let error) = result { failure.withLock { $0 = error } }
      results.withLock { $0[schemas[place].name] = result }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
    func opened(_ schema: CollectionSchema) throws(StoreError) -> any StoredCollection {
      guard let result = results.withLock({ $0[schema.name] }) else { return try store.open(schema) }
      return try result.get()
    }
    libraries = try opened(.userLibrary)
    plays = try opened(.playArchive)
    accounts = try opened(.users)
    statistics = try opened(.userStats)
    scores = try opened(.userScores)
    songs = try opened(.songs)
    services = try opened(.serviceStats)
    population = try opened(.population)
  }

  /// A print of a directory's files of what was learned, as they are now. It is another as soon as anybody writes to one
  /// of them, or puts another in its place: a backup, an older one, or one that a run left which was killed.
  func learnedPrint() throws(StoreError) -> UInt64 {
    var states: [String] = []
    for collection in [statistics, scores, songs, services, population] {
      states.append(try collection.fileState() ?? "none")
    }
    return sha256(Array(states.joined(separator: "\n").utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}

extension StoredCollection {
  /// The documents of all these keys, which are distinct and come in any order, however many times the store has to be
  /// asked.
  func all(of keys: [ByteView], in arena: Arena) throws(StoreError) -> [[BSONDocument]] {
    if !hasOneWriter, !zip(keys, keys.dropFirst()).allSatisfy(<) {
      let places = keys.indices.sorted { keys[$0] < keys[$1] }
      var found = [[BSONDocument]](repeating: [], count: keys.count)
      for (place, documents) in zip(places, try all(of: places.map { keys[$0] }, in: arena)) {
        found[place] = documents
      }
      return found
    }
    var found: [[BSONDocument]] = []
    while found.count < keys.count {
      let some = try documents(of: Array(keys[found.count...]), limit: 8 << 20, in: arena)
      guard !some.isEmpty else { break }
      found += some
    }
    return found
  }
}
