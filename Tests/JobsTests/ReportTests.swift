import Foundation
import Library
import Stores
import Sync
import Testing

@testable import Jobs

/// The report of a run, from what lies in its folder.
@Suite struct ReportTests {
  @Test func `a report is made again to the byte`() throws {
    let folder = try Folder()
    var data = ReportData()
    data.learned = [.init("Scores written", "12")]
    data.population = [
      .init(dimension: "genre", values: [.init("b", 0.25, before: 0.5), .init("a", 0.75, before: 0.75)])
    ]
    try folder.write("manifest.json", folder.manifestJSON(Folder.manifest))
    let report = RunReport(folder: folder.path)
    try report.keep(data)
    #expect(try report.data() == data)
    try report.make()
    let first = try folder.text("report.html")
    try report.make()
    #expect(try first == folder.text("report.html"))
    #expect(first.contains("▼</span>") && first.contains("±0.0"))
    #expect(first.range(of: ">a</th>")!.lowerBound < first.range(of: ">b</th>")!.lowerBound)
    let mode = try FileManager.default.attributesOfItem(atPath: report.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func `what has moved most is shown, however small it is`() throws {
    let folder = try Folder()
    let steady = (0..<60).map { ReportData.Shares.Value("steady-\($0)", 0.01, before: 0.01) }
    let moved = [("fallen", 0, 0.009), ("risen", 0.008, 0), ("nudged", 0.001, 0.0008)].map {
      ReportData.Shares.Value($0, $1, before: $2)
    }
    var data = ReportData()
    data.population = [.init(dimension: "genre", values: ReportData.Shares.foremost(of: steady + moved))]
    #expect(data.population[0].values.count == 50)
    try RunReport(folder: folder.path).make(Folder.manifest, data)
    let html = try folder.text("report.html")
    let known = Set((steady + moved).map(\.name))
    let shown = html.split(separator: "<th scope=\"row\">").compactMap { $0.split(separator: "</th>").first }
    let great = ["0", "1", "10", "11", "12", "13", "14", "15"].map { "steady-\($0)" }
    #expect(shown.map(String.init).filter(known.contains) == great + ["risen", "fallen"])
  }

  @Test func `a run that computed nothing more has a report of its manifest`() throws {
    let folder = try Folder()
    try folder.write("manifest.json", folder.manifestJSON(Folder.manifest))
    try RunReport(folder: folder.path).make()
    let html = try folder.text("report.html")
    for part in ["flow", "changes", "run"] { #expect(html.contains("<section id=\"\(part)\"")) }
    for part in ["quarantine", "plays", "songs", "learned", "listeners"] {
      #expect(!html.contains("<section id=\"\(part)\""))
    }
    #expect(!html.contains("<script"))
  }

  @Test(
    arguments: [
      (Manifest.Outcome.done, [:], ">Done<"), (.done, ["no-time": 1], "Done, needs a look"), (.failed, [:], "Failed"),
      (.interrupted, [:], "Interrupted"), (.running, [:], "Running"),
    ] as [(Manifest.Outcome, [String: Int], String)])
  func `how a run ended is said in words`(outcome: Manifest.Outcome, quarantine: [String: Int], words: String) throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    (manifest.outcome, manifest.quarantine) = (outcome, quarantine)
    manifest.error = outcome == .failed ? "the <disk> is full" : nil
    try RunReport(folder: folder.path).make(manifest, ReportData())
    let html = try folder.text("report.html")
    #expect(html.contains(words.replacing("<", with: "").replacing(">", with: "")))
    #expect(html.contains("the &lt;disk&gt; is full") == (outcome == .failed))
  }

  @Test(
    arguments: [
      (["newer": 1], "1 user or document left as it was", true),
      (["newer": 12_345, "active": 1], "12,345 users or documents left as they were", true),
      (["active": 2], "2 users or documents left as they were", false), ([:], "Done", false),
    ] as [([String: Int], String, Bool)])
  func `what was left may be songs: it is not said that it were users`(
    left: [String: Int], words: String, needsALook: Bool
  ) throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    manifest.left = left
    try RunReport(folder: folder.path).make(manifest, ReportData())
    let html = try folder.text("report.html")
    #expect(html.contains(words) && html.contains("Done, needs a look") == needsALook)
  }

  @Test func `a dry run of a job says that nothing was written`() throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    manifest.parameters = ["sync.dry-run": "true", "learn.dry-run": "true"]
    try RunReport(folder: folder.path).make(manifest, ReportData())
    #expect(try folder.text("report.html").contains("A dry run: nothing was written."))
  }

  @Test(
    arguments: [
      (["mode": "merge"], "--store data/store"), (["state": "runs"], "--state runs"),
      (["setup.validate": "warn", "sync.state": "/srv/runs", "learn.state": "/srv/runs"], "--state /srv/runs"),
    ] as [([String: String], String)])
  func `the command that shows what was quarantined finds the run`(_ parameters: [String: String], _ flag: String)
    throws
  {
    let folder = try Folder()
    var manifest = Folder.manifest
    (manifest.parameters, manifest.quarantine) = (parameters, ["no-time": 1])
    try RunReport(folder: folder.path).make(manifest, ReportData())
    let command = "<code>mixdown quarantine \(manifest.runID) \(flag)</code>"
    #expect(try folder.text("report.html").contains(command))
  }

  // MARK: Names

  private static let secret = "secret-listener"

