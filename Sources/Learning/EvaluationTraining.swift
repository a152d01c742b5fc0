internal import BSON

/// What models are trained on: a catalogue and a population, with the clock of training.
public struct EvaluationTraining: Sendable {
  public let catalogue: Catalogue
  public let population: Population
  public let parameters: LearningParameters

  public init(_ catalogue: Catalogue, _ population: Population, _ parameters: LearningParameters) {
    self.catalogue = catalogue
    self.population = population
    self.parameters = parameters
  }

  /// A print of all that the training knows beside the users' own facts: each song's document and each share.
  var print: UInt64 {
    var print: UInt64 = 0x9E37_79B9_7F4A_7C15
    func add(_ bytes: ByteView) {
      for offset in 0..<bytes.count { print = (print ^ UInt64(bytes[offset])) &* 0x0000_0100_0000_01B3 }
    }
    catalogue.writeDocuments { _, document in add(document.bytes) }
    for dimension in Dimension.allCases {
      for (value, share) in population.shares(of: dimension) {
        add(catalogue.lexicon.value(value))
        print = (print ^ share.bitPattern) &* 0x0000_0100_0000_01B3
      }
    }
    return print
  }
}
