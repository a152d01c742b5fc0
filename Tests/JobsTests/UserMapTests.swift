import Sync
import Testing

/// Which account a guest became (docs/dumps.md, *Whose dump it is*).
@Suite struct UserMapTests {
  private static let longest = String(repeating: "u", count: 256)

  private static let maps: [(csv: String, accounts: [String: String])] = [
    ("", [:]), ("guest,ann", ["guest": "ann"]), ("g1,ann\ng2,ann\n", ["g1": "ann", "g2": "ann"]),
    ("\u{FEFF}guest,ann\r\n\r\ng2,bob\r", ["guest": "ann", "g2": "bob"]), ("\n\nguest,ann\n\n", ["guest": "ann"]),
    (#""a,b","c""d""#, ["a,b": #"c"d"#]), ("\"a\nb\",ann", ["a\nb": "ann"]), (" guest , ann", [" guest ": " ann"]),
    // Somebody who is their own guest is none, and what is said twice is said.
    ("ann,ann\nguest,ann\n", ["guest": "ann"]), ("guest,ann\nguest,ann\n", ["guest": "ann"]),
    ("one,two\ntwo,three", ["one": "two", "two": "three"]), ("\(longest),ann", [longest: "ann"]),
  ]

  @Test(arguments: maps)
  func `a map is a guest and an account a line`(_ map: (csv: String, accounts: [String: String])) throws {
    let read = try UserMap(csv: Array(map.csv.utf8))
    let expected = map.accounts.map { (Array($0.key.utf8), Array($0.value.utf8)) }
    #expect(read.accounts == Dictionary(uniqueKeysWithValues: expected))
    #expect(read.account(of: Array("nobody".utf8)) == nil && read.accounts.isEmpty == expected.isEmpty)
  }

  @Test(
    arguments: [
      ("guest", 1), ("guest,ann\n,ann", 2), ("guest,", 1), ("guest,ann,bob", 1), ("guest,ann\n\nguest,bob", 3),
      ("\"guest,ann", 1), ("\"guest\"x,ann", 1), ("guest,\(longest)u", 1), ("\(longest)u,ann", 1),
    ] as [(String, Int)])
  func `a line that says nothing clear is named`(_ csv: String, _ line: Int) {
    let error = #expect(throws: UserMapError.self) { try UserMap(csv: Array(csv.utf8)) }
    #expect(error?.line == line)
  }

  @Test(arguments: [[0xFF, 0x2C, 0x61], [0x61, 0x2C, 0xC3]] as [[UInt8]])
  func `a user is UTF-8`(_ csv: [UInt8]) {
    #expect(throws: UserMapError.self) { try UserMap(csv: csv) }
  }
}
