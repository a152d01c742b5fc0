import Foundation
import Randomness
import Testing

/// What a law says of one scene.
enum Verdict {
  /// The law does not speak of such scenes.
  case skipped
  case holds
  /// With what is wrong.
  case broken(String)

  var fault: String? { if case .broken(let what) = self { what } else { nil } }
}

extension Trials {
  /// Tries a law on scenes that chance makes; the first that breaks it is made small and printed.
  ///
  /// - Parameter atLeastOneOf: the law is to speak of one scene of so many at least, else it would be green untested.
  static func hold(
    _ law: String, on kind: SceneMaker.Kind, atLeastOneOf scenes: Int = 10,
    sourceLocation: SourceLocation = #_sourceLocation, verdict: (Scene) throws -> Verdict
  ) {
    func caught(_ scene: Scene) -> Verdict {
      do { return try verdict(scene) } catch { return .broken("throws \(error)") }
    }
    var tried = 0
    for trial in 0..<UInt64(count) {
      var maker = SceneMaker(seed: seed &+ trial)
      let scene = maker.scene(kind)
      switch caught(scene) {
      case .skipped: continue
      case .holds: tried += 1
      case .broken:
        let small = scene.shrunk { caught($0).fault != nil }
        Issue.record(
          """
          \(law): \(caught(small).fault ?? "")
          MIXDOWN_SEED=\(seed &+ trial) MIXDOWN_CASES=1 repeats it. Made small:
          \(small)
          """, sourceLocation: sourceLocation)
        return
      }
    }
    // Of few scenes chance may have left out all.
    if count >= 500, tried < count / scenes {
      Issue.record("\(law): speaks of \(tried) scenes of \(count) only", sourceLocation: sourceLocation)
    }
  }
}
