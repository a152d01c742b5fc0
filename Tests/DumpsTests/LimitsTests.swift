import Dumps
import Testing

@Suite struct LimitsTests {
  @Test func `as text no limit is left out`() {
    let names = Mirror(reflecting: Limits()).children.compactMap(\.label)
    #expect(names.count == 4)
    for name in names { #expect("\(Limits())".contains("\(name) "), "\(name)") }
  }
}
