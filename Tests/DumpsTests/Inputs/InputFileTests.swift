import Digests
import Dumps
import Glibc
import Testing

/// An input that is one file: its format is found by content.
@Suite struct InputFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a JSON file of any name is an input", arguments: ["u1.json", "u1.ndjson", "u1.jsonl", "u1.txt", "u1"])
  func anyName(name: String) throws {
    let reading = try Reading(folder.write(name, "\u{FEFF} {\"a\": 1}\n", modifiedAt: 1_700_000_000_123))
    #expect(reading.texts == ["{\"a\": 1}"])
    #expect(reading.entries == [nil] && reading.lines == [nil])
    #expect(reading.dumps.map(\.modifiedAt) == [1_700_000_000_123])
    #expect(reading.isPadded)
    #expect(reading.skipped.isEmpty && reading.refused.isEmpty)
  }

  @Test(
    "a file names its user without the suffixes of dumps",
    arguments: [
      ("u1.json", "u1"), ("u1.ndjson", "u1"), ("u1.jsonl", "u1"), ("u1.json.gz", "u1"), ("u1.ndjson.zst", "u1"),
      ("u1.gz", "u1"), ("a.b.json", "a.b"), ("a.json.json", "a.json"), ("u1.txt", "u1.txt"), (".json", nil),
      ("ü@x.json", "ü@x"), ("u1.JSON", "u1.JSON"),
    ])
  func user(name: String, user: String?) throws {
    #expect(try Reading(folder.write("folder/" + name, "{}")).users == [user])
  }

  static let filters = ["gzip", "bzip2", "xz", "zstd", "lz4", "compress", "lzma", "lzip", "uuencode"]

  @Test("a compressed file is read, of whatever name, with the name and time of the file", arguments: filters)
  func compressed(filter: String) throws {
    let bytes = try Packing.compressed("\u{FEFF}{\"a\":1}\n{\"b\":2}\n", filter: filter, in: folder)
    let reading = try Reading(folder.write("u1.json", bytes, modifiedAt: 1_600_000_000_000))
    #expect(reading.texts == ["{\"a\":1}", "{\"b\":2}"])
    #expect(reading.users == ["u1", "u1"] && reading.lines == [1, 2] && reading.entries == [nil, nil])
    #expect(reading.dumps.map(\.modifiedAt) == [1_600_000_000_000, 1_600_000_000_000])
    #expect(reading.digest.bytes == bytes.count)
  }

  @Test("a compression within another is undone")
  func compressedTwice() throws {
    let inner = try Packing.compressed(#"{"a":1}"#, filter: "b64encode", in: folder)
    let outer = try Packing.compressed(String(decoding: inner, as: UTF8.self), filter: "zstd", in: folder)
    #expect(try Reading(folder.write("x", outer)).texts == [#"{"a":1}"#])
  }

  @Test("a file that is neither an archive nor JSON is refused", arguments: ["<html>", "\u{0}", "GIF89a", "12"])
  func neither(text: String) throws {
    let reading = try Reading(folder.write("export.txt", text))
    #expect(reading.dumps.isEmpty)
    #expect(reading.reasons == [.invalidJSON])
    #expect(reading.refused.first?.detail == "neither an archive nor JSON")
    let compressed = try Packing.compressed(text, filter: "gzip", in: folder)
    #expect(try Reading(folder.write("export.gz", compressed)).reasons == [.invalidJSON])
  }

  @Test("under the name of a dump the parser says what is wrong", arguments: ["u1.json", "u1.ndjson"])
  func brokenDump(name: String) throws {
    #expect(try Reading(folder.write(name, "<html>\n")).texts == ["<html>"])
  }

  @Test(
    "an empty file is no JSON, but a file of no lines",
    arguments: [
      ("a.json", "", 1), ("a.json", " \n", 1), ("a.ndjson", "", 0), ("a.jsonl", "\n\n", 0), ("a.tar.gz", "", 1),
    ])
  func empty(name: String, text: String, refusals: Int) throws {
    let reading = try Reading(folder.write(name, text))
    #expect(reading.dumps.isEmpty)
    #expect(reading.reasons == Array(repeating: .invalidJSON, count: refusals))
  }

  @Test("an empty file that is compressed is empty", arguments: [("a.json.gz", 1), ("a.ndjson.gz", 0)])
  func emptyCompressed(name: String, refusals: Int) throws {
    // libarchive writes no gzip around nothing; this is what `gzip < /dev/null` writes.
    let gzip: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    let reading = try Reading(folder.write(name, gzip))
    #expect(reading.dumps.isEmpty)
    #expect(reading.reasons == Array(repeating: .invalidJSON, count: refusals))
  }

  @Test("a file past the limit is refused with its size, and the next dump read")
  func tooLarge() throws {
    let big = "{\"a\":\"" + String(repeating: "x", count: 600_000) + "\"}"
    let limits = Limits(maxDumpSize: 500_000)
    let one = try Reading(folder.write("u1.json", big), limits: limits)
    #expect(one.dumps.isEmpty && one.reasons == [.tooLarge])
    #expect(one.refused.first?.detail == "a dump of 600008 bytes")
    let lines = try Reading(folder.write("u1.ndjson", "{}\n\(big)\n{}\n"), limits: limits)
    #expect(lines.lines == [1, 3])
    #expect(lines.refused.map(\.line) == [2] && lines.reasons == [.tooLarge])
  }

  @Test("the digest is the SHA-256 of the file, however it is read")
  func digest() throws {
    let text = Array("{\"a\":1}\n{\"b\":2}".utf8)
    let reading = try Reading(folder.write("a.json", text))
    #expect(reading.digest == InputDigest(path: folder("a.json"), bytes: text.count, sha256: sha256(text)))
    for name in ["a.zip", "a.7z", "a.tar", "a.tar.gz"] {
      let path = try Packing.write(
        folder(name), [.init("u1.json", "{}"), .init("x.bin", "ignored"), .init("u2.json", "{}")])
      let bytes = try folder.bytes(of: name)
      // Bytes behind the end of an archive belong to the file.
      let digest = try Reading(path).digest
      #expect(digest.sha256 == sha256(bytes) && digest.bytes == bytes.count && digest.finished)
    }
  }

  @Test("the sink can stop the reading, and then there is no digest")
  func stop() throws {
    let path = try folder.write("a.ndjson", "{}\n{}\n{}\n")
    var count = 0
    let digest = try InputReader().read(path) { _ in
      count += 1
      return count < 2
    }
    #expect(count == 2 && !digest.finished)
  }

  @Test("what the system does not let us read is an error that names it")
  func unreadable() throws {
    let missing = folder("missing.json")
    #expect(throws: InputError.unreadable(path: missing, code: ENOENT)) { try Reading(missing) }
    #expect(throws: InputError.self) { try InputReader.check([missing]) }
    #expect(InputError.unreadable(path: "x", code: ENOENT).description == "cannot read x: No such file or directory")
    try folder.link("loop", to: "loop")
    #expect(throws: InputError.unreadable(path: folder("loop"), code: ELOOP)) { try Reading(folder("loop")) }
  }

  @Test("a FIFO or device is no input, and is not waited for")
  func fifo() throws {
    try #require(unsafe mkfifo(folder("fifo"), 0o600) == 0)
    for path in [folder("fifo"), "/dev/zero"] {
      #expect(throws: InputError.neitherFileNorDirectory(path: path)) { try Reading(path) }
    }
  }

  @Test("a source is shown with its entry and line")
  func description() {
    #expect(Source(input: "a.tar", entry: "u1/x.ndjson", line: 3).description == "a.tar: u1/x.ndjson: line 3")
    #expect(Source(input: "a.json").description == "a.json")
  }
}
