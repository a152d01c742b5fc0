import Foundation
import Testing

@testable import Jobs

/// Job files that are refused, each with the exact words and the place.
@Suite struct RefusalTests {
  struct Fixture: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let yaml: String
    var overrides: [String] = []
    let messages: [String]

    init(_ name: String, _ yaml: String, set overrides: [String] = [], _ messages: String...) {
      (testDescription, self.yaml, self.overrides, self.messages) = (name, yaml, overrides, messages)
    }
  }

  static let structure = [
    Fixture("an empty file", "", #"job.yaml:1:1: the file is empty; a job has "steps""#),
    Fixture("a comment alone", "# nothing\n", #"job.yaml:1:1: the file is empty; a job has "steps""#),
    Fixture(
      "a list", "- sync", #"job.yaml:1:1: a job is a mapping with "job", "store", "state" and "steps""#),
    Fixture("no steps", "store: s\n", #"job.yaml:1:1: the job has no "steps""#),
    Fixture(
      "steps that are no list", "store: s\nsteps:\n  sync:\n    workers: 2\n",
      #"job.yaml:3:3: "steps" is a list with at least one step, such as "- sync:""#),
    Fixture(
      "an empty list of steps", "store: s\nsteps: []\n",
      #"job.yaml:2:8: "steps" is a list with at least one step, such as "- sync:""#),
    Fixture(
      "a step that is a list", "store: s\nsteps:\n  - [sync]\n",
      "job.yaml:3:5: a step is one name with its parameters below it"),
    Fixture(
      "parameters that are not indented", "store: s\nsteps:\n  - sync:\n    dry-run: true\n",
      "job.yaml:4:5: a step is one name with its parameters below it; is \"dry-run\" to stand two columns further right?"
    ),
    Fixture(
      "parameters that are a value", "store: s\nsteps:\n  - setup: yes\n",
      #"job.yaml:3:12: the parameters of "setup" are a mapping, such as "rebuild-indexes: true""#),
    Fixture(
      "a key of the job that is not known", "stroe: s\nsteps:\n  - setup\n",
      #"job.yaml:1:1: unknown key "stroe" of the job; did you mean "store"?"#),
    Fixture(
      "a step that is not known", "store: s\nsteps:\n  - snyc:\n",
      #"job.yaml:3:5: unknown step "snyc"; did you mean "sync"?"#),
    Fixture(
      "a subcommand that is no step", "store: s\nsteps:\n  - copy:\n",
      #"job.yaml:3:5: unknown step "copy"; there are setup, sync"#),
    Fixture(
      "a step of another version", "store: s\nsteps:\n  - setup\n  - learn:\n",
      #"job.yaml:4:5: the step "learn" is not available in this version; there are setup, sync"#),
    Fixture(
      "a step twice", "store: s\nsteps:\n  - setup\n  - setup:\n",
      #"job.yaml:4:5: the step "setup" stands twice, before at job.yaml:3:5"#),
    Fixture(
      "a path for a name", "job: a/b\nstore: s\nsteps: [setup]\n", #"job.yaml:1:6: "job" is a name, without "/""#),
    Fixture(
      "a name of two lines", "job: \"a\\nb\"\nstore: s\nsteps: [setup]\n",
      #"job.yaml:1:6: "job" is a name on one line, without a line break"#),
    Fixture(
      "a name with a line break of Unicode", "job: \"a\\Nb\"\nstore: s\nsteps: [setup]\n",
      #"job.yaml:1:6: "job" is a name on one line, without a line break"#),
    Fixture(
      "no store", "steps: [setup]\n", #"job.yaml:1:1: the job names no "store", nor does MIXDOWN_STORE or --store"#),
    Fixture(
      "two stores", "store: s\nsteps:\n  - setup:\n      store: t\n",
      "job.yaml:4:14: a job has one store, and job.yaml:1:8 names FOLDER/s"),
    Fixture(
      "two stores that differ in their normal form", "store: caf\u{E9}\nsteps:\n  - setup:\n      store: cafe\u{301}\n",
      "job.yaml:4:14: a job has one store, and job.yaml:1:8 names FOLDER/caf\u{E9}"),
  ]

  static let yaml = [
    Fixture(
      "a tab", "steps:\n\t- sync\n",
      "job.yaml:2:1: no YAML: while scanning for the next token, found character that cannot start any token"),
    Fixture(
      "a bracket that stays open", "store: s\nsteps: [setup\n",
      "job.yaml:3:1: no YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
    Fixture("a key twice", "store: s\nsteps: [setup]\nstore: t\n", #"job.yaml:3:1: the key "store" stands twice"#),
    Fixture(
      "a key of a step twice",
      "store: s\nsteps:\n  - setup:\n      rebuild-indexes: true\n      rebuild-indexes: true\n",
      #"job.yaml:5:7: the key "rebuild-indexes" stands twice"#),
    Fixture(
      "two documents", "store: s\n---\nsteps: [setup]\n",
      "job.yaml:2:1: no YAML: expected a single document in the stream, but found another document"),
  ]

  /// Each is the parameters of a `sync` that has inputs, from line 6 and column 7 on.
  static let parameters = [
    Fixture(
      "a key that is not known", "worker: 2", #"job.yaml:6:7: unknown key "worker" of sync; did you mean "workers"?"#),
    Fixture(
      "a key with a slip", "dyr-run: true", #"job.yaml:6:7: unknown key "dyr-run" of sync; did you mean "dry-run"?"#),
    Fixture(
      "a key as programs write it", "dry_run: true",
      #"job.yaml:6:7: unknown key "dry_run" of sync; did you mean "dry-run"?"#),
    Fixture(
      "a key far from all", "xylophone-player: 1",
      #"job.yaml:6:7: unknown key "xylophone-player" of sync; the nearest that there is: "no-create""#),
    Fixture("a word for a number", "workers: many", #"job.yaml:6:16: "workers" of sync: "many" is not a whole number"#),
    Fixture("a broken number", "workers: 1.5", #"job.yaml:6:16: "workers" of sync: "1.5" is not a whole number"#),
    Fixture("a word for a broken number", "share: half", #"job.yaml:6:14: "share" of sync: "half" is not a number"#),
    Fixture(
      "a word for a quantity", "memory: lots",
      #"job.yaml:6:15: "memory" of sync: "lots" is not a quantity or time, such as 1MiB"#),
    Fixture("a number out of range", "workers: 0", "job.yaml:6:16: --workers is 1 or more."),
    Fixture("a value that the command refuses", "sections: none", "job.yaml:6:17: none is no section."),
    Fixture("a number for a flag", "dry-run: 1", #"job.yaml:6:16: "dry-run" of sync: "1" is not true or false"#),
    Fixture("yes for a flag", "dry-run: yes", #"job.yaml:6:16: "dry-run" of sync: "yes" is not true or false"#),
    Fixture(
      "none of the choices", "mode: merg",
      #"job.yaml:6:13: "mode" of sync: "merg" is not one of merge, replace; did you mean "merge"?"#),
    Fixture("a list for a value", "workers: [1, 2]", #"job.yaml:6:16: "workers" takes one value, not a list"#),
    Fixture("a mapping for a value", "mode: {a: b}", #"job.yaml:6:13: "mode" takes one value, not a mapping"#),
    Fixture("no value", "mode:", #"job.yaml:6:12: "mode" has no value"#),
    Fixture("null", "mode: ~", #"job.yaml:6:13: "mode" has no value"#),
    Fixture(
      "a variable that is not set", "mode: ${MODE}",
      #"job.yaml:6:13: "mode": MODE is not set in the environment; "${MODE:-default}" would do without it"#),
    Fixture(
      "a variable that stays open", "mode: \"${MODE\"",
      #"job.yaml:6:13: "mode": "${" without "}"; write "$${" for the two signs themselves"#),
    Fixture(
      "what a shell knows more", "mode: ${MODE:=x}",
      #"job.yaml:6:13: "mode": "${MODE:=x}" is neither "${VARIABLE}" nor "${VARIABLE:-default}""#),
    Fixture(
      "a flag and its opposite", "archive: true\n      no-archive: true",
      #"job.yaml:7:7: "no-archive" says again what "archive" says"#),
    Fixture(
      "an opposite and its flag", "no-archive: true\n      archive: true",
      #"job.yaml:7:7: "archive" says again what "no-archive" says"#),
    Fixture(
      "a word for an opposite", "no-archive: never",
      #"job.yaml:6:19: "archive" of sync: "never" is not true or false"#),
    Fixture(
      "several faults", "mode: x\n      workers: y\n      wrokers: 1",
      #"job.yaml:6:13: "mode" of sync: "x" is not one of merge, replace"#,
      #"job.yaml:7:16: "workers" of sync: "y" is not a whole number"#,
      #"job.yaml:8:7: unknown key "wrokers" of sync; did you mean "workers"?"#),
  ]

  /// Each is the inputs of a `sync`, from line 5 and column 15 on.
  static let inputs = [
    Fixture("a single one", "data", #"job.yaml:5:15: "inputs" is a list: "inputs: [data]""#),
    Fixture("none", "[]", "job.yaml:4:5: sync: Name at least one INPUT."),
    Fixture(
      "a list in a list", "[[data]]", #"job.yaml:5:16: "inputs" takes one value, not a list"#),
    Fixture(
      "one that is not there", "[exports, export]",
      "job.yaml:5:25: no such file or folder: FOLDER/export; did you mean \"exports\"?"),
    Fixture("one that a variable names", "[\"${GONE}/x\"]", "job.yaml:5:16: no such file or folder: /nowhere/x"),
  ]

  static let overrides = [
    Fixture(
      "no value", "", set: ["sync.workers"], #"--set sync.workers: write "step.key=value", such as "sync.workers=4""#),
    Fixture(
      "no step", "", set: ["workers=4"],
      #"--set workers=4: "workers" is no key of the job; write "step.key=value"; the nearest that there is: "store""#),
    Fixture(
      "a step that the job has not", "", set: ["setup.rebuild-indexes=true"],
      #"--set setup.rebuild-indexes: the job has no step "setup"; the nearest that there is: "sync""#),
    Fixture(
      "a key that the step has not", "", set: ["sync.worker=4"],
      #"--set sync.worker: unknown key "worker" of sync; did you mean "workers"?"#),
    Fixture(
      "a wrong type", "", set: ["sync.workers=four"],
      #"--set sync.workers: "workers" of sync: "four" is not a whole number"#),
    Fixture(
      "inputs that are not there", "", set: ["sync.inputs=/nowhere/x"],
      "--set sync.inputs: no such file or folder: /nowhere/x"),
  ]

  @Test(arguments: structure + yaml)
  func `a file that is no job is refused with the place`(_ fixture: Fixture) throws {
    try Self.check(fixture, yaml: fixture.yaml)
  }

  @Test(arguments: parameters)
  func `a parameter that will not do is refused with the place`(_ fixture: Fixture) throws {
    let head = "job: test\nstore: s\nsteps:\n  - sync:\n      inputs: [exports]\n      "
    try Self.check(fixture, yaml: head + fixture.yaml + "\n")
  }

  @Test(arguments: inputs)
  func `inputs that will not do are refused with the place`(_ fixture: Fixture) throws {
    try Self.check(fixture, yaml: "job: test\nstore: s\nsteps:\n  - sync:\n      inputs: \(fixture.yaml)\n")
  }

  @Test(arguments: [1000, 1001])
  func `no file is suggested where there are too many to compare`(files: Int) throws {
    let folder = try JobFolder()
    try FileManager.default.createDirectory(atPath: folder.path + "/many", withIntermediateDirectories: false)
    for number in 1...files {
      try Data().write(to: URL(fileURLWithPath: folder.path + "/many/file-\(number).json"))
    }
    do throws(JobRefusal) {
      _ = try folder.plan("store: s\nsteps:\n  - sync:\n      inputs: [many/fiel-7.json]\n")
      Issue.record("not refused")
    } catch {
      let hint = files > 1000 ? "" : "; did you mean \"file-7.json\"?"
      #expect(
        error.faults.map { folder.shown("\($0)") }
          == ["job.yaml:4:16: no such file or folder: FOLDER/many/fiel-7.json\(hint)"])
    }
  }

  @Test(arguments: overrides)
  func `what the command line sets is checked as well`(_ fixture: Fixture) throws {
    try Self.check(fixture, yaml: "store: s\nsteps:\n  - sync:\n      inputs: [exports]\n")
  }

  private static func check(_ fixture: Fixture, yaml: String) throws {
    let folder = try JobFolder()
    var messages: [String] = []
    do throws(JobRefusal) {
      _ = try folder.plan(yaml, set: fixture.overrides)
    } catch {
      messages = error.faults.map { folder.shown("\($0)") }
    }
    #expect(messages.sorted() == fixture.messages.sorted())
  }
}

/// A folder with a job file and something to read.
struct JobFolder: ~Copyable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.resolvingSymlinksInPath().path + "/mixdown-jobs-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path + "/exports", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: path + "/other", withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func plan(
    _ yaml: String, set: [String] = [], environment: [String: String] = [:]
  ) throws(JobRefusal) -> JobPlan {
    var overrides: [JobOverride] = []
    for text in set {
      do throws(JobFault) {
        overrides.append(try JobOverride(setting: text))
      } catch {
        throw JobRefusal(faults: [error])
      }
    }
    return try JobPlan(
      path + "/job.yaml", yaml: yaml, overrides: overrides, declarations: FixtureTool.declarations,
      environment: environment.merging(["GONE": "/nowhere"]) { one, _ in one }, now: "NOW")
  }

  /// A text without what differs from run to run.
  func shown(_ text: String) -> String {
    text.replacing(path + "/job.yaml", with: "job.yaml").replacing(path, with: "FOLDER")
  }
}
