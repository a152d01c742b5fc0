internal import BSON
internal import Stores

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

  init(_ store: any Store) throws(StoreError) {
    libraries = try store.open(.userLibrary)
    plays = try store.open(.playArchive)
    accounts = try store.open(.users)
    statistics = try store.open(.userStats)
    scores = try store.open(.userScores)
    songs = try store.open(.songs)
    services = try store.open(.serviceStats)
    population = try store.open(.population)
  }
}

extension StoredCollection {
  /// The documents of all these keys, which are distinct and come in any order, however many times the store has to be
  /// asked.
  func all(of keys: [ByteView], in arena: Arena) throws(StoreError) -> [[BSONDocument]] {
    if !writesInOrder, !zip(keys, keys.dropFirst()).allSatisfy(<) {
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
