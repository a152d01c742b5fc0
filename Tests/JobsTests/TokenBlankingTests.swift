import BSON
import Dumps
import Testing

@testable import Sync

/// Dumps whose login tokens are blanked out, and what of their order is lost with that.
@Suite struct TokenBlankingTests {
  /// A dump with a token, and something behind it.
  private static func dump(_ token: String, _ rest: String, before: String = "") -> String {
    #"{\#(before)"tldr-access-token" : "\#(token)","x":"\#(rest)"}"#
  }

  private static func blanked(_ text: String) throws -> [UInt8] {
    var bytes = Array(text.utf8)
    try #require(TokenBlanking.blank(&bytes))
    return bytes
  }

  private static func hides(_ a: String, _ b: String) throws -> Bool {
    let (a, b) = (try blanked(a), try blanked(b))
    let hides = TokenBlanking.hidesOrder(of: a, b)
    #expect(TokenBlanking.hidesOrder(of: b, a) == hides)
    return hides
  }

  @Test func `what differs behind a token, or in its length, hides the order`() throws {
    #expect(try Self.hides(Self.dump("abc", "1"), Self.dump("abd", "2")))
    #expect(try Self.hides(Self.dump("abc", "1"), Self.dump("abcd", "1")))
    #expect(try Self.hides(Self.dump("a", "1"), Self.dump("", "1")))
    #expect(try Self.hides(#"{"tldr-refresh-token":"a","x":1}"#, #"{"tldr-refresh-token":"b","x":2}"#))
  }

  @Test func `equal texts, and what differs before any token, hide nothing`() throws {
    #expect(try !Self.hides(Self.dump("abc", "1"), Self.dump("abd", "1")))
    #expect(try !Self.hides(Self.dump("abc", "1", before: #""a":1,"#), Self.dump("abd", "2", before: #""a":2,"#)))
    #expect(try !Self.hides(Self.dump("abc", "1"), #"{"tldr-access-token" : null,"x":"2"}"#))
  }

  @Test func `a token that is null or empty is not gone`() throws {
    #expect(try !Self.hides(Self.dump("", "1"), Self.dump("", "2")))
    let null = #"{"tldr-access-token":null,"x":"#
    #expect(try !Self.hides(null + "1}", null + "2}"))
  }

  @Test func `a dump remembers on disk that it is blanked`() throws {
    for isBlanked in [true, false] {
      var dump = GroupedDump(user: Array("ann".utf8), source: Source(input: "in"), text: Array("{}".utf8))
      dump.isBlanked = isBlanked
      var writer = BSONWriter()
      dump.write(to: &writer)
      #expect(try GroupedDump(BSONDocument(writer.view)).isBlanked == isBlanked)
    }
  }
}
