import Foundation
import Testing

/// Stores that cannot be trusted: refused with the place, and left as they are.
@Suite struct StoreFaultTests {
  /// Damage to a store.
  enum Damage: String, CaseIterable, Sendable {
    case cutByOne, cutInTheMiddle, cutToThreeBytes, text, zeros, hugeLength, negativeLength, lostTerminator
    case secondDocument, noUser, brokenElement

    func done(to whole: Data) -> Data {
      var bytes = whole
      switch self {
      case .cutByOne: return whole.dropLast(1)
      case .cutInTheMiddle: return whole.prefix(whole.count / 2)
      case .cutToThreeBytes: return whole.prefix(3)
      case .text: return Data("{\"user_id\": \"ann\"}\n".utf8)
      case .zeros: return whole + Data(count: 100)
      case .hugeLength: bytes[3] = 0x7F
      case .negativeLength: bytes[3] = 0xFF
      case .lostTerminator: bytes[whole.count - 1] = 1
      case .secondDocument: return whole + whole
      case .noUser: return whole + Data([5, 0, 0, 0, 0])
      case .brokenElement: bytes[4] = 0xEE
      }
      return bytes
    }
  }

  @Test(arguments: Damage.allCases)
  func `a torn or foreign store is refused with its offset, and stays`(_ damage: Damage) throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners(count: 6).dumps, in: sandbox.folder)
    try sandbox.syncWell([input])
    let whole = try #require(sandbox.bytes)
    let damaged = damage.done(to: whole)
    try sandbox.restore(damaged)
    let run = try sandbox.sync([input], ["--write-back", sandbox.folder("back")])
    #expect(run.status == 65)
    #expect(run.output.isEmpty)
    #expect(run.errors.contains("\(sandbox.library): not a store that can be trusted, byte "))
    #expect(run.errors.contains("It was left as it is."))
    #expect(sandbox.bytes == damaged)
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("back")))
    #expect(try sandbox.sync([input], ["--dry-run"]).status == 65)
    #expect(sandbox.bytes == damaged)

    try sandbox.restore(nil)
    try sandbox.syncWell([input])
    #expect(sandbox.bytes == whole)
  }

  @Test func `a run whose library is refused writes to no other collection, and says in its folder why`() throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners(count: 6).dumps, in: sandbox.folder)
    try sandbox.syncWell([input])
    let damaged = try #require(sandbox.bytes).dropLast(1)
    try sandbox.restore(damaged)
    let run = try sandbox.sync([input])
    #expect(run.status == 65 && sandbox.bytes == damaged)
    let manifest = try run.manifest
    #expect(manifest.outcome == "failed" && manifest.exitStatus == 65)
    #expect(manifest.error?.contains(sandbox.library) == true)
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.store).sorted()
    #expect(names == [".mixdown.lock", "job_runs.bson", "job_runs.metadata.json", "user_library.bson"])
  }

  @Test(arguments: ["user_library", "play_archive", "job_runs"], ["{torn", "", "[]"])
  func `metadata that is no JSON object is refused before anything is written, whichever collection's it is`(
    _ collection: String, _ text: String
  ) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let metadata = "store/\(collection).metadata.json"
    let path = try sandbox.folder.write(metadata, text)
    let run = try sandbox.sync([input])
    #expect(run.status == 65 && run.errors.contains("\(path): "), "\(run.errors)")
    #expect(run.errors.contains("no JSON object"))
    #expect(try sandbox.folder.bytes(of: metadata) == Array(text.utf8))
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.store).sorted()
    #expect(names == [".mixdown.lock", "\(collection).metadata.json"])
    // The run that makes the file anew is no other.
    try FileManager.default.removeItem(atPath: path)
    try sandbox.syncWell([input])
  }

  @Test func `metadata of a newer form, and what no run writes, stop nobody`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let newer = #"{"indexes":{"of":["another",{"kind":1e400}]},"type":"timeseries","options":null,"format":9}"#
    try sandbox.folder.write("store/user_library.metadata.json", newer)
    try sandbox.folder.write("store/users.metadata.json", "{torn")
    try sandbox.syncWell([input])
    #expect(try sandbox.folder.bytes(of: "store/user_library.metadata.json") == Array(newer.utf8))
  }

  /// Each kind of command that opens a store, but for sync.
  private func openings(of store: String, _ sandbox: Sandbox) -> [[String]] {
    [
      ["learn", "--store", store, "--state", sandbox.newState()], ["doctor", "--store", store],
      ["setup", "--store", store], ["copy", store, sandbox.folder("copied")],
      ["inspect", "--store", store, "--user", "ann"],
    ]
  }

  @Test(arguments: [false, true])
  func `a collection that is there compressed is refused, whoever opens it`(isDouble: Bool) throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners(count: 6).dumps, in: sandbox.folder)
    if isDouble { try sandbox.syncWell([input]) }
    let before = sandbox.bytes
    let path = try sandbox.folder.write("store/user_library.bson.gz", [0x1F, 0x8B])
    var runs = try [sandbox.sync([input]), sandbox.sync([input], ["--dry-run"])]
    runs += try openings(of: sandbox.store, sandbox).map { try mixdown($0) }
    for run in runs {
      #expect(run.status == 65, "\(run.output)\(run.errors)")
      let said = run.output + run.errors
      #expect(said.contains(path) && said.contains(isDouble ? "remove it" : "gunzip"), "\(said)")
    }
    #expect(sandbox.bytes == before)
    #expect(!FileManager.default.fileExists(atPath: sandbox.store + "/songs.bson"))
    try FileManager.default.removeItem(atPath: path)
    try sandbox.syncWell([input])
  }

  @Test func `a collection that nobody opens may be compressed`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("store/songs.bson.gz", [0x1F, 0x8B])
    try sandbox.syncWell([input])
  }

  @Test(arguments: ["user_library.bson", "user_library.bson.gz"])
  func `the folder of a whole dump is refused, and the database that is meant is named`(_ file: String) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let database = try sandbox.folder.write("store/music/\(file)", [UInt8]()).dropLast(file.utf8.count + 1)
    var runs = try [sandbox.sync([input]), sandbox.sync([input], ["--dry-run"])]
    runs += try openings(of: sandbox.store, sandbox).map { try mixdown($0) }
    for run in runs {
      #expect(run.status == 65, "\(run.output)\(run.errors)")
      #expect((run.output + run.errors).contains("name \(database)"), "\(run.output)\(run.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.store) == ["music"])
  }

  @Test func `a folder with others in it, of which none is a database, is a new store`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("store/music/songs.json", "[]")
    try sandbox.syncWell([input])
    #expect(sandbox.bytes != nil)
  }

  @Test(arguments: ["user_library.bson", "play_archive.bson", "user_library.metadata.json"])
  func `a link in the place of a file is refused, and read through`(_ name: String) throws {
    let sandbox = try Sandbox()
    let first = try Packing.tarZstd.pack(Listeners(count: 6, seed: 2).dumps, in: sandbox.folder, as: "first-")
    let second = try Packing.tarZstd.pack(Listeners(count: 6).dumps, in: sandbox.folder)
    try sandbox.syncWell([first])
    let (path, target) = (sandbox.store + "/" + name, sandbox.folder("elsewhere.file"))
    try FileManager.default.moveItem(atPath: path, toPath: target)
    try sandbox.folder.link("store/\(name)", to: target)
    let before = try sandbox.folder.bytes(of: "elsewhere.file")
    let runs = try sandbox.folder.bytes(of: "store/job_runs.bson")
    let run = try sandbox.sync([second])
    #expect(run.status == 65 && run.errors.contains("\(path): "), "\(run.errors)")
    #expect(run.errors.contains("a symbolic link"))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == target)
    #expect(try sandbox.folder.bytes(of: "elsewhere.file") == before)
    #expect(try sandbox.folder.bytes(of: "store/job_runs.bson") == runs)
    let dry = try sandbox.sync([first], ["--dry-run"])
    #expect(dry.status == 0 && dry.output.contains("0 changed, 6 unchanged"), "\(dry.output)\(dry.errors)")
  }

  @Test func `a folder that is a link is a store`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try FileManager.default.createDirectory(atPath: sandbox.folder("real"), withIntermediateDirectories: true)
    try sandbox.folder.link("store", to: sandbox.folder("real"))
    try sandbox.syncWell([input])
    #expect(FileManager.default.fileExists(atPath: sandbox.folder("real/user_library.bson")))
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: sandbox.store) == sandbox.folder("real"))
  }

  @Test func `damage inside a document is found when the document is needed`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[{"videoId":"needle"}],"user_id":"ann"}"#)
    try sandbox.syncWell([input])
    var damaged = try #require(sandbox.bytes)
    // The length of the string.
    let needle = try #require(damaged.range(of: Data("needle".utf8)))
    damaged[needle.lowerBound - 4] = 0x7F
    try sandbox.restore(damaged)
    let run = try sandbox.sync([input])
    #expect(run.status == 65)
    #expect(run.errors.contains("in the document of ann"))
    #expect(sandbox.bytes == damaged)
  }

  /// The library of ann with one more field, `x`, in BSON.
  private func library(_ type: UInt8, _ value: [UInt8]) -> Data {
    let user: [UInt8] = [0x02] + Array("user_id".utf8) + [0] + little(4, bytes: 4) + Array("ann".utf8) + [0]
    let fields = user + [type] + Array("x".utf8) + [0] + value + [0]
    return Data(little(4 + fields.count, bytes: 4) + fields)
  }

  private func little(_ number: Int, bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  @Test func `a library that is nested deeper than anybody nests is refused when somebody asks for it`() throws {
    let sandbox = try Sandbox()
    var nested: [UInt8] = []
    for inside in stride(from: 10_000, through: 0, by: -1) {
      nested += little(5 + 7 * inside, bytes: 4)
      if inside > 0 { nested += [0x03, 0] }
    }
    try sandbox.restore(library(0x03, nested + [UInt8](repeating: 0, count: 10_001)))
    let run = try mixdown(["inspect", "--store", sandbox.store, "--user", "ann"])
    #expect(run.status == 65 && run.output.isEmpty)
    #expect(run.errors.contains("in the document of ann") && run.errors.contains("nested deeper than 200"))
  }

  @Test func `a library with the earliest date of all is shown`() throws {
    let sandbox = try Sandbox()
    try sandbox.restore(library(0x09, little(.min, bytes: 8)))
    let run = try mixdown(["inspect", "--store", sandbox.store, "--user", "ann"])
    #expect(run.status == 0 && run.output.contains(#""x": "-292275055-05-16T16:47:04.192Z""#), "\(run.errors)")
  }

  @Test func `a store in the place of which a file or a folder of another kind stands is refused`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("store", "a file")
    let file = try sandbox.sync([input])
    #expect(file.status == 74 && file.errors.contains(sandbox.store))
    try FileManager.default.removeItem(atPath: sandbox.store)
    try FileManager.default.createDirectory(atPath: sandbox.library, withIntermediateDirectories: true)
    let folder = try sandbox.sync([input])
    #expect(folder.status == 65 && folder.errors.contains("no regular file"))
  }

  @Test func `what a killed run left is removed, and other files of the store stay`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("store/user_library.bson.partial", "half")
    try sandbox.folder.write("store/users.bson", "the application's own")
    try sandbox.folder.write("store/user_library.metadata.json", "{}")
    try sandbox.syncWell([input])
    let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.store).sorted()
    let runs = ["job_runs.bson", "job_runs.metadata.json"]
    #expect(names == [".mixdown.lock"] + runs + ["user_library.bson", "user_library.metadata.json", "users.bson"])
    #expect(try sandbox.folder.bytes(of: "store/user_library.metadata.json") == Array("{}".utf8))
  }
}
