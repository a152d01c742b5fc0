internal import BSON
internal import Learning
internal import Library
public import Stores

/// What the store knows of one person, for the commands that show it: read alone, nothing is written.
public struct PersonView {
  private let collections: LearnCollections
  private let arena = Arena()
  private let user: [UInt8]

  /// - Parameter user: the id.
  public init(_ user: String, store: any Store) throws(StoreError) {
    self.user = Array(user.utf8)
    collections = try LearnCollections(store)
  }

  private func first(_ collection: any StoredCollection) throws(StoreError) -> BSONDocument? {
    try documents(collection).first
  }

  private func documents(_ collection: any StoredCollection) throws(StoreError) -> [BSONDocument] {
    try collection.all(of: [id], in: arena).first ?? []
  }

  private var id: ByteView { user.withView { arena.copy($0) } }

  /// The figures of the person's `user_stats`; nil when there are none.
  public func statistics() throws(StoreError) -> PersonStatistics? {
    guard let document = try first(collections.statistics) else { return nil }
    do throws(BSONFault) {
      return try PersonStatistics(document)
    } catch {
      throw collections.statistics.refusal(of: id, error)
    }
  }

  /// Explains the person's scores with the parameters and the clock of the stored ones, by the facts that there are now.
  /// What is stored stands beside it, unless another clock is asked for.
  ///
  /// - Parameters:
  ///   - value: of which to tell; nil for all that are kept.
  ///   - asOf: another clock, in milliseconds since 1970.
  /// - Returns: nil for a person of whom the store knows nothing.
  public func explanation(value: String?, asOf: Int64?) throws(StoreError) -> PersonExplanation? {
    guard var parameters = try parameters() else { return nil }
    if let asOf { parameters.asOf = asOf }
    let repertoire = Repertoire()
    try collections.songs.cursor(updatedSince: nil).forEachDocument { try? repertoire.read(song: $0) }
    var population = Population()
    try collections.population.cursor(updatedSince: nil).forEachDocument {
      try? population.read($0, into: repertoire)
    }
    var reader = FactsReader(into: repertoire)
    let stored = StoredUser(
      user: id, library: try first(collections.libraries), archive: try documents(collections.plays),
      account: try first(collections.accounts))
    let facts: UserFacts
    do throws(LearningFault) {
      facts = try reader.facts(of: stored)
    } catch {
      throw .refused(path: collections.libraries.name, offset: 0, why: error.description)
    }
    repertoire.freeze()
    let votes = CatalogueVotes.counted(repertoire, parameters) { empty in
      var votes = empty
      votes.add(facts)
      return votes
    }
    let catalogue = Catalogue(repertoire, votes, asOf: parameters.asOf)
    var explainer = Explainer(catalogue, population, parameters, zones: Zones())
    var found: [Explanation] = []
    let only = value.flatMap { text in Array(text.utf8).withView { repertoire.number(ofValue: $0) } }
    if value == nil || only != nil {
      for dimension in Dimension.allCases {
        found += explainer.explanations(of: facts, dimension, only: only)
      }
    }
    var explanation = PersonExplanation(
      user: String(decoding: user, as: UTF8.self), found, catalogue, repertoire, parameters)
    if asOf == nil { explanation.compare(with: try affinities(), value: value) }
    return explanation
  }

  /// Those that are stored.
  private func affinities() throws(StoreError) -> StoredAffinities {
    guard let scores = try first(collections.scores) else { return StoredAffinities() }
    do throws(BSONFault) {
      return try StoredAffinities(scores)
    } catch {
      throw collections.scores.refusal(of: id, error)
    }
  }

  /// Those that the stored scores were computed with.
  private func parameters() throws(StoreError) -> LearningParameters? {
    guard let scores = try first(collections.scores) else { return nil }
    do throws(BSONFault) {
      let asOf = try scores.value("as_of")?.date ?? wallClock()
      guard let stored = try scores.value("parameters")?.document else { return LearningParameters(asOf: asOf) }
      return try LearningParameters(stored, asOf: asOf)
    } catch {
      throw collections.scores.refusal(of: id, error)
    }
  }
}
