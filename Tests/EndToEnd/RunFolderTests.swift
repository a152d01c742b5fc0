import Foundation
import Testing

/// What a run leaves in its folder, and what it says.
@Suite struct RunFolderTests {
  @Test func `the manifest has the fields that other programs read`() throws {
    let sandbox = try Sandbox()
    let input = try Packing.tarZstd.pack(Listeners(count: 4).dumps, in: sandbox.folder)
    let run = try sandbox.syncWell([input], ["--workers", "2"])
    let json = try Data(contentsOf: URL(fileURLWithPath: run.folder + "/manifest.json"))
    let manifest = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
    let required: Set = [
      "manifest_version", "run_id", "job", "version", "host", "process", "store", "parameters", "as_of", "started_at",
      "ended_at", "outcome", "exit_status", "inputs", "counts", "users", "quarantine", "seconds", "peak_memory_bytes",
    ]
    #expect(required.subtracting(manifest.keys).isEmpty)
    let counts = try #require(manifest["counts"] as? [String: [String: Int]])
    #expect(Set(try #require(counts["dumps"]).keys) == ["read", "used", "quarantined", "skipped"])
    #expect(
      Set(try #require(counts["entries"]).keys)
        == ["read", "kept", "merged", "superseded", "beyond_limit", "removed", "quarantined"])
    let users = try #require(manifest["users"] as? [String: Int])
    #expect(users == ["seen": 4, "changed": 0, "unchanged": 0, "created": 4, "left": 0])
    #expect(manifest["as_of"] as? String == "2026-01-01T00:00:00.000Z")

    let read = try run.manifest
    #expect(read.job == "sync" && read.outcome == "done" && read.exitStatus == 0 && read.store == sandbox.store)
    #expect(read.parameters["workers"] == "2" && read.parameters["mode"] == "merge")
    #expect(try run.folder.hasSuffix("/" + read.runId) && read.runId.count == 26)
    let described = try #require(read.inputs.first)
    let bytes = try sandbox.folder.bytes(of: Packing.tarZstd.rawValue)
    #expect(described.path == input && described.bytes == bytes.count && described.finished)
    #expect(described.sha256 == (try Self.sha256(input)))
  }

  /// The digest by a program that is not ours.
  private static func sha256(_ path: String) throws -> String {
    let child = try Child(["/usr/bin/sha256sum", path])
    _ = try child.wait()
    return String(child.output.prefix(64))
  }

