import BSON
import Dumps
import Randomness
import Testing

/// The reader against texts whose meaning is written beside them, and against random ones whose meaning an encoder of
/// its own knows.
@Suite struct JSONReaderTests {

  // MARK: What is JSON

  @Test(
    arguments: [
      // Scalars
      ("null", .null), ("true", .boolean), ("false", .boolean), (" \t\r\n null \t\r\n ", .null),
      ("\u{FEFF}null", .null),
      ("0", .number), ("-0", .number), ("7", .number), ("-12", .number), ("0.5", .number), ("1e5", .number),
      ("1E+05", .number), ("1.25e-7", .number), ("0e0", .number), ("1e999", .number),
      ("123456789012345678901", .number),
      (#""""#, .string), (#""a""#, .string), (#""\"""#, .string), (#"" \\""#, .string), (#""\u00e9\n\/""#, .string),
      ("\"\u{7F}\u{80}\u{FFFF}\u{10FFFF}\"", .string), (#""\ud800""#, .string), (#""\u0000""#, .string),
      // Arrays and objects
      ("[]", .array), ("[ ]", .array), ("[[[]],[]]", .array), ("[1 , 2]", .array), (#"["]","}"]"#, .array),
      ("\n[\tnull\r]", .array), ("\u{FEFF} [true,false]", .array),
      ("{}", .object), ("{ }", .object), (#"{"":0}"#, .object), (#"{"a":{"b":[{}]}}"#, .object),
      (#"{ "a" : 1 , "b" : -0.0 }"#, .object), (#"{"a":1,"a":2}"#, .object), (#"{"\\":"\""}"#, .object),
    ] as [(String, JSONValue.Kind)])
  func accepts(_ text: String, _ kind: JSONValue.Kind) throws {
    for tail in tails {
      let (value, bson) = try read(Array(text.utf8), tail: tail)
      #expect(value.kind == kind)
      #expect(!value.hasNULKeys)
      #expect(bson.isEmpty == (kind != .object && kind != .array))
    }
  }

  @Test(
    arguments: [
      // Nothing, and something too many
      ("", 0), (" \n", 2), ("\u{FEFF}", 3), ("\u{FEFF}\u{FEFF}1", 3), ("1 2", 2), ("[] []", 3), ("{},", 2), ("[]]", 2),
      ("null\0", 4), ("1 \0", 2), ("\0", 0), ("[1]x", 3), (#""a"b"#, 3), (#""a""b""#, 3),
      // Literals
      ("tru", 0), ("truex", 4), ("true1", 4), ("True", 0), ("nul", 0), ("nulll", 4), ("falsy", 0), ("[true\"\"]", 5),
      ("[undefined]", 1), ("[NaN]", 1), ("[Infinity]", 1), ("[-Infinity]", 2), ("[nan]", 1), ("[nulll]", 5),
      // Numbers
      ("01", 0), ("-01", 1), ("-", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1.e5", 2), ("1e", 2), ("1e+", 3),
      ("1.5.5", 3),
      ("0x10", 1), ("1_000", 1), ("1a", 1), ("- 1", 1), ("[1.]", 3), ("[-]", 2), ("[00]", 1), ("[1e1.5]", 4),
      ("1\u{A0}", 1), ("[1\"\"]", 2), ("12e-", 4), ("1,000", 1),
      // Strings
      ("\"", 1), ("\"a", 2), (#""\""#, 3), (#""\x41""#, 1), (#""\'""#, 1), (#""\u12""#, 1), (#""\u123g""#, 1),
      (#""\ud83d\u12""#, 7), (#""\U0041""#, 1), ("\"a\nb\"", 2), ("\"\t\"", 1), ("\"\0\"", 1), ("\"\\\n\"", 2),
      ("'a'", 0), ("[\"a\", 'b']", 6), (#"\"a\""#, 0), (#"["a"\n]"#, 4), ("a", 0),
      // Arrays
      ("[", 1), ("]", 0), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[,]", 1), ("[1,,2]", 3), ("[1 2]", 3),
      ("[1:2]", 2), ("[1}", 2), ("[[1]", 4), ("[\"a\" \"b\"]", 5), ("[1]]", 3), ("[\u{C}]", 1), ("[\u{2028}]", 1),
      ("[//\n1]", 1), ("[1/**/]", 2),
      // Objects
      ("{", 1), ("}", 0), ("{]", 1), (#"{"a"}"#, 4), (#"{"a":}"#, 5), (#"{"a":1,}"#, 7), (#"{"a" 1}"#, 5),
      (#"{"a":1 "b":2}"#, 7), (#"{"a"::1}"#, 5), ("{a:1}", 1), ("{1:1}", 1), ("{null:1}", 1), (#"{,"a":1}"#, 1),
      (#"{"a":1"#, 6), (#"{"a":"#, 5), (#"{"a""#, 4), (#"{"a"#, 3), (#"{"a":1,"#, 7), (#"{"a","b"}"#, 4), ("{[]:1}", 1),
      (#"{"\q":1}"#, 2), (#"{"a":1]"#, 6), (#"{"tldr-access-token":1.}"#, 23), (#"{"tldr-access-token":[}"#, 22),
    ] as [(String, Int)])
  func refuses(_ text: String, at offset: Int) throws {
    for tail in tails {
      #expect(throws: JSONFault.invalid(offset: offset)) { try read(Array(text.utf8), tail: tail) }
    }
  }

  /// Bytes that are no UTF-8 inside a string, after an earlier fault, and outside of strings.
  @Test(
    arguments: [
      [0x80], [0xC3], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
      [0xF5, 0x80, 0x80, 0x80],
      [0xF0, 0x80, 0x80, 0x80], [0xFF],
    ] as [[UInt8]])
  func refusesWhatIsNoUTF8(_ bytes: [UInt8]) throws {
    #expect(throws: JSONFault.invalid(offset: 3)) { try read(Array("[\"x".utf8) + bytes + Array("\"]".utf8)) }
    #expect(throws: JSONFault.invalid(offset: 5)) { try read(Array("[\"é\"".utf8) + bytes + Array("]".utf8)) }
    #expect(throws: JSONFault.invalid(offset: 3)) { try read(Array("[1 2 \"".utf8) + bytes + Array("\"]".utf8)) }
    #expect(throws: JSONFault.invalid(offset: 0)) { try read(bytes) }
  }

  // MARK: What it becomes

  @Test(
    arguments: [
      ("0", .int32(0)), ("-0", .int32(0)), ("2147483647", .int32(.max)), ("-2147483648", .int32(.min)),
      ("2147483648", .int64(2_147_483_648)), ("-2147483649", .int64(-2_147_483_649)),
      ("1766846614812", .int64(1_766_846_614_812)),
      ("9223372036854775807", .int64(.max)), ("-9223372036854775808", .int64(.min)),
      ("9223372036854775808", .double(0x1p63)), ("-9223372036854775809", .double(-0x1p63)),
      ("18446744073709551616", .double(0x1p64)), ("18446744073709551617", .double(0x1p64)),
      ("9007199254740993.0", .double(9_007_199_254_740_992)), ("1.0", .double(1)), ("-0.0", .double(-0.0)),
      ("-0e5", .double(-0.0)),
      ("1e2", .double(100)), ("0.1", .double(0.1)), ("1766846614812.5", .double(1_766_846_614_812.5)),
      ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)), ("1.7976931348623159e308", .double(.infinity)),
      ("4.9e-324", .double(.leastNonzeroMagnitude)), ("2.4e-324", .double(0)), ("-2.4e-324", .double(-0.0)),
      ("2.2250738585072011e-308", .double(.leastNormalMagnitude.nextDown)),
      ("1e309", .double(.infinity)), ("-1e309", .double(-.infinity)), ("1e-400", .double(0)), ("0e999", .double(0)),
      ("1e99999999999999999999", .double(.infinity)), ("1e-99999999999999999999", .double(0)),
      ("0." + String(repeating: "0", count: 400) + "1e400", .double(0.1)),
      ("0." + String(repeating: "0", count: 400) + "1", .double(0)),
      ("0." + String(repeating: "0", count: 400) + "1e800", .double(.infinity)),
      ("1" + String(repeating: "0", count: 400), .double(.infinity)),
      ("-1" + String(repeating: "0", count: 400) + "e-400", .double(-1)),
      ("1" + String(repeating: "0", count: 400) + "e-800", .double(0)),
    ] as [(String, Node)])
  func readsNumbers(_ text: String, _ number: Node) throws {
    #expect(try read("[\(text)]") == encode(.array([number])))
    #expect(try read("{\"n\": \(text)\n}") == encode(.object([("n", number)])))
  }

  @Test(arguments: [
    (#"\" \\ \/ \b\f\n\r\t"#, "\" \\ / \u{8}\u{C}\n\r\t"), (#"\u0041\u00e9\u20AC\uFFFF"#, "Aé€\u{FFFF}"),
    (#"\ud83d\ude00"#, "😀"), (#"\uD83D\uDE00!"#, "😀!"), (#"\udbff\udfff"#, "\u{10FFFF}"),
    (#"a\u0000b"#, "a\0b"),
    // Surrogates that stand alone
    (#"\ud800"#, "\u{FFFD}"), (#"\udc00"#, "\u{FFFD}"), (#"\ud800\ud800"#, "\u{FFFD}\u{FFFD}"),
    (#"\udc00\ud800"#, "\u{FFFD}\u{FFFD}"), (#"\ud800A"#, "\u{FFFD}A"), (#"\ud800\u0041"#, "\u{FFFD}A"),
    (#"\ud800\n"#, "\u{FFFD}\n"), (#"\ud83d\ud83d\ude00"#, "\u{FFFD}😀"), (#"\ud83dude00"#, "\u{FFFD}ude00"),
    (#"\ud83d\\ude00"#, "\u{FFFD}\\ude00"), (#"x\ude00\ud83dy"#, "x\u{FFFD}\u{FFFD}y"),
  ])
  func resolvesEscapes(_ text: String, _ string: String) throws {
    // Every place of an escape within the blocks that strings are copied by.
    for count in Array(0...20) + Array(55...70) {
      let before = String(repeating: "~", count: count)
      for after in ["", "é", "0123456789abcdefghi"] {
        #expect(
          try read("[\"\(before)\(text)\(after)\",1]") == encode(.array([.string(before + string + after), .int32(1)])))
      }
    }
  }

  /// Quotes and slashes are resolved 64 bytes at a time, everything else one after another.
  @Test func readsJSONWithinStrings() throws {
    var random = SeededRandom(seed: Trials.seed)
    for round in 0..<Trials.count {
      let others = random.pick([[], ["\n"], ["\\", "\u{1}"]])
      let letters = ["\"", "/", "a", "tag", "夜", String(repeating: "-", count: 30)] + others
      let string = (0..<random.below(120)).map { _ in random.pick(letters) }.joined()
      var text = ""
      for scalar in string.unicodeScalars {
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case "/": text += random.percent(50) ? "\\/" : "/"
        case "\n": text += "\\n"
        case "\u{1}": text += "\\u0001"
        default: text.unicodeScalars.append(scalar)
        }
      }
      #expect(
        try read("[\"\(text)\",1]") == encode(.array([.string(string), .int32(1)])),
        "MIXDOWN_SEED=\(Trials.seed), round \(round)")
    }
  }

  @Test func readsLongArrays() throws {
    let text = "[" + (0..<1234).map { "[\($0)]" }.joined(separator: ",") + "]"
    #expect(try read(text) == encode(.array((0..<1234).map { .array([.int32($0)]) })))
  }

  // MARK: Keys

  @Test(
    arguments: [
      (#"{"a":1,"b":2,"a":3}"#, .object([("a", .int32(3)), ("b", .int32(2))])),
      (
        #"{"a":1,"\u0061":"longer","a":{"a":1,"a":2},"b":true}"#,
        .object([("a", .object([("a", .int32(2))])), ("b", .bool(true))])
      ),
      (
        #"[{"a":{"x":[1]},"b":2,"a":null,"c":4,"b":[]}]"#,
        .array([.object([("a", .null), ("b", .array([])), ("c", .int32(4))])])
      ),
      (#"{"":1,"":2}"#, .object([("", .int32(2))])),
      (#"{"a":1,"A":2,"a ":3}"#, .object([("a", .int32(1)), ("A", .int32(2)), ("a ", .int32(3))])),
      ("{\"é\":1,\"e\u{301}\":2}", .object([("é", .int32(1)), ("e\u{301}", .int32(2))])),
    ] as [(String, Node)])
  func lastOfRepeatedKeysCounts(_ text: String, _ object: Node) throws {
    #expect(try read(text) == encode(object))
  }

  /// Would take minutes if each key were compared with each, or each repetition moved the rest of the object.
  @Test(.timeLimit(.minutes(10))) func readsLargeObjects() throws {
    let keys = (0..<100_000).map { "key \($0)" }
    let members = keys.map { "\"\($0)\":1" }.joined(separator: ",")
    #expect(try read("{\(members)}") == encode(.object(keys.map { ($0, .int32(1)) })))
    let again = members.replacing(":1", with: ":[2]")
    #expect(try read("{\(members),\(again)}") == encode(.object(keys.map { ($0, .array([.int32(2)])) })))
  }

  @Test func marksKeysWithNUL() throws {
    let (value, bson) = try read(Array(#"{"a":{"x\u0000y":1},"b":"\u0000"}"#.utf8))
    #expect(value.hasNULKeys)
    let inner = [0x10] + Array("x".utf8) + [0xC0, 0x80] + Array("y".utf8) + [0, 1, 0, 0, 0]
    let elements =
      [0x03] + Array("a\0".utf8) + framed(inner) + [0x02] + Array("b\0".utf8) + [2, 0, 0, 0, 0, 0]
    #expect(bson == framed(elements))
    #expect(try read(Array(#"{"a":"\u0000"}"#.utf8)).value.hasNULKeys == false)
  }

  // MARK: Secrets

  @Test(arguments: [
    #"{"tldr-access-token":"hush","b":1}"#, #"{"tldr-access-token":["hush",{"a":"hush"}],"b":1}"#,
    #"{"tldr-access-token":{"hush":1,"hush":{"tldr-refresh-token":"hush"}},"b":1}"#,
    #"{"tldr-access-token":12,"b":1}"#, #"{"tldr-access-token":null,"b":1}"#, #"{"tldr-access-token":[],"b":1}"#,
    #"{"tldr\u002daccess-token":"hush","b":1}"#, #"{"tldr-access-token":"hush","b":1,"tldr-access-token":"hush"}"#,
  ])
  func redactsSecrets(_ text: String) throws {
    let expected = Node.object([("tldr-access-token", .string("<redacted>")), ("b", .int32(1))])
    #expect(try read(text) == encode(expected))
    #expect(try read("[[\(text)]]") == encode(.array([.array([expected])])))
  }

  @Test func redactsNothingElse() throws {
    let text =
      #"{"tldr-refresh-token":"hush","tldr-access-token2":"a","Tldr-access-token":"b","x":"tldr-access-token"}"#
    let expected = Node.object([
      ("tldr-refresh-token", .string("<redacted>")), ("tldr-access-token2", .string("a")),
      ("Tldr-access-token", .string("b")), ("x", .string("tldr-access-token")),
    ])
    #expect(try read(text) == encode(expected))
  }

  // MARK: Depth

  @Test(arguments: [1, 2, 64, 100_000])
  func limitsDepth(_ depth: Int) throws {
    let opening = String(repeating: "[", count: depth)
    let closing = String(repeating: "]", count: depth)
    let (value, _) = try read(Array((opening + "1" + closing).utf8), maxDepth: depth)
    #expect(value.kind == .array)
    // Told where it begins, though the text is broken further on.
    for rest in ["{}" + closing, "[" + closing + "]", "[", "{]", "[\"\u{1}\"", "[\"", "[\\"] {
      #expect(throws: JSONFault.tooDeep(offset: depth)) { try read(Array((opening + rest).utf8), maxDepth: depth) }
    }
  }

  @Test func countsDepthNotContainers() throws {
    let (value, _) = try read(Array(#"[[],[],{"a":[]},[[]]]"#.utf8), maxDepth: 3)
    #expect(value.kind == .array)
    #expect(throws: JSONFault.tooDeep(offset: 0)) { try read(Array("[]".utf8), maxDepth: 0) }
    #expect(try read(Array("1".utf8), maxDepth: 0).value.kind == .number)
  }

  // MARK: The first look

  @Test(
    arguments: [
      (
        #"{"user_id":"u","x":{"user_id":1},"exported_at":{"$date":5},"tldr-history":"[]","device_id":[1]}"#,
        .object([
          ("user_id", .string("u")), ("x", .null), ("exported_at", .null), ("tldr-history", .null),
          ("device_id", .null),
        ])
      ),
      (
        #"{"data":{"tldr-user":{"id":"u","data":{"a":1}},"data":{"user_id":1},"tldr-device-id":"d","y":"]"},"tldr-user":7}"#,
        .object([
          (
            "data",
            .object([
              ("tldr-user", .object([("id", .string("u")), ("data", .object([("a", .int32(1))]))])), ("data", .null),
              ("tldr-device-id", .null), ("y", .null),
            ])
          ), ("tldr-user", .int32(7)),
        ])
      ),
      (
        #"{"data":[{"user_id":1}],"tldr-access-token":"hush"}"#,
        .object([("data", .null), ("tldr-access-token", .null)])
      ),
      (
        #"{"user_id":{"tldr-access-token":"hush"}}"#,
        .object([("user_id", .object([("tldr-access-token", .string("<redacted>"))]))])
      ),
      (#"{"user_id":1,"a":2,"user_id":3,"a":4}"#, .object([("user_id", .int32(3)), ("a", .null)])),
      (#"[{"user_id":1},2]"#, .array([.null, .null])), ("{}", .object([])),
    ] as [(String, Node)])
  func looksForIdentityOnly(_ text: String, _ expected: Node) throws {
    #expect(try read(Array(text.utf8), maxDepth: 4, identityOnly: true).bson == encode(expected))
  }

  @Test(arguments: [
    (#"{"a":"#, 5), (#"{"a":[1}"#, 8), (#"{"a":}"#, 5), (#"{"a":1 2}"#, 7), (#"{"a":[}"#, 7), (#"{"a":{}"#, 7),
    (#"{"a":{"#, 6),
    (#"{"user_id":[1}"#, 13), (#"{"user_id":truex}"#, 15),
  ])
  func looksAtStructure(_ text: String, _ offset: Int) throws {
    for tail in tails {
      #expect(throws: JSONFault.self) { try read(Array(text.utf8), tail: tail, identityOnly: true) }
    }
  }

  // MARK: Random texts

  @Test(arguments: [1, 2, 3, UInt64.random(in: .min ... .max)])
  func agreesWithAnotherEncoder(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<500 {
      let node = Node.random(depth: 0, &random)
      let text = random.blanks() + node.text(&random) + random.blanks()
      #expect(try read(text) == encode(node.settled), "\(text)")
    }
  }

  /// Broken texts are refused or mean something, and their BSON holds together; nothing is read or written out of place
  /// (which the address sanitizer and the fuzzer would see).
  @Test(arguments: [4, 5, 6, UInt64.random(in: .min ... .max)])
  func survivesMutations(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<2000 {
      var text = Array(Node.random(depth: 0, &random).text(&random).utf8)
      for _ in 0...Int.random(in: 0..<3, using: &random) {
        let place = Int.random(in: 0...text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text.insert(contentsOf: #"{}[],:"\0"#.utf8.shuffled(using: &random).prefix(1), at: place)
        case 1: text.removeSubrange(place..<min(place + 2, text.count))
        case 2: text.removeSubrange(place...)
        default: if place < text.count { text[place] = UInt8.random(in: .min ... .max, using: &random) }
        }
      }
      do throws(JSONFault) {
        let (_, bson) = try read(text, identityOnly: Bool.random(using: &random))
        #expect(bson.isEmpty || isWellFormed(bson[...]), "\(text)")
      } catch .invalid(let offset) {
        #expect(offset >= 0 && offset <= text.count, "\(text)")
      }
    }
  }
}

// MARK: - Reading

/// What may follow a text in memory: things that would go on with it, were they read.
private let tails: [UInt8] = [
  UInt8(ascii: " "), 0, UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: "1"), UInt8(ascii: "\""),
]

private func read(
  _ text: [UInt8], tail: UInt8 = 0, maxDepth: Int = 64, identityOnly: Bool = false
) throws(JSONFault) -> (value: JSONValue, bson: [UInt8]) {
  var reader = JSONReader()
  let padded = text + [UInt8](repeating: tail, count: JSONReader.padding)
  let value = try padded.withView { view in
    Result { () throws(JSONFault) in try reader.read(view, maxDepth: maxDepth, identityOnly: identityOnly) }
  }.get()
  let arena = Arena()
  return (value, reader.copyBSON(to: arena).copy())
}

private func read(_ text: String) throws(JSONFault) -> [UInt8] {
  try read(Array(text.utf8)).bson
}

// MARK: - Another encoder

/// A JSON value as a test means it.
enum Node: Sendable {
  case null
  case bool(Bool)
  case int32(Int32)
  case int64(Int64)
  case double(Double)
  case string(String)
  case array([Node])
  case object([(String, Node)])
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

private func framed(_ elements: [UInt8]) -> [UInt8] {
  littleEndian(Int32(elements.count + 5)) + elements + [0]
}

/// The BSON of an array or object.
private func encode(_ node: Node) -> [UInt8] { node.encoded.bytes }

extension Node {
  fileprivate var encoded: (type: UInt8, bytes: [UInt8]) {
    func members(_ list: [(String, Node)]) -> [UInt8] {
      framed(
        list.flatMap { key, value in
          let (type, bytes) = value.encoded
          return [type] + Array(key.utf8) + [0] + bytes
        })
    }
    return switch self {
    case .double(let value): (0x01, littleEndian(value.bitPattern))
    case .string(let value): (0x02, littleEndian(Int32(value.utf8.count + 1)) + Array(value.utf8) + [0])
    case .object(let list): (0x03, members(list))
    case .array(let list): (0x04, members(list.enumerated().map { (String($0.offset), $0.element) }))
    case .bool(let value): (0x08, [value ? 1 : 0])
    case .null: (0x0A, [])
    case .int32(let value): (0x10, littleEndian(value))
    case .int64(let value): (0x12, littleEndian(value))
    }
  }

  /// With the last of repeated keys in the place of the first.
  fileprivate var settled: Node {
    switch self {
    case .array(let list): .array(list.map(\.settled))
    case .object(let list):
      .object(
        list.reduce(into: []) { kept, member in
          // By bytes, for "é" and "e\u{301}" are two keys.
          if let place = kept.firstIndex(where: { $0.0.utf8.elementsEqual(member.0.utf8) }) {
            kept[place].1 = member.1.settled
          } else {
            kept.append((member.0, member.1.settled))
          }
        })
    default: self
    }
  }

  fileprivate static func random(depth: Int, _ random: inout SeededRandom) -> Node {
    let count = Int.random(in: 0...12, using: &random)
    switch Int.random(in: depth == 0 ? 6..<8 : depth < 5 ? 0..<8 : 0..<6, using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .int32(Int32(truncatingIfNeeded: Int64.random(in: .min ... .max, using: &random) >> (count * 5)))
    case 3: return .int64((Int64.random(in: 1...(.max >> 32), using: &random) << 32) * (count > 6 ? 1 : -1))
    case 4: return .double(random.double())
    case 5: return .string(random.string())
    case 6: return .array((0..<count).map { _ in .random(depth: depth + 1, &random) })
    default: return .object((0..<count).map { _ in (random.key(), .random(depth: depth + 1, &random)) })
    }
  }

  /// Its JSON, with blanks and escapes at random.
  fileprivate func text(_ random: inout SeededRandom) -> String {
    func list(_ open: String, _ parts: [String], _ close: String, _ random: inout SeededRandom) -> String {
      open + parts.map { random.blanks() + $0 + random.blanks() }.joined(separator: ",") + random.blanks() + close
    }
    switch self {
    case .null: return "null"
    case .bool(let value): return value ? "true" : "false"
    case .int32(let value): return String(value)
    case .int64(let value): return String(value)
    case .double(let value): return "\(value)"
    case .string(let value): return random.quoted(value)
    case .array(let nodes): return list("[", nodes.map { $0.text(&random) }, "]", &random)
    case .object(let members):
      let parts = members.map { key, node in
        random.quoted(key) + random.blanks() + ":" + random.blanks() + node.text(&random)
      }
      return list("{", parts, "}", &random)
    }
  }
}

/// Whether a document's lengths, types and ends fit together.
private func isWellFormed(_ document: ArraySlice<UInt8>) -> Bool {
  func int32(_ bytes: ArraySlice<UInt8>) -> Int? {
    bytes.count < 4 ? nil : bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
  }
  guard int32(document) == document.count, document.last == 0 else { return false }
  var rest = document.dropFirst(4).dropLast()
  while let type = rest.popFirst() {
    guard let end = rest.firstIndex(of: 0) else { return false }
    rest = rest[(end + 1)...]
    let size: Int
    switch type {
    case 0x0A: size = 0
    case 0x08: size = 1
    case 0x10: size = 4
    case 0x01, 0x12: size = 8
    case 0x02:
      guard let length = int32(rest), length > 0, length + 4 <= rest.count else { return false }
      guard rest[rest.startIndex + length + 3] == 0 else { return false }
      size = length + 4
    case 0x03, 0x04:
      guard let length = int32(rest), length <= rest.count, isWellFormed(rest.prefix(length)) else { return false }
      size = length
    default: return false
    }
    guard size <= rest.count else { return false }
    rest = rest.dropFirst(size)
  }
  return true
}

// MARK: - Chance

extension SeededRandom {
  fileprivate mutating func blanks() -> String {
    String((0..<max(0, Int.random(in: -6..<4, using: &self))).map { _ in pick([" ", "\n", "\r", "\t"]) })
  }

  mutating func double() -> Double {
    let value = Double(bitPattern: next())
    return value.isFinite && Bool.random(using: &self) ? value : Double(Int.random(in: 0..<1000, using: &self)) / 8
  }

  mutating func string() -> String {
    let count = Int.random(in: 0..<pick([4, 40, 200]), using: &self)
    return String(
      String.UnicodeScalarView(
        (0..<count).map { _ in pick(["a", "Z", "\"", "\\", "/", "\n", "\u{0}", "\u{1F}", "é", "夜", "😀"]) }))
  }

  /// Few different ones, so that some repeat; U+0000 in none.
  mutating func key() -> String {
    pick([
      "", "a", "b", "é", "e\u{301}", "title", "a key of some length", "\"quoted\"",
      "key \(UInt8.random(in: 0...99, using: &self))",
    ])
  }

  mutating func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
      let escape: String? =
        switch scalar {
        case "\"": #"\""#
        case "\\": #"\\"#
        case "/": #"\/"#
        case "\n": #"\n"#
        default: nil
        }
      if !mustEscape, Int.random(in: 0..<4, using: &self) > 0 {
        text.unicodeScalars.append(scalar)
      } else if let escape, Bool.random(using: &self) {
        text += escape
      } else {
        for unit in Character(scalar).utf16 {
          let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self))
          text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
      }
    }
    return text + "\""
  }
}
