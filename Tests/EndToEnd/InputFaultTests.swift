import Foundation
import Testing

/// Inputs that are cut, hostile or not there.
@Suite struct InputFaultTests {
  @Test(arguments: [Packing.tar, .tarGzip, .tarZstd, .zip, .sevenZip], [1, 4, 7])
  func `a cut archive costs its rest, and the whole one completes the store`(_ packing: Packing, _ tenths: Int) throws {
    let sandbox = try Sandbox()
    let dumps = Listeners(count: 12).dumps
    let archive = try packing.pack(dumps, in: sandbox.folder)
    let bytes = try sandbox.folder.bytes(of: packing.rawValue)
    let cut = try sandbox.folder.write("cut/" + packing.rawValue, [UInt8](bytes.prefix(bytes.count * tenths / 10)))
    let run = try sandbox.sync([cut])
    #expect(run.status == 3)
    let lines = try run.quarantine
    #expect(lines.map(\.reason) == ["truncated"])
    #expect(lines.first?.detail.isEmpty == false)
    #expect(try run.manifest.counts.dumps.isBalanced)

    try sandbox.syncWell([archive])
    let whole = try Sandbox()
    try whole.syncWell([archive])
    let songs = { (libraries: [Stored]) in
      libraries.sorted { $0.userId < $1.userId }.map { [$0.favorites, $0.history] }
    }
    #expect(try songs(sandbox.libraries) == songs(whole.libraries))
  }

