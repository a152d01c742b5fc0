import Testing

@testable import mixdown

/// Spans of time and sizes as docs/operations.md has them.
@Suite struct UnitTests {
  @Test(
    arguments: [
      ("500ms", 500), ("30s", 30_000), ("30", 30_000), ("90m", 5_400_000), ("90min", 5_400_000), ("1.5h", 5_400_000),
      ("2 D", 172_800_000), ("1w", 604_800_000), ("", nil), ("h", nil), ("-1h", nil), ("1y", nil), ("1e3s", nil),
    ] as [(String, Int64?)])
  func `a span of time is a number and its unit, else of seconds`(_ text: String, _ milliseconds: Int64?) {
    #expect(TimeSpan(argument: text)?.milliseconds == milliseconds)
  }

  @Test(
    arguments: [
      ("1048576", 1 << 20), ("7B", 7), ("1k", 1 << 10), ("1KiB", 1 << 10), ("1kB", 1000), ("256 MiB", 256 << 20),
      ("1.5m", 3 << 19), ("1MB", 1_000_000), ("4G", 4 << 30), ("4GiB", 4 << 30), ("4GB", 4_000_000_000),
      ("1tib", 1 << 40), ("1T", nil), ("0", nil), ("lots", nil), ("1bit", nil),
    ] as [(String, Int?)])
  func `a size is a number and its unit, else of bytes`(_ text: String, _ bytes: Int?) {
    #expect(ByteCount(argument: text)?.bytes == bytes)
  }
}