  @Test func `the counts balance, also where every fate occurs`() throws {
    let sandbox = try Sandbox()
    let dumps =
      Listeners().dumps + [
        Dump("bad.json", "oops"), Dump("notes.txt", "no dump"),
        Dump("listener-1000/bad-entry.json", #"{"favorites":[{"artist":"x"},7],"queue":5}"#),
        Dump(
          "listener-1001/removed.json",
          #"{"removed":{"favorites":[{"videoId":"gone","removedAt":1760000000000}]},"favorites":[{"videoId":"gone"}]}"#),
      ]
    let input = try Packing.zip.pack(dumps, in: sandbox.folder)
    for mode in ["merge", "replace"] {
      let run = try sandbox.sync([input], ["--history-limit", "5", "--mode", mode])
      let manifest = try run.manifest
      let (dumps, entries) = (manifest.counts.dumps, manifest.counts.entries)
      #expect(dumps.isBalanced && entries.isBalanced, "\(dumps) \(entries)")
      #expect(dumps.read == 52 && dumps.skipped == 1)
      let users = manifest.users
      #expect(users.seen == users.changed + users.unchanged + users.created + users.left)
      guard mode == "merge" else { continue }
      let fates = [
        entries.kept, entries.merged, entries.superseded, entries.beyondLimit, entries.removed, entries.quarantined,
      ]
      for fate in fates { #expect((fate ?? 0) > 0) }
    }
  }

  @Test func `a run's folder is its owner's alone and lies in the store unless told otherwise`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let run = try mixdown(["sync", input, "--store", sandbox.store, "--as-of", Sandbox.asOf])
    #expect(run.status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: sandbox.store + "/.runs").count == 1)
    // Another, which keeps the store's old file.
    let other = try sandbox.folder.write("ann.json", #"{"favorites":[{"title":"a"}]}"#)
    #expect(try mixdown(["sync", other, "--store", sandbox.store, "--as-of", Sandbox.asOf]).status == 0)

    let runs = try #require(FileManager.default.enumerator(atPath: sandbox.store + "/.runs"))
    var names: Set<String> = []
    for case let path as String in runs {
      let mode = runs.fileAttributes?[.posixPermissions] as? Int
      let isFolder = runs.fileAttributes?[.type] as? FileAttributeType == .typeDirectory
      #expect(mode == (isFolder ? 0o700 : 0o600), "\(path)")
      names.insert(String(path.split(separator: "/").last ?? ""))
    }
    #expect(names.isSuperset(of: ["manifest.json", "quarantine.ndjson", "journal.bson", "user_library.bson"]))
    let attributes = try FileManager.default.attributesOfItem(atPath: sandbox.store + "/user_library.bson")
    #expect(attributes[.posixPermissions] as? Int != 0o600)
  }

  @Test func `a run that fails says why in its manifest too`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let run = try sandbox.sync([input], ["--write-back", sandbox.folder("none/back.zip")])
    let manifest = try run.manifest
    #expect(manifest.outcome == "failed" && manifest.exitStatus == run.status)
    let error = try #require(manifest.error)
    #expect(run.errors.contains(error))
  }

  // MARK: Messages

  @Test func `a run ends with one line that says what was done`() throws {
    let sandbox = try Sandbox()
    let run = try sandbox.syncWell([sandbox.folder.write("ann.json", #"{"queue":[{"videoId":"a"}]}"#)])
    #expect(run.errors.isEmpty)
    #expect(
      run.output.hasPrefix(
        "1 users: 0 changed, 0 unchanged, 1 new; 1 dumps: 1 used, 0 quarantined, 0 skipped; 1 entries: 1 kept, "))
    #expect(run.output.split(separator: "\n").count == 1)
  }

  @Test func `a quiet run says nothing when all is well, and its last line when not`() throws {
    let sandbox = try Sandbox()
    let good = try sandbox.folder.write("good/ann.json", #"{"queue":[]}"#)
    let run = try sandbox.syncWell([good], ["--quiet", "--log-level", "trace"])
    #expect(run.output.isEmpty && run.errors.isEmpty)
    let bad = try sandbox.sync([sandbox.folder.write("bad/ann.json", "{")], ["--quiet"])
    #expect(bad.status == 3 && bad.output.contains("1 invalid-json"))
    let missing = try sandbox.sync(["/nowhere"], ["--quiet"])
    #expect(missing.status == 74 && missing.errors.contains("/nowhere"))
  }

  @Test func `messages in JSON are one object a line`() throws {
    let sandbox = try Sandbox()
    let good = try sandbox.folder.write("ann.json", #"{"queue":[{"videoId":"a"}]}"#)
    let flags = ["--log-format", "json", "--log-level", "trace"]
    let done = try sandbox.syncWell([good], flags)
    let failed = try sandbox.sync(["/no\"where\n"], flags)
    let left = try sandbox.sync(
      [sandbox.folder.write("empty/ann.json", #"{"queue":[]}"#)], flags + ["--mode", "replace"])
    #expect(left.status == 3)
    for run in [done, failed, left] {
      let lines = run.errors.split(separator: "\n")
      #expect(!lines.isEmpty)
      for line in lines {
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        for key in ["time", "level", "message"] { #expect(fields[key] != nil) }
      }
    }
    #expect(left.errors.contains("would-empty"))
  }

  @Test(arguments: [("| true", 0), ("2>&1 >/dev/null | true", 0), (">/dev/full 2>&1", 74), (">&- 2>&-", 0)])
  func `a run goes on when nobody reads what it says, and where it cannot be written its status says so`(
    _ redirection: String, _ status: Int32
  ) throws {
    let sandbox = try Sandbox()
    let input = try Packing.folder.pack(Listeners().dumps, in: sandbox.folder)
    let wrapper = ["/bin/sh", "-c", "\"$@\" \(redirection)", "sh"]
    let run = try sandbox.sync([input], ["--diff", "--log-level", "trace"], through: wrapper)
    #expect(run.status == status)
    #expect(try run.manifest.outcome == "done")
    let before = sandbox.bytes
    #expect(before != nil)
    try sandbox.syncWell([input])
    #expect(sandbox.bytes == before)
  }

  @Test func `what cannot be written to standard output is no success`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[{"videoId":"a"}]}"#)
    let made = try sandbox.syncWell([input])
    #expect(try mixdown(["learn", "--store", sandbox.store]).status == 0)
    let commands = [
      ["stats", "ann", "--store", sandbox.store, "--format", "html"], ["inspect", input],
      ["inspect", "--user", "ann", "--store", sandbox.store], ["runs", "show", try made.folder], ["--help"],
    ]
    for command in commands {
      let child = try Child(["/bin/sh", "-c", "\"$@\" > /dev/full", "sh", mixdownBinary] + command)
      #expect(try child.wait() == .exited(74), "\(command)")
      #expect(child.errors.contains("standard output: cannot write: No space left on device"))
    }
    // What ends with an error of its own says that.
    let child = try Child(["/bin/sh", "-c", "\"$@\" > /dev/full", "sh", mixdownBinary, "stats", "bob"])
    #expect(try child.wait() == .exited(64))
  }

  @Test func `what ends a command is said in JSON where that was asked for`() throws {
    let sandbox = try Sandbox()
    let commands: [[String]] = [
      ["run", sandbox.folder("none.yaml")], ["undo", "01M8", "--store", sandbox.store],
      ["copy", sandbox.folder("none"), sandbox.store],
      ["sync", sandbox.folder.path, "--store", "mongodb://127.0.0.1:1/music", "--state", sandbox.folder("state")]
        + ["--server-timeout", "100ms"],
      ["sync", "x", "--store", sandbox.store, "--user-map", sandbox.folder("none.csv")],
    ]
    for command in commands {
      let run = try mixdown(command + ["--log-format", "json"])
      let lines = run.errors.split(separator: "\n")
      // What can be seen of the way to a server follows.
      #expect(run.status != 0 && (run.status == 69 ? lines.count > 2 : lines.count == 1))
      for (number, line) in lines.enumerated() {
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(fields["level"] == (number == 0 ? "error" : "notice"))
        #expect(fields["message"] != nil && fields["time"] != nil)
      }
    }
  }

  // MARK: Usage

  @Test(arguments: [
    ["--nonsense"], ["--mode", "join"], ["--workers", "0"], ["--memory", "1KiB"], ["--memory", "lots"],
    ["--history-limit", "-1"], ["--sections", "favourites"], ["--sections", ","], ["--as-of", "yesterday"],
    ["--users-from", "rumour"], ["--log-format", "xml"], ["--max-depth", "0"], ["--max-dump-size", "0"],
    ["--tombstone-ttl", "long"], ["--store", "mongodb://host"],
  ])
  func `what the program cannot mean is 64 and touches nothing`(_ flags: [String]) throws {
    let sandbox = try Sandbox()
    let run = try sandbox.sync([sandbox.folder.write("ann.json", #"{"queue":[]}"#)], flags)
    #expect(run.status == 64)
    // The second is of what is seen only when the store is looked at.
    #expect(
      run.output.isEmpty && (run.errors.hasPrefix("Error: ") || run.errors.hasPrefix("mixdown: error: ")),
      "\(run.output)\(run.errors)")
    for path in [sandbox.store, run.state] { #expect(!FileManager.default.fileExists(atPath: path)) }
  }

  @Test(
    arguments: [
      ["sync", "x"], ["learn"], ["evaluate"], ["explain", "ann"], ["stats", "ann"], ["inspect", "--user", "ann"],
      ["sessions"], ["setup"], ["runs"], ["doctor"],
    ])
  func `an empty name is no store`(_ command: [String]) throws {
    for run in [try mixdown(command + ["--store", ""]), try mixdown(command, environment: ["MIXDOWN_STORE": ""])] {
      #expect(run.status == 64, "\(run.errors)")
    }
  }

  @Test(
    arguments: [
      (["verify", "X"], "verify <run>"), (["undo", "X"], "undo <run>"),
      (["quarantine", "X"], "quarantine <run>"), (["quarantine", "X", "--replay", "y"], "quarantine <run>"),
      (["quarantine", "/nowhere/X"], "quarantine <run>"), (["forget", "ann"], "forget [<users>"),
      (["runs"], "runs list"), (["runs", "show", "X"], "runs show <run>"), (["runs", "prune"], "runs prune"),
      (["learn"], "learn"),
    ])
  func `who names no store is shown the usage of their command`(_ command: [String], _ usage: String) throws {
    let run = try mixdown(command)
    #expect(run.status == 64 && run.errors.hasPrefix("Error: Name the store with --store"), "\(run.errors)")
    #expect(run.errors.contains("Usage: mixdown \(usage)"), "\(run.errors)")
  }

  @Test(arguments: [["report"], ["report", "X"]])
  func `a report that does not say of what says what to name`(_ command: [String]) throws {
    let run = try mixdown(command)
    #expect(run.status == 64 && run.errors.hasPrefix("mixdown: error: name the run"), "\(run.errors)")
    #expect(!run.errors.contains("Usage"))
  }

  @Test func `a sync needs inputs and a store, which the environment may name`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let homeless = try mixdown(["sync", input])
    #expect(homeless.status == 64 && homeless.errors.contains("--store or MIXDOWN_STORE"))
    #expect(try mixdown(["sync", "--store", sandbox.store]).status == 64)
    #expect(try mixdown(["nonsense"]).status == 64)
    #expect(sandbox.bytes == nil)
    #expect(try mixdown(["sync", input], environment: ["MIXDOWN_STORE": sandbox.store]).status == 0)
    #expect(sandbox.bytes != nil)
  }
}
