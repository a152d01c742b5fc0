import BSON
import Foundation
import Testing

/// What was quarantined is fed in again as its run would have read it (docs/dumps.md).
@Suite struct ReplayTests {
  private static let time = 1_750_000_000_000

  /// Runs over the file, and gives its lines.
  private func quarantined(_ inputs: [String], _ flags: [String] = [], in bench: Bench) throws -> (String, String) {
    let run = try bench.sync(inputs, flags, expecting: 3)
    return (run, try String(contentsOfFile: "\(bench.state)/\(run)/quarantine.ndjson", encoding: .utf8))
  }

  private func replay(_ lines: String, of run: String, in bench: Bench, expecting status: Int32 = 0) throws -> String {
    try bench.run("quarantine", [run, "--replay", bench.folder.write("mended.ndjson", lines)], expecting: status).output
  }

  private func library(of user: String, in bench: Bench) throws -> String? {
    try bench.contents()["user_library \(user) "]?.withView { view in
      var json = JSONText()
      try json.value(BSONValue(type: .document, bytes: view))
      return json.string
    }
  }

  @Test func `what a dump says of its user counts only where the run asked it`() throws {
    let bench = try Bench(.directory)
    let evil = #"{"user_id":"victim","favorites":[{"videoId":"evil","addedAt":\#(Self.time)}]}"#
    let file = try bench.folder.write("up/ann.json", evil)
    let (run, lines) = try quarantined([file], ["--users-from", "path", "--no-create"], in: bench)
    #expect(try replay(lines, of: run, in: bench).contains("1 lines are fed in again"))
    #expect(try library(of: "ann", in: bench)?.contains("evil") == true)
    #expect(try library(of: "victim", in: bench) == nil)

    let (other, open) = try quarantined([file], ["--users-from", "agree"], in: bench)
    #expect(open.contains(#""user_id":null"#))
    let refused = try replay(open, of: other, in: bench, expecting: 3)
    #expect(refused.contains("the run did not ask the dump whose it is: write the user_id beside raw"))
    let mended = open.replacing(#""user_id":null"#, with: #""user_id":"bob""#)
    _ = try replay(mended, of: other, in: bench)
    #expect(try library(of: "bob", in: bench)?.contains("evil") == true)
    #expect(try library(of: "victim", in: bench) == nil)
  }

  @Test func `a dump that names nobody stays nobody's`() throws {
    let bench = try Bench(.directory)
    let file = try bench.folder.write("ann.json", #"{"user_id":7,"favorites":[{"videoId":"a"}]}"#)
    let (run, lines) = try quarantined([file], in: bench)
    let mended = lines.replacing(#""user_id":7,"#, with: "")
    try #require(mended != lines)
    _ = try replay(mended, of: run, in: bench, expecting: 3)
    #expect(try bench.contents().keys.allSatisfy { !$0.hasPrefix("user_library") })
  }

  @Test func `an old dump does not beat a newer one for having been fed in late`() throws {
    let bench = try Bench(.directory)
    let queue = { (song: String) in #"[{"videoId":"\#(song)"}]"# }
    let old = try bench.folder.write(
      "old.json", #"{"user_id":7,"queue":\#(queue("old")),"preferences":{"repeat":"all"}}"#)
    let new = try bench.folder.write(
      "new.json",
      #"{"user_id":"ann","exported_at":\#(Self.time),"queue":\#(queue("new")),"preferences":{"repeat":"one"}}"#)
    let (run, lines) = try quarantined([old, new], in: bench)
    let before = try library(of: "ann", in: bench)
    _ = try replay(lines.replacing(#""user_id":7"#, with: #""user_id":"ann""#), of: run, in: bench)
    #expect(try library(of: "ann", in: bench) == before)
  }

  @Test func `a replay has the limits of its run`() throws {
    let bench = try Bench(.directory)
    let plays = (0..<600).map { #"{"videoId":"v","playedAt":\#(Self.time + $0)}"# }.joined(separator: ",")
    let file = try bench.folder.write(
      "ann.json", #"{"user_id":"ann","favorites":[{"videoId":7}],"history":[\#(plays)]}"#)
    let (run, lines) = try quarantined([file], ["--history-limit", "1000"], in: bench)
    _ = try replay(lines.replacing(#""videoId":7"#, with: #""videoId":"7""#), of: run, in: bench)
    let library = try #require(try library(of: "ann", in: bench))
    #expect(library.components(separatedBy: "playedAt").count == 601 && library.contains(#""videoId":"7""#))
  }

  @Test func `what stands in raw is fed in as it is, byte for byte`() throws {
    let bench = try Bench(.directory)
    // Keys that Swift takes for one, a double that is whole, and the order of fields.
    let fields = #""z":1.0,"\#u{E9}":1,"e\#u{301}":2,"a":{"y":1,"b":[]}"#
    let file = try bench.folder.write(
      "ann.json", #"{"user_id":"ann","favorites":[{\#(fields),"videoId":7,"addedAt":\#(Self.time)}]}"#)
    let (run, lines) = try quarantined([file], in: bench)
    _ = try replay(lines.replacing(#""videoId":7"#, with: #""videoId":"7""#), of: run, in: bench)
    #expect(try library(of: "ann", in: bench)?.contains("{" + fields) == true)
  }
}
