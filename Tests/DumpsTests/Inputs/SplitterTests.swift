import Testing

@testable import Dumps

/// How the text of a file falls into dumps.
@Suite struct SplitterTests {
  /// What a text becomes: `3:{"a":1}` is a dump that starts on line 3, `!3` a refusal there; "-" is no line.
  static func pieces(
    _ text: [UInt8], _ kind: DumpName.Kind, limit: Int = 1 << 20, blockSize: Int = 1 << 20
  ) throws(ReadFailure) -> [String] {
    var pieces: [String] = []
    let emit: PieceSink = { piece in
      switch piece {
      case .nothing: break
      case .dump(let text, let line):
        let line = line.map(String.init) ?? "-"
        pieces.append("\(line):" + String(decoding: text.dropLast(RawDump.padding), as: UTF8.self))
      case .refused(let fault, let line):
        let line = line.map(String.init) ?? "-"
        pieces.append("!\(line) \(fault.reason.rawValue)" + (fault.offset.map { " at \($0)" } ?? ""))
      }
    }
    var splitter = DumpSplitter(kind: kind, limit: limit)
    var start = 0
    while start < text.count {
      let end = min(start + blockSize, text.count)
      try splitter.feed(text.span.extracting(start..<end), emit)
      start = end
    }
    try splitter.finish(emit)
    return pieces
  }

