/// A run's name: a ULID, so that names sort by time. 48 bits of milliseconds and 80 random bits in Crockford's base32.
public struct RunID: Sendable, CustomStringConvertible {
  public let description: String

  /// A new name.
  ///
  /// - Parameter milliseconds: the time of the run's start, since 1970.
  public init(milliseconds: Int64) {
    let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    var text: [UInt8] = []
    for place in stride(from: 45, through: 0, by: -5) {
      text.append(alphabet[Int(milliseconds >> Int64(place) & 31)])
    }
    for _ in 0..<16 { text.append(alphabet[Int.random(in: 0..<32)]) }
    description = String(decoding: text, as: UTF8.self)
  }

  /// The name of a run that is there already.
  init?(_ text: String) {
    guard Self.isValid(text) else { return nil }
    description = text
  }

  static func isValid(_ text: String) -> Bool {
    text.utf8.count == 26
      && text.utf8.allSatisfy { ($0 >= 48 && $0 < 58) || ($0 >= 65 && $0 < 91 && !"ILOU".utf8.contains($0)) }
  }
}
