import Foundation
import Stores
import Testing

/// Runs that are asked to stop do so in order, and say so.
@Suite(.serialized) struct InterruptTests {
  @Test(arguments: Bench.Kind.allCases, [SIGINT, SIGTERM, SIGHUP])
  func `a signal ends a run with 75, whole batches and a manifest that says so`(
    _ kind: Bench.Kind, _ signal: Int32
  ) throws {
    let (bench, input, expected) = try Self.bench(kind)
    let child = try bench.begin("sync", [input, "--workers", "1", "--as-of", Bench.asOf])
    let run = try waitFor { bench.ids.first }
    try Self.waitUntilMerging(bench, run)
    child.send(signal)
    try #require(try child.wait() == .exited(75), "\(child.errors)")
    let manifest = try bench.manifest(run)
    #expect(manifest.outcome == "interrupted" && manifest.exitStatus == 75)
    #expect(manifest.counts.dumps.isBalanced && manifest.counts.entries.isBalanced)
    let users = manifest.users
    #expect(users.seen == users.changed + users.unchanged + users.created + users.left)
    #expect(child.errors.contains(SignalNames.names[signal] ?? "?"))
    // What is there is what the manifest says, and what an undisturbed run would have put there.
    let now = try bench.contents()
    #expect(now.filter { $0.key.hasPrefix("user_library") }.count == users.created)
    #expect(now.allSatisfy { expected[$0.key] == $0.value })
    if users.seen > 0 { #expect(manifest.nextUser != nil) }

    // The next run completes it.
    try bench.sync([input])
    #expect(try bench.contents() == expected)
    let last = try bench.manifest(#require(bench.ids.last))
    #expect(last.outcome == "done" && last.nextUser == nil)
  }

  @Test(arguments: ["back.tar", "back"])
  func `a run that was stopped puts nothing in the place of what was written back`(_ name: String) throws {
    let (bench, input, expected) = try Self.bench(.directory)
    let back = bench.folder(name)
    let isFolder = !name.contains(".")
    if !isFolder { try bench.sync(bench.inputs(Listeners(count: 3), as: "first-"), ["--write-back", back]) }
    let before = FileManager.default.contents(atPath: back)
    let earlier = Set(bench.ids)
    let arguments = [input, "--workers", "1", "--as-of", Bench.asOf, "--write-back", back]
    let child = try bench.begin("sync", arguments)
    let run = try waitFor { bench.ids.first { !earlier.contains($0) } }
    try Self.waitUntilMerging(bench, run)
    child.send(SIGINT)
    try #require(try child.wait() == .exited(75), "\(child.errors)")
    #expect(child.errors.contains("nothing was written back"))
    #expect(
      FileManager.default.contents(atPath: back) == before && FileManager.default.fileExists(atPath: back) == !isFolder)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: bench.folder.path).filter { $0.hasSuffix(".part") } == [])

