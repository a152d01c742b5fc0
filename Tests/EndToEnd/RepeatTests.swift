import Foundation
import Randomness
import Testing

/// The outcome is the same bytes however the dumps come, and a second run finds nothing to do.
@Suite struct RepeatTests {
  @Test(arguments: Packing.allCases)
  func `packing, order of dumps, inputs and workers change no byte of the store`(_ packing: Packing) throws {
    let dumps = Listeners().dumps
    let expected = try Self.store(of: dumps, .folder, ["--workers", "1"])
    for (workers, seed) in [("1", 1), ("2", 2), ("8", 3)] as [(String, UInt64)] {
      var random = SeededRandom(seed: seed)
      let shuffled = dumps.shuffled(using: &random)
      #expect(try Self.store(of: shuffled, packing, ["--workers", workers], inputs: Int(seed)) == expected)
    }
  }

  /// The store that the dumps give when they are spread over some inputs.
  private static func store(
    of dumps: [Dump], _ packing: Packing, _ flags: [String], inputs: Int = 1
  ) throws -> Data {
    let sandbox = try Sandbox()
    let paths = try (0..<inputs).map { part in
      let share = dumps.enumerated().filter { $0.offset % inputs == part }.map(\.element)
      return try packing.pack(share, in: sandbox.folder, as: "\(part)-")
    }
    try sandbox.syncWell(paths.reversed(), flags)
    return try #require(sandbox.bytes)
  }

  /// Readers that wait must leave threads to whom they wait for, however many they are.
  @Test(.timeLimit(.minutes(5)), arguments: [[], ["--resumable"]])
  func `more inputs and workers than the system gives threads end`(_ flags: [String]) throws {
    let sandbox = try Sandbox()
    let inputs = try (0..<600).map { user in
      try sandbox.folder.write("in/\(user).json", #"{"favorites":[{"videoId":"a"}]}"#)
    }
    try sandbox.syncWell(inputs, ["--workers", "600"] + flags)
    #expect(try sandbox.libraries.count == inputs.count)
  }

  @Test(arguments: [Packing.folder, .tar, .tarGzip, .tarZstd, .zip, .sevenZip])
  func `dumps that their paths and times alone describe give the same bytes from every packing`(
    _ packing: Packing
  ) throws {
    // The same entries at two times: what the newer one says of a song without a time decides.
    let dumps = [
      Dump("ann/phone.json", #"{"tldr-queue":[{"videoId":"new"}]}"#, modifiedAt: Dump.modifiedAt + 60_000),
      Dump("ann/desk.json", #"{"tldr-queue":[{"videoId":"old"}],"tldr-repeat":"one"}"#),
      Dump("bob.json", #"{"favorites":[{"videoId":"b"}]}"#),
    ]
    let sandbox = try Sandbox()
    try sandbox.syncWell([packing.pack(dumps, in: sandbox.folder)])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(Stored.ids(ann.queue) == ["new"])
    #expect(ann.preferences?.repeat == "one")
    #expect(Stored.ids(try sandbox.library(of: "bob")?.favorites) == ["b"])
    #expect(sandbox.bytes == (try Self.store(of: dumps, .folder, [])))
  }

  @Test func `runs that spill to disk give the same bytes`() throws {
    let sandbox = try Sandbox()
    let big = try Big(users: 260, in: sandbox)
    try sandbox.restore(big.cloud)
    let roomy = try sandbox.syncWell([big.exports], ["--workers", "2"])
    #expect(try roomy.manifest.spilledRuns == 0)
    let expected = try #require(sandbox.bytes)
    for workers in ["1", "2", "8"] {
      try sandbox.restore(big.cloud)
      let run = try sandbox.syncWell([big.exports], ["--memory", "16MiB", "--workers", workers])
      #expect(try run.manifest.spilledRuns > 0)
      #expect(sandbox.bytes == expected)
      let names = try FileManager.default.contentsOfDirectory(atPath: run.folder)
      #expect(
        names.filter { !$0.hasPrefix("settled-") }.sorted() == [
          "before", "journal.bson", "log.ndjson", "manifest.json", "metrics.prom", "quarantine.ndjson", "report.html",
          "report.json",
        ])
    }
  }

  @Test(arguments: Packing.allCases)
  func `a second run writes nothing at all`(_ packing: Packing) throws {
    let sandbox = try Sandbox()
    let dumps = Listeners().dumps
    try sandbox.syncWell([packing.pack(dumps, in: sandbox.folder)])
    let before = try Self.status(sandbox)
    let again = try packing.pack(dumps.reversed(), in: sandbox.folder, as: "again-")
    let run = try sandbox.syncWell([again], ["--as-of", "2026-02-01T00:00:00Z"])
    #expect(try Self.status(sandbox) == before)
    let users = try run.manifest.users
    #expect(users.changed == 0 && users.created == 0 && users.unchanged == 24)
  }

  /// What tells whether a file was written or replaced, for each file of the store but the lock and the list of runs.
  private static func status(_ sandbox: Sandbox) throws -> [String: [String]] {
    var files: [String: [String]] = [:]
    for path in sandbox.folder.files(under: "store") {
      if path.hasSuffix(".mixdown.lock") || path.hasSuffix("/job_runs.bson") { continue }
      var status = stat()
      try #require(unsafe stat(path, &status) == 0)
      files[path] = ["\(status.st_ino)", "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)", "\(status.st_size)"]
    }
    try #require(files.count == 5)
    return files
  }
}

/// Input that takes a run some hundred milliseconds: invented by the program itself.
struct Big {
  let exports: String
  /// The store as it is before the run.
  let cloud: Data

  init(users: Int, in sandbox: Sandbox) throws {
    let out = sandbox.folder("big")
    let run = try mixdown(["generate", "--profile", "benchmark", "--users", "\(users)", "--seed", "7", "--out", out])
    try #require(run.status == 0, "\(run.errors)")
    exports = out + "/exports"
    cloud = try Data(contentsOf: URL(fileURLWithPath: out + "/cloud/user_library.bson"))
  }
}
