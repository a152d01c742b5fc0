import BSON
import Library
import Testing

/// Deduplicated, twenty (docs/merge.md).
@Suite struct RecentSearches {
  @Test func `lists follow one another newest first, and the first spelling stays`() throws {
    let after = try merge(
      cloud: ["recent_searches": ["cloud", "Jazz"], "updated_at": at(4)],
      .at(3, ["recent_searches": ["old", "CLOUD"]]), .at(5, ["recent_searches": ["new", "jazz"]]))
    #expect(after["recent_searches"] == ["new", "jazz", "cloud", "old"])
    #expect(after["section_updated_at"]?["recent_searches"] == at(5))
  }

  @Test func `at equal times the dump is first`() throws {
    let after = try merge(
      cloud: ["recent_searches": ["A", "b"], "updated_at": at(5)], .at(5, ["recent_searches": ["a"]]))
    #expect(after["recent_searches"] == ["a", "b"])
  }

  @Test func `of searches whose time nobody knows the section has none`() throws {
    let after = try merge(.undated(["recent_searches": ["a"]]))
    #expect(after["section_updated_at"] == ["as_of": ms(now)])
  }

  @Test func `the cloud stands by its section's time`() throws {
    let times: Value = ["as_of": at(9), "recent_searches": at(2)]
    let after = try merge(
      cloud: ["recent_searches": ["c"], "updated_at": at(9), "section_updated_at": times],
      .at(5, ["recent_searches": ["a"]]), .at(1, ["recent_searches": ["z"]]), .undated(["recent_searches": ["u"]]))
    #expect(after["recent_searches"] == ["a", "c", "z", "u"])
  }

  private static let spellings: [(Value, Value)] = [
    ([" a\t", "\u{3000}b\u{A0}", "\n", "", " "], ["a", "b"]), (["a b", "a  b"], ["a b", "a  b"]),
    (["ΟΔΟΣ", "οδοσ", "οδος"], ["ΟΔΟΣ", "οδος"]), (["İ", "i\u{307}", "i"], ["İ", "i"]),
    (["Straße", "STRASSE", "straße"], ["Straße", "STRASSE"]), (["é", "e\u{301}", "É"], ["é", "e\u{301}"]),
    ([nil, "a", nil], ["a"]), (["\u{200B}a"], ["\u{200B}a"]), (["\u{85}a\u{2028}"], ["a"]),
    (["\r\u{C}a\u{B}\r"], ["a"]),
  ]

  @Test(arguments: spellings)
  func `searches are trimmed and compared by lowercase`(_ list: Value, _ searches: Value) throws {
    #expect(try merge(.at(5, ["recent_searches": list]))["recent_searches"] == searches)
  }

  @Test func `the first twenty stay`() throws {
    let words = (0..<25).map { Value.string("s\($0)") }
    let after = try merge(
      cloud: ["recent_searches": .array(words)], .at(5, ["recent_searches": .array(["S7"] + words.suffix(3))]))
    #expect(after["recent_searches"] == .array(["S7"] + words.suffix(3) + words[..<7] + words[8..<17]))
    #expect(after.fates.beyondLimit == 5)
  }

  @Test func `what is no string is quarantined`() throws {
    let after = try merge(.at(5, ["recent_searches": ["a", 5, nil, ["b"]]]))
    #expect(after["recent_searches"] == ["a"])
    #expect(after.quarantined == ["recent_searches 1 invalid-field", "recent_searches 3 invalid-field"])
  }

  @Test func `an empty list is an opinion, and takes nothing away`() throws {
    #expect(try merge(.at(5, ["recent_searches": []]))["recent_searches"] == [])
    #expect(try merge(cloud: ["recent_searches": ["a"]], .at(5, ["recent_searches": []]))["recent_searches"] == ["a"])
  }
}
