import Dumps
import Randomness
import Testing

/// Archives that are cut, damaged, or made to do harm: the rest is refused, and what was whole is kept.
@Suite struct HostileArchiveTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let cuttable = ["x.tar", "x.tar.gz", "x.tar.zst", "x.tar.xz", "x.zip", "x.7z"]

  @Test("a cut archive gives whole dumps, in order, and says that it is cut", arguments: cuttable)
  func cut(name: String) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededRandom(seed: seed)
    let texts = (0..<8).map { index in
      "{\"u\":\(index),\"x\":\"" + String((0..<400).map { _ in "abcdefgh0123".randomElement(using: &generator) ?? "x" })
        + "\"}"
    }
    let files = texts.enumerated().map { Packing.File("u\($0.offset).json", $0.element) }
    try Packing.write(folder(name), files)
    let bytes = try folder.bytes(of: name)
    #expect(try Reading(folder(name)).texts == texts)
    for count in Set(stride(from: 1, to: bytes.count, by: max(1, bytes.count / 60))).union([512, 1024, 1536]).sorted()
    where count < bytes.count {
      try folder.write("cut", Array(bytes.prefix(count)))
      let reading = try Reading(folder("cut"))
      #expect(reading.texts == Array(texts.prefix(reading.texts.count)), "seed \(seed), \(count) bytes")
      // Behind the last entry a tar has more zeros than its end needs.
      if reading.texts.count < texts.count {
        #expect(reading.refused.count == 1, "seed \(seed), \(count) bytes")
        #expect(count < 512 || reading.reasons == [.truncated], "seed \(seed), \(count) bytes")
        #expect(reading.digest.sha256 != nil)
      }
    }
  }

  @Test("a tar that was cut between two entries is cut, also when it was compressed afterwards")
  func cutBetweenEntries() throws {
    try Packing.write(folder("x"), format: "ustar", [(.file, "u1.json", "{}"), (.file, "u2.json", "{}")])
    // A header and a block of data each.
    let cut = try folder.bytes(of: "x").prefix(2048)
    let compressed = try Packing.compressed(String(decoding: cut, as: UTF8.self), filter: "gzip", in: folder)
    for bytes in [Array(cut), compressed] {
      let reading = try Reading(folder.write("cut", bytes))
      #expect(reading.users == ["u1", "u2"] && reading.reasons == [.truncated])
    }
  }

  @Test("a cut file of lines gives the lines before the cut", arguments: ["gzip", "zstd", "xz", "bzip2", "lz4"])
  func cutLines(filter: String) throws {
    let lines = (0..<20_000).map { "{\"n\":\($0),\"h\":\($0 &* 2_654_435_761 % 1_000_003)}" }
    let bytes = try Packing.compressed(lines.joined(separator: "\n"), filter: filter, in: folder)
    for part in [1, 2, 3] {
      try folder.write("u1.ndjson", Array(bytes.prefix(bytes.count * part / 4)))
      let reading = try Reading(folder("u1.ndjson"))
      #expect(reading.texts == Array(lines.prefix(reading.texts.count)))
      #expect(reading.texts.count < lines.count && reading.reasons == [.truncated])
    }
  }

  @Test("a gzip file that is not what was packed is refused, in whichever member", arguments: [-8, -1, -30], [0, 1])
  func wrongChecksum(place: Int, member: Int) throws {
    let lines = (0..<200).map { "{\"n\":\($0)}" }
    var members = try (0..<2).map { half in
      let text = lines[(half * 100)..<(half * 100 + 100)].joined(separator: "\n") + "\n"
      return try Packing.compressed(text, filter: "gzip", in: folder)
    }
    let whole = try Reading(folder.write("u1.ndjson.gz", members.flatMap(\.self)))
    #expect(whole.texts == lines && whole.refused.isEmpty)
    // In the checksum, in the length, in what they are about.
    members[member][members[member].count + place] ^= 1
    let reading = try Reading(folder.write("u1.ndjson.gz", members.flatMap(\.self)))
    #expect(reading.reasons.last == .truncated, "\(reading.refused)")
    #expect(member == 0 || reading.texts.prefix(100) == lines.prefix(100))
    try Packing.write(folder("x.tar"), [.init("u1.ndjson.gz", members.flatMap(\.self)), .init("u2.json", "{}")])
    let entry = try Reading(folder("x.tar"))
    #expect(entry.reasons.last == .truncated && entry.texts.last == "{}")
  }

  @Test("a checksum behind the end of an archive counts", arguments: [-8, -1])
  func wrongChecksumOfArchive(place: Int) throws {
    try Packing.write(folder("x.tar.gz"), [.init("u1.json", "{}"), .init("u2.json", "{}")])
    var bytes = try folder.bytes(of: "x.tar.gz")
    bytes[bytes.count + place] ^= 1
    let reading = try Reading(folder.write("x.tar.gz", bytes))
    #expect(reading.users == ["u1", "u2"])
    #expect(reading.reasons == [.truncated])
  }

  @Test(
    "zeros behind a compressed file say nothing",
    arguments: ["gzip", "bzip2", "lz4", "lzma", "lzip"], [3, 600_000])
  func zerosBehind(filter: String, count: Int) throws {
    let packed = try Packing.compressed("{\"a\":1}", filter: filter, in: folder) + [UInt8](repeating: 0, count: count)
    let reading = try Reading(folder.write("u1.json.gz", packed))
    #expect(reading.texts == ["{\"a\":1}"] && reading.refused.isEmpty)
  }

  @Test("a gzip member behind zeros is read")
  func memberBehindZeros() throws {
    let packed = try Packing.compressed("{\"a\":1}\n", filter: "gzip", in: folder)
    let reading = try Reading(folder.write("u1.ndjson.gz", packed + [0, 0, 0] + packed))
    #expect(reading.texts == ["{\"a\":1}", "{\"a\":1}"] && reading.refused.isEmpty)
  }

  @Test(
    "what follows a compressed file and is none may have been a member, and is said to be lost",
    arguments: ["gzip", "bzip2", "lz4", "lzma", "lzip", "xz", "zstd"],
    [Array("\nrest".utf8), [], [UInt8](repeating: 0, count: 300_000) + Array("rest".utf8)])
  func tailOfACompressedFile(filter: String, tail: [UInt8]) throws {
    let lines = (0..<200).map { "{\"n\":\($0)}" }
    let packed = try [lines.prefix(100), lines.suffix(100)].map {
      try Packing.compressed($0.joined(separator: "\n") + "\n", filter: filter, in: folder)
    }
    // Without a tail: another member, whose first byte is damaged.
    let bytes = packed[0] + (tail.isEmpty ? [packed[1][0] ^ 1] + packed[1].dropFirst() : tail)
    let reading = try Reading(folder.write("u1.ndjson.gz", bytes))
    #expect(reading.reasons == [.truncated])
    #expect(reading.texts == Array(lines.prefix(reading.texts.count)))
    #expect(["xz", "zstd"].contains(filter) || reading.texts.count == 100)
    try Packing.write(folder("x.tar"), [.init("u1.ndjson.gz", bytes), .init("u2.json", "{}")])
    let entry = try Reading(folder("x.tar"))
    #expect(entry.reasons == [.truncated] && entry.texts.last == "{}")
  }

  private static let compressed = ["none", "gzip", "zstd", "xz", "bzip2", "lz4"]

  /// A tar of one header and one block of data for each of four dumps, and zeros.
  private func tar() throws -> [UInt8] {
    try Packing.write(folder("four"), format: "ustar", ["a", "b", "c", "d"].map { (.file, "\($0).json", "{}") })
    return try folder.bytes(of: "four")
  }

  private func write(_ bytes: [UInt8], _ filter: String) throws -> String {
    try folder.write("x", filter == "none" ? bytes : Packing.compressed(bytes, filter: filter, in: folder))
  }

  @Test("a header of a tar that is damaged, or is zeros, costs its entry alone", arguments: compressed, [1, 512])
  func damagedHeader(filter: String, count: Int) throws {
    var bytes = try tar()
    bytes.replaceSubrange(1024..<1024 + count, with: repeatElement(0, count: count))
    let reading = try Reading(write(bytes, filter))
    #expect(reading.users == ["a", "c", "d"])
    #expect(reading.reasons == [.truncated] && reading.refused.map(\.entry) == [nil])
  }

  @Test("a header that is damaged counts as an entry")
  func damagedHeaderCounts() throws {
    var bytes = try tar()
    bytes[1024] ^= 1
    let reading = try Reading(folder.write("x", bytes), limits: Limits(maxEntries: 3))
    #expect(reading.users == ["a", "c"] && reading.reasons == [.truncated, .tooMany])
  }

  @Test("a header that is damaged in front of much data is one fault")
  func damagedHeaderOfMuch() throws {
    let much = "{\"a\":\"" + String(repeating: "0123456789", count: 100_000) + "\"}"
    try Packing.write(
      folder("x"), format: "ustar", [(.file, "a.json", "{}"), (.file, "b.json", much), (.file, "c.json", "{}")])
    var bytes = try folder.bytes(of: "x")
    bytes[1024] ^= 1
    let reading = try Reading(folder.write("x", bytes))
    #expect(reading.users == ["a", "c"] && reading.reasons == [.truncated])
    // Nor is a last block, of what is passed over, that is cut.
    let cut = try Reading(folder.write("x", Array(bytes.prefix(900_000))))
    #expect(cut.users == ["a"] && cut.reasons == [.truncated])
  }

  @Test("tars one behind another are all read", arguments: compressed)
  func concatenated(filter: String) throws {
    let reading = try Reading(write(tar() + tar(), filter))
    #expect(reading.users == ["a", "b", "c", "d", "a", "b", "c", "d"] && reading.refused.isEmpty)
  }

  @Test("zeros behind the end of a tar say nothing, however many", arguments: compressed, [0, 1000, 2048, 3_000_320])
  func zerosBehindATar(filter: String, count: Int) throws {
    let reading = try Reading(write(tar() + [UInt8](repeating: 0, count: count), filter))
    #expect(reading.users == ["a", "b", "c", "d"] && reading.refused.isEmpty)
  }

  @Test(
    "what stands behind the end of a tar and is none is said to be lost, once", arguments: compressed,
    [1, 500, 512, 1700, 400_000])
  func textBehindATar(filter: String, count: Int) throws {
    let tail = [UInt8](repeating: UInt8(ascii: "\n"), count: count)
    let reading = try Reading(write(tar() + tail, filter))
    #expect(reading.users == ["a", "b", "c", "d"])
    #expect(reading.reasons == [.truncated], "\(reading.refused)")
  }

  @Test("behind a tar that nothing but its checksum tells, a second one is not read, and said to be lost")
  func behindAnOldTar() throws {
    try Packing.write(folder("old"), format: "v7tar", [(.file, "a.json", "{}")])
    let bytes = try folder.bytes(of: "old")
    let reading = try Reading(folder.write("x", bytes + bytes))
    #expect(reading.users == ["a"] && reading.reasons == [.truncated])
  }

  @Test("zeros and noise behind the end of a tar are a bomb as its entries are", arguments: [0, 10] as [UInt8])
  func bombBehindATar(byte: UInt8) throws {
    let tail = [UInt8](repeating: byte, count: Limits.freeExpansion + (8 << 20))
    let reading = try Reading(write(tar() + tail, "zstd"), limits: Limits(maxExpansion: 100))
    #expect(reading.users == ["a", "b", "c", "d"] && reading.reasons.last == .bomb)
  }

  @Test("a byte that is wrong costs an entry or the rest, never the program", arguments: cuttable)
  func flipped(name: String) throws {
    let seed = UInt64.random(in: 0 ... .max)
    var generator = SeededRandom(seed: seed)
    try Packing.write(folder(name), (0..<5).map { Packing.File("u\($0).json", "{\"a\":\"\(generator.next())\"}") })
    let bytes = try folder.bytes(of: name)
    for _ in 0..<60 {
      var damaged = bytes
      damaged[Int.random(in: 0..<bytes.count, using: &generator)] ^= UInt8.random(in: 1...255, using: &generator)
      try folder.write("damaged", damaged)
      let reading = try Reading(folder("damaged"))
      #expect(reading.dumps.count <= 5, "seed \(seed)")
    }
  }

  @Test("an entry whose checksum is wrong costs itself alone")
  func wrongChecksum() throws {
    var zip = Packing.oldZip("u1.json", #"{"a":1}"#, dosTime: 0x5000_0000)
    let place = try #require(zip.indices.first { zip[$0...].starts(with: Array(#"{"a":1}"#.utf8)) })
    zip[place + 5] = UInt8(ascii: "2")
    let reading = try Reading(folder.write("x.zip", zip))
    #expect(reading.dumps.isEmpty && reading.reasons == [.truncated])
  }

  @Test("an encrypted entry is refused, and the next one read")
  func encrypted() throws {
    try Packing.write(
      folder("x.zip"), format: "zip", options: "zip:encryption=zipcrypt", passphrase: "secret",
      [(.file, "u1.json", "{}"), (.file, "x.txt", "secret"), (.file, "u2.json", "{}")])
    let reading = try Reading(folder("x.zip"))
    #expect(reading.dumps.isEmpty && reading.skipped == ["x.txt"])
    #expect(reading.refused.map(\.entry) == ["u1.json", "u2.json"])
    #expect(reading.refused.allSatisfy { $0.reason == .invalidJSON && $0.detail == "the entry is encrypted" })
  }

  @Test("past the number of entries the rest is refused", arguments: ["x.tar", "x.zip", "x.tar.zst"])
  func tooMany(name: String) throws {
    let files = (1...6).map { Packing.File("u\($0).json", "{}") } + [.init("x.txt", "")]
    try Packing.write(folder(name), files)
    let reading = try Reading(folder(name), limits: Limits(maxEntries: 4))
    #expect(reading.users == ["u1", "u2", "u3", "u4"])
    #expect(reading.reasons == [.tooMany] && reading.digest.finished)
    #expect(try Reading(folder(name), limits: Limits(maxEntries: 7)).refused.isEmpty)
  }

  /// More than may come out whatever the ratio.
  private static let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: Limits.freeExpansion + (8 << 20))

  @Test(
    "an archive that expands past the limit is refused from there on", arguments: ["x.tar.gz", "x.zip"],
    ["b.json", "b.txt"])
  func bomb(archive: String, entry: String) throws {
    try Packing.write(folder(archive), [.init("a.json", "{}"), .init(entry, Self.zeros), .init("c.json", "{}")])
    let reading = try Reading(folder(archive), limits: Limits(maxExpansion: 100))
    #expect(reading.users == ["a"])
    #expect(reading.reasons == [.bomb] && reading.refused.map(\.entry) == [entry])
  }

  @Test("a compressed file, and one within an archive, is a bomb as well")
  func nestedBomb() throws {
    let gzip = try Packing.compressed(String(decoding: Self.zeros, as: UTF8.self), filter: "gzip", in: folder)
    let file = try Reading(folder.write("a.json.gz", gzip), limits: Limits(maxExpansion: 100))
    #expect(file.dumps.isEmpty && file.reasons == [.bomb])
    let files: [Packing.File] = [.init("a.json", "{}"), .init("b.json.gz", gzip), .init("c.json", "{}")]
    let nested = try Reading(Packing.write(folder("x.tar"), files), limits: Limits(maxExpansion: 100))
    #expect(nested.users == ["a"])
    #expect(nested.refused.map(\.entry) == ["b.json.gz"] && nested.reasons == [.bomb])
  }

  @Test("a sparse file is refused: its holes are not delivered")
  func sparse() throws {
    try Packing.writeSparse(folder("x.tar"), name: "u1.json", hole: 1 << 20, "{}")
    let reading = try Reading(folder("x.tar"))
    #expect(reading.dumps.isEmpty && reading.reasons == [.invalidJSON])
  }

  @Test("an archive under the name of a dump, within an archive, is refused")
  func disguised() throws {
    try Packing.write(folder("in.zip"), [.init("u1.json", "{}")])
    let files: [Packing.File] = [.init("u1.json", try folder.bytes(of: "in.zip")), .init("u2.json", "{}")]
    let reading = try Reading(Packing.write(folder("x.tar"), files))
    #expect(reading.users == ["u2"] && reading.refused.map(\.entry) == ["u1.json"])
    #expect(reading.reasons == [.invalidJSON])
  }

  @Test("names that lead out of the archive do no harm")
  func names() throws {
    try Packing.write(
      folder("x"), format: "ustar",
      [
        (.file, "../../u1.json", "{}"), (.file, "/etc/u2.json", "{}"), (.file, "u3\u{7}.json", "{}"),
        (.file, "a/../u4.json", "{}"), (.file, "u5/b/../phone.json", "{}"), (.file, "a/../../u6.json", "{}"),
      ])
    let reading = try Reading(folder("x"))
    #expect(
      reading.entries == [
        "../../u1.json", "etc/u2.json", "u3\u{7}.json", "u4.json", "u5/phone.json", "../u6.json",
      ])
    // A path that leaves the archive names nobody: ".." would be one user of several people.
    #expect(reading.users == [nil, "etc", "u3\u{7}", "u4", "u5", nil])
  }

  @Test("a name that is no UTF-8 is shown as far as it can be, and the entry read")
  func invalidName() throws {
    try Packing.write(folder("x"), format: "ustar", [(.file, "u#.json", "{}"), (.file, "u2.json", "{}")])
    var bytes = try folder.bytes(of: "x")
    // The header's checksum is the sum of its bytes.
    bytes[1] = 0xFF
    let sum = bytes[..<148].reduce(0) { $0 + Int($1) } + 8 * 32 + bytes[156..<512].reduce(0) { $0 + Int($1) }
    let octal = String(sum, radix: 8)
    bytes.replaceSubrange(
      148..<156, with: Array((String(repeating: "0", count: 6 - octal.count) + octal).utf8) + [0, 32])
    let reading = try Reading(folder.write("x", bytes))
    #expect(reading.entries == ["u\u{FFFD}.json", "u2.json"])
  }
}
