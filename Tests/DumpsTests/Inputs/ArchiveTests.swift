import Dumps
import Testing

/// An input that is an archive.
@Suite struct ArchiveTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let archives = ["x", "x.tar", "x.tar.gz", "x.tar.zst", "x.tar.xz", "x.tar.bz2", "x.zip", "x.7z"]

  @Test("the same dumps come out of every packing", arguments: archives)
  func repacking(name: String) throws {
    let files: [Packing.File] = [
      .init("u1.json", #"{"tldr-shuffle": "true"}"#, modifiedAt: 1_700_000_000_000),
      .init("u2/phone.json", "{\n  \"a\": 1\n}\n", modifiedAt: 1_600_000_001_000),
      .init(
        "ü/größe.ndjson", "{}\n{\"b\":\"\(String(repeating: "x", count: 300_000))\"}\n", modifiedAt: 1_500_000_000_000),
      .init("ÿ.json", "[{},\n{}]", modifiedAt: 1_650_000_000_000),
    ]
    let reading = try Reading(Packing.write(folder(name), files))
    #expect(
      reading.dumps == [
        .init(text: #"{"tldr-shuffle": "true"}"#, entry: "u1.json", user: "u1", modifiedAt: 1_700_000_000_000),
        .init(text: "{\n  \"a\": 1\n}", entry: "u2/phone.json", user: "u2", modifiedAt: 1_600_000_001_000),
        .init(text: "{}", entry: "ü/größe.ndjson", line: 1, user: "ü", modifiedAt: 1_500_000_000_000),
        .init(
          text: "{\"b\":\"\(String(repeating: "x", count: 300_000))\"}", entry: "ü/größe.ndjson", line: 2, user: "ü",
          modifiedAt: 1_500_000_000_000),
        .init(text: "{}", entry: "ÿ.json", line: 1, user: "ÿ", modifiedAt: 1_650_000_000_000),
        .init(text: "{}", entry: "ÿ.json", line: 2, user: "ÿ", modifiedAt: 1_650_000_000_000),
      ])
    #expect(reading.isPadded && reading.skipped.isEmpty && reading.refused.isEmpty)
  }

  @Test("one text a line is the same dumps as one a file")
  func repackingLines() throws {
    let texts = (1...50).map { #"{"user_id":"u\#($0)"}"# }
    let files = texts.enumerated().map { Packing.File("u\($0.offset + 1).json", $0.element) }
    let packed = try Reading(Packing.write(folder("x.tar.zst"), files))
    let lines = try Reading(folder.write("all.ndjson", texts.joined(separator: "\n")))
    let array = try Reading(folder.write("all.json", "[" + texts.joined(separator: ",") + "]"))
    #expect(packed.texts == texts && lines.texts == texts && array.texts == texts)
  }

  @Test("milliseconds of the time are kept where the format has them", arguments: ["x", "x.tar", "x.tar.gz", "x.7z"])
  func milliseconds(name: String) throws {
    let path = try Packing.write(folder(name), [.init("u1.json", "{}", modifiedAt: 1_700_000_000_123)])
    #expect(try Reading(path).dumps.map(\.modifiedAt) == [1_700_000_000_123])
  }

  @Test("a time that is not after 1970 is none", arguments: ["x", "x.tar", "x.zip"])
  func noTime(name: String) throws {
    let path = try Packing.write(folder(name), [.init("u1.json", "{}", modifiedAt: 0)])
    #expect(try Reading(path).dumps.map(\.modifiedAt) == [nil])
  }

  @Test("a zip without the extended field has its times in UTC")
  func zipTime() throws {
    // 2021-06-15 12:34:56, in summer, so that a local zone would show.
    let date: UInt32 = (2021 - 1980) << 9 | 6 << 5 | 15
    let time: UInt32 = 12 << 11 | 34 << 5 | 56 / 2
    try folder.write("old.zip", Packing.oldZip("u1.json", "{}", dosTime: date << 16 | time))
    let reading = try Reading(folder("old.zip"))
    #expect(reading.texts == ["{}"] && reading.dumps.map(\.modifiedAt) == [1_623_760_496_000])
  }

  @Test("archives of many formats are read", arguments: ["cpio", "newc", "odc", "ustar", "gnutar", "v7tar", "xar"])
  func formats(format: String) throws {
    try Packing.write(folder("x"), format: format, [(.file, "u1.json", "{}"), (.file, "u2.json", "[{},{}]")])
    let reading = try Reading(folder("x"))
    #expect(reading.users == ["u1", "u2", "u2"] && reading.refused.isEmpty)
  }

  @Test("names that are not UTF-8 name different users, and are shown with signs", arguments: ["zip", "newc"])
  func bytesOfNames(format: String) throws {
    try Packing.write(folder("x"), format: format, [(.file, "mA/a.json", "{}"), (.file, "mB/a.json", "{}")])
    var bytes = try folder.bytes(of: "x")
    for index in bytes.indices.dropLast(2) where bytes[index...].starts(with: Array("m".utf8)) {
      let isName = bytes[index + 2] == UInt8(ascii: "/")
      if isName { bytes[index + 1] += 0x40 }
    }
    let reading = try Reading(folder.write("x", bytes))
    #expect(reading.users == ["[109, 129]", "[109, 130]"] && reading.refused.isEmpty)
    #expect(reading.entries == ["m\u{FFFD}/a.json", "m\u{FFFD}/a.json"])
  }

  @Test(
    "names in a tar are their bytes, be they composed or not",
    arguments: ["x", "x.tar", "x.tar.gz", "x.tar.zst", "x.tar.xz", "gnutar"])
  func bytesOfLetters(name: String) throws {
    let users = ["e\u{301}", "\u{E9}", "\u{212B}", "o\u{308}\u{304}"]
    if name == "gnutar" {
      try Packing.write(folder(name), format: name, users.map { (.file, "\($0)/a.json", "{}") })
    } else {
      try Packing.write(folder(name), users.map { .init("\($0)/a.json", "{}") })
    }
    let found = try Reading(folder(name)).users.compactMap { $0.map { Array($0.utf8) } }
    #expect(Set(found) == Set(users.map { Array($0.utf8) }) && found.count == users.count)
  }

  @Test("a leading ./ says nothing")
  func dotSlash() throws {
    try Packing.write(
      folder("x"), format: "ustar",
      [
        (.folder, "./", ""), (.file, "./u1.json", "{}"), (.folder, "./u2", ""), (.file, "././u2/./a.json", "{}"),
      ])
    let reading = try Reading(folder("x"))
    #expect(reading.entries == ["u1.json", "u2/a.json"] && reading.users == ["u1", "u2"])
    #expect(reading.skipped.isEmpty)
  }

  @Test("links and FIFOs in an archive are skipped and reported")
  func links() throws {
    try Packing.write(
      folder("x"), format: "ustar",
      [
        (.file, "u1.json", "{}"), (.symbolicLink, "u2.json", "u1.json"), (.hardLink, "u3.json", "u1.json"),
        (.fifo, "u4.json", ""), (.symbolicLink, "u5.json", "/etc/passwd"), (.file, "u6.json", "{}"),
      ])
    let reading = try Reading(folder("x"))
    #expect(reading.entries == ["u1.json", "u6.json"])
    #expect(reading.skipped == ["u2.json", "u3.json", "u4.json", "u5.json"])
  }

  @Test(
    "an archive within an archive is skipped, and the report says so",
    arguments: [
      "in.tar", "in.tar.gz", "in.tar.zst", "in.tar.xz", "in.zip", "in.7z",
    ])
  func nested(name: String) throws {
    try Packing.write(folder(name), [.init("u1.json", "{}")])
    let inner = try folder.bytes(of: name)
    let files: [Packing.File] = [.init("inner.bin", inner), .init("notes.txt", "x"), .init("u2.json", "{}")]
    let reading = try Reading(Packing.write(folder("x.tar.gz"), files))
    #expect(reading.entries == ["u2.json"])
    #expect(reading.skipped == ["inner.bin", "notes.txt"])
    #expect(reading.whys.first?.hasPrefix("a nested archive") == true)
    #expect(reading.whys.last == "not named like a dump")
  }

  @Test("compressed dumps in an archive are read", arguments: ["gzip", "zstd", "xz"], ["x.tar", "x.zip", "x.tar.gz"])
  func compressedEntries(filter: String, archive: String) throws {
    let big = "{\"a\":\"\(String(repeating: "0123456789", count: 50_000))\"}"
    let files: [Packing.File] = [
      .init("u1.json.gz", try Packing.compressed(big, filter: filter, in: folder)),
      .init("u2/a.ndjson.zst", try Packing.compressed("{}\n{}\n", filter: filter, in: folder)),
      .init("u3.json", try Packing.compressed("[{}]", filter: filter, in: folder)),
      .init("u4.json.gz", "{}"),
    ]
    let reading = try Reading(Packing.write(folder(archive), files))
    #expect(reading.texts == [big, "{}", "{}", "{}", "{}"])
    #expect(reading.users == ["u1", "u2", "u2", "u3", "u4"] && reading.refused.isEmpty)
  }

  @Test("a dump that was compressed twice is read, in an archive as in a folder", arguments: ["gzip", "zstd", "xz"])
  func compressedTwice(filter: String) throws {
    let twice = try Packing.compressed(Packing.compressed("{}", filter: filter, in: folder), filter: "gzip", in: folder)
    try folder.write("in/u1.json.gz", twice)
    try Packing.write(folder("x.tar"), [.init("u1.json.gz", twice)])
    for input in ["in", "x.tar"] {
      let reading = try Reading(folder(input))
      #expect(reading.texts == ["{}"] && reading.users == ["u1"] && reading.refused.isEmpty)
    }
  }

  @Test("a compressed dump that is damaged costs itself alone")
  func damagedEntry() throws {
    let lines = (0..<30_000).map { "{\"a\":\($0 &* 2_654_435_761 % 1_000_003)}" }
    let gzip = try Packing.compressed(lines.joined(separator: "\n"), filter: "gzip", in: folder)
    let files: [Packing.File] = [
      .init("a.ndjson.gz", Array(gzip.prefix(gzip.count / 2))), .init("b.json.gz", Array(gzip.prefix(5))),
      .init("c.json", "{}"),
    ]
    let reading = try Reading(Packing.write(folder("x.tar"), files))
    #expect(reading.entries.last == "c.json")
    #expect(reading.refused.first?.entry == "a.ndjson.gz" && reading.refused.first?.reason == .truncated)
    #expect(reading.refused.map(\.entry) == ["a.ndjson.gz", "b.json.gz"])
    #expect(reading.texts.count > 1000 && reading.texts.dropLast().elementsEqual(lines.prefix(reading.texts.count - 1)))
  }

  @Test("an archive whose first entry looks like JSON is an archive", arguments: ["[x]/u1.json", "{/u1.json"])
  func bracketName(name: String) throws {
    let reading = try Reading(Packing.write(folder("x.tar"), [.init(name, "{}")]))
    #expect(reading.entries == [name] && reading.texts == ["{}"])
  }

  @Test("an empty archive holds nothing", arguments: archives)
  func empty(name: String) throws {
    let reading = try Reading(Packing.write(folder(name), []))
    #expect(reading.dumps.isEmpty && reading.refused.isEmpty && reading.skipped.isEmpty)
  }
}
