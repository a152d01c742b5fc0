public import BSON

/// What all users together like: the mean of their own shares, dimension by dimension (P of docs/learning.md,
/// *Affinities*).
public struct Population: Sendable {
  /// One dimension's shares.
  struct Shares: Sendable {
    /// Values with a share, each once, ascending by name; the shares add up to 1 where there are any.
    var values: [(value: Int32, share: Double)] = []
    /// Users with evidence.
    var users = 0
  }

  var dimensions = PerDimension<Shares> { _ in Shares() }

  /// Nobody, who likes nothing.
  public init() {}

  /// The share of each value, ascending by name.
  public func shares(of dimension: Dimension) -> [(value: Int32, share: Double)] { dimensions[dimension].values }
  /// Users with evidence in the dimension.
  public func users(of dimension: Dimension) -> Int { dimensions[dimension].users }

  /// Takes the shares of a stored document of `population`, for an incremental run.
  ///
  /// - Parameter repertoire: that is not frozen yet.
  public mutating func read(_ document: BSONDocument, into repertoire: Repertoire) throws(LearningFault) {
    let areShares: Bool
    do throws(BSONFault) {
      let name = try document.value("dimension")?.string
      guard let dimension = Dimension.allCases.first(where: { name == ByteView($0.name) }) else { return }
      var shares = Shares()
      shares.users = Int(try document.value("users")?.integer ?? 0)
      if let stored = try document.value("shares")?.document {
        // Of a name that comes twice the last counts.
        var read: [Int32: Double] = [:]
        var elements = stored.elements
        while let element = try elements.next() {
          guard let share = element.value.double, let value = repertoire.intern(usable: element.key) else { continue }
          read[value] = share
        }
        shares.values = read.map { ($0.key, $0.value) }
      }
      shares.values.sort { repertoire.value($0.value) < repertoire.value($1.value) }
      areShares = shares.values.allSatisfy { 0...1 ~= $0.share }
      if areShares { dimensions[dimension] = shares }
    } catch {
      throw LearningFault("population", error)
    }
    guard areShares else {
      throw LearningFault(collection: "population", field: "shares", detail: "not all are numbers of 0 to 1")
    }
  }

  /// Writes the document of a dimension.
  public func write(_ dimension: Dimension, _ repertoire: Repertoire, asOf: Int64, to writer: inout BSONWriter) {
    let start = writer.open()
    DerivedDocument.appendID(of: ByteView(dimension.name), to: &writer)
    writer.append("dimension", string: ByteView(dimension.name))
    writer.key("shares", .document)
    let shares = writer.open()
    for (value, share) in dimensions[dimension].values { writer.append(repertoire.value(value), double: share) }
    writer.close(shares)
    writer.append("users", integer: Int64(dimensions[dimension].users))
    writer.append("as_of", date: asOf)
    writer.close(start)
  }
}

/// A part of the users' contribution to the population.
///
/// Shares are added up as whole multiples of 2⁻⁶³, so that parts add up exactly: the order of users, their batches and
/// the number of workers change no bit. What is cut off a share is less than 2⁻⁶³.
public struct PopulationPart: Sendable {
  private let catalogue: Catalogue
  private let parameters: LearningParameters
  private var counter: EvidenceCounter
  /// Of the present user's plays.
  private var rows: [Catalogue.Row] = []
  private var sums: PerDimension<[UInt128]>
  private var users = PerDimension(language: 0, genre: 0, mood: 0)

  public init(_ catalogue: Catalogue, _ parameters: LearningParameters) {
    self.catalogue = catalogue
    self.parameters = parameters
    counter = EvidenceCounter(catalogue, parameters)
    let none = [UInt128](repeating: 0, count: catalogue.lexicon.values.count)
    sums = PerDimension { _ in none }
  }

  /// Adds a user's own shares: evidence without decay, over its sum.
  public mutating func add(_ facts: UserFacts) {
    let facts = catalogue.keys.settled(facts, asOf: parameters.asOf, catalogue.lexicon)
    catalogue.fill(&rows, with: facts)
    counter.count(facts, rows, halfLifeDays: .infinity)
    for dimension in Dimension.allCases {
      let evidence = counter.evidence[dimension]
      guard evidence.total > 0 else { continue }
      users[dimension] += 1
      for value in evidence.values where value.weight > 0 {
        let share = min(value.weight / evidence.total, 1)
        sums[dimension][Int(value.value)] += UInt128(UInt64((share * 0x1p63).rounded()))
      }
    }
  }

  public mutating func merge(_ other: PopulationPart) {
    for dimension in Dimension.allCases {
      users[dimension] += other.users[dimension]
      for index in sums[dimension].indices { sums[dimension][index] += other.sums[dimension][index] }
    }
  }

  public var population: Population {
    let lexicon = catalogue.lexicon
    var population = Population()
    for dimension in Dimension.allCases {
      var shares = Population.Shares()
      shares.users = users[dimension]
      for (index, sum) in sums[dimension].enumerated() where sum > 0 {
        let share = double(sum) / 0x1p63 / Double(users[dimension])
        shares.values.append((Int32(truncatingIfNeeded: index), share))
      }
      shares.values.sort { lexicon.value($0.value) < lexicon.value($1.value) }
      population.dimensions[dimension] = shares
    }
    return population
  }
}

/// The nearest double, but for one rounding more.
func double(_ number: UInt128) -> Double {
  Double(UInt64(truncatingIfNeeded: number >> 64)) * 0x1p64 + Double(UInt64(truncatingIfNeeded: number))
}
