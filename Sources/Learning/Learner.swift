public import BSON

/// Makes one user's documents from their facts. One worker's: it keeps tables between users.
///
/// How a run learns, one read of the store and some passes over what it read (numbers, some 30 bytes a play):
///
/// ```swift
/// // 1. Read: one repertoire a batch, merged one after another; the facts go to a file of facts.
/// let batch = Repertoire()
/// var reader = FactsReader(into: batch)
/// var facts = try reader.facts(of: StoredUser(…))
/// facts.renumber(repertoire.merge(batch))          // merge once a batch; an incremental run has read `songs` before
/// repertoire.freeze()
/// // 2. The catalogue: votes of every user; on songs that a `t:` key counts as, twice.
/// let votes = CatalogueVotes.counted(repertoire, parameters) { empty in
///   var votes = empty
///   for facts in all { votes.add(facts) }          // parts of a worker each, then votes.merge(other)
///   return votes
/// }
/// let catalogue = Catalogue(repertoire, votes, asOf: asOf)
/// // 3. The population, on a full run; else `Population.read` from the store before step 2.
/// var part = PopulationPart(catalogue, parameters)
/// // 4. The service: `ServiceStatisticsPart`, in the same pass as 3.
/// // 5. The users.
/// var learner = Learner(catalogue, part.population, parameters, zones: zones)
/// let documents = learner.documents(for: facts)
/// ```
public struct Learner: ~Copyable {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private let zones: Zones
  private let jobZone: Zone
  private var statistics: Statistics
  private var counter: EvidenceCounter
  private var affinity: Affinity
  /// Of the present user's plays.
  private var rows: [Catalogue.Row] = []
  private var statisticsWriter = BSONWriter(capacity: 1 << 16)
  private var scoresWriter = BSONWriter(capacity: 1 << 14)

  public init(_ catalogue: Catalogue, _ population: Population, _ parameters: LearningParameters, zones: Zones) {
    self.catalogue = catalogue
    self.parameters = parameters
    self.zones = zones
    jobZone = zones.zone(parameters.timezone) ?? .utc
    statistics = Statistics(catalogue, parameters)
    counter = EvidenceCounter(catalogue, parameters)
    affinity = Affinity(catalogue, population, parameters)
  }

  /// The user's documents; views that hold until the next call.
  public mutating func documents(for facts: UserFacts) -> LearnedDocuments {
    let facts = settled(facts)
    var documents = LearnedDocuments()
    guard facts.saysSomething else { return documents }
    // Of what only others like none but the first are kept.
    let scores = scores(ofSettled: facts, others: LearningParameters.keptValues)
    scoresWriter.removeAll()
    ScoresDocument(lexicon: catalogue.lexicon, parameters: parameters).write(facts, scores, to: &scoresWriter)
    documents.scores = BSONDocument(unchecked: scoresWriter.view)
    guard facts.hasLibrary else { return documents }
    let zone = zone(of: facts, &documents)
    let hasEvidence = Dimension.allCases.contains { scores[$0].evidence > 0 }
    statisticsWriter.removeAll()
    statistics.write(facts, rows, in: zone, hasEvidence: hasEvidence, to: &statisticsWriter)
    documents.statistics = BSONDocument(unchecked: statisticsWriter.view)
    return documents
  }

  /// The user's scores before any is left out: they add up to 1 in each dimension that has any.
  public mutating func scores(for facts: UserFacts) -> PerDimension<DimensionScores> {
    scores(ofSettled: settled(facts), others: .max)
  }

  private func settled(_ facts: UserFacts) -> UserFacts {
    catalogue.keys.settled(facts, asOf: parameters.asOf, catalogue.lexicon)
  }

  private mutating func scores(ofSettled facts: UserFacts, others limit: Int) -> PerDimension<DimensionScores> {
    catalogue.fill(&rows, with: facts)
    counter.count(facts, rows, halfLifeDays: parameters.halfLifeDays)
    return PerDimension { affinity.scores($0, counter.evidence[$0], choices: facts.choices[$0], others: limit) }
  }

  /// The user's own zone; the job's where there is none, or none of that name.
  private func zone(of facts: UserFacts, _ documents: inout LearnedDocuments) -> Zone {
    guard facts.timezone >= 0 else { return jobZone }
    let name = catalogue.lexicon.value(facts.timezone).string
    if let zone = zones.zone(name) { return zone }
    documents.unknownZone = name
    return jobZone
  }
}

/// The documents that learning makes for one user.
public struct LearnedDocuments {
  /// Of `user_stats`; nil for an account with choices and no library.
  public var statistics: BSONDocument?
  /// Of `user_scores`; nil for an account with neither.
  public var scores: BSONDocument?
  /// A zone's name that the database does not have: the job's was taken.
  public var unknownZone: String?
}