  private static func quarantine(_ folder: Folder, order: [Int]) throws {
    let lines = order.map { number in
      """
      {"run_id":"R","source":{"input":"in.tar","entry":"\(secret)-\(number)/phone.json","line":null},\
      "user_id":\(number == 3 ? "null" : "\"\(secret)-\(number)\""),"section":"queue","index":\(number),\
      "reason":"invalid-field","detail":"\(secret)-\(number)/phone.json: no object","raw":"\(secret)"}
      """
    }
    try folder.write("quarantine.ndjson", lines.joined(separator: "\n") + "\n")
  }

  @Test func `without leave nobody is named, not by a path either`() throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    manifest.quarantine = ["invalid-field": 5]
    manifest.inputs = Folder.inputs("/in/\(Self.secret).json.gz")
    manifest.parameters = ["inputs": "/in/\(Self.secret).json.gz", "sync.inputs": "/in/\(Self.secret).json"]
    try Self.quarantine(folder, order: [0, 1, 2, 3, 4])
    try RunReport(folder: folder.path).make(manifest, ReportData())
    let html = try folder.text("report.html")
    #expect(!html.contains(Self.secret))
    #expect(html.contains("…/…: no object") && html.contains("/in/….json.gz") && html.contains("queue, entry 1"))
  }

  @Test func `with leave as many are named as may be, and the order of lines changes nothing`() throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    manifest.quarantine = ["invalid-field": 5]
    var data = ReportData()
    data.namedUsers = 2
    var pages: Set<String> = []
    for order in [[0, 1, 2, 3, 4], [4, 2, 3, 0, 1], [2, 1, 0, 4, 3]] {
      try Self.quarantine(folder, order: order)
      try RunReport(folder: folder.path).make(manifest, data)
      pages.insert(try folder.text("report.html"))
    }
    let html = try #require(pages.first)
    #expect(pages.count == 1)
    #expect(html.contains("user \(Self.secret)-0") && html.contains("user \(Self.secret)-1"))
    #expect(!html.contains("\(Self.secret)-2") && !html.contains("\(Self.secret)-3"))
  }

  @Test func `a string of a dump is not a reason`() throws {
    let folder = try Folder()
    var manifest = Folder.manifest
    manifest.quarantine = ["no-time": 1]
    let name = #"x\",\"reason\":\"invalid-json"#
    try folder.write(
      "quarantine.ndjson",
      #"{"run_id":"R","source":{"input":"\#(name)","entry":null,"line":1},"user_id":null,"section":"history","index":0,"#
        + #""reason":"no-time","detail":"why","raw":{"reason":"bomb"}}"# + "\n")
    try RunReport(folder: folder.path).make(manifest, ReportData())
    let html = try folder.text("report.html")
    #expect(html.contains("1 example<") && html.contains("<code>no-time</code>"))
  }

  @Test func `a user who is forgotten is in the data no more`() throws {
    var data = ReportData()
    data.users = [.init(id: "ann", affinities: []), .init(id: "bob", affinities: [])]
    data.forget("ann")
    #expect(data.users.map(\.id) == ["bob"])
  }

  @Test func `what is no manifest is refused by its path`() throws {
    let folder = try Folder()
    try folder.write("manifest.json", "{}")
    #expect(throws: StoreError.self) { try RunReport(folder: folder.path).make() }
    #expect(throws: StoreError.self) { try RunReport(folder: folder.path + "/nowhere").make() }
  }
}

/// A run's folder of a test, removed with it.
final class Folder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "mixdown-jobs-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
  }

  func manifestJSON(_ manifest: Manifest) throws -> String {
    String(decoding: try JSONEncoder().encode(manifest), as: UTF8.self)
  }

  private static func json<T: Decodable>(_ text: String, else other: T) -> T {
    (try? JSONDecoder().decode(T.self, from: Data(text.utf8))) ?? other
  }

  /// One input of 2 KiB.
  static func inputs(_ path: String) -> [Manifest.Input] {
    json(#"[{"path":"\#(path)","bytes":2048,"finished":true}]"#, else: [])
  }

  /// A run that ended well.
  static var manifest: Manifest {
    var manifest = Manifest(
      run: RunID(milliseconds: 1_767_225_600_000), job: "nightly", version: "0.1.0", store: "data/store",
      parameters: ["mode": "merge"], asOf: 1_767_225_600_000)
    manifest.runID = "01KDXV0T8PQ2E2T1YH5Z6W3J9N"
    manifest.startedAt = "2026-01-01T00:00:00.000Z"
    manifest.endedAt = "2026-01-01T00:00:02.500Z"
    (manifest.host, manifest.process) = ("batch-1", 17)
    (manifest.outcome, manifest.exitStatus) = (.done, 0)
    manifest.counts = json(
      """
      {"dumps":{"read":4,"used":3,"quarantined":0,"skipped":1},
       "entries":{"read":21,"kept":10,"merged":5,"superseded":3,"beyond_limit":2,"removed":1,"quarantined":0}}
      """, else: manifest.counts)
    manifest.users = json(
      #"{"seen":3,"changed":1,"unchanged":1,"created":1,"left":0}"#, else: manifest.users)
    manifest.changedFields = ["history": 2]
    manifest.inputs = inputs("in.tar")
    manifest.seconds = ["read": 0.5, "merge": 1.75, "commit": 0.25, "total": 2.5]
    manifest.peakMemoryBytes = 1 << 20
    return manifest
  }
}
