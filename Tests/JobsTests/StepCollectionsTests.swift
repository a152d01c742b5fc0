import ArgumentParser
import Foundation
import MongodHarness
import Stores
import Testing

@testable import Jobs
@testable import mixdown

/// What a step declares is what it locks: a run that wrote anything else could meet another that does.
@Suite struct StepCollectionsTests {
  private static let sample: String = {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return tests.deletingLastPathComponent().path + "/data"
  }()

  @Test(arguments: ["sync", "sessions", "learn"])
  func `a step writes no other collections than it declares`(_ name: String) throws {
    let store = try TestStore(.directory)
    try FileManager.default.copyItem(atPath: Self.sample + "/cloud", toPath: store.name)
    _ = try Setup().run(on: store.open())
    let ping = #"{"user_id": "ann", "session_id": "s", "last_ping_at": \#(wallClock())}"#
    let inputs = ["sync": [Self.sample + "/exports/guests.zip"], "sessions": [try store.file("pings.ndjson", ping)]]
    let state = store.folder + "/state"
    let arguments = (inputs[name] ?? []) + ["--store", store.name, "--state", state, "--quiet"]
    let step = try #require(Steps.command(name)).parse(arguments).step()
    let before = files(of: store)
    let report = Job(name: name, store: store.name, state: state, asOf: wallClock(), steps: [step]).run()
    #expect([.done, .quarantined].contains(report.status), "\(report.manifest.error ?? "")")
    let after = files(of: store)
    let written = Set(after.keys.filter { after[$0] != before[$0] })
    #expect(written.subtracting(step.collections.map(\.name)) == ["job_runs"])
    #expect(written.count > 1)
  }

  @Test(arguments: [
    ["sync"], ["sync", "--skip-active"], ["sync", "--dry-run"], ["sessions"], ["learn"], ["learn", "--dry-run"],
    ["evaluate"], ["report", "--report-users", "2"],
  ])
  func `a step needs no other indexes than it declares, and none that is not there`(_ command: [String]) throws {
    let store = try TestStore(.server)
    let database = try #require(store.database)
    let inputs = command[0] == "sync" ? [try store.file("ann.json", #"{"history": []}"#)] : []
    let state = store.folder + "/state"
    let arguments = command.dropFirst() + inputs + ["--store", store.name, "--state", state, "--quiet"]
    let step = try #require(Steps.command(command[0])).parse(Array(arguments)).step()
    try database.makeIndexes(step.reliesOn + (step.writes ? [.jobRuns] : []))
    func run() -> Job.Report {
      Job(name: command[0], store: store.name, state: state, asOf: wallClock(), steps: [step]).run()
    }
    let report = run()
    #expect(report.status == .done, "\(report.manifest.error ?? "")")
    for schema in step.reliesOn where !schema.indexes.isEmpty {
      try database.run(#"{"dropIndexes": "\#(schema.name)", "index": "*"}"#)
      let refused = run()
      #expect(refused.status == .refused && refused.manifest.error?.contains(schema.name) == true)
      #expect(refused.folder == nil)
      try database.makeIndexes([schema])
    }
  }

  /// The bytes of each collection.
  private func files(of store: TestStore) -> [String: Data] {
    let names = CollectionSchema.all.map(\.name) + ["users"]
    return names.reduce(into: [:]) { files, name in
      files[name] = FileManager.default.contents(atPath: "\(store.name)/\(name).bson") ?? Data()
    }
  }
}
