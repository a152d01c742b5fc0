import BSON
import Dumps
import Randomness
import Testing

/// Whether a text names a login token, however its characters are escaped.
@Suite struct TokenMentionTests {
  private func mentions(_ text: String) -> Bool { Array(text.utf8).withView { $0.mentionsToken } }

  @Test(arguments: [
    "tldr-access-token", #"{"tldr-refresh-token":"x"}"#, #"{\"tldr\u002daccess-token\":1}"#,
    #"\u0074ldr-access-token"#, #"a\\\u0074ldr-access-token"#, #"\u005cu0074ldr-access-token"#,
  ])
  func `a name is found at any depth`(_ text: String) { #expect(mentions(text)) }

  @Test(arguments: [
    "", "\\", #"\u"#, #"\u00"#, #"\u004"#, #"\u0041"#, #"\u00e9tude"#, #"\u00zz"#, #"\\u00"#, #"\u00\u00"#,
    #"\u0074"#, "tldr-access-toke", #"tldr-access\u002"#,
  ])
  func `a text without one, and one that is too short for an escape, mentions none`(_ text: String) {
    #expect(!mentions(text))
  }

  @Test func `whatever stands before it, a name is found with any of its characters escaped`() {
    var random = SeededRandom(seed: Trials.seed)
    for round in 0..<2000 {
      var text = ""
      for _ in 0..<random.below(12) { text += [#"\"#, "u", "0", "4", "\"", "x", #"\u00"#][random.below(7)] }
      let junk = text
      for character in "tldr-access-token".utf8 {
        let isEscaped = random.below(4) == 0
        let backslashes = String(repeating: #"\"#, count: 1 + random.below(3))
        text += isEscaped ? "\(backslashes)u00\(String(character, radix: 16))" : String(UnicodeScalar(character))
      }
      #expect(mentions(text), "MIXDOWN_SEED=\(Trials.seed), round \(round): \(text)")
      #expect(!mentions(junk), "MIXDOWN_SEED=\(Trials.seed), round \(round): \(junk)")
    }
  }
}
