/// A sum that does not depend on the order of its terms: whole multiples of 2⁻⁴³, added up as integers.
struct ExactSum: Sendable {
  private var units: UInt128 = 0
  /// Terms that are too great for that: of all others there can be 2³³ before an integer is full.
  private var huge: [Double] = []

  private static let fraction = 0x1p43
  private static let limit = 0x1p52

  /// - Parameter term: not negative.
  mutating func add(_ term: Double) {
    guard term < Self.limit else {
      huge.append(term)
      return
    }
    let whole = term.rounded(.down)
    units += UInt128(UInt64(whole)) << 43 + UInt128(UInt64(((term - whole) * Self.fraction).rounded()))
  }

  var value: Double { huge.sorted().reduce(double(units) / Self.fraction, +) }
}
