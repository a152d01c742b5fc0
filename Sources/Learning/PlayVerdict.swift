/// What a play says (docs/learning.md, *What a play says*).
public enum PlayVerdict: UInt8, Sendable, CaseIterable {
  /// `completionRate` is absent, or exactly 0: the browser writes 0 when a song starts and corrects it later, or never.
  case unknown
  /// Played nearly to its end.
  case liked
  /// Left soon after it began.
  case skipped
  /// Anything else.
  case heard

  /// - Parameter completionRate: 0…1; negative when absent.
  public init(completionRate: Double, _ parameters: LearningParameters) {
    if !(completionRate > 0) {
      self = .unknown
    } else if completionRate > parameters.likedAbove {
      self = .liked
    } else if completionRate < parameters.skippedBelow {
      self = .skipped
    } else {
      self = .heard
    }
  }
}
