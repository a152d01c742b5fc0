import BSON
import Digests
import Sync
import Testing

@testable import Jobs

/// What `written.root` of a manifest says: docs/runs.md describes it.
@Suite struct MerkleTreeTests {
  private struct Written {
    var key: String
    /// nil for a document that was removed.
    var digest: UInt8?
    var isWithdrawn = false
  }

  private static func root(_ changes: [Written]) -> (documents: Int, root: [UInt8])? {
    let arena = Arena()
    var tree = MerkleTree()
    for change in changes {
      var record = JournalChange(
        collection: "user_library", key: Array(change.key.utf8).withView { arena.copy($0) }, subkey: nil,
        before: .nothing, written: change.digest.map { [UInt8](repeating: $0, count: 16) })
      record.isWithdrawn = change.isWithdrawn
      tree.add(record)
    }
    return tree.root()
  }

  /// The description, word by word.
  private static func described(_ documents: [(key: String, digest: UInt8?)]) -> [UInt8] {
    var level = documents.map { document in
      let identity = sha256(Array("user_library\0\(document.key)\0".utf8))
      return (identity, sha256([0] + identity + [UInt8](repeating: document.digest ?? 0, count: 16)))
    }.sorted { $0.0.lexicographicallyPrecedes($1.0) }.map(\.1)
    while level.count > 1 {
      var next = stride(from: 0, to: level.count - 1, by: 2).map { sha256([1] + level[$0] + level[$0 + 1]) }
      if level.count % 2 == 1, let last = level.last { next.append(last) }
      level = next
    }
    return level[0]
  }

  @Test(arguments: 1...17)
  func `a root is made as it is described, in whatever order documents were written`(count: Int) throws {
    let documents = (0..<count).map { (key: "user-\($0)", digest: $0 % 5 == 4 ? nil : UInt8($0 + 1)) }
    let changes = documents.map { Written(key: $0.key, digest: $0.digest) }
    for order in [changes, changes.reversed()] {
      let root = try #require(Self.root(order))
      #expect(root.documents == count && root.root == Self.described(documents))
    }
  }

  @Test func `what was written last counts, but for what was taken back`() throws {
    let a = Written(key: "a", digest: 1)
    let later = Written(key: "a", digest: 2)
    let back = Written(key: "a", digest: 2, isWithdrawn: true)
    #expect(Self.root([a, later])?.root == Self.described([("a", 2)]))
    #expect(Self.root([a, later, back])?.root == Self.described([("a", 1)]))
    #expect(Self.root([later, back]) == nil)
    #expect(Self.root([]) == nil)
  }

  /// As `xxhsum -H2` prints them, of XXHash 0.8.
  @Test(arguments: [
    ("", "99aa06d3014798d86001c324468d497f"), ("abc", "06b05ab6733a618578af5f94892f3950"),
  ])
  func `a checksum is the one that others compute`(text: String, expected: String) {
    var sum = Checksum()
    unsafe Array(text.utf8).withUnsafeBytes { unsafe sum.update($0) }
    #expect(hexadecimal(sum.finish()) == expected)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 240, 241, 2049, 100_000])
  func `a checksum knows no parts, but every byte`(count: Int) {
    var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    func sum(_ bytes: [UInt8], inPartsOf size: Int) -> [UInt8] {
      var sum = Checksum()
      // The message before leaves nothing behind.
      unsafe [1, 2, 3].withUnsafeBytes { unsafe sum.update($0) }
      _ = sum.finish()
      for start in stride(from: 0, to: bytes.count, by: size) {
        unsafe bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { unsafe sum.update($0) }
      }
      return sum.finish()
    }
    let whole = sum(bytes, inPartsOf: max(1, count))
    for size in [1, 7, 2048, 5000] { #expect(sum(bytes, inPartsOf: size) == whole) }
    let word = unsafe bytes.withUnsafeBytes { unsafe Checksum.doubleWord(of: $0, seed: 0) }
    #expect(whole.reduce(0) { $0 << 8 | UInt128($1) } == word)
    #expect(unsafe bytes.withUnsafeBytes { unsafe Checksum.doubleWord(of: $0, seed: 1) } != word)
    for place in Set([0, count / 2, count - 1]) where place >= 0 && place < count {
      bytes[place] ^= 1
      #expect(sum(bytes, inPartsOf: 4096) != whole)
      bytes[place] ^= 1
    }
  }

  @Test func `a document's digest does not depend on the order of its fields`() throws {
    let arena = Arena()
    func document(_ names: [StaticString]) -> BSONDocument {
      BSONDocument(
        unchecked: arena.written { writer in
          let start = writer.open()
          for name in names { writer.append(name, string: "\(name)") }
          writer.close(start)
        })
    }
    #expect(digest(document(["a", "b", "c"])) == digest(document(["c", "b", "a"])))
    #expect(digest(document(["a", "b"])) != digest(document(["a", "c"])))
  }
}