  static let table: [(text: String, value: [String], lines: [String]?)] = [
    // One value, in the name's kind "value" and, where given, other pieces in the kind "lines".
    (#"{"a":1}"#, [#"-:{"a":1}"#], nil),
    ("\u{FEFF} \r\n {\"a\":1} \n\n", [#"-:{"a":1}"#], nil),
    ("{\n \"a\": 1\n}\n", ["-:{\n \"a\": 1\n}"], nil),
    ("{\n\n \"}\": \"\\\"}\"\n}", ["-:{\n\n \"}\": \"\\\"}\"\n}"], nil),
    ("", ["!- invalid-json at 0"], []),
    (" \n\t ", ["!- invalid-json at 0"], []),
    ("nonsense", ["-:nonsense"], ["1:nonsense"]),
    ("nonsense\n{}\n", ["1:nonsense", "2:{}"], nil),
    // One a line.
    ("{\"a\":1}\n{\"b\":2}", [#"1:{"a":1}"#, #"2:{"b":2}"#], nil),
    ("\n{\"a\":1}\r\n\r\n  {\"b\":2}\r\n", [#"2:{"a":1}"#, #"4:{"b":2}"#], nil),
    ("{}\n\u{FEFF}{}\nnonsense\n{", ["1:{}", "2:{}", "3:nonsense", "4:{"], nil),
    ("{}\n[{},{}]\n[]\n{}", ["1:{}", "2:{}", "2:{}", "4:{}"], nil),
    (
      "{}\n[{},{}] x\n[{}\n{}",
      ["1:{}", "2:{}", "2:{}", "!2 invalid-json at 8", "3:{}", "!3 invalid-json at 3", "4:{}"], nil
    ),
    ("{}{}\n{}", ["1:{}{}", "2:{}"], nil),
    ("{} x", ["-:{} x"], nil),
    // A first line that is a scalar by itself is a line of its own.
    ("5\n{}\n", ["1:5", "2:{}"], nil),
    (" -0.5e3 \r\n\n[{},\n{}]\n{}", ["1:-0.5e3", "3:{}", "!3 invalid-json at 4", "4:{}]", "5:{}"], nil),
    ("null\n{}\n5", ["1:null", "2:{}", "3:5"], nil),
    ("true\n\n\n{}", ["1:true", "4:{}"], nil),
    ("\u{FEFF}\"a {b}\"\n{}", ["1:\"a {b}\"", "2:{}"], nil),
    ("5\n \n", ["-:5"], ["1:5"]),
    ("nul\n{}", ["1:nul", "2:{}"], nil),
    ("01\n{}", ["1:01", "2:{}"], nil),
    ("5 x\n{}", ["1:5 x", "2:{}"], nil),
    ("\"a\nb\"", ["-:\"a\nb\""], ["1:\"a", "2:b\""]),
    ("<p>\n{}\n", ["1:<p>", "2:{}"], nil),
    ("<p>\n {}\n</p>", ["-:<p>\n {}\n</p>"], ["1:<p>", "2:{}", "3:</p>"]),
    ("2026-01-01 started\n{}", ["1:2026-01-01 started", "2:{}"], nil),
    // A broken first line: another one that is an object by itself tells.
    ("{\"a\n{}\n", ["1:{\"a", "2:{}"], nil),
    ("{\"a\":\n{\"b\":1}\n{\"c\":\n", ["1:{\"a\":", "2:{\"b\":1}", "3:{\"c\":"], nil),
    ("{\"a\":\n{\"b\":1}\n}", ["-:{\"a\":\n{\"b\":1}\n}"], nil),
    // A value over several lines that is broken or has something behind it: only the name tells.
    ("{\"a\":\n{\"b\":\n1}", ["-:{\"a\":\n{\"b\":\n1}"], ["1:{\"a\":", "2:{\"b\":", "3:1}"]),
    ("{\n}\n{\n}", ["-:{\n}\n{\n}"], ["1:{", "2:}", "3:{", "4:}"]),
    // An array.
    ("[]", [], nil),
    ("[ {\"a\":1} ,\n\n{\"b\":[2,{}]}\n]\n", [#"1:{"a":1}"#, #"3:{"b":[2,{}]}"#], nil),
    (#"[1, "x,]\"{" ,null,[{}]]"#, ["1:1", #"1:"x,]\"{""#, "1:null", "1:[{}]"], nil),
    ("[{}]\n[{}]\n{}", ["1:{}", "2:{}", "3:{}"], nil),
    ("[{},{}", ["1:{}", "1:{}", "!1 invalid-json at 6"], nil),
    ("[{},{\"a\":", ["1:{}", "!1 invalid-json at 9"], nil),
    ("[{} {},{}]", ["1:{}", "!1 invalid-json at 4"], nil),
    ("[{},,{}]", ["1:{}", "!1 invalid-json at 4"], nil),
    ("[{},]", ["1:{}", "!1 invalid-json at 4"], nil),
    ("[1 {}]", ["!1 invalid-json at 3"], nil),
    ("[\n{}\n]\n{}", ["2:{}", "!4 invalid-json at 7"], nil),
    ("[{}] {}", ["1:{}", "!1 invalid-json at 5"], nil),
  ]

  @Test("a file falls into dumps as its content says", arguments: table, [1, 2, 3, 7, 64, 1000])
  func split(_ row: (text: String, value: [String], lines: [String]?), blockSize: Int) throws {
    let text = Array(row.text.utf8)
    // The mark is looked for in the first block alone.
    if row.text.hasPrefix("\u{FEFF}"), blockSize < 3 { return }
    #expect(try Self.pieces(text, .value, blockSize: blockSize) == row.value)
    #expect(try Self.pieces(text, .lines, blockSize: blockSize) == row.lines ?? row.value)
  }

  static let tooLong = [
    ("{\"a\":123456}", ["!- too-large"]),
    ("{\"a\":1234567890}\n{}", ["!1 too-large", "2:{}"]),
    ("{}\n{\"a\":1234567890}\n{}", ["1:{}", "!2 too-large", "3:{}"]),
    ("{\n\"a\":1234567890}", ["!- too-large"]),
    ("[{},{\"a\":1234567890},{}]", ["1:{}", "!1 too-large", "1:{}"]),
    ("[1,12345678901,2]", ["1:1", "!1 too-large", "1:2"]),
    ("{\"a\":1234}           \n", ["-:{\"a\":1234}"]),
    ("5\n{\"a\":1234567890}\n{}", ["1:5", "!2 too-large", "3:{}"]),
    ("1234567890\n{}", ["1:1234567890", "2:{}"]),
    ("12345678901\n{}\n{}", ["!- too-large"]),
  ]

  @Test("a dump past the limit is refused and the next one read", arguments: tooLong, [1, 5, 100])
  func tooLarge(_ row: (String, [String]), blockSize: Int) throws {
    #expect(try Self.pieces(Array(row.0.utf8), .value, limit: 10, blockSize: blockSize) == row.1)
  }

  @Test("lines whose first is broken are read as lines when they no longer fit in memory", arguments: [1, 4, 100])
  func longUndecided(blockSize: Int) throws {
    let text = "{\"\n" + String(repeating: "{}\n", count: 9)
    let expected = ["1:{\""] + (2...10).map { "\($0):{}" }
    #expect(try Self.pieces(Array(text.utf8), .lines, limit: 8, blockSize: blockSize) == expected)
    #expect(try Self.pieces(Array(text.utf8), .value, limit: 8, blockSize: 1) == expected)
  }

  @Test("blanks around a dump keep no memory", arguments: [0, 1, 2])
  func blanksAround(_ place: Int) {
    let blanks = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
    var text = PendingText(limit: 1 << 22)
    if place == 0 { text.append(Array("\u{FEFF}".utf8).span) }
    if place < 2 { text.append(blanks.span) }
    text.append(Array("{}".utf8).span)
    if place > 0 { text.append(blanks.span) }
    guard case .text(let taken) = text.take() else {
      Issue.record("nothing was taken")
      return
    }
    #expect(taken == Array("{}".utf8) + [UInt8](repeating: 0, count: RawDump.padding))
    #expect(taken.capacity < 1000)
  }

  @Test("the reading ends where the sink wants no more")
  func stop() {
    var splitter = DumpSplitter(kind: .lines, limit: 100)
    var count = 0
    #expect(throws: ReadFailure.self) {
      try splitter.feed(Array("{}\n{}\n{}\n".utf8).span) { _ throws(ReadFailure) in
        count += 1
        throw .stopped
      }
    }
    #expect(count == 1)
  }
}
