import BSON
import Randomness
import Testing

/// Borrowed bytes.
@Suite struct ByteViews {
  @Test(
    arguments: [
      ("", ""), ("a", ""), ("b", "a"), ("ab", "a"), ("b", "ab"), ("\u{80}", "\u{7F}"), ("é", "z"), ("a\0", "a"),
    ])
  func `order is that of unsigned bytes, the longer of two with one beginning greater`(_ a: String, _ b: String) {
    Array(a.utf8).withView { a in
      Array(b.utf8).withView { b in
        #expect((a.order(b) == 0) == (a == b))
        #expect(a.order(b) >= 0)
        #expect(b.order(a) <= 0)
        #expect((b < a) == (a != b))
        #expect(!(a < b))
      }
    }
  }

  @Test func `equal bytes are equal wherever they lie`() {
    let text = Array("the same bytes, twice: the same bytes, twice".utf8)
    text.withView { view in
      let (first, second) = (view.slice(4, 10), view.slice(27, 10))
      #expect(first == second)
      #expect(first.hashValue == second.hashValue)
      #expect(first.fingerprint == second.fingerprint)
      #expect(!first.isSamePlace(as: second))
      #expect(first.isSamePlace(as: view.slice(4, 10)))
      #expect(first.offset(in: view) == 4)
      #expect(second.offset(in: first) == nil)
      #expect(view.slice(0, 3) != view.slice(1, 3))
    }
  }

  @Test func `fingerprints tell bytes apart, zeros and lengths too`() {
    var seen: Set<UInt64> = []
    for length in 0..<40 {
      seen.insert(Array(repeating: 0 as UInt8, count: length).withView(\.fingerprint))
      seen.insert(Array(repeating: 1 as UInt8, count: length).withView(\.fingerprint))
    }
    #expect(seen.count == 79)
  }

  @Test func `ids that were made up to have one fingerprint have one each: in every process it is another`() {
    let ids = ["cc7rc7cp<&G9?-W[", "dotp1gj0=3VuLYH;", "ofr22fb1Ej=O{}:a"]
    #expect(Set(ids.map { Array($0.utf8).withView(\.fingerprint) }).count == ids.count)
  }

  @Test func `numbers are little-endian at any alignment`() {
    let bytes = Array(1...12) as [UInt8]
    bytes.withView { view in
      #expect(view.load(0, as: Int32.self) == 0x0403_0201)
      #expect(view.load(3, as: UInt16.self) == 0x0504)
      #expect(view.load(4, as: UInt64.self) == 0x0C0B_0A09_0807_0605)
      #expect(view[11] == 12)
      #expect(view.dropFirst(10).copy() == [11, 12])
      #expect(view.dropFirst(12).isEmpty)
    }
  }

  @Test func `ill-formed text becomes U+FFFD, and bytes stay what they are`() {
    let bytes: [UInt8] = [0x61, 0xFF, 0x62]
    bytes.withView { view in
      #expect(view.string == "a\u{FFFD}b")
      #expect(view.copy() == bytes)
    }
  }

  @Test func `an empty view is a view`() {
    #expect(ByteView.empty.isEmpty)
    #expect(ByteView.empty == [UInt8]().withView { $0 })
    #expect(ByteView.empty.copy() == [])
    #expect(ByteView.empty.string == "")
    #expect(ByteView("") == ByteView.empty)
    #expect(ByteView("é").count == 2)
  }

  @Test func `a key is matched by its literal`() {
    func name(_ key: ByteView) -> String {
      switch key {
      case "title": "title"
      case "": "empty"
      default: "other"
      }
    }
    #expect(name(ByteView("title")) == "title")
    #expect(name(ByteView("titles")) == "other")
    #expect(name(ByteView("titl")) == "other")
    #expect(name(.empty) == "empty")
  }

  #if os(Linux)
    @Test func `a byte outside of a view traps`() async {
      await #expect(processExitsWith: .failure) { _ = ByteView("abc")[3] }
      await #expect(processExitsWith: .failure) { _ = ByteView("abc")[-1] }
      await #expect(processExitsWith: .failure) { _ = ByteView("abc").slice(2, 2) }
      await #expect(processExitsWith: .failure) { _ = ByteView("abc").slice(1, .max) }
      await #expect(processExitsWith: .failure) { _ = ByteView("abc").slice(-1, 1) }
      await #expect(processExitsWith: .failure) { _ = ByteView("abc").load(0, as: Int32.self) }
      await #expect(processExitsWith: .failure) { _ = ByteView("abcd").load(.max, as: Int32.self) }
    }
  #endif
}

