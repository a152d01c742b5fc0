import Dumps
import Glibc
import Synchronization
import Testing

/// An input that is a directory.
@Suite struct DirectoryTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("a directory is walked in the order of the bytes of its paths")
  func order() throws {
    let names = ["a-b.json", "a.json", "a/b.json", "a/b/c.json", "a0.json", "B.json", "ä.json", "a/A.json"]
    for name in names { try folder.write(name, "{}") }
    let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    #expect(try Reading(folder.path).entries == sorted)
    #expect(try Reading(folder.path + "/").entries == sorted)
  }

  @Test("a file at the top names its user, one in a folder has the folder's name")
  func users() throws {
    for name in ["u1.json", "u2/phone.ndjson.gz", "x/u3/laptop.json"] { try folder.write(name, "{}") }
    #expect(try Reading(folder.path).users == ["u1", "u2", "u3"])
  }

  @Test("names that are not UTF-8 name different users, and are shown with a sign in place of what they hold")
  func bytesOfNames() throws {
    for (name, byte) in [("a", 0xE4 as UInt8), ("b", 0xFC)] {
      try folder.write("\(name)/phone.json", "{}")
      let raw = [UInt8](folder.path.utf8) + Array("/m".utf8) + [byte, 0]
      try #require(unsafe rename(folder(name), raw.map { CChar(bitPattern: $0) }) == 0)
    }
    try folder.write("m\u{FFFD}/phone.json", "{}")
    let reading = try Reading(folder.path)
    #expect(reading.users == ["[109, 228]", "m\u{FFFD}", "[109, 252]"])
    #expect(reading.entries == Array(repeating: "m\u{FFFD}/phone.json", count: 3))
  }

  @Test("the size of a directory is that of the files that are read in it")
  func size() throws {
    try folder.write("a.json", "{}")
    try folder.write("b/c.json", #"{"a": 1}"#)
    try folder.write("b/notes.txt", "not read, and passed over")
    try folder.link("link.json", to: "a.json")
    try folder.link("folder", to: "b")
    try folder.link("nothing.json", to: "missing")
    try folder.write("store/.mixdown.lock", "")
    try folder.write("store/user_library.bson", "a store's")
    let read = Mutex(0)
    var reader = InputReader()
    reader.onRead = { count in read.withLock { $0 += count } }
    _ = try reader.read(folder.path) { _ in true }
    #expect(try reader.size(of: folder.path) == read.withLock { $0 })
    #expect(try reader.size(of: folder.path) == 2 + 8 + 25 + 2)
    #expect(try reader.size(of: folder("b/c.json")) == 8)
  }

  @Test("what is not named like a dump is skipped and reported, even if it is JSON")
  func skipped() throws {
    try folder.write("u1.json", "{}")
    for name in ["README.md", "notes.txt", "u2.json.bak", "json", "u2.json.xz"] { try folder.write(name, "{}") }
    try folder.write("empty", "")
    let compressed = try Packing.compressed("{}", filter: "gzip", in: folder)
    try folder.write("u3.gz", compressed)
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["u1.json"])
    #expect(reading.skipped == ["README.md", "empty", "json", "notes.txt", "u2.json.bak", "u2.json.xz", "u3.gz"])
    #expect(reading.refused.isEmpty)
  }

  @Test("links to files are followed, links to directories are not, loops are reported", .timeLimit(.minutes(10)))
  func links() throws {
    try folder.write("real/u1.json", "{}", modifiedAt: 1_600_000_000_000)
    try folder.link("link.json", to: "real/u1.json")
    try folder.link("folder", to: "real")
    try folder.link("real/up", to: "..")
    try folder.link("self.json", to: "self.json")
    try folder.link("a.json", to: "b.json")
    try folder.link("b.json", to: "a.json")
    try folder.link("nothing.json", to: "missing")
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["link.json", "real/u1.json"])
    #expect(reading.users == ["link", "real"])
    #expect(reading.dumps.map(\.modifiedAt) == [1_600_000_000_000, 1_600_000_000_000])
    #expect(reading.skipped == ["a.json", "b.json", "folder", "nothing.json", "real/up", "self.json"])
    #expect(
      reading.whys == [
        "a loop of links", "a loop of links", "a link to a directory", "a link to nothing, or gone",
        "a link to a directory", "a loop of links",
      ])
  }

  @Test("an input that is a link to a directory is walked")
  func linkedInput() throws {
    try folder.write("real/u1.json", "{}")
    try folder.link("input", to: "real")
    #expect(try Reading(folder("input")).entries == ["u1.json"])
  }

  @Test("FIFOs and devices are not opened", .timeLimit(.minutes(10)))
  func fifos() throws {
    try #require(unsafe mkfifo(folder("fifo.json"), 0o600) == 0)
    try folder.link("link.json", to: "fifo.json")
    try folder.link("zero.json", to: "/dev/zero")
    try folder.write("u1.json", "{}")
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["u1.json"])
    #expect(reading.skipped == ["fifo.json", "link.json", "zero.json"])
  }

  @Test(
    "an archive in a directory is read, whatever its name; paths in it are its own",
    arguments: [
      "x.tar", "x.tar.gz", "x.tar.zst", "x.zip", "x.7z",
    ])
  func archive(name: String) throws {
    try Packing.write(folder(name), [.init("u1.json", "{}"), .init("u2/a.json", "{}"), .init("x.txt", "")])
    #expect(unsafe rename(folder(name), folder("exports")) == 0)
    try folder.write("z.json", "{}")
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["exports/u1.json", "exports/u2/a.json", "z.json"])
    #expect(reading.users == ["u1", "u2", "z"])
    #expect(reading.skipped == ["exports/x.txt"])
  }

  @Test("an archive that is damaged costs the rest of it, and the walk goes on")
  func damagedArchive() throws {
    try Packing.write(folder("a.tar.gz"), [.init("u1.json", "{}")])
    let bytes = try folder.bytes(of: "a.tar.gz")
    try folder.write("a.tar.gz", Array(bytes.prefix(40)))
    try folder.write("b.json", "{}")
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["b.json"])
    #expect(reading.reasons == [.truncated] && reading.refused.map(\.entry) == ["a.tar.gz"])
  }

  @Test("names that are no UTF-8 are shown as far as they can be, and read")
  func invalidName() throws {
    let path = folder.path.utf8CString.dropLast() + [47, -1, 46, 106, 115, 111, 110, 0]
    let file = unsafe fopen(Array(path), "w")
    unsafe fputs("{}", file)
    unsafe fclose(file)
    let reading = try Reading(folder.path)
    #expect(reading.texts == ["{}"] && reading.entries == ["\u{FFFD}.json"])
  }

  @Test("the digest tells the paths, sizes and contents of what was read, and nothing else")
  func digest() throws {
    try folder.write("a.json", "{}")
    try folder.write("b/c.json", "{}")
    let first = try Reading(folder.path).digest
    #expect(first.bytes == 4 && first.finished)
    try folder.write("notes.txt", "ignored")
    #expect(try Reading(folder.path).digest == first)
    try folder.write("a.json", "[]")
    #expect(try Reading(folder.path).digest != first)
    try folder.write("a.json", "{}")
    #expect(try Reading(folder.path).digest == first)
    #expect(unsafe rename(folder("b/c.json"), folder("b/d.json")) == 0)
    #expect(try Reading(folder.path).digest != first)
  }

  @Test("stores and the folders of runs are passed over, wherever they lie in an input")
  func own() throws {
    try folder.write("a/phone.json", "{}")
    try folder.write("store/.mixdown.lock", "")
    try folder.write("store/user_library.metadata.json", "{}")
    try folder.write(".runs/01M89TR7EBMW1QV46YT6B2R517/quarantine.ndjson", "{}")
    try folder.write("state/01M89TR7EBMW1QV46YT6B2R517/manifest.json", "{}")
    try folder.write("state/01M89TR7EBMW1QV46YT6B2R517/quarantine.ndjson", "{}")
    // A user may have such a name.
    try folder.write("01M89TR7EBMW1QV46YT6B2R517/phone.json", "{}")
    let reading = try Reading(folder.path)
    #expect(reading.entries == ["01M89TR7EBMW1QV46YT6B2R517/phone.json", "a/phone.json"])
    #expect(reading.skipped == [".runs", "state/01M89TR7EBMW1QV46YT6B2R517", "store"])
    #expect(Set(reading.whys) == ["what runs have left", "a store"])
    // What is named itself is read.
    #expect(try Reading(folder("store")).entries == ["user_library.metadata.json"])
  }

  @Test("an empty directory holds nothing")
  func empty() throws {
    let reading = try Reading(folder.path)
    #expect(reading.dumps.isEmpty && reading.refused.isEmpty && reading.digest.finished)
  }
}
