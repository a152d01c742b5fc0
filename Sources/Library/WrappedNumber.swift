public import BSON

/// A number as Extended JSON wraps it: `{"$numberInt": "1"}`, `{"$numberLong": "1"}` or `{"$numberDouble": "1.0"}`.
public enum WrappedNumber: Equatable, Sendable {
  case int32(Int32)
  case int64(Int64)
  case double(Double)

  /// Nil for a document that is no such wrapper, or wraps what is no number of its type.
  public init?(_ document: BSONDocument) throws(BSONFault) {
    var elements = document.elements
    guard let only = try elements.next(), try elements.next() == nil else { return nil }
    self.init(only)
  }

  /// - Parameter only: the one field of a document.
  public init?(_ only: BSONElement) {
    guard let text = only.value.string?.string else { return nil }
    let number: WrappedNumber? =
      switch only.key {
      case "$numberInt": Int32(text).map(Self.int32)
      case "$numberLong": Int64(text).map(Self.int64)
      case "$numberDouble": Self.double(of: text).map(Self.double)
      default: nil
      }
    guard let number else { return nil }
    self = number
  }

  /// As far as a double holds it.
  public var double: Double {
    switch self {
    case .int32(let number): Double(number)
    case .int64(let number): Double(number)
    case .double(let number): number
    }
  }

  /// Swift's own parser takes hexadecimal digits, `inf` and `nan(…)` too: none of them is JSON's nor Extended JSON's.
  private static func double(of text: String) -> Double? {
    switch text {
    case "Infinity": .infinity
    case "-Infinity": -.infinity
    case "NaN": .nan
    default: text.utf8.allSatisfy { "0123456789.eE+-".utf8.contains($0) } ? Double(text) : nil
    }
  }
}
