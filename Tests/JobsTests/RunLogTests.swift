import Foundation
import Jobs
import Logging
import Testing

/// `log.ndjson` of a run.
@Suite struct RunLogTests {
  private struct Line: Decodable {
    var time, level, message: String
    var metadata: [String: String]
  }

  private func lines(_ folder: Folder) throws -> [Line] {
    try folder.text("log.ndjson").split(separator: "\n").map {
      try JSONDecoder().decode(Line.self, from: Data($0.utf8))
    }
  }

  private func logger(_ log: RunLog, _ level: Logger.Level = .info) -> Logger {
    Logger(label: "test") { _ in RunLogHandler(log, logLevel: level) }
  }

  @Test func `what is said before the folder is there is written too, in its order`() throws {
    let folder = try Folder()
    let log = RunLog()
    var logger = logger(log)
    logger[metadataKey: "run"] = "R"
    logger.info("first")
    logger.debug("too little to be written")
    try log.open(folder.path + "/log.ndjson")
    logger.error("second", metadata: ["user": "a\"b\n\u{0}", "run": "S"])
    let lines = try lines(folder)
    #expect(lines.map(\.message) == ["first", "second"] && lines.map(\.level) == ["info", "error"])
    #expect(lines[0].metadata == ["run": "R"] && lines[1].metadata == ["run": "S", "user": "a\"b\n\u{0}"])
    #expect(lines.allSatisfy { $0.time.hasSuffix("Z") && $0.time.count == 24 })
    let mode = try FileManager.default.attributesOfItem(atPath: folder.path + "/log.ndjson")[.posixPermissions]
    #expect(mode as? Int == 0o600)
  }

  @Test func `metadata of any shape is JSON`() throws {
    let folder = try Folder()
    let log = RunLog()
    try log.open(folder.path + "/log.ndjson")
    logger(log).info("m", metadata: ["a": ["x", ["y": "z"], "\(1)"], "b": [:], "c": []])
    let text = try folder.text("log.ndjson")
    let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
    #expect((object?["metadata"] as? [String: Any])?.keys.sorted() == ["a", "b", "c"])
  }

  @Test(arguments: [
    ("mongodb://batch:hunter2@db/music?x=1", "mongodb://batch:…@db/music?x=1"),
    ("no mongodb+srv://u:hun:ter2@a,b/c and http://x:hunter2@y", "no mongodb+srv://u:…@a,b/c and http://x:…@y"),
    ("mongodb://u:hunter/2@db/music", "mongodb://u:…@db/music"),
    ("mongodb://db:27017/music a@b", "mongodb://db:27017/music a@b"),
    ("mongodb://batch@db/music", "mongodb://batch@db/music"),
    (#"{"tldr-access-token":"hunter2"}"#, "<redacted>"), (#"a tldr-refresh\u002dtoken hunter2"#, "<redacted>"),
    ("://", "://"), ("plain", "plain"),
  ])
  func `passwords and tokens are not written`(said: String, written: String) throws {
    let folder = try Folder()
    let log = RunLog()
    try log.open(folder.path + "/log.ndjson")
    logger(log).info("\(said)", metadata: ["why": "\(said)"])
    #expect(!(try folder.text("log.ndjson").contains("hunter")))
    #expect(try lines(folder).map(\.message) == [written] && lines(folder)[0].metadata == ["why": written])
  }

  @Test func `lines of many threads do not mix, and a log that cannot be opened fails alone`() async throws {
    let folder = try Folder()
    let log = RunLog()
    #expect(throws: (any Error).self) { try log.open(folder.path + "/none/log.ndjson") }
    try log.open(folder.path + "/log.ndjson")
    let logger = logger(log)
    await withTaskGroup { group in
      for task in 0..<8 { group.addTask { for turn in 0..<50 { logger.info("\(task) \(turn)") } } }
    }
    #expect(try Set(lines(folder).map(\.message)).count == 400)
  }
}
