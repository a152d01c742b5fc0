internal import Foundation

/// How many cases a property is tried on, and with which seed: `MIXDOWN_CASES` and `MIXDOWN_SEED` say otherwise.
public enum Trials {
  public static let count = setting("MIXDOWN_CASES").map { Int($0) } ?? 2000
  public static let seed = setting("MIXDOWN_SEED") ?? UInt64.random(in: 0..<1 << 40)

  private static func setting(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }
}
