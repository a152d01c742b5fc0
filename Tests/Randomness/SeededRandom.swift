/// Random choices that a seed repeats (SplitMix64), for tests of any target.
public struct SeededRandom: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  /// True so many times of a hundred.
  public mutating func percent(_ likelihood: Int) -> Bool { number(0..<100) < likelihood }

  public mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &self) }

  public mutating func below(_ bound: Int) -> Int { number(0..<bound) }

  public mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

  public mutating func pick<T>(_ list: [T]) -> T { list[number(0..<list.count)] }
}
