internal import Digests

/// What a run wrote, as one digest: the root of a Merkle tree over documents and the digest of each.
///
/// A leaf is SHA-256(0x00 ‖ identity ‖ digest), where the identity is SHA-256(collection ‖ 0x00 ‖ key ‖ 0x00 ‖ subkey)
/// and the digest that of the journal, or 16 zero bytes for one that was removed. Leaves stand in ascending order of
/// identity. A node is SHA-256(0x01 ‖ left ‖ right); one that is left over goes up as it is.
struct MerkleTree: Sendable {
  /// 64 bytes a written document.
  private struct Mark: Sendable {
    let identity: Identity
    let digest: UInt128
    let isWithdrawn: Bool
  }

  private var marks: [Mark] = []

  /// How many changes were added.
  var count: Int { marks.count }

  mutating func add(_ change: JournalChange) {
    let digest = change.written.map { UInt128(bigEndian: $0[...]) } ?? 0
    marks.append(Mark(identity: Identity(change.identity), digest: digest, isWithdrawn: change.isWithdrawn))
  }

  /// Forgets all changes but the first that were added.
  mutating func removeAll(after count: Int) { marks.removeSubrange(count...) }

  /// How many documents the run has written, and the root; nil when it has written none.
  func root() -> (documents: Int, root: [UInt8])? {
    let order = marks.indices.sorted { a, b in
      marks[a].identity == marks[b].identity ? a < b : marks[a].identity < marks[b].identity
    }
    // Digests of 32 bytes one after another.
    var level: [UInt8] = []
    level.reserveCapacity(32 * order.count)
    var start = 0
    while start < order.count {
      let identity = marks[order[start]].identity
      var end = start
      // What was written last counts, but for what was taken back.
      var written: [UInt128] = []
      while end < order.count, marks[order[end]].identity == identity {
        let mark = marks[order[end]]
        written.take(mark.digest, isWithdrawn: mark.isWithdrawn) { $0 == mark.digest }
        end += 1
      }
      if let last = written.last {
        var leaf: [UInt8] = [0]
        leaf.reserveCapacity(49)
        for part in [identity.high, identity.low, last] { part.appendBigEndian(to: &leaf) }
        level += sha256(leaf)
      }
      start = end
    }
    guard !level.isEmpty else { return nil }
    let documents = level.count / 32
    while level.count > 32 {
      let pairs = level.count / 64
      var next: [UInt8] = []
      next.reserveCapacity(32 * (pairs + 1))
      for pair in 0..<pairs { next += sha256([1] + level[64 * pair..<64 * (pair + 1)]) }
      level = next + level[(64 * pairs)...]
    }
    return (documents, level)
  }
}

/// 32 bytes without a place of their own in memory.
private struct Identity: Comparable, Sendable {
  let high: UInt128
  let low: UInt128

  init(_ bytes: [UInt8]) { (high, low) = (UInt128(bigEndian: bytes[..<16]), UInt128(bigEndian: bytes[16...])) }

  static func < (one: Identity, other: Identity) -> Bool { (one.high, one.low) < (other.high, other.low) }
}

extension UInt128 {
  fileprivate init(bigEndian bytes: ArraySlice<UInt8>) { self = bytes.reduce(0) { $0 << 8 | UInt128($1) } }

  fileprivate func appendBigEndian(to bytes: inout [UInt8]) {
    unsafe withUnsafeBytes(of: bigEndian) { unsafe bytes.append(contentsOf: $0) }
  }
}
