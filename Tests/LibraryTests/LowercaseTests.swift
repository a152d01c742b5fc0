import BSON
import Randomness
import Testing

@testable import Library

@Suite struct LowercaseTests {
  private static let cased = (0...0x10FFFF as ClosedRange<UInt32>).compactMap { Unicode.Scalar($0) }
    .filter(\.properties.changesWhenLowercased)

  @Test func `scripts that are taken for caseless are`() {
    for range in Lowercase.scriptsWithoutCase {
      for scalar in range.lazy.compactMap({ Unicode.Scalar($0) }) where scalar.properties.changesWhenLowercased {
        Issue.record("U+\(String(scalar.value, radix: 16)) has a lowercase")
      }
    }
  }

  @Test func `every letter is lowered as Unicode says`() {
    let arena = Arena()
    for scalar in Self.cased {
      for text in ["\(scalar)", "A\(scalar)\(scalar)\(scalar)Z", "ABCDEFGH\(scalar)ABCDEFGH"] {
        #expect(Self.lowered(text, in: arena) == Self.expected(text), "U+\(String(scalar.value, radix: 16))")
      }
      arena.reset()
    }
  }

  @Test func `texts of any letters are lowered as Unicode says`() {
    var random = SeededRandom(seed: Trials.seed)
    let arena = Arena()
    for round in 0..<Trials.count {
      func text() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<random.below(30) {
          switch random.below(6) {
          case 0: text.append(random.pick(Self.cased))
          case 1: text.append(random.pick(["ना", "夜に", "İzmir", "ẞ", "Å", "😀"]).unicodeScalars.first ?? "x")
          case 2: text.append(Unicode.Scalar(UInt32(random.below(0xD800))) ?? "x")
          default: text.append(Unicode.Scalar(UInt8(random.below(128))))
          }
        }
        return String(text)
      }
      let (title, artist) = (text(), text())
      #expect(Self.lowered(title, in: arena) == Self.expected(title), "MIXDOWN_SEED=\(Trials.seed), round \(round)")
      let key = Array(title.utf8).withView { title in
        Array(artist.utf8).withView { artist in Lowercase.joined(title, artist, in: arena).copy() }
      }
      #expect(
        key == Self.expected(title) + [0x1F] + Self.expected(artist), "MIXDOWN_SEED=\(Trials.seed), round \(round)")
      arena.reset()
    }
  }

  private static func lowered(_ text: String, in arena: Arena) -> [UInt8] {
    Array(text.utf8).withView { Lowercase.text($0, in: arena).copy() }
  }

  private static func expected(_ text: String) -> [UInt8] {
    text.unicodeScalars.flatMap { Array($0.properties.lowercaseMapping.utf8) }
  }
}
