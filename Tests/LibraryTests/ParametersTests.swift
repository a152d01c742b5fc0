import Library
import Testing

@Suite struct ParametersTests {
  @Test func `as text no parameter is left out but the clock`() {
    let parameters = MergeParameters(asOf: 1)
    let names = Mirror(reflecting: parameters).children.compactMap(\.label)
    #expect(names.count == 8)
    for name in names { #expect(parameters.exceptClock.contains("\(name) ") == (name != "asOf"), "\(name)") }
    var later = parameters
    later.asOf = 2
    #expect(later.exceptClock == parameters.exceptClock)
    later.sections = [.history, .queue]
    #expect(later.exceptClock.contains("sections history,queue"))
  }
}
