internal import BSON
internal import Learning

/// A person's affinities as `user_scores` has them: what an explanation is held against, and what
/// a report shows.
struct StoredAffinities {
  struct Score {
    var dimension: Dimension
    var value: String
    var affinity: Double
  }

  /// In the order of the document.
  private(set) var scores: [Score] = []

  init() {}

  /// - Parameter document: of `user_scores`.
  init(_ document: BSONDocument) throws(BSONFault) {
    guard let affinities = try document.value("implicit_affinities")?.document else { return }
    for dimension in Dimension.allCases {
      guard var values = try affinities.value(dimension.affinityName)?.document?.elements else { continue }
      while let value = try values.next() {
        guard let affinity = value.value.double else { continue }
        scores.append(Score(dimension: dimension, value: value.key.string, affinity: affinity))
      }
    }
  }
}
