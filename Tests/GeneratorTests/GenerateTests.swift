import BSON
import Foundation
import Testing

@testable import Generator

@Suite("generate: what is written, and that it repeats")
struct GenerateTests {
  /// Generates into a new folder, with real archives, and hands it to `check`.
  private func withFolder(_ seed: UInt64, _ check: (String, GeneratedSummary) throws -> Void) throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = GeneratorOptions(users: 60, seed: seed, out: folder)
    options.damaged = 0.1
    options.songs = 500
    try check(folder, generate(options))
  }

  @Test("the same seed gives the same bytes, another seed others")
  func repeats() throws {
    var first: [String: String] = [:]
    try withFolder(5) { folder, _ in first = try digests(of: folder) }
    try withFolder(5) { folder, _ in
      let second = try digests(of: folder)
      #expect(second == first)
    }
    try withFolder(6) { folder, _ in
      let other = try digests(of: folder)
      #expect(other["cloud/user_library.bson"] != first["cloud/user_library.bson"])
      #expect(other["exports/browsers-0.tar.zst"] != first["exports/browsers-0.tar.zst"])
    }
    #expect(first.count > 10)
  }

  @Test("every kind of place is made, and has the time of the clock that was given")
  func places() throws {
    try withFolder(5) { folder, summary in
      #expect(
        summary.exports == [
          "browsers-0.tar.zst", "browsers-1.tar.gz", "browsers-2.zip", "browsers-3.7z", "devices", "guests.zip",
          "mongoexport.ndjson", "sync-requests.tar.gz", "torn.tar.gz", "uploads.tar",
        ])
      // A file of lines has the time of its newest dump.
      for name in summary.exports where name != "mongoexport.ndjson" {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder)/exports/\(name)")
        #expect((attributes[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_767_225_600)
      }
    }
  }

  @Test("a listener is the same however many others there are")
  func independence() throws {
    let few = try Generated { $0.users = 20 }
    let many = try Generated { $0.users = 30 }
    #expect(many.libraries.starts(with: few.libraries))
  }

  @Test("documents are well-formed BSON, libraries have unique users")
  func documents() throws {
    let generated = try Generated { _ in }
    var users: Set<String> = []
    try eachDocument(in: generated.libraries) { document in
      try document.validate()
      let user = try #require(try document.value("user_id")?.string)
      users.insert(user.string)
      #expect(try document.value("history")?.array?.count() ?? 0 <= 500)
    }
    #expect(users.count == generated.summary.cloudDocuments)
    #expect(generated.summary.cloudBytes == generated.libraries.count)
    var accounts = 0
    try eachDocument(in: generated.accounts) { document in
      try document.validate()
      accounts += 1
    }
    #expect(accounts == generated.summary.accounts)
    // Some listeners are new to the cloud, some are guests.
    #expect((90..<150).contains(users.count))
    #expect((110..<150).contains(accounts))
  }

  @Test("indexes are those of the store's collections")
  func metadata() throws {
    try withFolder(5) { folder, _ in
      let data = try Data(contentsOf: URL(filePath: folder + "/cloud/user_library.metadata.json"))
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let indexes = try #require(object["indexes"] as? [[String: Any]])
      #expect(indexes.compactMap { $0["name"] as? String } == ["_id_", "user_id_1", "updated_at_1"])
      #expect(indexes[1]["unique"] as? Bool == true)
      #expect(object["collectionName"] as? String == "user_library")
    }
  }

  @Test("no users give empty collections")
  func nobody() throws {
    let generated = try Generated { $0.users = 0 }
    #expect(generated.libraries.isEmpty)
    #expect(generated.summary.dumps == 0)
  }

  @Test("options that make no sense are refused, and so is a folder with something in it")
  func refusals() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var options = GeneratorOptions(users: 1, seed: 1, out: folder)
    options.damaged = 1.5
    #expect(throws: GeneratorError.invalidOption(name: "damaged", value: "1.5", allowed: "a share in 0...1")) {
      try generate(options)
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
    options.damaged = 0
    try generate(options)
    #expect(throws: GeneratorError.notEmpty(path: folder)) { try generate(options) }
  }

  @Test(
    "archives are refused that are not in the folder, are named twice, or of no known kind",
    arguments: [
      ["../../a.zip"], ["sub/a.zip"], ["/a.zip"], ["a.zip/"], ["."], [".."], [""], ["a.rar"], ["a.zip", "b.rar"],
      ["a.zip", "b.zip", "a.zip"],
    ])
  func archiveNames(_ names: [String]) throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let error = #expect(throws: GeneratorError.self) {
      try generate(.benchmark(users: 1, seed: 3, out: folder, archives: names))
    }
    guard case .invalidOption("archives", _, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
  }

  @Test("the benchmark's dumps and documents have the sizes that it names")
  func benchmark() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let summary = try generate(.benchmark(users: 200, seed: 3, out: folder))
    #expect(summary.dumps == 200)
    #expect(summary.cloudDocuments == 200)
    #expect(summary.exports == ["dumps.tar.zst"])
    let document = Double(summary.cloudBytes) / 200
    let dump = Double(summary.dumpBytes) / 200
    #expect(abs(document / 99_000 - 1) < 0.15, "a cloud document has \(document) bytes")
    #expect(abs(dump / 23_000 - 1) < 0.15, "a dump has \(dump) bytes")
  }
}
