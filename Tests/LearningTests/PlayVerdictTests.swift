import Learning
import Testing

@Suite struct PlayVerdictTests {
  @Test(arguments: [
    (-1.0, PlayVerdict.unknown), (0, .unknown), (0.0001, .skipped), (0.2999, .skipped), (0.3, .heard), (0.7, .heard),
    (0.7001, .liked), (1, .liked),
  ])
  func `a play says what its completion says`(rate: Double, verdict: PlayVerdict) {
    #expect(PlayVerdict(completionRate: rate, LearningParameters(asOf: 0)) == verdict)
  }
}
