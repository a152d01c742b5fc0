import Foundation
import Learning
import Stores
import Sync
import Testing

@testable import Jobs

/// Steps that are asked to stop in their middle do so in order, and go on another time (docs/runs.md, *Stopping*).
@Suite struct StopTests {
  static let kinds = TestStore.Kind.allCases

  @Test(arguments: kinds, ["evaluate", "sessions"])
  func `a deadline that passes while a step works ends it, and the run`(_ kind: TestStore.Kind, _ name: String) throws {
    let town = try LearningTown(kind)
    try town.add("ann", .init("v1", "Milestones", "2025-11-30T12:00:00Z"))
    let input = try town.store.file(
      "pings.ndjson", #"{"user_id": "ann", "session_id": "s", "last_ping_at": "2100-01-01T00:00:00Z"}"#)
    let parameters = LearningTown.options("2025-12-01T02:00:00Z").parameters
    var steps: [String: any JobStep] = [:]
    steps["sessions"] = SessionsStep(Sessions(inputs: [input], asOf: SessionsTests.now), parameters: [:])
    steps["evaluate"] = EvaluateStep(
      options: EvaluateOptions(parameters: parameters, cut: nil), store: town.store.name, state: town.state,
      parameters: [:])
    var job = Job(
      name: name, store: town.store.name, state: town.state, asOf: parameters.asOf,
      steps: [try #require(steps[name])])
    let deadline = wallClock() + 2000
    job.deadline = deadline
    job.events.begins = { _ in while wallClock() < deadline { Thread.sleep(forTimeInterval: 0.01) } }
    let report = job.run()
    #expect(report.status == .locked && report.manifest.outcome == .interrupted, "\(report.manifest.error ?? "")")
    #expect(report.manifest.error?.contains("the deadline passed: nothing was") == true)
    #expect(report.manifest.steps.map(\.outcome) == [.interrupted] && report.manifest.evaluation == nil)
    #expect(try town.store.documents(of: .sessionPings).isEmpty)

    job.deadline = nil
    job.events.begins = { _ in }
    #expect(job.run().manifest.outcome == .done)
    #expect(try town.store.documents(of: .sessionPings).count == (name == "sessions" ? 1 : 0))
  }

  @Test(arguments: ["read", "train", "test", "tune"])
  func `an evaluation ends in whichever phase it is asked to`(_ phase: String) throws {
    let town = try LearningTown(.directory)
    try town.add("ann", .init("v1", "Milestones", "2025-11-30T12:00:00Z"))
    var options = EvaluateOptions(parameters: LearningTown.options("2025-12-01T02:00:00Z").parameters, cut: nil)
    options.tunes = true
    let cancellation = options.cancellation
    var run = EvaluateRun(options: options, store: try town.store.open(), folder: town.store.folder)
    run.events.phase = { if $0 == phase { cancellation.request("asked") } }
    #expect {
      try run.run()
    } throws: { error in
      if case EvaluateError.interrupted = error { true } else { false }
    }
  }

  @Test(arguments: kinds)
  func `a full run after one that ended among its users tells what has moved since the last that did not`(
    _ kind: TestStore.Kind
  ) throws {
    let town = try LearningTown(kind)
    func add(_ user: String, _ language: String) throws {
      let play =
        #"{"videoId": "\#(language)", "language": "\#(language)", "playedAt": {"$date": "2025-11-30T12:00:00Z"}}"#
      try town.store.put(
        [#"{"user_id": "\#(user)", "history": [\#(play)], "updated_at": {"$date": 0}}"#], into: .userLibrary)
    }
    func run(_ asOf: String, until phase: String = "") throws -> LearnSummary {
      var options = LearningTown.options(asOf)
      options.isFull = true
      let cancellation = options.cancellation
      try FileManager.default.createDirectory(atPath: town.state, withIntermediateDirectories: true)
      var run = LearnRun(
        options: options, store: try town.store.open(), folder: town.store.folder, state: town.state)
      run.events.phase = { if $0 == phase { cancellation.request("asked") } }
      return try run.run()
    }
    try add("ann", "hi")
    #expect(try !run("2025-12-01T02:00:00Z").isInterrupted)
    try add("bob", "ta")
    #expect(try run("2025-12-02T02:00:00Z", until: "users").isInterrupted)
    let languages = try run("2025-12-02T02:00:00Z").population.first { $0.dimension == "language" }
    #expect(languages?.values == [.init("hi", 0.5, before: 1), .init("ta", 0.5, before: 0)])
  }

  @Test(arguments: kinds)
  func `sessions that are asked to stop leave what they have written, and the next run adds the rest`(
    _ kind: TestStore.Kind
  ) throws {
    let store = try TestStore(kind)
    _ = try Setup().run(on: store.open())
    let asOf = SessionsTests.now
    let lines = (0..<2500).map { #"{"user_id": "u\#($0)", "session_id": "s", "last_ping_at": \#(asOf)}"# }
    var sessions = Sessions(inputs: [try store.file("pings.ndjson", lines.joined(separator: "\n"))], asOf: asOf)
    let quarantine = try QuarantineFile(store.folder + "/quarantine.ndjson", run: "test", store: store.folder)
    let cancellation = sessions.cancellation
    let stopped = try sessions.run(
      on: ContendedStore(try store.open()) { cancellation.request("asked") }, quarantine: quarantine)
    #expect(stopped.isInterrupted && stopped.new == 1000)
    #expect(try store.documents(of: .sessionPings).count == 1000)

    sessions.cancellation = Cancellation()
    let next = try sessions.run(on: try store.open(), quarantine: quarantine)
    #expect(!next.isInterrupted && next.new == 1500 && next.users.count == 2500)
    #expect(try store.documents(of: .sessionPings).count == 2500)
  }
}
