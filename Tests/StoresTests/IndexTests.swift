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

  @Test func `a cursor passes over what was found by its key, where that is wanted`() throws {
    let sandbox = try Sandbox()
    let names = (0..<200).map { "user-\(1000 + $0)" }
    try sandbox.commit(names.map { document($0) })
    let store = try sandbox.open(locking: false)
    let fetched = Set(names.filter { $0.hasSuffix("7") })
    let looked = Set(names.filter { $0.hasSuffix("8") })
    _ = try store.documents(of: fetched.map { sandbox.view($0) }, in: Arena())
    #expect(try store.contains(looked.map { sandbox.view($0) } + [sandbox.view("nobody")]).count { $0 } == looked.count)
    var rest = Selection()
    #expect(try users(at: store.cursor(over: rest)) == names)
    rest.leavesOutFound = true
    #expect(try users(at: store.cursor(over: rest)) == names.filter { !fetched.contains($0) && !looked.contains($0) })
    // What is opened anew knows nothing of it.
    #expect(try users(at: sandbox.open(locking: false).cursor(over: rest)) == names)
    _ = try store.contains(names.map { sandbox.view($0) })
    #expect(try users(at: store.cursor(over: rest)).isEmpty)
  }
}
