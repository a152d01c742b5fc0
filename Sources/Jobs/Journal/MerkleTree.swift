internal import Digests

/// What a run wrote, as one digest: the root of a Merkle tree over documents and the SHA-256 of each.
///
/// A leaf is SHA-256(0x00 ‖ identity ‖ digest), where the identity is SHA-256(collection ‖ 0x00 ‖ key ‖ 0x00 ‖ subkey)
/// and the digest that of the document, or 32 zero bytes for one that was removed. Leaves stand in ascending order of
/// identity. A node is SHA-256(0x01 ‖ left ‖ right); one that is left over goes up as it is.
struct MerkleTree {
  /// 72 bytes a written document.
  private struct Mark {
    let identity: Digest32
    let digest: Digest32
    let isWithdrawn: Bool
  }

  private var marks: [Mark] = []

  mutating func add(_ change: JournalChange) {
    let digest = change.written.map { Digest32($0) } ?? Digest32()
    marks.append(Mark(identity: Digest32(change.identity), digest: digest, isWithdrawn: change.isWithdrawn))
  }

  /// How many documents the run has written, and the root; nil when it has written none.
  func root() -> (documents: Int, root: [UInt8])? {
    let order = marks.indices.sorted { a, b in
      marks[a].identity == marks[b].identity ? a < b : marks[a].identity < marks[b].identity
    }
    var level: [[UInt8]] = []
    var start = 0
    while start < order.count {
      let identity = marks[order[start]].identity
      var end = start
      // What was written last counts, but for what was taken back.
      var written: [Digest32] = []
      while end < order.count, marks[order[end]].identity == identity {
        let mark = marks[order[end]]
        if !mark.isWithdrawn {
          written.append(mark.digest)
        } else if let place = written.lastIndex(of: mark.digest) {
          written.remove(at: place)
        }
        end += 1
      }
      if let last = written.last { level.append(sha256([0] + identity.bytes + last.bytes)) }
      start = end
    }
    guard !level.isEmpty else { return nil }
    let documents = level.count
    while level.count > 1 {
      level = stride(from: 0, to: level.count, by: 2).map { place in
        place + 1 < level.count ? sha256([1] + level[place] + level[place + 1]) : level[place]
      }
    }
    return (documents, level[0])
  }
}

/// 32 bytes without a place of their own in memory.
private struct Digest32: Comparable {
  private var a: UInt64 = 0
  private var b: UInt64 = 0
  private var c: UInt64 = 0
  private var d: UInt64 = 0

  init() {}

  init(_ bytes: [UInt8]) {
    func word(_ offset: Int) -> UInt64 { bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    (a, b, c, d) = (word(0), word(8), word(16), word(24))
  }

  static func < (one: Digest32, other: Digest32) -> Bool {
    (one.a, one.b, one.c, one.d) < (other.a, other.b, other.c, other.d)
  }

  var bytes: [UInt8] {
    [a, b, c, d].flatMap { word in stride(from: 56, through: 0, by: -8).map { UInt8(word >> UInt64($0) & 255) } }
  }
}
