import Foundation
import MongodHarness
import Randomness
import Stores
import Testing

/// A run that was killed is gone on with.
@Suite(.serialized) struct ResumeTests {
  /// How many are killed on each store; `MIXDOWN_KILLS` for more.
  private static let kills = ProcessInfo.processInfo.environment["MIXDOWN_KILLS"].flatMap { Int($0) } ?? 10

  @Test(arguments: Bench.Kind.allCases)
  func `killed at any instant and resumed, a run gives what an undisturbed one gives`(_ kind: Bench.Kind) throws {
    let undisturbed = try Bench(.directory)
    let listeners = Listeners(count: 200, plays: 30)
    let inputs = try undisturbed.inputs(listeners, over: 4)
    let clock = ContinuousClock()
    let length = try clock.measure { try undisturbed.sync(inputs) } / .seconds(1)
    let expected = try undisturbed.contents()
    let seed = UInt64.random(in: 0 ... .max)
    print("resume: seed \(seed), a run takes \(length) s")
    var random = SeededRandom(seed: seed)
    var (killed, spared) = (0, 0)
    for _ in 0..<Self.kills {
      let bench = try Bench(kind)
      let arguments = inputs + ["--workers", "1", "--as-of", Bench.asOf]
      let child = try bench.begin("sync", arguments + ["--resumable"], environment: ["MIXDOWN_LEASE": "3"])
      let instant = Double.random(in: 0...length, using: &random)
      Thread.sleep(forTimeInterval: instant)
      child.send(SIGKILL)
      if try child.wait() == .killed(signal: SIGKILL) { killed += 1 }
      let names = bench.ids.first.map { "\(bench.state)/\($0)/resume" }
      let finished = try names.map { try Self.notes(in: $0) } ?? []
      try bench.run("sync", arguments + ["--resume"], environment: ["MIXDOWN_LEASE": "3"], retries: 200)
      #expect(try bench.contents() == expected, "seed \(seed), \(instant) s")
      let manifest = try bench.manifest(#require(bench.ids.last))
      #expect(manifest.outcome == "done" && manifest.exitStatus == 0)
      guard !finished.isEmpty else { continue }
      spared += 1
      // What was finished is not read again, and the run is the same.
      #expect(bench.ids.count == 1 && manifest.attempts == 2)
      let resumed = manifest.inputs.filter { $0.resumed == true }
      #expect(Set(resumed.map(\.path)) == Set(finished.map(\.path)))
      let all = manifest.inputs.reduce(0) { $0 + $1.bytes }
      #expect(manifest.bytesRead == all - finished.reduce(0) { $0 + $1.bytes })
      #expect(!FileManager.default.fileExists(atPath: names ?? ""))
      // What both attempts have written can be checked and taken back as one.
      let run = try #require(bench.ids.last)
      try bench.run("verify", [run])
      try bench.run("undo", [run])
      #expect(try bench.contents().isEmpty, "seed \(seed), \(instant) s")
    }
    print("resume: \(killed) of \(Self.kills) died, \(spared) had finished inputs")
    #expect(killed > 0)
  }

  private struct Note: Decodable {
    let path: String
    let bytes: Int
  }

  /// What a run's folder says of inputs that were finished.
  private static func notes(in folder: String) throws -> [Note] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return try names.filter { $0.hasSuffix(".json") }.map { name in
      try JSONDecoder().decode(Note.self, from: Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }
  }

  @Test func `no login token is kept, and a dump that may hide one is read again`() throws {
    let bench = try Bench(.directory)
    let token = "eyJ-very-secret"
    let plain = #"{"user_id":"ann","tldr-access-token":"\#(token)","tldr-queue":"[{\"videoId\":\"q\"}]"}"#
    let hidden = #"{"user_id":"bob","x":"{\"tldr-refresh-token\":\"\#(token)\"}","tldr-queue":"[]"}"#
    let first = try bench.folder.write("ann.json", plain)
    let second = try bench.folder.write("bob.json", hidden)
    let inputs = try [first, second] + bench.inputs(Listeners(count: 300, plays: 60))
    let child = try bench.begin("sync", inputs + ["--workers", "1", "--as-of", Bench.asOf, "--resumable"])
    let run = try waitFor { bench.ids.first }
    let kept = "\(bench.state)/\(run)/resume"
    try waitFor { FileManager.default.fileExists(atPath: kept + "/2.dumps") ? true : nil }
    child.send(SIGKILL)
    _ = try child.wait()
    let names = try FileManager.default.contentsOfDirectory(atPath: kept)
    #expect(names.contains("0.json") && !names.contains("1.json"))
    for name in names {
      let data = try Data(contentsOf: URL(fileURLWithPath: kept + "/" + name))
      #expect(data.range(of: Data(token.utf8)) == nil, "\(name)")
    }
    try bench.run("sync", inputs + ["--workers", "1", "--as-of", Bench.asOf, "--resume"], expecting: nil)
    #expect(try bench.contents().keys.contains("user_library ann "))
    #expect(try bench.contents().keys.contains("user_library bob "))
  }

  /// Two inputs with a dump of ann each, whose order nobody can tell without their tokens.
  private static func hangingOnTokens(_ bench: Bench) throws -> [String] {
    // Of the same time; by their tokens the first is the newer, by what stands behind them the second.
    func dump(_ token: String, _ song: String, _ title: String) -> String {
      let queue = #"[{\"videoId\":\"\#(song)\",\"title\":\"\#(title)\"}]"#
      let data = #"{"tldr-access-token":"\#(token)","tldr-queue":"\#(queue)"}"#
      return #"{"user_id":"ann","exported_at":1760000000000,"data":\#(data)}"#
    }
    let first = try bench.folder.write("first.ndjson", dump("token-b", "a", "One") + "\nno JSON\n")
    let second = try bench.folder.write("second.ndjson", dump("token-a", "b", "Two") + "\n")
    return [first, second]
  }

  /// How a run that was killed is made good.
  enum Second {
    /// By another run from the start.
    case another
    case resumed
    /// It is gone on with, and finds that all inputs have to be read again.
    case readAgain
  }

  @Test(
    arguments: [(.server, .another), (.server, .resumed), (.server, .readAgain), (.directory, .resumed)]
      as [(Bench.Kind, Second)])
  func `what a library loses is in a quarantine, and once, when the run dies that writes it`(
    _ kind: Bench.Kind, _ second: Second
  ) throws {
    let bench = try Bench(kind)
    let users = (0..<400).map(Listeners.name)
    try bench.put(
      users.map { user in
        (user, try bson(#"{"user_id":"\#(user)","favorites":"lost by \#(user)","updated_at":{"$date":1}}"#))
      }, into: .userLibrary)
    var inputs = try bench.inputs(Listeners(count: users.count))
    if second == .readAgain { inputs = try Self.hangingOnTokens(bench) + inputs }
    let arguments = inputs + ["--workers", "1", "--as-of", Bench.asOf]
    let environment = ["MIXDOWN_LEASE": "3"]
    let child = try bench.begin("sync", arguments + ["--resumable"], environment: environment)
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    if kind == .server {
      // What the first batches of it have lost is written down, and their libraries are.
      let quarantine = "\(bench.state)/\(run)/quarantine.ndjson"
      try waitFor { FileManager.default.contents(atPath: quarantine).flatMap { $0.count > 1 << 15 ? true : nil } }
    }
    child.send(SIGKILL)
    try #require(try child.wait() == .killed(signal: SIGKILL))

    let flags = second == .another ? [] : ["--resume"]
    let ended = try bench.run("sync", arguments + flags, expecting: 3, environment: environment, retries: 200)
    #expect(ended.errors.contains("all inputs are read again") == (second == .readAgain), "\(ended.errors)")
    #expect(bench.ids.count == (second == .another ? 2 : 1))
    let lines = try bench.ids.flatMap { id in
      // Of the one that died nothing more is known than what it has left.
      let text = (try? String(contentsOfFile: "\(bench.state)/\(id)/quarantine.ndjson", encoding: .utf8)) ?? ""
      return try text.split(separator: "\n").map { try QuarantineLine.read(Data($0.utf8)) }
    }
    let lost = lines.filter { $0.section == "favorites" }.compactMap(\.userId)
    #expect(Set(users).subtracting(lost).isEmpty)
    guard second != .another else { return }
    #expect(lost.count == users.count)
    let manifest = try bench.manifest(run)
    #expect(manifest.quarantine["invalid-section"] == users.count)
    #expect(manifest.quarantine.values.reduce(0, +) == lines.count)
  }

  /// - Parameter isMixed: whether one of the dumps is read anew in any case.
  @Test(arguments: Bench.Kind.allCases, [false, true])
  func `dumps whose order hangs on a token that was not kept are read again`(
    _ kind: Bench.Kind, _ isMixed: Bool
  ) throws {
    let undisturbed = try Bench(.directory)
    let inputs = try Self.hangingOnTokens(undisturbed) + undisturbed.inputs(Listeners(count: 300, plays: 60))
    let arguments = inputs + ["--workers", "1", "--as-of", Bench.asOf]
    let fresh = try undisturbed.manifest(undisturbed.sync(arguments, expecting: 3))
    let bench = try Bench(kind)
    let environment = ["MIXDOWN_LEASE": "3"]
    let child = try bench.begin("sync", arguments + ["--resumable"], environment: environment)
    let run = try waitFor { bench.ids.first }
    let kept = "\(bench.state)/\(run)/resume"
    try waitFor { FileManager.default.fileExists(atPath: kept + "/1.json") ? true : nil }
    child.send(SIGKILL)
    try #require(try child.wait() == .killed(signal: SIGKILL))
    if isMixed { try FileManager.default.removeItem(atPath: kept + "/1.json") }
    let resumed = try bench.run(
      "sync", arguments + ["--resume"], expecting: 3, environment: environment, retries: 200)
    #expect(resumed.errors.contains("all inputs are read again"), "\(resumed.errors)")
    #expect(try bench.contents() == undisturbed.contents())
    #expect(bench.ids == [run])
    let manifest = try bench.manifest(run)
    #expect(manifest.attempts == 2 && manifest.outcome == "done")
    #expect(manifest.inputs.allSatisfy { $0.resumed != true } && manifest.bytesRead == fresh.bytesRead)
    #expect(manifest.quarantine == fresh.quarantine)
    #expect(manifest.counts.dumps.read == fresh.counts.dumps.read)
    #expect(manifest.counts.dumps.used == fresh.counts.dumps.used)
    #expect(manifest.written?.documents == fresh.written?.documents)
    if kind == .directory {
      #expect(manifest.users.created == fresh.users.created)
      #expect(manifest.counts.entries.read == fresh.counts.entries.read)
    }
    let lines = try String(contentsOfFile: "\(bench.state)/\(run)/quarantine.ndjson", encoding: .utf8)
    #expect(lines.split(separator: "\n").count == fresh.quarantine.values.reduce(0, +))
    #expect(!FileManager.default.fileExists(atPath: kept))
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents().isEmpty)
  }

  @Test func `an input that is replaced while it is read is read again`() throws {
    let bench = try Bench(.directory)
    // So large that its end is not read when it has just been begun.
    func write(_ name: String, song: String) throws -> String {
      let padding = String(repeating: "x", count: 1 << 20)
      let lines = (0..<40).map { #"{"user_id":"user-\#($0)","x":"\#(padding)","favorites":[{"videoId":"\#(song)"}]}"# }
      return try bench.folder.write(name, lines.joined(separator: "\n") + "\n")
    }
    let input = try write("dumps.ndjson", song: "old")
    // Tests give all files one time, so that the size has to tell.
    let new = try write("new.ndjson", song: "newer")
    let other = try bench.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    let arguments = [input, other, "--workers", "1", "--as-of", Bench.asOf]
    let child = try bench.begin(
      "sync", arguments + ["--resumable"], environment: ["MIXDOWN_FAULT": "unbalanced"])
    let run = try waitFor { bench.ids.first }
    let kept = "\(bench.state)/\(run)/resume"
    try waitFor { FileManager.default.fileExists(atPath: kept + "/0.dumps") ? true : nil }
    child.send(SIGSTOP)
    try #require(!FileManager.default.fileExists(atPath: kept + "/0.json"))
    try #require(unsafe rename(new, input) == 0)
    child.send(SIGCONT)
    try #require(try child.wait() == .exited(1), "\(child.errors)")
    #expect(try Self.notes(in: kept).map(\.path) == [other])

    // The clock is that of the first attempt, whatever is said now, and a user is told so.
    let clock = "2026-01-01T00:00:00.000Z"
    let later = [input, other, "--workers", "1", "--as-of", "2031-01-01T00:00:00Z"]
    let resumed = try bench.run("sync", later + ["--resume"])
    #expect(resumed.errors.contains("going on with a run that did not end, by its clock as_of=\(clock) run=\(run)"))
    #expect(try bench.manifest(run).asOf == clock)
    #expect(try bench.manifest(run).inputs.filter { $0.resumed == true }.map(\.path) == [other])
    let undisturbed = try Bench(.directory)
    try undisturbed.sync([input, other])
    #expect(try bench.contents() == undisturbed.contents())
  }

  @Test func `a run with another user map of the same name is another run`() throws {
    let bench = try Bench(.directory)
    let guest = try bench.folder.write("guest.json", #"{"user_id":"guest","queue":[{"videoId":"q"}]}"#)
    let map = try bench.folder.write("map.csv", "guest,wrong\n")
    let inputs = try [guest] + bench.inputs(Listeners(count: 300, plays: 60))
    let arguments = inputs + ["--workers", "1", "--as-of", Bench.asOf, "--user-map", map]
    let child = try bench.begin("sync", arguments + ["--resumable"])
    let run = try waitFor { bench.ids.first }
    try waitFor { FileManager.default.fileExists(atPath: "\(bench.state)/\(run)/resume/0.json") ? true : nil }
    child.send(SIGKILL)
    try #require(try child.wait() == .killed(signal: SIGKILL))
    try bench.folder.write("map.csv", "guest,right\n")
    try bench.run("sync", arguments + ["--resume"])
    let contents = try bench.contents()
    #expect(contents["user_library right "] != nil && contents["user_library wrong "] == nil)
    #expect(bench.ids.count == 2)
  }
}
