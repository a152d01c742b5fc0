import ArgumentParser
import Learning
import Stores

/// What the figures of learning depend on: shared by the commands that compute or explain them.
struct LearningOptions: ParsableArguments {
  @Option(help: "The clock of the figures: a time as in dumps, up to the year 9999. Default: now.")
  var asOf: Moment?

  @Option(help: "The zone of users who have none, and of the days of the service.")
  var timezone = "UTC"

  @Option(help: "After how many days a play or favourite weighs half.")
  var halfLifeDays = 30.0

  @Option(help: "How many plays the prior of languages is worth.")
  var priorWeightLanguage = 2.0

  @Option(help: "How many plays the prior of genres is worth.")
  var priorWeightGenre = 7.0

  @Option(help: "How many plays the prior of moods is worth.")
  var priorWeightMood = 5.0

  @Option(help: "The share of a user's own choices in the prior, 0 to 1.")
  var explicitWeight = 0.25

  @Option(help: "What a favourite weighs; a liked play weighs 1.")
  var favoriteWeight = 1.0

  @Option(help: "What a play weighs of which nobody knows how it was heard.")
  var unknownWeight = 0.25

  @Option(help: "A play of which more than this share was heard is liked.")
  var likedAbove = 0.7

  @Option(help: "A play of which less than this share was heard is skipped.")
  var skippedBelow = 0.3

  func validate() throws {
    guard Zones().zone(timezone) != nil else {
      throw ValidationError("--timezone \(timezone) is no time zone that this system knows: name one as Asia/Kolkata.")
    }
    guard halfLifeDays > 0 else { throw ValidationError("--half-life-days is above 0; inf lets nothing decay.") }
    for (name, weight) in [
      ("prior-weight-language", priorWeightLanguage), ("prior-weight-genre", priorWeightGenre),
      ("prior-weight-mood", priorWeightMood), ("favorite-weight", favoriteWeight), ("unknown-weight", unknownWeight),
    ] {
      guard LearningParameters.weights.contains(weight) else {
        throw ValidationError("--\(name) is a number of 0 to 1 000 000.")
      }
    }
    guard (0...1).contains(explicitWeight) else { throw ValidationError("--explicit-weight is 0 to 1.") }
    guard (0...1).contains(likedAbove), (0...1).contains(skippedBelow), skippedBelow <= likedAbove else {
      throw ValidationError("--skipped-below and --liked-above are 0 to 1, the former not above the latter.")
    }
  }

  var parameters: LearningParameters {
    var parameters = LearningParameters(asOf: asOf?.milliseconds ?? wallClock())
    parameters.timezone = timezone
    parameters.halfLifeDays = halfLifeDays
    parameters.priorWeight = PerDimension(
      language: priorWeightLanguage, genre: priorWeightGenre, mood: priorWeightMood)
    parameters.explicitWeight = explicitWeight
    parameters.favoriteWeight = favoriteWeight
    parameters.unknownWeight = unknownWeight
    parameters.likedAbove = likedAbove
    parameters.skippedBelow = skippedBelow
    return parameters
  }

  /// What the manifest shows of these flags, defaults included, but for the clock.
  var shown: [String: String] {
    [
      "timezone": timezone, "half-life-days": "\(halfLifeDays)", "prior-weight-language": "\(priorWeightLanguage)",
      "prior-weight-genre": "\(priorWeightGenre)", "prior-weight-mood": "\(priorWeightMood)",
      "explicit-weight": "\(explicitWeight)", "favorite-weight": "\(favoriteWeight)",
      "unknown-weight": "\(unknownWeight)", "liked-above": "\(likedAbove)", "skipped-below": "\(skippedBelow)",
    ]
  }
}
