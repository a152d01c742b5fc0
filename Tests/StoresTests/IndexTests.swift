import BSON
import Testing

@testable import Stores

/// The table of where a directory's documents begin.
@Suite struct IndexTests {
  @Test func `documents of one key keep their order, wherever in the table they lie when it grows`() {
    for number in 0..<50 {
      var index = DocumentIndex()
      let key = Array("key \(number)".utf8)
      key.withView { key in
        for offset in 0..<60 { index.append(key, at: offset) }
        #expect(index.positions(of: key) { _ in true } == Array(0..<60))
      }
    }
  }
}
