import Randomness
import Testing

@testable import Dumps

/// The splitter against plain programs that cannot be wrong, on texts that nobody would think of.
@Suite struct SplitterFuzzTests {
  /// A value of JSON, with strings full of brackets and backslashes; no line feed unless asked.
  static func value(_ depth: Int, _ generator: inout some RandomNumberGenerator, blank: [String]) -> String {
    let space = blank.randomElement(using: &generator) ?? ""
    switch depth == 0 ? Int.random(in: 0...2, using: &generator) : Int.random(in: 0...4, using: &generator) {
    case 0: return "\(Int.random(in: -9...99999, using: &generator))"
    case 1, 2:
      let parts = ["\\\"", "\\\\", "{", "}", "[", "]", ",", "a", "é", "\\u0041", String(repeating: "x", count: 40)]
      let count = Int.random(in: 0...8, using: &generator)
      return "\"" + (0..<count).map { _ in parts.randomElement(using: &generator)! }.joined() + "\""
    case 3:
      let count = Int.random(in: 0...3, using: &generator)
      return "[" + space
        + (0..<count).map { _ in value(depth - 1, &generator, blank: blank) }.joined(separator: "," + space) + "]"
    default: return object(depth - 1, &generator, blank: blank)
    }
  }

  static func object(_ depth: Int, _ generator: inout some RandomNumberGenerator, blank: [String]) -> String {
    let space = blank.randomElement(using: &generator) ?? ""
    let count = Int.random(in: 0...4, using: &generator)
    let members = (0..<count).map { "\"k\($0)\":" + space + value(depth, &generator, blank: blank) }
    return "{" + space + members.joined(separator: "," + space) + "}"
  }

  @Test("the end of a container is where a byte-by-byte scanner sees it, wherever the blocks are cut")
  func containerEnd() {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededRandom(seed: seed)
    for _ in 0..<400 {
      let text = Array(Self.object(3, &generator, blank: ["", " ", "\n  "]).utf8)
      let behind = Array("} ]\"\\".utf8)
      let cut = Int.random(in: 1...text.count, using: &generator)
      var scanner = ContainerScanner()
      let whole = scanner.end(in: (text + behind).span, from: 0)
      let first = scanner.end(in: text.span.extracting(first: cut), from: 0)
      let second = first == nil ? scanner.end(in: (text + behind).span.extracting(droppingFirst: cut), from: 0) : nil
      #expect(whole == text.count && Self.naiveEnd(text + behind) == text.count, "seed \(seed)")
      #expect((first ?? second.map { $0 + cut }) == text.count, "seed \(seed)")
    }
  }

  @Test("arrays and lines give back the values that they were made of")
  func roundTrip() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededRandom(seed: seed)
    for _ in 0..<150 {
      let count = Int.random(in: 2...6, using: &generator)
      let blockSize = Int.random(in: 1...200, using: &generator)
      let flat = (0..<count).map { _ in Self.object(2, &generator, blank: ["", " "]) }
      let lines = Array(flat.joined(separator: "\r\n").utf8)
      #expect(
        try SplitterTests.pieces(lines, .value, blockSize: blockSize)
          == flat.enumerated().map { "\($0 + 1):\($1)" }, "seed \(seed)")

      let values = (0..<count).map { _ in Self.value(2, &generator, blank: ["", "\n"]) }
      let array = Array(("[" + values.joined(separator: " ,\n") + "]").utf8)
      let texts = try SplitterTests.pieces(array, .value, blockSize: blockSize)
        .map { String($0.utf8.drop { $0 != UInt8(ascii: ":") }.dropFirst())! }
      #expect(texts == values, "seed \(seed)")
    }
  }

  @Test("damaged text falls apart in the same way wherever the blocks are cut")
  func cutsDoNotMatter() throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededRandom(seed: seed)
    for round in 0..<400 {
      let objects = (0..<3).map { _ in Self.object(2, &generator, blank: ["", "\n"]) }
      var text = Array(
        (round % 2 == 0 ? "[" + objects.joined(separator: ",") + "]" : objects.joined(separator: "\n")).utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        text[Int.random(in: 0..<text.count, using: &generator)] = Array("{}[]\",\\\n x".utf8).randomElement(
          using: &generator)!
      }
      let kind: DumpName.Kind = Bool.random(using: &generator) ? .value : .lines
      let limit = Int.random(in: 5...300, using: &generator)
      let whole = try SplitterTests.pieces(text, kind, limit: limit)
      let cut = try SplitterTests.pieces(
        text, kind, limit: limit, blockSize: Int.random(in: 1...99, using: &generator))
      #expect(whole == cut, "seed \(seed)")
    }
  }

  private static func naiveEnd(_ text: [UInt8]) -> Int? {
    var (depth, inString, isEscaped) = (0, false, false)
    for (index, byte) in text.enumerated() {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        inString.toggle()
      } else if !inString, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        depth += 1
      } else if !inString, byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
        depth -= 1
        if depth == 0 { return index + 1 }
      }
    }
    return nil
  }
}
