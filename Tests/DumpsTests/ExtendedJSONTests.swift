import BSON
import Dumps
import Library
import Testing

/// Extended JSON in a dump, as it comes out of the library that is made of it.
@Suite struct ExtendedJSONTests {
  @Test(
    arguments: [
      ("0123456789abcdefABCDEF09", "0123456789abcdefabcdef09"), ("", nil), ("0123456789abcdefabcdef0", nil),
      ("0123456789abcdefabcdef0123", nil),
      ("0123456789abcdefABCDEF-0", nil), ("+0123456789abcdefABCDEF0", nil), ("0123456789abcdefABCDEF+F", nil),
      ("0123456789abcdefabcdef0g", nil), ("0123456789abcdefabcdef 0", nil), ("0123456789abcdefabcdefé", nil),
    ] as [(String, String?)])
  func `an id is 24 hexadecimal digits, and what is none stays the object that it is`(
    _ text: String, _ digits: String?
  ) throws {
    // The wrapper's name, plain and escaped.
    for name in ["$oid", #"\u0024oid"#] { try expect(name, text, digits) }
  }

  private func expect(_ name: String, _ text: String, _ digits: String?) throws {
    let arena = Arena()
    let parameters = MergeParameters(asOf: 1_767_225_600_000)
    var reader = DumpReader(arena: arena, limits: Limits(), parameters: parameters, users: .content)
    var merge = Merge(parameters: parameters, arena: arena)
    let dump = #"{"user_id":"ann","favorites":[{"title":"a","x":{"\#(name)":"\#(text)"}}]}"#
    let padded = (Array(dump.utf8) + [UInt8](repeating: 0, count: JSONReader.padding)).withView { arena.copy($0) }
    let replica = try reader.replica(padded, modifiedAt: nil).replica
    let library = try #require(try merge.outcome(user: ByteView("ann"), stored: nil, dumps: [replica]).document)
    let favorite = try #require(try library.value("favorites")?.array?.value("0")?.document)
    let value = try #require(try favorite.value("x"))
    #expect((value.type == .objectID) == (digits != nil))
    var json = JSONText()
    try json.document(favorite)
    #expect(String(decoding: json.bytes, as: UTF8.self).contains(#"{"$oid":"\#(digits ?? text)"}"#))
  }
}
