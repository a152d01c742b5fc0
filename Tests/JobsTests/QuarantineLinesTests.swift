import BSON
import Dumps
import Foundation
import Library
import Testing

@testable import Sync

/// What is held of lines of the quarantine until they are written.
@Suite struct QuarantineLinesTests {
  private static func line(_ index: Int, of input: String) -> String {
    #"{"run_id":"test","source":{"input":"\#(input)","entry":null,"line":null},"user_id":"ann","section":"favorites","#
      + #""index":\#(index),"reason":"\#(reason(index).rawValue)","detail":"what is wrong","raw":1}"#
  }

  private static func reason(_ index: Int) -> QuarantineReason { index % 1000 == 999 ? .noTime : .invalidField }

  @Test(arguments: [false, true])
  func `of very many entries only some text is held, and every line is written`(_ ofLibrary: Bool) throws {
    let store = try TestStore(.directory)
    let path = store.folder + "/quarantine.ndjson"
    let file = try QuarantineFile(path, run: "test", store: store.name)
    let arena = Arena()
    let raw = BSONValue(type: .int32, bytes: arena.copy([1, 0, 0, 0]))
    // Their lines take three times the text that is held.
    let entries = (0..<20_000).map { Quarantined(.favorites, $0, Self.reason($0), "what is wrong", raw: raw) }
    let inputs = ["old.json", "new.json"]
    var lines = file.lines()
    for input in inputs { lines.add(entries, of: arena.copy(Array("ann".utf8)), from: Source(input: input)) }
    #expect(lines.text.count < 5 << 18)
    if ofLibrary {
      // These are not written again.
      for _ in 0..<2 { try file.append(ofLibraries: lines) }
    } else {
      try file.append(lines)
    }
    let expected = inputs.flatMap { input in entries.indices.map { Self.line($0, of: input) + "\n" } }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == expected.joined())
    #expect(file.counts == [.noTime: 40, .invalidField: 39_960])
  }
}
