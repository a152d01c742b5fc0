import BSON
import Foundation
import MongodHarness
import Stores
import Testing

/// `mixdown run`: several steps from a file, as one run.
@Suite struct JobTests {
  /// A job with one merge; more lines are its parameters.
  private static func job(_ sandbox: Sandbox, _ parameters: String...) throws -> String {
    let lines = ["job: night", "store: ../store", "state: ../state", "steps:", "  - sync:"]
    let inputs = "      inputs: [\"${INPUT}\"]"
    return try sandbox.folder.write(
      "jobs/night.yaml", (lines + [inputs] + parameters.map { "      " + $0 }).joined(separator: "\n") + "\n")
  }

  @Test func `a job leaves the bytes that its step leaves alone, in one folder with one manifest`() throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners().dumps, in: sandbox.folder)
    try sandbox.syncWell([input])
    let expected = try #require(sandbox.bytes)
    try sandbox.restore(nil)
    let job = try Self.job(sandbox, "workers: 2", "as-of: \(Sandbox.asOf)")
    let run = try mixdown(["run", job, "--set", "sync.mode=merge"], environment: ["INPUT": input])
    #expect(run.status == 0 && run.errors.isEmpty)
    #expect(sandbox.bytes == expected)
    let lines = run.output.split(separator: "\n")
    #expect(lines.count == 2 && lines[0].hasPrefix("sync: 24 users: ") && lines[1].hasPrefix("night: done in "))

    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    let manifest = try left.manifest
    #expect(manifest.job == "night" && manifest.outcome == "done" && manifest.exitStatus == 0)
    #expect(manifest.parameters["sync.workers"] == "2" && manifest.parameters["sync.mode"] == "merge")
    #expect(try run.output.contains(left.folder))
    #expect(try Self.steps(left) == ["sync done 0"])

    let again = try mixdown(["run", job, "--quiet"], environment: ["INPUT": input])
    #expect(again.status == 0 && again.output.isEmpty && again.errors.isEmpty && sandbox.bytes == expected)
  }

  @Test func `the name of a job steers no terminal`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let yaml = #"""
      job: "night\e[31m\u202E"
      store: store
      state: state
      steps: [{sync: {inputs: ["\#(input)"]}}]
      """#
    let job = try sandbox.folder.write("night.yaml", yaml)
    for command in [["run", job, "--check"], ["run", job], ["runs", "--state", sandbox.folder("state")]] {
      let run = try mixdown(command)
      let shown = Array(run.output.unicodeScalars)
      #expect(run.status == 0 && run.output.contains("night\u{FFFD}[31m\u{FFFD}"), "\(run.output)\(run.errors)")
      #expect(!shown.contains("\u{1B}") && !shown.contains("\u{202E}"))
    }
  }

  @Test func `what is refused is named with its place, and nothing is touched`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try Self.job(sandbox, "wrokers: 2", "mode: replce")
    let run = try mixdown(["run", job], environment: ["INPUT": input])
    #expect(run.status == 78 && run.output.isEmpty)
    #expect(
      run.errors == """
        mixdown: error: \(job):7:7: unknown key "wrokers" of sync; did you mean "workers"?
        mixdown: error: \(job):8:13: "mode" of sync: "replce" is not one of merge, replace; did you mean "replace"?

        """)
    let gone = try mixdown(["run", Self.job(sandbox)], environment: ["INPUT": input + "x"])
    #expect(gone.status == 78)
    #expect(
      gone.errors == "mixdown: error: \(job):6:16: no such file or folder: \(input)x; did you mean \"ann.json\"?\n")
    let missing = try mixdown(["run", job + "x"])
    #expect(missing.status == 78 && missing.errors.contains("no such file"))
    let wrong = try mixdown(["run", job, "--set", "sync.wokers=2"], environment: ["INPUT": input])
    #expect(wrong.status == 78 && wrong.errors.contains(#"--set sync.wokers: unknown key "wokers""#))
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test func `a job that begins with a setup works on a store that is not there, and one that only reads does not`()
    throws
  {
    let sandbox = try Sandbox()
    let steps = ["setup: {}", "learn: {}", "evaluate: {}", "report: {}"]
    for (name, count) in [("reads", 1), ("makes", 0)] {
      let job = ["store: ../new", "steps:"] + steps.dropFirst(count).map { "  - \($0)" }
      let run = try mixdown([
        "run", sandbox.folder.write("jobs/\(name).yaml", job.joined(separator: "\n") + "\n"), "--as-of", Sandbox.asOf,
      ])
      #expect(run.status == (count == 1 ? 74 : 0), "\(run.output)\(run.errors)")
      #expect(FileManager.default.fileExists(atPath: sandbox.folder("new")) == (count == 0))
    }
  }

  @Test func `a user map that is not there is refused with its place, whether the job is run or checked`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("jobs/guests.csv", "a,ann\n")
    let job = try Self.job(sandbox, "user-map: guest.csv")
    for flags in [[], ["--check"]] {
      let run = try mixdown(["run", job] + flags, environment: ["INPUT": input])
      #expect(run.status == 78 && run.output.isEmpty)
      #expect(run.errors.hasPrefix("mixdown: error: \(job):7:17: no such file or folder: "), "\(run.errors)")
      #expect(run.errors.hasSuffix("/guest.csv; did you mean \"guests.csv\"?\n"))
    }
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test(arguments: [
    ("learn: {timezone: Mars/X}", 7, 23, "--timezone Mars/X is no time zone that this system knows"),
    ("evaluate: {timezone: Mars/X}", 7, 26, "--timezone Mars/X is no time zone that this system knows"),
    ("sync: {inputs: [../in], write-back: ../in/back.zip}", 7, 41, "it lies in the input"),
    ("sync: {inputs: [../in], write-back: ../store/back}", 7, 41, "it lies in the store"),
    ("report: {run: x}", 7, 14, #"unknown key "run" of report"#),
  ])
  func `a value that no run can use is refused with its place, whether the job is run or checked`(
    _ step: String, _ line: Int, _ column: Int, _ why: String
  ) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/ann.json", #"{"queue":[]}"#)
    let text = "job: night\nstore: ../store\nstate: ../state\n# Steps in their order.\n\nsteps:\n  - \(step)\n"
    let job = try sandbox.folder.write("jobs/night.yaml", text)
    for flags in [[], ["--check"]] {
      let run = try mixdown(["run", job] + flags)
      #expect(run.status == 78 && run.output.isEmpty, "\(run.output)")
      #expect(run.errors.hasPrefix("mixdown: error: \(job):\(line):\(column): "), "\(run.errors)")
      #expect(run.errors.contains(why) && run.errors.split(separator: "\n").count == 1, "\(run.errors)")
    }
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test func `what this machine lacks ends a check as it ends the run`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try Self.job(sandbox, "metrics-file: ../none/m.prom")
    let checked = try mixdown(["run", job, "--check"], environment: ["INPUT": input])
    let run = try mixdown(["run", job], environment: ["INPUT": input])
    #expect(checked.status == 74 && checked.output.contains("metrics-file"))
    #expect(checked.errors.contains("no such folder to write metrics into"), "\(checked.errors)")
    #expect(run.status == 74 && run.errors == checked.errors)
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test func `faults of several kinds on the command line are told at once`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let flags = ["--set", "sync.wokers=2", "--set", "nonsense", "--set", "sync.mode=replce"]
    let run = try mixdown(["run", Self.job(sandbox)] + flags, environment: ["INPUT": input])
    #expect(run.status == 78 && run.errors.split(separator: "\n").count == 3, "\(run.errors)")
  }

  @Test func `a dry run of a job says so in each line`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"favorites":[{"videoId":"a"}]}"#)
    try sandbox.syncWell([input])
    let job = try sandbox.folder.write(
      "job.yaml",
      "job: night\nstore: store\nstate: state\nsteps:\n  - sync: {inputs: [ann.json]}\n  - sessions:\n  - learn:\n")
    let dry = try mixdown(["run", job, "--dry-run"])
    let lines = dry.output.split(separator: "\n")
    #expect(dry.status == 0 && lines.count == 4, "\(dry.output)\(dry.errors)")
    for (line, name) in zip(lines, ["sync", "sessions", "learn", "night"]) {
      #expect(line.hasPrefix("\(name): dry run, nothing written; "), "\(line)")
    }
    #expect(lines.dropFirst(2).first?.contains("would write: ") == true)
    #expect(!FileManager.default.fileExists(atPath: sandbox.store + "/user_stats.bson"))
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a dry run of a job that sets up its store ends as the run does, and makes nothing`(_ kind: Bench.Kind) throws {
    let folder = try TemporaryFolder()
    let database = kind == .server ? try TestDatabase() : nil
    let store = database?.address ?? folder("store")
    try folder.write("ann.json", #"{"history":[{"videoId":"a","playedAt":1760000000000}]}"#)
    try folder.write("pings.ndjson", #"{"user_id":"ann","session_id":"s","last_ping_at":1750000000000}"#)
    let steps = ["setup:", "sync: {inputs: [ann.json], skip-active: true}", "sessions: {inputs: [pings.ndjson]}"]
    let lines = (steps + ["learn:", "evaluate: {resamples: 100}", "report:"]).map { "  - \($0)\n" }
    let job = try folder.write("job.yaml", "steps:\n" + lines.joined())
    let arguments = ["run", job, "--store", store, "--state", folder("state")]
    let dry = try mixdown(arguments + ["--dry-run"])
    #expect(dry.status == 0 && dry.output.hasPrefix("setup: left out of a dry run\n"), "\(dry.output)\(dry.errors)")
    if let database {
      #expect(try database.database.documents(json: #"{"listCollections": 1}"#).isEmpty)
    } else {
      #expect(!FileManager.default.fileExists(atPath: store))
    }
    let run = try mixdown(arguments)
    #expect(run.status == 0, "\(run.output)\(run.errors)")
  }

  @Test func `a job that is stopped is told to be run again, not to wait for another`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let run = try mixdown(["run", Self.job(sandbox), "--deadline", "1ms"], environment: ["INPUT": input])
    #expect(run.status == 75 && run.errors.contains("the deadline"))
    #expect(run.output.contains("Run it again for the rest") && !run.output.contains("other run"), "\(run.output)")
  }

  @Test func `a check shows the plan and touches nothing`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try Self.job(sandbox, "workers: 2")
    let flags = ["--check", "--set", "sync.history-limit=9", "--dry-run"]
    let run = try mixdown(["run", job] + flags, environment: ["INPUT": input])
    #expect(run.status == 0 && run.errors.isEmpty)
    let rows = run.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    for row in [
      "job night, \(job)", "inputs \(input) \(job):6, environment INPUT", "workers 2 \(job):7", "mode merge default",
      "history-limit 9 --set sync.history-limit", "dry-run true --dry-run", "sections (all) default",
    ] {
      #expect(rows.contains(row), "\(row)")
    }
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test func `a step that fails ends the job with its status, and the line says what to do`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try Self.job(sandbox, "write-back: none/back.zip")
    let run = try mixdown(["run", job, "--quiet"], environment: ["INPUT": input])
    #expect(run.status == 74 && run.errors.contains("back.zip"))
    #expect(
      run.output.hasPrefix("night: failed in step sync (exit status 74). ") && run.output.contains("run it again"))
    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    #expect(try left.manifest.outcome == "failed" && Self.steps(left) == ["sync failed 74"])
    #expect(sandbox.bytes == nil)
  }

  @Test func `a write-back whose name says no format is refused with its place`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try Self.job(sandbox, "write-back: back.rar")
    for flags in [[], ["--check"]] {
      let run = try mixdown(["run", job] + flags, environment: ["INPUT": input])
      #expect(run.status == 78 && run.output.isEmpty)
      #expect(
        run.errors.hasPrefix("mixdown: error: \(job):7:19: --write-back: cannot tell the format of "), "\(run.errors)")
    }
    for name in ["store", "state"] { #expect(!FileManager.default.fileExists(atPath: sandbox.folder(name))) }
  }

  @Test func `several steps are one run, with the greatest status or that of the step that failed`() throws {
    let sandbox = try Sandbox()
    let damaged = try sandbox.folder.write("in/ann.json", #"{"user_id":"ann","history":[{"title":"no time"}]}"#)
    let pings = try sandbox.folder.write(
      "pings.ndjson", #"{"user_id":"ann","session_id":"s","last_ping_at":1750000000000}"#)
    func job(_ sync: String, _ learn: String = "") throws -> (run: Run, left: Run) {
      let text = """
        job: night
        store: ../store
        state: ../\(sync.isEmpty && learn.isEmpty ? "good" : "bad\(sync.count)")
        steps:
          - setup:
          - sync: {inputs: ["${INPUT}"]\(sync)}
          - sessions: {inputs: ["${PINGS}"]}
          - learn:\(learn)
        """
      let path = try sandbox.folder.write("jobs/steps.yaml", text)
      let run = try mixdown(["run", path, "--quiet"], environment: ["INPUT": damaged, "PINGS": pings])
      let state = sandbox.folder(sync.isEmpty && learn.isEmpty ? "good" : "bad\(sync.count)")
      return (run, Run(status: 0, output: "", errors: "", state: state))
    }
    let good = try job("")
    #expect(good.run.status == 3, "\(good.run.output)\(good.run.errors)")
    #expect(try Self.steps(good.left) == ["setup done 0", "sync done 3", "sessions done 0", "learn done 0"])
    #expect(try good.left.manifest.exitStatus == 3)
    // Only the step that needs a look says something, and the job's end.
    let lines = good.run.output.split(separator: "\n")
    #expect(lines.count == 2 && lines.first?.hasPrefix("sync: ") == true && lines.last?.hasPrefix("night: ") == true)

    let failed = try job(", write-back: none/back.zip")
    #expect(failed.run.status == 74)
    #expect(try Self.steps(failed.left) == ["setup done 0", "sync failed 74"])
    let before = sandbox.bytes
    let refused = try job("", " {timezone: Nowhere/Land}")
    #expect(refused.run.status == 78 && sandbox.bytes == before, "\(refused.run.output)\(refused.run.errors)")
    #expect(!FileManager.default.fileExists(atPath: refused.left.state))
  }

  @Test(arguments: [
    ("{inputs: [ann.json]}", 0), ("{inputs: [bad]}", 3), ("{inputs: [bad], write-back: none/b.zip}", 74),
  ])
  func `what a step has quarantined is no later one's, and is in the manifest however that one ends`(
    _ sync: String, _ status: Int32
  ) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try sandbox.folder.write("bad/bob.json", #"{"user_id":"bob","favorites":[{"artist":"nobody"}]}"#)
    try sandbox.folder.write("pings.ndjson", #"{"user_id":"ann","session_id":"s"}"# + "\nno JSON\n")
    let job = try sandbox.folder.write(
      "job.yaml",
      """
      job: night
      store: store
      state: state
      steps:
        - sessions: {inputs: [pings.ndjson], allow-quarantine: true}
        - sync: \(sync)
      """)
    let run = try mixdown(["run", job])
    #expect(run.status == status, "\(run.output)\(run.errors)")
    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    let (manifest, lines) = (try left.manifest, try left.quarantine)
    #expect(lines.count == (status == 3 ? 3 : 2))
    #expect(manifest.quarantine == Dictionary(lines.map { ($0.reason, 1) }, uniquingKeysWith: +))
    #expect(manifest.outcome == (status == 74 ? "failed" : "done"))
  }

  @Test(arguments: [["sync"], ["sessions"], ["sync", "sessions"], ["sessions", "sync"], ["learn"]])
  func `what a run has read is the sum of what its steps have`(_ steps: [String]) throws {
    let sandbox = try Sandbox()
    let inputs = [
      "sync": ("ann.json", #"{"queue":[]}"#),
      "sessions": ("pings.ndjson", #"{"user_id":"ann","session_id":"s","last_ping_at":1}"#),
    ]
    for (name, text) in inputs.values { try sandbox.folder.write(name, text) }
    let lines = steps.map { step in "  - \(step):" + (inputs[step].map { " {inputs: [\($0.0)]}" } ?? "") }
    let job = try sandbox.folder.write(
      "job.yaml", "store: store\nstate: state\nsteps:\n  - setup:\n" + lines.joined(separator: "\n") + "\n")
    let run = try mixdown(["run", job])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    let expected = steps.compactMap { inputs[$0]?.1.utf8.count }.reduce(0, +)
    #expect(try left.manifest.bytesRead == expected)
    let metrics = try String(contentsOfFile: left.folder + "/metrics.prom", encoding: .utf8).split(separator: "\n")
    let sample = metrics.first { $0.hasPrefix("mixdown_run_read_bytes") }
    #expect(sample?.hasSuffix(" \(expected)") == true, "\(sample ?? "")")
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a job that is gone on with keeps its clock in every step`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 300, plays: 30))[0]
    let last = "  - learn:\n  - evaluate: {resamples: 100}\n"
    let text = "job: night\nsteps:\n  - setup:\n  - sync: {inputs: [\"${INPUT}\"], workers: 1}\n" + last
    let job = try bench.folder.write("night.yaml", text)
    let environment = ["INPUT": input, "MIXDOWN_LEASE": "3"]
    let child = try bench.begin("run", [job], environment: environment)
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    child.send(SIGKILL)
    try #require(try child.wait() == .killed(signal: SIGKILL))
    let clock = try bench.asOf(run)
    try bench.run("run", [job, "--resume"], environment: environment, retries: 200)
    #expect(bench.ids == [run])
    #expect(try bench.asOf(run) == clock)
    // What the manifest says of each step is what counted, not the time of the second try.
    let manifest = try bench.manifest(run)
    let shown = Set(["sync", "learn", "evaluate"].compactMap { manifest.parameters["\($0).as-of"] })
    #expect(shown == [try #require(manifest.asOf)])
    // A try that still met the lease of the killed process counts as well.
    #expect(try bench.manifest(run).attempts ?? 1 >= 2)
    let computed = try Set(
      bench.contents([.userStats]).values.map { document in
        try document.withView { try BSONDocument($0).value("as_of")?.date }
      })
    #expect(computed.count == 1 && computed.first.flatMap(\.self) == clock)
  }

  /// A job whose second step cannot read what the application has left, with inputs of which something is quarantined.
  private static func stopped(_ sandbox: Sandbox) throws -> (arguments: [String], run: Run) {
    try sandbox.folder.write("in/ann.json", #"{"user_id":"ann","favorites":[{"videoId":"a"},{"artist":"nobody"}]}"#)
    try sandbox.folder.write("store/users.bson", "torn")
    let clock = "as-of: 2026-01-01T00:00:00Z"
    let text = "store: store\nstate: state\nsteps:\n  - sync: {inputs: [in], \(clock)}\n  - learn: {\(clock)}\n"
    let arguments = ["run", try sandbox.folder.write("night.yaml", text)]
    let run = try mixdown(arguments)
    try #require(run.status == 65, "\(run.output)\(run.errors)")
    try FileManager.default.removeItem(atPath: sandbox.folder("store/users.bson"))
    return (arguments, Run(status: 0, output: "", errors: "", state: sandbox.folder("state")))
  }

  @Test func `a job that is gone on with keeps the clocks of its file`() throws {
    let sandbox = try Sandbox()
    let (arguments, left) = try Self.stopped(sandbox)
    let first = try left.manifest
    #expect(first.asOf == "2026-01-01T00:00:00.000Z")
    let again = try mixdown(arguments + ["--resume"])
    #expect(again.status == 3, "\(again.output)\(again.errors)")
    let manifest = try left.manifest
    #expect(manifest.attempts == 2 && manifest.asOf == first.asOf)
    #expect(["sync", "learn"].allSatisfy { manifest.parameters["\($0).as-of"] == first.asOf })
    let scores = try openStore(sandbox.folder("store"), locking: false).open(.userScores)
    let computed = try scores.cursor(updatedSince: nil).next(upTo: 1 << 20, in: Arena())
    #expect(try computed.map { try $0.value("last_computed")?.date } == [1_767_225_600_000])
  }

  @Test func `an attempt that stops before its merge says what the one before it has merged`() throws {
    let sandbox = try Sandbox()
    let (arguments, left) = try Self.stopped(sandbox)
    let first = try left.manifest
    try sandbox.folder.write("store/forgotten.bson", "torn")
    let again = try mixdown(arguments + ["--resume"])
    #expect(again.status == 65, "\(again.output)\(again.errors)")
    let manifest = try left.manifest
    #expect(manifest.attempts == 2 && manifest.inputs.map(\.path) == first.inputs.map(\.path))
    #expect(manifest.bytesRead == 0 && manifest.users.created == 1)
    #expect(try manifest.quarantine == ["no-identity": 1] && left.quarantine.count == 1)
  }

  @Test func `in a job with a merge the users are the merge's, also when nothing has arrived`() throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/ann.json", #"{"user_id":"ann","favorites":[{"videoId":"a"}]}"#)
    try sandbox.folder.write("empty/readme.txt", "")
    func night(_ inputs: String) throws -> Manifest {
      let text = "store: store\nstate: \(inputs)-runs\nsteps:\n  - sync: {inputs: [\(inputs)]}\n  - learn:\n"
      let run = try mixdown(["run", try sandbox.folder.write("night.yaml", text)])
      try #require(run.status == 0, "\(run.output)\(run.errors)")
      return try Run(status: 0, output: "", errors: "", state: sandbox.folder("\(inputs)-runs")).manifest
    }
    let first = try night("in")
    #expect(first.users.seen == 1 && first.learning?.users.seen == 1)
    let second = try night("empty")
    #expect(second.users.seen == 0 && second.users.changed == 0 && second.learning?.users.seen == 1)
  }

  @Test func `a job whose merge alone is dry says that libraries would change`() throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/ann.json", #"{"user_id":"ann","favorites":[{"videoId":"a"}]}"#)
    let text = "store: store\nstate: state\nsteps:\n  - setup:\n  - sync: {inputs: [in], dry-run: true}\n  - learn:\n"
    let run = try mixdown(["run", try sandbox.folder.write("night.yaml", text)])
    #expect(run.status == 0, "\(run.output)\(run.errors)")
    let list = try mixdown(["runs", "--state", sandbox.folder("state")]).output
    #expect(list.contains("1 would change") && !list.contains("dry run"), "\(list)")
    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    let report = try String(contentsOfFile: left.folder + "/report.html", encoding: .utf8)
    #expect(report.contains("The merge was a dry run: no library was written."))
  }

  @Test func `what a later step relies on is looked for before the first one writes, unless a step before it makes it`()
    throws
  {
    let bench = try Bench(.server)
    try bench.folder.write("ann.json", #"{"history":[{"videoId":"a","playedAt":1760000000000}]}"#)
    try MongoStore(bench.store).database.run(json: #"{"dropIndexes": "user_scores", "index": "user_id_1"}"#)
    func job(_ steps: String...) throws -> String {
      let lines = ["steps:"] + steps.map { "  - \($0)" }
      return try bench.folder.write("job.yaml", lines.joined(separator: "\n") + "\n")
    }
    let refused = try bench.run("run", [job("sync: {inputs: [ann.json]}", "learn:")], expecting: 65)
    #expect(refused.errors.contains("user_scores has no index user_id_1"), "\(refused.errors)")
    #expect(try bench.contents().isEmpty && bench.contents([.jobRuns]).isEmpty && bench.ids.isEmpty)
    try bench.run("run", [job("sync: {inputs: [ann.json]}", "setup:", "learn:")])
    #expect(try bench.contents().isEmpty == false)
  }

  @Test func `a quiet job with something quarantined says so in two lines`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", "{")
    let run = try mixdown(["run", Self.job(sandbox), "--quiet"], environment: ["INPUT": input])
    let lines = run.output.split(separator: "\n")
    #expect(run.status == 3 && run.errors.isEmpty && lines.count == 2)
    let left = Run(status: 0, output: "", errors: "", state: sandbox.folder("state"))
    #expect(try lines.last?.hasSuffix("mixdown quarantine \(left.folder)") == true)
    #expect(lines.last?.contains("(exit status 3)") == true)
    // What it says to do can be done as it is.
    #expect(try mixdown(["quarantine", left.folder]).output.hasPrefix("invalid-json: 1\n"))
  }

  @Test func `a job without a key for it is told its store`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let job = try sandbox.folder.write("job.yaml", "steps:\n  - sync: {inputs: [ann.json]}\n")
    let run = try mixdown(["run", job, "--store", sandbox.store])
    #expect(run.status == 0 && sandbox.bytes != nil, "\(run.errors) \(input)")
  }

  @Test func `a job that fails says in two lines what happened and what to do`() throws {
    let sandbox = try Sandbox()
    let job = try Self.job(sandbox)
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    try FileManager.default.createDirectory(atPath: sandbox.store, withIntermediateDirectories: true)
    try Data([9, 0, 0, 0, 1]).write(to: URL(fileURLWithPath: sandbox.library))
    let run = try mixdown(["run", job, "--quiet"], environment: ["INPUT": input])
    let lines = (run.errors + run.output).split(separator: "\n")
    #expect(run.status == 65 && lines.count == 2, "\(lines)")
    #expect(lines.first?.contains("user_library.bson") == true)
    #expect(lines.last?.contains("failed in step sync (exit status 65). Mend or restore") == true)
  }

  /// `name outcome status` of each step of a run.
  private static func steps(_ run: Run) throws -> [String] {
    let json = try Data(contentsOf: URL(fileURLWithPath: run.folder + "/manifest.json"))
    let manifest = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    let steps = try #require(manifest["steps"] as? [[String: Any]])
    return steps.map { "\($0["name"] ?? "") \($0["outcome"] ?? "") \($0["exit_status"] ?? "")" }
  }
}

/// The jobs that ship, on the data that ships.
@Suite struct ShippedJobTests {
  private static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  @Test(arguments: ["nightly", "migrate", "backfill"])
  func `a job that ships runs as it is, and once more writes nothing`(_ name: String) throws {
    let folder = try TemporaryFolder()
    let environment = ["MIXDOWN_STORE": folder("store"), "MIXDOWN_STATE": folder("state")]
    let job = Self.root + "/jobs/\(name).yaml"
    let run = try mixdown(["run", job], environment: environment)
    // The sample has damaged dumps.
    #expect(run.status == 3, "\(run.errors)")
    #expect(run.output.contains("40 users: 0 changed, 0 unchanged, 40 new"))
    let library = folder("store") + "/user_library.bson"
    let before = try FileManager.default.attributesOfItem(atPath: library)
    let again = try mixdown(["run", job], environment: environment)
    #expect(again.status == 3 && again.output.contains("40 users: 0 changed, 40 unchanged, 0 new"))
    let after = try FileManager.default.attributesOfItem(atPath: library)
    #expect(before[.systemFileNumber] as? Int == after[.systemFileNumber] as? Int)
    #expect(before[.modificationDate] as? Date == after[.modificationDate] as? Date)
  }

  @Test func `the jobs that ship run on a server as they are, and after the first they write nothing`() throws {
    let bench = try Bench(.server)
    let environment = [
      "MIXDOWN_STORE": bench.store, "MIXDOWN_STATE": bench.state, "WRITTEN": bench.folder("merged.tar.zst"),
    ]
    var before: [String: [UInt8]] = [:]
    for (place, name) in ["nightly", "migrate", "backfill"].enumerated() {
      let run = try mixdown(["run", Self.root + "/jobs/\(name).yaml"], environment: environment)
      #expect(run.status == 3, "\(run.errors)")
      #expect(
        run.output.contains("40 users: 0 changed, \(place == 0 ? "0 unchanged, 40" : "40 unchanged, 0") new"),
        "\(name): \(run.output)")
      let after = try bench.contents()
      #expect(place == 0 || after == before)
      before = after
    }
    #expect(try bench.contents([.userStats]).count == 40)
    #expect(FileManager.default.fileExists(atPath: bench.folder("merged.tar.zst")))
  }
}
