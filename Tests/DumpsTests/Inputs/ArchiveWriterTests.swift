import Dumps
import Testing

/// Archives that this program writes.
@Suite struct ArchiveWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let names = ["x.tar", "x.tar.gz", "x.tar.zst", "x.tar.xz", "x.tar.bz2", "x.zip", "x.7z"]
  private static let files: [Packing.File] = [
    .init("u1.json", "{}", modifiedAt: 1_700_000_000_123), .init("u2/ä.json", "{\"a\":1}"), .init("empty", ""),
    .init("\(String(repeating: "long/", count: 40))x.json", "{}"),
  ]

  @Test("equal files give equal bytes", arguments: names)
  func deterministic(name: String) throws {
    try Packing.write(folder(name), Self.files)
    let first = try folder.bytes(of: name)
    try Packing.write(folder(name), Self.files)
    #expect(try folder.bytes(of: name) == first)
    #expect(folder.names == [name])
  }

  @Test("an archive that is not closed leaves nothing", arguments: names + ["x"])
  func abandoned(name: String) throws {
    do {
      var archive = try ArchiveWriter(path: folder(name))
      try archive.add(name: "a/b.json", contents: Array("{}".utf8), modifiedAt: 1000)
      #expect(folder.names.count == 1 && folder.names != [name])
    }
    #expect(folder.names == [])
  }

  @Test("what a process that was killed has left of an archive goes when it is written again", arguments: names + ["x"])
  func leftovers(name: String) throws {
    try folder.write(".\(name).1-23.part/a.json", "{}")
    try folder.write(".\(name).4-56.part", "half")
    // Of other archives, of one that is being written, and what only looks like one.
    let others = [".\(name).y.1-2.part", ".other.1-2.part", ".\(name).part", ".\(name).x-1.part"]
    for other in others { try folder.write(other, "") }
    var open = try ArchiveWriter(path: folder(name))
    try open.add(name: "b.json", contents: Array("{}".utf8), modifiedAt: 1000)
    #expect(folder.names.count == others.count + 1)
    try Packing.write(folder(name), Self.files)
    #expect(Set(folder.names).isSuperset(of: others + [name]) && folder.names.count == others.count + 2)
    try ArchiveWriter.removeLeftovers(of: folder(name) + "/")
    #expect(folder.names.count == others.count + 2)
    _ = consume open
    #expect(Set(folder.names) == Set(others + [name]))
    try ArchiveWriter.removeLeftovers(of: folder("no/such/\(name)"))
  }

  @Test("an archive appears under its name only when it is whole", arguments: names + ["x"])
  func replaced(name: String) throws {
    try folder.write("other", "")
    var archive = try ArchiveWriter(path: folder(name))
    try archive.add(name: "u1.json", contents: Array("{}".utf8), modifiedAt: 1000)
    #expect(!folder.names.contains(name))
    try archive.close()
    #expect(folder.names == ["other", name])
  }

  @Test(
    "a short extension stands for the long one",
    arguments: [("x.tgz", "x.tar.gz"), ("x.tzst", "x.tar.zst"), ("x.txz", "x.tar.xz"), ("x.tbz2", "x.tar.bz2")])
  func shortExtension(short: String, long: String) throws {
    for name in [short, long] { try Packing.write(folder(name), Self.files) }
    #expect(try folder.bytes(of: short) == folder.bytes(of: long))
    #expect(try Reading(folder(short)).users == ["u1", "u2", "long"])
  }

  @Test(
    "an unknown extension is refused, and the error lists the known ones",
    arguments: [
      "x.rar", "x.gz", "x.json", "x.tar.lz4", "x.tgz.old",
    ])
  func unknownExtension(name: String) throws {
    let known = [
      ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".zip", ".7z",
    ]
    let error = #expect(throws: ArchiveWriteError.self) { _ = try ArchiveWriter(path: folder(name)) }
    #expect(throws: ArchiveWriteError.unknownExtension(path: folder(name), known: known)) {
      try ArchiveWriter.checkName(of: folder(name))
    }
    #expect(error == .unknownExtension(path: folder(name), known: known))
    #expect(error?.description.contains(".tar.gz, .tgz, .tar.zst") == true)
  }

  @Test(
    "a name that leads out of the archive is refused",
    arguments: [
      "", "/a", "../a", "a/../b", "a//b", "a/", ".", "a\u{0}b",
    ])
  func unsafeName(name: String) throws {
    for path in ["x.tar", "x"] {
      var archive = try ArchiveWriter(path: folder(path))
      #expect(throws: ArchiveWriteError.unsafeName(name)) {
        try archive.add(name: name, contents: [], modifiedAt: 1000)
      }
    }
  }

  @Test("a folder is not written over another, but into an empty one")
  func existing() throws {
    try folder.write("full/file", "")
    #expect(throws: ArchiveWriteError.exists(path: folder("full"))) { try Packing.write(folder("full/"), Self.files) }
    try Packing.write(folder("empty"), [])
    try Packing.write(folder("empty"), Self.files)
    #expect(try Reading(folder("empty")).dumps.count == 3)
  }

  @Test("what the system refuses is an error that names the place")
  func failure() throws {
    for name in ["missing/x.tar", "missing/x"] {
      let error = #expect(throws: ArchiveWriteError.self) { try Packing.write(folder(name), Self.files) }
      #expect(error?.description.contains("No such file or directory") == true)
    }
  }
}
