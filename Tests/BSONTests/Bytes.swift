import BSON
import Foundation

/// The bytes of a document with these elements: length, elements, terminator.
func document(_ elements: [UInt8]...) -> [UInt8] {
  let all = elements.flatMap(\.self)
  return little(Int32(all.count + 5)) + all + [0]
}

/// The bytes of one element.
func element(_ type: UInt8, _ key: String, _ value: [UInt8]) -> [UInt8] { [type] + Array(key.utf8) + [0] + value }

func little(_ number: some FixedWidthInteger) -> [UInt8] {
  (0..<number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
}

/// The encoding of a string: length, UTF-8, terminator.
func text(_ text: String) -> [UInt8] { little(Int32(text.utf8.count + 1)) + Array(text.utf8) + [0] }

/// An empty document inside so many others, or lists: the whole has seven bytes more for each.
func nested(_ levels: Int, _ type: UInt8 = 0x03) -> [UInt8] {
  var bytes: [UInt8] = []
  for inside in stride(from: levels, to: 0, by: -1) { bytes += little(Int32(5 + 7 * inside)) + [type, 0] }
  return bytes + document() + [UInt8](repeating: 0, count: levels)
}

/// One value of every type that BSON knows, under its type byte.
let everyType: [(type: UInt8, value: [UInt8])] = [
  (0x01, little(1.5.bitPattern)), (0x02, text("text")), (0x02, text("")), (0x03, document(element(0x0A, "a", []))),
  (0x03, document()), (0x04, document(element(0x08, "0", [1]))), (0x05, little(Int32(3)) + [0, 1, 2, 3]),
  (0x05, little(Int32(0)) + [0]), (0x06, []), (0x07, Array(0..<12)), (0x08, [0]), (0x08, [1]),
  (0x09, little(Int64(-5))),
  (0x0A, []), (0x0B, Array("^a\0i\0".utf8)), (0x0B, [0, 0]), (0x0C, text("ns") + Array(0..<12)), (0x0D, text("f()")),
  (0x0E, text("symbol")), (0x0F, little(Int32(4 + 8 + 5)) + text("f()") + document()), (0x10, little(Int32.min)),
  (0x11, little(UInt64.max)), (0x12, little(Int64.max)), (0x13, Array(0..<16)), (0x7F, []), (0xFF, []),
]

/// Everything there is, at two depths.
let richDocument = document(
  everyType.enumerated().flatMap { element($1.type, "key of value \($0)", $1.value) },
  element(0x03, "inner", document(everyType.enumerated().flatMap { element($1.type, "\($0)", $1.value) })),
  element(0x04, "list", document((0..<12).flatMap { element(0x02, "\($0)", text("item \($0)")) })))

/// Reads all that can be read of a document, at every depth, in every way.
func readEverything(_ document: BSONDocument) throws(BSONFault) {
  var elements = document.elements
  while let element = try elements.next() {
    let value = element.value
    _ = (element.key.string, value.string?.string, value.bool, value.date, value.integer, value.double, value.isNull)
    _ = value.hasGreaterBytes(than: value)
    if let nested = value.document ?? value.array { try readEverything(nested) }
  }
  _ = try document.count()
  _ = try document.value("inner")
}
