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
    var print: UInt64 = 0
    catalogue.writeDocuments { _, document in print = document.bytes.print(seed: print) }
    for dimension in Dimension.allCases {
      for (value, share) in population.shares(of: dimension) {
        print = catalogue.lexicon.value(value).print(seed: print ^ share.bitPattern)
      }
    }
    return print
  }
}
