import Logging
import Testing

@testable import Jobs
@testable import mixdown

/// Texts of others in lines for people.
@Suite struct PrintableTests {
  @Test(arguments: [
    ("plain", "plain"), ("", ""), ("a\u{1B}[31mred\u{7}", "a\u{FFFD}[31mred\u{FFFD}"),
    ("a\nb\tc", "a\u{FFFD}b\u{FFFD}c"),
    ("a\r\nb", "a\u{FFFD}\u{FFFD}b"), ("\u{7F}\u{9B}2J\u{85}", "\u{FFFD}\u{FFFD}2J\u{FFFD}"),
    ("\u{202E}evil\u{202C}\u{2066}x\u{2069}", "\u{FFFD}evil\u{FFFD}\u{FFFD}x\u{FFFD}"), ("\u{2028}", "\u{FFFD}"),
    ("Été – 東京 שיר 👩‍👩‍👧", "Été – 東京 שיר 👩‍👩‍👧"),
  ])
  func `what steers a terminal is shown as a sign, and all else as it is`(_ text: String, _ shown: String) {
    #expect(Array(text.printable.unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test(arguments: [
    ("abc", "abc"), ("abcd", "ab…"), ("", ""), ("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", "👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧"),
    ("a" + String(repeating: "\u{301}", count: 99), "a" + String(repeating: "\u{301}", count: 23) + "…"),
  ])
  func `a text is cut to so many characters, whatever marks they have`(_ text: String, _ shown: String) {
    #expect(Array(text.cut(to: 3).unicodeScalars) == Array(shown.unicodeScalars))
  }

  @Test func `columns are as wide as what is shown`() {
    let lines = aligned([["a\r\nb", "1"], ["abc", "2"], ["\u{1B}[0m", "3"]])
    #expect(lines == ["a\u{FFFD}\u{FFFD}b  1", "abc   2", "\u{FFFD}[0m  3"])
  }

  @Test func `a message is one line, whatever its fields hold`() {
    let line = LogOptions.Format.text.line(.warning, "left\u{1B}[1A", [("user", "ann\nbob")])
    #expect(line == "mixdown: warning: left\u{FFFD}[1A user=ann\u{FFFD}bob")
  }
}
