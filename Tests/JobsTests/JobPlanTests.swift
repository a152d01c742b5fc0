import Foundation
import Testing

@testable import Jobs

/// What a job file that is taken means.
@Suite struct JobPlanTests {
  /// That of the system's list of users.
  private static let ownHome = NSHomeDirectoryForUser(NSUserName()) ?? ""
  private static let head = "job: night\nstore: store\nsteps:\n  - sync:\n      inputs: [exports]\n"

  @Test func `the plan shows every parameter, its value, and where that comes from`() throws {
    let folder = try JobFolder()
    let yaml = Self.head + "      dry-run: true\n      sections: ${SECTIONS:-queue}\n      mode: ${MODE:-merge}\n"
    let plan = try folder.plan(yaml, set: ["sync.workers=4"], environment: ["MODE": "replace"])
    let lines = plan.lines.map { folder.shown($0).split(separator: " ").joined(separator: " ") }
    #expect(
      lines == [
        "job night, job.yaml",
        "store FOLDER/store job.yaml:2",
        "state (FOLDER/store/.runs) default",
        "step 1, sync",
        "inputs FOLDER/exports job.yaml:5",
        "mode replace job.yaml:8, environment MODE",
        "workers 4 --set sync.workers",
        "share 0.5 default",
        "sections queue job.yaml:7",
        "as-of NOW default",
        "user-map (none) default",
        "memory 1MiB default",
        "dry-run true job.yaml:6",
        "no-create false default",
        "archive true default",
      ])
  }

  @Test(
    arguments: [
      ("jobs/night.yaml", "night"), ("night.eu.yaml", "night.eu"), ("/etc/night.us.yaml", "night.us"),
      ("night", "night"), ("./.yaml", ".yaml"), (".night.yml", ".night"), ("a.b/night", "night"),
    ])
  func `a job that is not named bears the name of its file without the ending`(_ path: String, _ name: String) {
    var reader = JobFileReader(path: path, declarations: [], environment: [:])
    #expect(reader.read("steps: [setup]").name == name)
  }

  @Test(
    arguments: [
      ("job.yaml", "."), ("jobs/job.yaml", "jobs"), ("./job.yaml", "."), ("/etc/job.yaml", "/etc"), ("/job.yaml", "/"),
    ])
  func `relative paths of a job count from the folder of its file`(_ path: String, _ folder: String) {
    #expect(JobFile(path: path, name: "job").folder == folder)
  }

  @Test func `each value of a list has its own origin`() throws {
    let folder = try JobFolder()
    let yaml = """
      job: night
      store: store
      steps:
        - sync:
            inputs:
              - "${IN}/exports"
              - ${NONE:-exports}
              - "${IN}/other"
      """
    func rows(_ set: [String]) throws -> [String] {
      let lines = try folder.plan(yaml, set: set, environment: ["IN": folder.path]).lines
      let step = lines.drop { !$0.hasPrefix("step") }.dropFirst()
      return step.prefix { !$0.contains(" mode ") }.map {
        folder.shown($0).split(separator: " ").joined(separator: " ")
      }
    }
    #expect(
      try rows([]) == [
        "inputs FOLDER/exports job.yaml:6, environment IN", "FOLDER/exports job.yaml:7",
        "FOLDER/other job.yaml:8, environment IN",
      ])
    #expect(
      try rows(["sync.inputs=\(folder.path)/exports", "sync.inputs=\(folder.path)/other"]) == [
        "inputs FOLDER/exports --set sync.inputs", "FOLDER/other --set sync.inputs",
      ])
  }

  @Test(
    arguments: [
      ("data/store", [:], "data/store/.runs"),
      ("mongodb://h/music", ["HOME": "/home/ann"], "/home/ann/.local/state/mixdown"),
      ("mongodb://h/music", ["HOME": "/home/ann", "XDG_STATE_HOME": "/state"], "/state/mixdown"),
      ("mongodb://h/music", ["HOME": "/home/ann", "XDG_STATE_HOME": ""], "/home/ann/.local/state/mixdown"),
      ("mongodb://h/music", ["HOME": "", "XDG_STATE_HOME": ""], ownHome + "/.local/state/mixdown"),
      ("mongodb://h/music", ["HOME": "ann"], ownHome + "/.local/state/mixdown"),
      ("mongodb://h/music", [:], ownHome + "/.local/state/mixdown"),
    ] as [(String, [String: String], String)])
  func `the plan shows where runs go that are not told where`(
    _ store: String, _ environment: [String: String], _ place: String
  ) throws {
    let folder = try JobFolder()
    let plan = try folder.plan(Self.head, set: ["store=\(store)"], environment: environment)
    let line = try #require(plan.lines.first { $0.hasPrefix("  state ") })
    #expect(line.split(separator: " ") == ["state", "(\(place))", "default"])
    // It is no value: no step is given it.
    #expect(plan.state.values.isEmpty && plan.steps.allSatisfy { !$0.arguments.contains { $0.hasPrefix("--state") } })
  }

  @Test func `a step is given what the command line would be`() throws {
    let folder = try JobFolder()
    let yaml =
      Self.head + "      dry-run: true\n      no-create: false\n      workers: 2\n      user-map: -guests.csv\n"
    let arguments = try #require(try folder.plan(yaml).steps.first).arguments.map { folder.shown($0) }
    #expect(
      arguments == [
        "--store=FOLDER/store", "--workers=2", "--as-of=NOW", "--user-map=FOLDER/-guests.csv", "--dry-run", "--",
        "FOLDER/exports",
      ])
  }

  @Test func `a path counts from the file's folder where it begins in the file, else from the current one`() throws {
    let folder = try JobFolder()
    let yaml = """
      store: ${STORE:-a/../b}
      state: ${STATE}
      steps:
        - sync: {inputs: ["${IN}/exports", "./other"], user-map: "x${NAME}.csv"}
      """
    let environment = ["STATE": "runs", "IN": folder.path, "NAME": "y"]
    let plan = try folder.plan(yaml, environment: environment)
    #expect(plan.store.values == [folder.path + "/b"])
    #expect(plan.state.values == ["runs"])
    let step = try #require(plan.steps.first)
    let values = { (key: String) in step.parameters.first { $0.key == key }?.values }
    #expect(values("inputs") == [folder.path + "/exports", folder.path + "/other"])
    #expect(values("user-map") == [folder.path + "/xy.csv"])
    let other = try folder.plan(yaml, environment: environment.merging(["STORE": "mongodb://h/db"]) { $1 })
    #expect(other.store.values == ["mongodb://h/db"])
    #expect(try folder.plan(yaml, set: ["store=here"], environment: environment).store.values == ["here"])
  }

  @Test func `a variable that gives nothing leaves its key out`() throws {
    let folder = try JobFolder()
    let yaml = Self.head + "      user-map: ${GUESTS:-}\n      mode: ${MODE:-}\n"
    let plan = try folder.plan(yaml, environment: ["MODE": ""])
    #expect(
      !(try #require(plan.steps.first)).arguments.contains { $0.hasPrefix("--user-map") || $0.hasPrefix("--mode") })
  }

  @Test func `an empty value on the command line takes away what the file says, and gives nothing`() throws {
    let folder = try JobFolder()
    let yaml = Self.head + "      user-map: exports\n      mode: replace\n      no-archive: true\n"
    for text in ["", "sync.user-map=\(folder.path)/other"] {
      let plan = try folder.plan(
        yaml, set: [text, "sync.user-map=", "sync.mode=", "sync.no-archive=", "sync.workers="].filter { !$0.isEmpty })
      let arguments = try #require(plan.steps.first).arguments.map { folder.shown($0) }
      #expect(arguments == ["--store=FOLDER/store", "--as-of=NOW", "--", "FOLDER/exports"])
    }
    let inputs = try folder.plan(
      yaml, set: ["sync.inputs=", "sync.inputs=\(folder.path)/other", "sync.inputs=", "sync.inputs=\(folder.path)"])
    let arguments = try #require(inputs.steps.first).arguments.map { folder.shown($0) }
    #expect(arguments.suffix(3) == ["--", "FOLDER/other", "FOLDER"])
  }

  @Test(arguments: ["", "job: \"\"\n", "job: ${NAME}\n", "job: ${NAME:-}\n"])
  func `a job without a name, or with an empty one, has its file's`(_ line: String) throws {
    let plan = try JobFolder().plan(line + "store: s\nsteps: [setup]\n", environment: ["NAME": ""])
    #expect(plan.job == "job")
  }

  @Test(arguments: [
    ("archive: false", "--no-archive"), ("archive: true", "--archive"), ("no-archive: true", "--no-archive"),
    ("no-archive: ${OFF:-false}", "--archive"),
  ])
  func `a flag that is on unless told otherwise may be written by either name`(_ text: String, _ flag: String) throws {
    let folder = try JobFolder()
    let arguments = try #require(try folder.plan(Self.head + "      \(text)\n").steps.first).arguments
    #expect(arguments.filter { $0.hasSuffix("archive") } == [flag])
    let set = "sync." + text.replacing(": ", with: "=").replacing("${OFF:-false}", with: "false")
    let other = try #require(try folder.plan(Self.head, set: [set]).steps.first).arguments
    #expect(other == arguments)
  }

  @Test func `values of a list that are set several times add up and replace the file's`() throws {
    let folder = try JobFolder()
    let plan = try folder.plan(
      Self.head,
      set: ["sync.inputs=\(folder.path)/other", "sync.inputs=\(folder.path)", "sync.mode=merge", "sync.mode=replace"])
    let arguments = try #require(plan.steps.first).arguments.map { folder.shown($0) }
    #expect(arguments.suffix(3) == ["--", "FOLDER/other", "FOLDER"] && arguments.contains("--mode=replace"))
  }

  @Test func `the store may stand in a step, or in the environment`() throws {
    let folder = try JobFolder()
    let plan = try folder.plan("steps:\n  - setup: {store: s}\n  - sync: {inputs: [exports]}\n")
    #expect(plan.job == "job" && plan.store.values == [folder.path + "/s"])
    #expect(plan.steps.map(\.name) == ["setup", "sync"])
    #expect(plan.steps.allSatisfy { $0.arguments.contains("--store=\(folder.path)/s") })
    let other = try folder.plan("steps: [setup]\n", environment: ["MIXDOWN_STORE": "t"])
    #expect(other.store.values == ["t"] && "\(other.store.origin)" == "environment MIXDOWN_STORE")
  }

  @Test func `the state directory may stand in the environment, and an empty name is none`() throws {
    let folder = try JobFolder()
    let environment = ["MIXDOWN_STATE": "runs"]
    let plan = try folder.plan(Self.head, environment: environment)
    #expect(plan.state.values == ["runs"] && "\(plan.state.origin)" == "environment MIXDOWN_STATE")
    #expect(plan.steps.allSatisfy { $0.arguments.contains("--state=runs") })
    #expect(try folder.plan(Self.head, set: ["state="], environment: environment).state.values == ["runs"])
    #expect(try folder.plan(Self.head, set: ["state=here"], environment: environment).state.values == ["here"])
    #expect(throws: JobRefusal.self) { try folder.plan(Self.head, set: ["store="]) }
  }

  @Test func `a plan that is shown has no password`() throws {
    let folder = try JobFolder()
    let plan = try folder.plan(Self.head, set: ["store=mongodb://ann:S3cret@h/db"])
    #expect(plan.store.values == ["mongodb://ann:S3cret@h/db"])
    #expect(plan.lines.contains { $0.contains("mongodb://ann@h:27017/db") })
    #expect(!plan.lines.contains { $0.contains("S3cret") })
  }

  @Test(arguments: [
    ("${A}", "1"), ("x${A}y${B}z", "x1y2z"), ("${NONE:-d}", "d"), ("${EMPTY:-d}", "d"), ("${EMPTY}", ""),
    ("${NONE:-}", ""), ("$${A}", "${A}"), ("$$${A}", "$${A}"), ("$A {A}", "$A {A}"), ("${C}", "${A}"),
    ("${NONE:-a:-b}", "a:-b"),
  ])
  func `variables are put in as a shell does`(_ text: String, _ expected: String) throws {
    let environment = ["A": "1", "B": "2", "EMPTY": "", "C": "${A}"]
    #expect(try expand(text, environment).text == expected)
  }

  @Test func `what the values of a key look like is found out from its command`() throws {
    let sync = try #require(FixtureTool.declarations.last)
    let kinds = sync.keys.map { "\($0.name): \(sync.kind(of: $0))" }
    #expect(
      kinds == [
        "inputs: a text", "store: a text", "state: a text", "mode: one of merge, replace", "workers: a whole number",
        "share: a number", "sections: a text", "as-of: a text", "user-map: a text", "memory: a quantity or time",
        "dry-run: true or false", "no-create: true or false", "archive: true or false",
      ])
  }

  @Test func `the schema has the keys of every step and nothing else`() throws {
    let text = JobSchema(FixtureTool.declarations).text
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(schema["additionalProperties"] as? Bool == false)
    let properties = try #require(schema["properties"] as? [String: Any])
    let steps = try #require(properties["steps"] as? [String: Any])
    let kinds = try #require((steps["items"] as? [String: Any])?["anyOf"] as? [[String: Any]])
    #expect(kinds.count == FixtureTool.declarations.count + 1)
    for (kind, declaration) in zip(kinds, FixtureTool.declarations) {
      let body = (kind["properties"] as? [String: [String: Any]])?[declaration.name]
      let keys = try #require(body?["properties"] as? [String: Any]).keys
      #expect(Set(keys) == Set(declaration.names) && body?["additionalProperties"] as? Bool == false)
    }
  }
}
