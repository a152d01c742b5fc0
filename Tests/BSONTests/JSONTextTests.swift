import BSON
import Foundation
import Randomness
import Testing

/// Whether a text is JSON in UTF-8.
func isJSON(_ bytes: [UInt8]) -> Bool {
  String(validating: bytes, as: UTF8.self) != nil
    && (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
}

/// BSON as JSON text.
@Suite struct JSONTexts {
  private static let strings: [([UInt8], String)] = [
    (Array("plain".utf8), #""plain""#), ([], #""""#), (Array("\"\\/".utf8), #""\"\\/""#),
    (Array("\n\r\t".utf8), #""\n\r\t""#), ([0], #""\u0000""#), ([1, 0x1F, 8, 0x0C], #""\u0001\u001f\u0008\u000c""#),
    ([0x7F], #""\u007f""#), (Array("é€😀".utf8), "\"é€😀\""), (Array("é\n\"".utf8), #""é\n\"""#),
    // C0 80 stands for the U+0000 of a key.
    ([0xC0, 0x80], #""\u0000""#), ([0x61, 0xC0, 0x80, 0x62, 0xC0, 0x80], #""a\u0000b\u0000""#),
    ([0xC3, 0xA9, 0xC0, 0x80, 0x0A], #""é\u0000\n""#),
    // What is no UTF-8
    ([0xFF], "\"\u{FFFD}\""), ([0x61, 0x80, 0x62], "\"a\u{FFFD}b\""), ([0xC0], "\"\u{FFFD}\""),
    ([0xC3, 0x22], "\"\u{FFFD}\\\"\""), ([0xE2, 0x82], "\"\u{FFFD}\""),
  ]

  @Test(arguments: strings.indices)
  func `a string is escaped where it must be, and always UTF-8`(_ index: Int) {
    let (bytes, text) = Self.strings[index]
    var json = JSONText()
    bytes.withView { json.string($0) }
    #expect(json.string == text)
    #expect(isJSON(json.bytes))
  }

  @Test func `every byte in a string gives JSON`() {
    for first in UInt8.min...UInt8.max {
      for second in [0x00, 0x22, 0x5C, 0x80, 0xBF, 0xC0, 0xED, 0xFF] as [UInt8] {
        var json = JSONText()
        [0x61, first, second].withView { json.string($0) }
        #expect(isJSON(json.bytes), "\(first), \(second)")
      }
    }
  }

  private static let values: [(type: UInt8, bytes: [UInt8], text: String)] = [
    (0x01, little(1.0.bitPattern), "1.0"), (0x01, little((-0.0).bitPattern), "-0.0"),
    (0x01, little(0.1.bitPattern), "0.1"),
    (0x01, little(1e300.bitPattern), "1e+300"), (0x01, little(Double.leastNonzeroMagnitude.bitPattern), "5e-324"),
    (0x01, little(9_007_199_254_740_993.0.bitPattern), "9007199254740992.0"),
    (0x01, little(Double.infinity.bitPattern), #"{"$numberDouble":"Infinity"}"#),
    (0x01, little((-Double.infinity).bitPattern), #"{"$numberDouble":"-Infinity"}"#),
    (0x01, little(Double.nan.bitPattern), #"{"$numberDouble":"NaN"}"#), (0x02, text("é"), "\"é\""),
    (0x03, document(element(0x0A, "a", []), element(0x08, "b", [1])), #"{"a":null,"b":true}"#),
    (0x03, document(), "{}"),
    (0x04, document(), "[]"),
    (0x04, document(element(0x08, "0", [0]), element(0x10, "1", little(Int32(-7)))), "[false,-7]"),
    (0x06, [], "null"), (0x07, Array(0..<12), #"{"$oid":"000102030405060708090a0b"}"#), (0x08, [1], "true"),
    (0x09, little(Int64(1_735_689_600_000)), #"{"$date":{"$numberLong":"1735689600000"}}"#),
    (0x09, little(Int64.min), #"{"$date":{"$numberLong":"-9223372036854775808"}}"#), (0x0A, [], "null"),
    (0x10, little(Int32.min), "-2147483648"), (0x12, little(Int64.max), "9223372036854775807"),
    (0x05, little(Int32(1)) + [0, 0xFF], #"{"$bsonType":5,"$hex":"0100000000ff"}"#),
    (0xFF, [], #"{"$bsonType":255,"$hex":""}"#),
    (0x11, [1, 2, 3, 4, 5, 6, 7, 8], #"{"$bsonType":17,"$hex":"0102030405060708"}"#),
  ]

  @Test(arguments: values.indices)
  func `values are Extended JSON where JSON has no such type`(_ index: Int) throws {
    let (type, bytes, text) = Self.values[index]
    try bytes.withView { view in
      var json = JSONText()
      try json.value(BSONValue(type: BSONType(rawValue: type), bytes: view))
      #expect(json.string == text)
      #expect(isJSON(json.bytes))
    }
  }

  @Test func `doubles read back as the same number`() {
    var chance = SeededRandom(seed: Trials.seed)
    for _ in 0..<2000 {
      let number = Double(bitPattern: chance.next())
      guard number.isFinite else { continue }
      var json = JSONText()
      json.double(number)
      #expect(Double(json.string)?.bitPattern == number.bitPattern, "MIXDOWN_SEED=\(Trials.seed)")
    }
  }

  @Test func `a whole document is JSON, keys and all`() throws {
    try richDocument.withView { bytes in
      var json = JSONText()
      try json.document(BSONDocument(bytes))
      #expect(isJSON(json.bytes))
      let once = json.bytes
      json.removeAll()
      try json.document(BSONDocument(bytes))
      #expect(json.bytes == once)
    }
  }

  @Test func `punctuation and keys`() {
    var json = JSONText()
    json.put("{")
    json.key("a\"b")
    json.put(5)
    json.put(",")
    json.key("c")
    json.string("d\u{1}")
    json.put("}")
    #expect(json.string == #"{"a\"b":5,"c":"d\u0001"}"#)
    var both = JSONText()
    both.append(json)
    #expect(both.bytes == json.bytes)
  }

  @Test func `strings that are to be hidden are not shown, at any depth, and keys are`() throws {
    let bytes = document(
      element(0x02, "secret", text("secret")), element(0x02, "a", text("open")),
      element(0x04, "b", document(element(0x02, "0", text("secret")))))
    try bytes.withView { bytes in
      var json = JSONText(hiding: { $0 == ByteView("secret") })
      try json.document(BSONDocument(bytes))
      #expect(json.string == #"{"secret":"<redacted>","a":"open","b":["<redacted>"]}"#)
    }
  }

  @Test func `a document with a fault is a fault`() throws {
    try document(element(0x03, "inner", document([0x63, 0x61, 0]))).withView { bytes in
      var json = JSONText()
      let document = try BSONDocument(bytes)
      #expect(throws: BSONFault.self) { try json.document(document) }
    }
  }

  @Test(arguments: [(199, true), (200, false), (1_000_000, false)], [0x03, 0x04] as [UInt8])
  func `what is nested too deep is a fault, and no end of the stack`(
    _ nesting: (levels: Int, isRead: Bool), _ type: UInt8
  ) throws {
    try nested(nesting.levels, type).withView { bytes in
      let document = try BSONDocument(bytes)
      func isRead(_ body: () throws -> Void) -> Bool { (try? body()) != nil }
      var (json, readable) = (JSONText(), ReadableJSON { "\($0)" })
      #expect(isRead { try json.document(document) } == nesting.isRead)
      #expect(isRead { _ = try readable.text(document) } == nesting.isRead)
    }
  }

  @Test func `for a person, documents are indented and dates are text`() throws {
    let bytes = document(
      element(0x09, "at", little(Int64(5))), element(0x04, "list", document(element(0x10, "0", little(Int32(1))))),
      element(0x03, "empty", document()), element(0x04, "none", document()), element(0x02, "q\"", text("é")))
    try bytes.withView { bytes in
      var json = ReadableJSON { "day \($0)" }
      let shown = try json.text(BSONDocument(bytes))
      #expect(
        shown == """
          {
            "at": "day 5",
            "list": [
              1
            ],
            "empty": {},
            "none": [],
            "q\\"": "é"
          }
          """)
    }
  }
}