    // The next run writes everybody back, those among them whom the stopped one has merged.
    try bench.sync([input], ["--write-back", back])
    let users = expected.keys.filter { $0.hasPrefix("user_library") }.count
    #expect(try mixdown(["inspect", back]).output.contains("\(users) users, "))
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a second signal ends it at once, and what is there is whole`(_ kind: Bench.Kind) throws {
    let (bench, input, expected) = try Self.bench(kind)
    // Who ends at once leaves the lease of a server to its time.
    let lease = ["MIXDOWN_LEASE": "3"]
    let child = try bench.begin("sync", [input, "--workers", "1", "--as-of", Bench.asOf], environment: lease)
    let run = try waitFor { bench.ids.first }
    try Self.waitUntilMerging(bench, run)
    // Both wait for it, so that it has not stopped in order before it hears of the second.
    child.send(SIGSTOP)
    child.send(SIGINT)
    child.send(SIGTERM)
    child.send(SIGCONT)
    #expect(try child.wait() == .exited(75))
    let manifest = try bench.manifest(run)
    #expect(manifest.outcome == "interrupted" && manifest.exitStatus == 75)
    // Who stops in order writes what is merged, counts it, and gives the lease back.
    #expect(manifest.users.seen == 0 && manifest.error?.contains("twice") == true)
    let now = try bench.contents()
    switch kind {
    case .directory: #expect(now.isEmpty)
    case .server:
      #expect(now.allSatisfy { expected[$0.key] == $0.value })
      #expect(try bench.contents([.jobRuns]).keys.contains("job_runs lock:user_library "))
    }
    try bench.run("sync", [input, "--as-of", Bench.asOf], environment: lease, retries: 60)
    #expect(try bench.contents() == expected)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a deadline stops a run, and the next begins with the users who were left`(_ kind: Bench.Kind) throws {
    var (bench, input, expected) = try Self.bench(kind)
    var stopped: Manifest?
    // From short to long: how long a run reads, and how long it merges, is the machine's to say.
    var (deadline, growth) = (100.0, 1.4)
    for _ in 0..<100 where stopped == nil {
      let ended = try Self.sync(input, in: bench, ["--deadline", "\(Int(deadline))ms"])
      let now = try bench.contents()
      #expect(now.allSatisfy { expected[$0.key] == $0.value })
      if ended.status == 0 {
        // It had the time for everybody: the same again, in smaller steps.
        try #require(now == expected)
        deadline /= growth
        growth.formSquareRoot()
        (bench, input, expected) = try Self.bench(kind)
      } else {
        try #require(ended.status == 75 && ended.errors.contains("deadline"), "\(ended.errors)")
        let manifest = try bench.ids.last.map { try bench.manifest($0) }
        #expect(manifest.map { $0.outcome == "interrupted" } ?? now.isEmpty)
        #expect(now.filter { $0.key.hasPrefix("user_library") }.count == manifest?.users.created ?? 0)
        if let manifest, manifest.users.created > 0 { stopped = manifest }
      }
      deadline *= growth
    }
    let first = try #require(stopped?.nextUser, "no run was stopped while it merged, the last after \(deadline) ms")

    // One that was stopped before it has merged anybody changes nothing in that.
    try #require(try Self.sync(input, in: bench, ["--deadline", "1ms"]).status == 75)
    try #require(try Self.sync(input, in: bench).status == 0)
    #expect(try bench.contents() == expected)
    let last = try bench.manifest(#require(bench.ids.last))
    #expect(last.outcome == "done" && last.nextUser == nil)
    // Written back is whoever was visited, in that order: first those who were left, then the others.
    let visited = try Dump.all(in: bench.folder("back.tar")).map(\.name)
    let users = visited.sorted()
    let left = users[try #require(users.firstIndex(of: first + ".json"))...]
    #expect(users.count == last.users.seen && left.count == last.users.created && left.count < users.count)
    #expect(visited.prefix(left.count) == left)
  }

  @Test func `metrics that cannot be written do not hide what ended the run`() throws {
    let (bench, input, _) = try Self.bench(.directory)
    // Where a folder lies no file can be put.
    let taken = bench.folder("taken")
    try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: true)
    let flags = ["--workers", "1", "--as-of", Bench.asOf, "--metrics-file", taken]
    let child = try bench.begin("sync", [input] + flags)
    let run = try waitFor { bench.ids.first }
    try Self.waitUntilMerging(bench, run)
    child.send(SIGINT)
    try #require(try child.wait() == .exited(75), "\(child.errors)")
    let manifest = try bench.manifest(run)
    #expect(manifest.outcome == "interrupted" && manifest.exitStatus == 75)
    #expect(manifest.error?.contains("SIGINT") == true && manifest.error?.contains("; \(taken)") == true)
    #expect(FileManager.default.fileExists(atPath: "\(bench.state)/\(run)/report.html"))

    // A run that went well has failed by it; where there is no folder it does not begin.
    let failed = try bench.run("sync", [input] + flags, expecting: 74)
    #expect(failed.errors.contains(taken))
    let last = try bench.manifest(#require(bench.ids.last))
    #expect(last.outcome == "failed" && last.exitStatus == 74)
    let count = bench.ids.count
    let refused = try bench.run("sync", [input, "--metrics-file", bench.folder("none/m.prom")], expecting: 74)
    #expect(refused.errors.contains("no such folder to write metrics into") && bench.ids.count == count)
  }

  @Test func `a closed standard output fails no run`() throws {
    let bench = try Bench(.directory)
    let input = try bench.inputs(Listeners(count: 3))
    let script = #"exec "$@" >&-"#
    try bench.run("sync", input + ["--as-of", Bench.asOf], through: ["/bin/sh", "-c", script, "sh"])
    #expect(try bench.manifest(#require(bench.ids.last)).outcome == "done")
  }

  @Test(arguments: Bench.Kind.allCases)
  func `counts that do not balance fail the run and leave a folder, and what a server has got can be undone`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 3))
    try bench.sync(input)
    let before = try bench.contents()
    let more = try bench.inputs(Listeners(count: 3, seed: 9), as: "more-")
    let run = try bench.run(
      "sync", more + ["--as-of", Bench.asOf], expecting: 1, environment: ["MIXDOWN_FAULT": "unbalanced"])
    #expect(run.errors.contains("do not balance") && run.errors.contains("on a server what was written stays"))
    let failed = try #require(bench.ids.last)
    let manifest = try bench.manifest(failed)
    #expect(manifest.outcome == "failed" && manifest.exitStatus == 1)
    if kind == .server {
      #expect(try bench.contents() != before)
      try bench.run("undo", [failed])
    }
    #expect(try bench.contents() == before)
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"), arguments: [16, 24, 40])
  func `a full disk under the state folder ends the run with 74 and leaves the store`(_ kilobytes: Int) throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 60, seed: 1), as: "first-"))
    let before = try bench.contents()
    let input = try bench.inputs(Listeners(count: 60, seed: 2), as: "second-")
    // Another volume cannot be linked to, so that the journal has to hold the documents themselves.
    let state = bench.folder("small")
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    let script = """
      mount -t tmpfs -o size=\(kilobytes)k tmpfs "$STATE" || exit 99
      "$@"; status=$?; cp -r "$STATE" "$STATE.seen"; exit $status
      """
    let wrapper = ["/usr/bin/env", "STATE=\(state)", "unshare", "-Urm", "/bin/sh", "-c", script, "sh"]
    let arguments = ["sync"] + input + ["--store", bench.store, "--state", state, "--as-of", Bench.asOf]
    let child = try Child(wrapper + [mixdownBinary] + arguments)
    #expect(try child.wait() == .exited(74), "\(child.errors)")
    #expect(child.errors.contains("free") || child.errors.contains("No space left"))
    #expect(try bench.contents() == before)
    let seen = try FileManager.default.contentsOfDirectory(atPath: state + ".seen")
    let json = try Data(contentsOf: URL(fileURLWithPath: "\(state).seen/\(#require(seen.first))/manifest.json"))
    // On a disk that is that full the manifest's end may find no room: then it goes on to say that the run goes on.
    #expect(try ["failed", "running"].contains(Manifest.read(json).outcome))
  }

  /// A run that writes everybody back, in the order in which it visits them.
  private static func sync(
    _ input: String, in bench: Bench, _ flags: [String] = []
  ) throws -> (status: Int32, output: String, errors: String) {
    let arguments = ["--workers", "1", "--as-of", Bench.asOf, "--write-back", bench.folder("back.tar")]
    return try bench.run("sync", [input] + arguments + flags, expecting: nil)
  }

  /// A store that a run takes some seconds to fill, its input, and what it would hold then.
  private static func bench(_ kind: Bench.Kind) throws -> (Bench, String, [String: [UInt8]]) {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 400, plays: 40))[0]
    let undisturbed = try Bench(.directory)
    try undisturbed.sync([input])
    return (bench, input, try undisturbed.contents())
  }

  /// Waits until the first batch is merged: when it is in the journal.
  static func waitUntilMerging(_ bench: Bench, _ run: String) throws {
    try waitFor { FileManager.default.fileExists(atPath: "\(bench.state)/\(run)/journal.bson") ? true : nil }
  }
}

enum SignalNames {
  static let names: [Int32: String] = [SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGHUP"]
}
