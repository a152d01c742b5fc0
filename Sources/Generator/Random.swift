/// A stream of random numbers that is the same on every machine: SplitMix64 (Steele, Lea, Flood 2014).
///
/// The standard library's generators are seeded by the system and its algorithms over them (`shuffled`, `random(in:)`)
/// may change from release to release, so that nothing of them is used. For the same reason no call of the C library's
/// mathematics is: `log` and `pow` differ in the last bit between its versions. Sums, products and quotients do not.
struct Random {
  private var state: UInt64

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// The stream with this number of those that the seed gives; streams are independent of each other.
  init(seed: UInt64, stream: UInt64) {
    state = Random.mixed(seed &+ Random.mixed(stream &+ Random.step))
  }

  private static func mixed(_ word: UInt64) -> UInt64 {
    var word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }

  mutating func next() -> UInt64 {
    state &+= Random.step
    return Random.mixed(state)
  }

  /// 0 ..< bound; 0 where the bound is not positive.
  mutating func below(_ bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// As ``within(_:)``, small values being more frequent: the mean lies a third of the way up.
  mutating func skewed(_ range: ClosedRange<Int>) -> Int {
    let part = unit()
    return range.lowerBound + Int(part * part * Double(range.upperBound - range.lowerBound + 1))
  }

  /// 0 ..< 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

  /// An index, each as likely as its weight.
  mutating func weighted(_ weights: [Double]) -> Int {
    var total = 0.0
    for weight in weights { total += weight }
    var rest = unit() * total
    for (index, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return index }
    }
    return max(0, weights.count - 1)
  }
}

// MARK: Identifiers

extension Random {
  private static let hexadecimals = Array("0123456789abcdef".utf8)
  private static let alphanumerics = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
  private static let videoCharacters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  private mutating func text(_ alphabet: [UInt8], _ length: Int) -> String {
    String(decoding: (0..<length).map { _ in pick(alphabet) }, as: UTF8.self)
  }

  mutating func hexadecimal(_ length: Int) -> String { text(Random.hexadecimals, length) }
  mutating func alphanumeric(_ length: Int) -> String { text(Random.alphanumerics, length) }
  mutating func videoID() -> String { text(Random.videoCharacters, 11) }

  /// A UUID of version 4.
  mutating func uuid() -> String {
    "\(hexadecimal(8))-\(hexadecimal(4))-4\(hexadecimal(3))-\(text(Array("89ab".utf8), 1))\(hexadecimal(3))-\(hexadecimal(12))"
  }
}

// MARK: Streams

extension Random {
  /// What a stream is for. Each listener has some of their own, so that any can be made without the others, and one
  /// more number drawn in one place changes nothing in another.
  enum Purpose: UInt64 {
    case catalogue, order, listener, cloud, account, dump, damage
  }

  /// The stream for one thing of one listener.
  init(seed: UInt64, _ purpose: Purpose, listener: Int = 0) {
    self.init(seed: seed, stream: UInt64(listener) << 4 | purpose.rawValue)
  }
}
