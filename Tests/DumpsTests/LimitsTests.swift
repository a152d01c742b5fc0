import Dumps
import Testing

@Suite struct LimitsTests {
  @Test func `limits that nobody says are those of the docs`() {
    let limits = Limits(maxDumpSize: 64 << 20, maxDepth: 64, maxEntries: 10_000_000, maxExpansion: 1000)
    #expect(Limits() == limits && Limits.freeExpansion == 64 << 20)
  }

  @Test func `as text no limit is left out`() {
    let names = Mirror(reflecting: Limits()).children.compactMap(\.label)
    #expect(names.count == 4)
    for name in names { #expect("\(Limits())".contains("\(name) "), "\(name)") }
  }
}
