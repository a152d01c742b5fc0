import Foundation
import Randomness
import Testing

extension Trials {
  /// Tries a law on scenes that chance makes; the first that breaks it is made small and printed.
  ///
  /// - Parameter broken: what is wrong, nil when the law holds.
  static func hold(
    _ law: String, on kind: SceneMaker.Kind, sourceLocation: SourceLocation = #_sourceLocation,
    broken: (Scene) throws -> String?
  ) {
    func verdict(_ scene: Scene) -> String? {
      do { return try broken(scene) } catch { return "throws \(error)" }
    }
    for trial in 0..<UInt64(count) {
      var maker = SceneMaker(seed: seed &+ trial)
      let scene = maker.scene(kind)
      guard verdict(scene) != nil else { continue }
      let small = scene.shrunk { verdict($0) != nil }
      Issue.record(
        """
        \(law): \(verdict(small) ?? "")
        MIXDOWN_SEED=\(seed &+ trial) MIXDOWN_CASES=1 repeats it. Made small:
        \(small)
        """, sourceLocation: sourceLocation)
      return
    }
  }
}