  @Test func `a tar that lost its end is reported, and what is in it is used`() throws {
    let sandbox = try Sandbox()
    _ = try Packing.tar.pack([Dump("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)], in: sandbox.folder)
    let bytes = try sandbox.folder.bytes(of: Packing.tar.rawValue)
    let run = try sandbox.sync([sandbox.folder.write("cut.tar", [UInt8](bytes.prefix(1024)))])
    #expect(run.status == 3)
    #expect(try run.quarantine.map(\.detail) == ["the mark of the archive's end is missing"])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == ["a"])
  }

  @Test(arguments: ["a header that is damaged", "a header of zeros", "another tar", "text"])
  func `what is whole in a damaged tar is used, and what is not is named once`(_ what: String) throws {
    let sandbox = try Sandbox()
    let folder = sandbox.folder
    let bytes = { (users: [String]) in
      let dumps = users.map { Dump("\($0).json", #"{"favorites":[{"videoId":"a"}]}"#) }
      _ = try Packing.tar.pack(dumps, in: folder)
      return try folder.bytes(of: Packing.tar.rawValue)
    }
    var tar = try [UInt8](bytes(["ann", "bob", "cid"]))
    let header = 1024
    switch what {
    case "a header that is damaged": tar[header] ^= 1
    case "a header of zeros": tar.replaceSubrange(header..<header + 512, with: repeatElement(0, count: 512))
    case "another tar": try tar += bytes(["dan"])
    default: tar += Array("a text".utf8)
    }
    let run = try sandbox.sync([folder.write("x.tar", tar)])
    let isWhole = what == "another tar"
    #expect(run.status == (isWhole ? 0 : 3))
    #expect(try run.quarantine.map(\.reason) == (isWhole ? [] : ["truncated"]))
    #expect(try run.manifest.counts.dumps.isBalanced)
    let users = try sandbox.libraries.map(\.userId)
    switch what {
    case "another tar": #expect(users == ["ann", "bob", "cid", "dan"])
    case "text": #expect(users == ["ann", "bob", "cid"])
    default: #expect(users == ["ann", "cid"])
    }
  }

  @Test func `text behind a compressed file is named, for it may have been more of it`() throws {
    let sandbox = try Sandbox()
    let archive = try Packing.tarGzip.pack(
      [Dump("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)], in: sandbox.folder)
    let bytes = [UInt8](try sandbox.folder.bytes(of: Packing.tarGzip.rawValue))
    let run = try sandbox.sync([sandbox.folder.write("x.tgz", bytes + Array("a text".utf8))])
    #expect(run.status == 3)
    #expect(try run.quarantine.map(\.reason) == ["truncated"])
    #expect(try run.quarantine.map(\.detail) == ["gzip: what follows its end is none"])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == ["a"])
    try sandbox.restore(nil)
    try sandbox.syncWell([archive])
  }

  @Test func `a zip that lost only the directory at its end loses no dump`() throws {
    let sandbox = try Sandbox()
    let archive = try Packing.zip.pack(Listeners(count: 12).dumps, in: sandbox.folder)
    let bytes = try sandbox.folder.bytes(of: Packing.zip.rawValue)
    try sandbox.sync([sandbox.folder.write("cut.zip", [UInt8](bytes.dropLast(40)))])
    let cut = sandbox.bytes
    try sandbox.restore(nil)
    try sandbox.syncWell([archive])
    #expect(sandbox.bytes == cut)
  }

  @Test(arguments: [Packing.tarZstd, .zip])
  func `a bomb is put out, and what came before and beside it is used`(_ packing: Packing) throws {
    let sandbox = try Sandbox()
    let dumps = [
      Dump("ann.json", #"{"favorites":[{"videoId":"a"}]}"#),
      Dump("b.txt", String(repeating: " ", count: 65 << 20)),
      Dump("c.txt", String(repeating: " ", count: 65 << 20)),
      Dump("dan.json", #"{"favorites":[{"videoId":"d"}]}"#),
    ]
    let bomb = try packing.pack(dumps, in: sandbox.folder)
    let other = try sandbox.folder.write("zoe.json", #"{"favorites":[{"videoId":"z"}]}"#)
    let run = try sandbox.sync([bomb, other], ["--max-expansion", "100"])
    #expect(run.status == 3)
    let line = try #require(try run.quarantine.first)
    #expect(line.reason == "bomb" && line.source.entry == "b.txt")
    #expect(line.detail.hasSuffix("more than 100 to 1"))
    #expect(try sandbox.libraries.map(\.userId) == ["ann", "zoe"])
    #expect(try run.manifest.counts.dumps.isBalanced)
  }

  @Test func `more entries than allowed cost the rest`() throws {
    let sandbox = try Sandbox()
    let archive = try Packing.tarZstd.pack(
      ["ann", "bob", "cid", "dan"].map { Dump("\($0).json", #"{"favorites":[{"videoId":"a"}]}"#) }, in: sandbox.folder)
    let run = try sandbox.sync([archive], ["--max-entries", "2"])
    #expect(run.status == 3)
    #expect(try run.quarantine.map { "\($0.reason): \($0.detail)" } == ["too-many: more than 2 entries"])
    #expect(try sandbox.libraries.map(\.userId) == ["ann", "bob"])
  }

  /// One of a megabyte, and of each of the others a few bytes: copied or joined one by one they would take gigabytes.
  @Test(arguments: ["one favourite", "one song of a playlist with many ids", "a playlist with many ids"])
  func `removals of one thing take no more room than they have in the dump`(_ what: String) throws {
    let sandbox = try Sandbox()
    let (long, ids) = (String(repeating: "x", count: 1 << 20), (0..<2000).map { #""pl_\#($0)""# })
    func stones(_ keys: [String]) -> String {
      let rest = keys.enumerated().map { #"{\#($1),"removedAt":1767000000000,"n":\#($0)}"# }
      return #"[{\#(keys[0]),"removedAt":1767000000000,"x":"\#(long)"},\#(rest.joined(separator: ","))]"#
    }
    let playlist =
      #"{"id":"pl_0","name":"a","songs":[],"updated_at":1767100000000,"client_ids":[\#(ids.joined(separator: ","))]}"#
    let removed =
      switch what {
      case "one favourite": #""favorites":"# + stones(ids.map { _ in #""videoId":"v""# })
      case "a playlist with many ids": #""playlists":"# + stones([#""id":"pl_0""#])
      default: #""playlist_songs":"# + stones(ids.map { #""videoId":"v","playlist_id":\#($0)"# })
      }
    let input = try sandbox.folder.write(
      "ann.json", #"{"user_id":"ann","local_playlists":[\#(playlist)],"removed":{\#(removed)}}"#)
    let run = try sandbox.sync([input])
    // What no document holds leaves the user as they are.
    #expect(run.status == (what == "a playlist with many ids" ? 3 : 0), "\(run.errors)")
    #expect(try run.manifest.peakMemoryBytes < 512 << 20)
  }

  @Test(.timeLimit(.minutes(10))) func `loops of links end, and what lies beside them is used`() throws {
    let sandbox = try Sandbox()
    let folder = sandbox.folder
    try folder.write("in/ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    try folder.write("in/deep/bob.json", #"{"favorites":[{"videoId":"b"}]}"#)
    try folder.link("in/x.json", to: "y.json")
    try folder.link("in/y.json", to: "x.json")
    try folder.link("in/deep/up", to: "..")
    try folder.link("in/self", to: ".")
    try folder.link("in/gone.json", to: "nowhere")
    let run = try sandbox.syncWell([folder("in")])
    let dumps = try run.manifest.counts.dumps
    #expect(dumps.used == 2 && dumps.skipped == 5 && dumps.isBalanced)
    #expect(try sandbox.libraries.map(\.userId) == ["ann", "deep"])
  }

  @Test(.timeLimit(.minutes(10)), arguments: ["missing.json", "loop", "pipe", "noise/../missing"])
  func `an input that cannot be read is 74 and touches nothing`(_ name: String) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.link("loop", to: "loop")
    try #require(unsafe mkfifo(sandbox.folder("pipe"), 0o600) == 0)
    let good = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let run = try sandbox.sync([good, sandbox.folder(name)])
    #expect(run.status == 74)
    #expect(run.output.isEmpty)
    #expect(run.errors.contains("cannot read \(sandbox.folder(name)): "))
    #expect(run.errors.split(separator: "\n").count == 1)
    for path in [sandbox.store, run.state] { #expect(!FileManager.default.fileExists(atPath: path)) }
  }
}
