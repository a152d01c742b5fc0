extension UInt8 {
  /// The byte that two hexadecimal digits in ASCII stand for; nil when one is none, a sign above all, which
  /// `UInt8(_:radix:)` takes.
  init?(hexadecimal high: UInt8, _ low: UInt8) {
    guard let high = Self.value(ofDigit: high), let low = Self.value(ofDigit: low) else { return nil }
    self = high << 4 | low
  }

  private static func value(ofDigit digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}