/// Memory that is given back all at once.
@Suite struct Arenas {
  private func bytes(_ count: Int, _ byte: UInt8) -> [UInt8] { Array(repeating: byte, count: count) }

  @Test func `pieces do not move and do not touch each other`() {
    let arena = Arena()
    var pieces: [(ByteView, [UInt8])] = []
    var chance = SeededRandom(seed: 7)
    for _ in 0..<3000 {
      let size = [0, 1, 7, 8, 9, 100, 5000, 300_000][chance.number(0..<(chance.number(0..<50) == 0 ? 8 : 7))]
      let content = bytes(size, chance.byte())
      pieces.append((content.withView { arena.copy($0) }, content))
    }
    #expect(pieces.allSatisfy { $0.copy() == $1 })
  }

  @Test(arguments: [0, 1, 255 << 10, 256 << 10, (256 << 10) + 1, 1 << 20, (1 << 20) + 1, 20 << 20])
  func `a piece of any size`(_ size: Int) {
    let arena = Arena()
    let before = bytes(3, 1).withView { arena.copy($0) }
    let content = bytes(size, 9)
    let piece = content.withView { arena.copy($0) }
    let after = bytes(3, 2).withView { arena.copy($0) }
    #expect(piece.copy() == content)
    #expect(before.copy() == [1, 1, 1])
    #expect(after.copy() == [2, 2, 2])
  }

  @Test(arguments: [1, 100, 5000, 300_000, 3 << 20])
  func `what is written in an arena stays, however it grows and whatever is taken meanwhile`(_ size: Int) {
    let arena = Arena()
    var pieces: [(ByteView, [UInt8])] = []
    var chance = SeededRandom(seed: 11)
    for _ in 0..<50 {
      let (content, other) = (bytes(chance.number(0..<size + 1), chance.byte()), bytes(9, chance.byte()))
      let piece = arena.written(capacity: chance.number(0..<2) == 0 ? 1 : content.count) { writer in
        let (first, rest) = (content.prefix(content.count / 2), content.dropFirst(content.count / 2))
        Array(first).withView { writer.put(bytes: $0) }
        if chance.number(0..<3) == 0 { pieces.append((other.withView { arena.copy($0) }, other)) }
        Array(rest).withView { writer.put(bytes: $0) }
      }
      pieces.append((piece, content))
      pieces.append((other.withView { arena.copy($0) }, other))
    }
    #expect(pieces.allSatisfy { $0.copy() == $1 })
  }

  @Test func `what a writer did not need of a block is given back`() {
    let arena = Arena()
    let first = arena.written { writer in writer.put(UInt64(1)) }
    let second = arena.written { writer in writer.put(UInt64(2)) }
    #expect(unsafe second.offset(in: first.extended(by: 8)) == 8)
  }

  @Test func `padding can be read`() {
    let arena = Arena()
    for size in [0, 5, 64, 1 << 20] {
      let piece = bytes(size, 5).withView { arena.copy($0, padding: 64) }
      #expect(piece.count == size)
      #expect(unsafe piece.extended(by: 64).slice(0, size) == piece)
      _ = unsafe piece.extended(by: 64).dropFirst(size).copy()
    }
  }

  @Test(arguments: [0, 1 << 20, 16 << 20])
  func `after a reset all room is free again`(_ keeps: Int) {
    let arena = Arena(keeps: keeps)
    for round in 0..<20 as Range<UInt8> {
      let pieces = [100, 400_000, 3 << 20, 8, 900_000].map { size in bytes(size, round).withView { arena.copy($0) } }
      #expect(pieces.allSatisfy { $0[0] == round && $0[$0.count - 1] == round })
      arena.reset()
    }
    arena.reset()
    #expect(bytes(3, 1).withView { arena.copy($0) }.copy() == [1, 1, 1])
  }
}
