import Testing

@testable import Library

@Suite struct LowercaseTests {
  @Test func `scripts that are taken for caseless are`() {
    for range in Lowercase.scriptsWithoutCase {
      for scalar in range.lazy.compactMap({ Unicode.Scalar($0) }) where scalar.properties.changesWhenLowercased {
        Issue.record("U+\(String(scalar.value, radix: 16)) has a lowercase")
      }
    }
  }
}
