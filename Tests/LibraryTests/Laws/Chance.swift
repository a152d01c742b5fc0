import Foundation
import Testing

/// Random choices that a seed repeats (SplitMix64).
struct Chance: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// True so many times of a hundred.
  mutating func percent(_ likelihood: Int) -> Bool { number(0..<100) < likelihood }

  mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }

  mutating func pick<T>(_ list: [T]) -> T { list[number(0..<list.count)] }
}

/// How many cases a law is tried on, and with which seed: `MIXDOWN_CASES` and `MIXDOWN_SEED` say otherwise.
enum Trials {
  static let count = setting("MIXDOWN_CASES").map { Int($0) } ?? 2000
  static let seed = setting("MIXDOWN_SEED") ?? UInt64.random(in: 0..<1 << 40)

  private static func setting(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

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
