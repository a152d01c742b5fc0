import Library
import Randomness
import Testing

/// The cloud's history is nearly always in order, and then merged without being sorted; that is a shortcut and no other
/// rule.
@Suite struct HistoryOrder {
  @Test func `a stored history in any order merges to the same plays`() {
    Trials.hold("history order", on: .any) { scene in
      guard scene.parameters.sections.contains(.history), let stored = scene.cloud?["history"]?.items else {
        return .skipped
      }
      let merged = try scene.merged()
      var maker = SceneMaker(seed: UInt64(stored.count))
      for _ in 0..<3 {
        var other = scene
        other.cloud?["history"] = .array(maker.shuffled(stored))
        let shuffled = try other.merged()
        if shuffled["history"]?.each("playedAt") != merged["history"]?.each("playedAt") {
          return .broken("in another order: \(shuffled["history"] ?? nil)")
        }
        if shuffled.fates != merged.fates {
          return .broken("in another order: \(shuffled.fates), not \(merged.fates)")
        }
      }
      return .holds
    }
  }
}
