internal import BSON
internal import Digests

/// A digest of a set of documents, whatever their order: the sum of the SHA-256 of each, modulo 2²⁵⁶.
///
/// Sums of parts add up, so that workers digest batches side by side and two stores with different orders can be
/// compared without sorting either. It tells faults apart, not forgeries: whoever can choose the documents freely could,
/// with great effort, find two sets of one sum.
struct SetDigest: Equatable, Sendable {
  private(set) var count = 0
  private(set) var bytes = 0
  /// Least significant first.
  private var words: [UInt64] = [0, 0, 0, 0]

  mutating func add(_ document: BSONDocument) {
    var hasher = SHA256()
    unsafe document.bytes.withUnsafeBytes { unsafe hasher.update($0) }
    let digest = hasher.finish()
    let number = digest.withView { view in (0..<4).map { view.load($0 * 8, as: UInt64.self) } }
    add(number)
    count += 1
    bytes += document.bytes.count
  }

  mutating func add(_ other: SetDigest) {
    add(other.words)
    count += other.count
    bytes += other.bytes
  }

  private mutating func add(_ number: [UInt64]) {
    var carry: UInt64 = 0
    for place in 0..<4 {
      let (sum, first) = words[place].addingReportingOverflow(number[place])
      let (total, second) = sum.addingReportingOverflow(carry)
      words[place] = total
      carry = (first ? 1 : 0) + (second ? 1 : 0)
    }
  }

  /// Lower-case hexadecimal, the least significant byte first.
  var text: String {
    hexadecimal(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } })
  }
}
