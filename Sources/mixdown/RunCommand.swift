import ArgumentParser
import Foundation
import Jobs
import Library
import Logging
import Stores

struct RunCommand: SpeakingCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a job: steps with their parameters, from a file.",
    discussion: """
      A job file is YAML. Its steps are subcommands (\(Steps.names.joined(separator: ", "))), and the keys of a step are \
      the long names of the subcommand's flags; inputs are its arguments. Paths in the file count from the file's \
      folder; paths from the environment or the command line from the current one. ${VARIABLE:-default} is replaced \
      from the environment. All steps are one run with one folder, one manifest and one exit status; a step that fails \
      is the last.

      job: nightly
      store: ${MIXDOWN_STORE:-/srv/music/store}
      steps:
        - sync:
            inputs: ["${EXPORTS:-/srv/music/inbox}"]
            workers: 4

      A file that cannot be run as it is written is refused before anything is touched, with exit status 78 and the \
      place of every fault. --check refuses it too, and ends as the run would where an input cannot be read or a folder \
      for metrics is not there.

      mixdown run jobs/nightly.yaml --check
      mixdown run jobs/nightly.yaml --set sync.workers=2 --dry-run
      mixdown run --schema > job.schema.json
      """)

  @Argument(help: "The job file.", completion: .file(extensions: ["yaml", "yml"]))
  var file: String?

  @Option(
    help: ArgumentHelp(
      "A parameter on top of what the file says; several times for several, and for the values of a list.",
      valueName: "step.key=value"))
  var set: [String] = []

  @Flag(help: "Check the file and show every parameter, its value and where that comes from; touch nothing.")
  var check = false

  @Flag(help: "Print the JSON Schema of job files, for editors.")
  var schema = false

  @Option(help: "The store, whatever the file says.", completion: .directory)
  var store: String?

  @OptionGroup var server: ServerOptions

  @Option(help: "Where the folders of runs lie, whatever the file says.", completion: .directory)
  var state: String?

  @Option(help: "The clock of all steps: a time as in dumps, up to the year 9999. Default: now.")
  var asOf: String?

  @Flag(help: "Do everything but write, in all steps.")
  var dryRun = false

  @Flag(help: "Show what changes, user by user.")
  var diff = false

  @Flag(help: "Go on with the last run of this job if it did not end.")
  var resume = false

  @Option(help: ArgumentHelp("When to stop: a time of the day in UTC, or a span of time.", valueName: "06:00|90m"))
  var deadline: Deadline?

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    guard file != nil || schema else { throw ValidationError("Name a job file, or ask for the --schema.") }
  }

  func run() throws {
    guard !schema else { return say(JobSchema(Steps.declarations).text) }
    let start = wallClock()
    let plan = try plan(now: Instant.text(start))
    if check { for line in plan.lines { say(line.printable) } }

    let commands = try plan.steps.map { try command($0, of: plan) }
    let steps = try commands.map { try $0.step() }
    let store = plan.store.values.first ?? ""
    let clock = Job.clock(of: steps) ?? asOf.flatMap { Moment(argument: $0)?.milliseconds } ?? start
    var job = Job(name: plan.job, store: store, state: plan.state.values.first, asOf: clock, steps: steps)
    guard !check else {
      do throws(StepFailure) { return try job.check() } catch { throw failure(error.description, error.status) }
    }
    if dryRun {
      // A step that has no dry run of its own.
      for step in steps where step.writes { say("\(type(of: step).name): left out of a dry run") }
      job.isDryRun = true
    }
    // All steps share one store: who waits longest for it waits for all of them.
    job.server.serverTimeout = commands.compactMap(\.serverTimeout).map { .milliseconds($0.milliseconds) }.max()
    let merges = job.steps.compactMap { $0 as? SyncStep }
    job.resume = resume || merges.contains(where: \.resume)
    job.isResumable = true
    job.deadline = (merges.map(\.deadline) + [deadline?.moment(start: start)]).compactMap { $0 }.min()
    let logger = log.logger()
    job.events = JobEvents(tellingTo: logger)
    job.events.ended = { [isQuiet = log.quiet] step, manifest in
      guard !isQuiet || step.exitStatus != ExitStatus.done.rawValue else { return }
      say("\(step.name): " + (Steps.command(step.name)?.lastLine(manifest, seconds: step.seconds) ?? "done"))
    }
    let report = job.run()
    try end(report, on: store) {
      say(JobEnding(report, job: plan.job, isDry: dryRun || report.manifest.isDryRun).line)
    }
  }

  // MARK: The plan

  private func plan(now: String) throws -> JobPlan {
    let path = file ?? ""
    guard let bytes = FileManager.default.contents(atPath: path) else {
      let why = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "no such file"
      throw refusal([JobFault(.commandLine(path), why)])
    }
    guard let text = String(bytes: bytes, encoding: .utf8) else {
      throw refusal([JobFault(.file(path, line: 1, column: 1), "the file is not UTF-8")])
    }
    var (overrides, faults): ([JobOverride], [JobFault]) = ([], [])
    for text in set {
      do throws(JobFault) { overrides.append(try JobOverride(setting: text)) } catch { faults.append(error) }
    }
    do throws(JobRefusal) {
      let plan = try JobPlan(
        path, yaml: text, overrides: overrides + ownOverrides, declarations: Steps.declarations,
        environment: ProcessInfo.processInfo.environment, now: now)
      if faults.isEmpty { return plan }
    } catch {
      faults = error.faults + faults
    }
    throw refusal(faults)
  }

  /// The flags that this command hands on to the steps.
  private var ownOverrides: [JobOverride] {
    var overrides: [JobOverride] = []
    if let store { overrides.append(JobOverride(.job, key: "store", value: store, shown: "--store")) }
    if let state { overrides.append(JobOverride(.job, key: "state", value: state, shown: "--state")) }
    let flags = [("dry-run", dryRun), ("diff", diff), ("quiet", log.quiet)]
    for (key, isSet) in flags where isSet {
      overrides.append(JobOverride(.everyStep, key: key, value: "true", shown: "--\(key)"))
    }
    let values = [
      ("as-of", asOf), ("server-timeout", server.serverTimeout?.description),
      ("log-format", log.logFormat == .text ? nil : log.logFormat.rawValue),
      ("log-level", log.logLevel == .notice ? nil : log.logLevel.rawValue),
    ]
    for (key, value) in values {
      guard let value else { continue }
      overrides.append(JobOverride(.everyStep, key: key, value: value, shown: "--\(key)"))
    }
    return overrides
  }

  private func refusal(_ faults: [JobFault]) -> ExitCode {
    for fault in faults { _ = failure("\(fault)", .jobFile) }
    return ExitCode(ExitStatus.jobFile.rawValue)
  }

  /// The subcommand itself, as it reads the equivalent command line.
  private func command(_ planned: JobPlan.Step, of plan: JobPlan) throws -> any StepCommand {
    guard let command = Steps.command(planned.name) else {
      throw failure("\(plan.path): the step \(planned.name) cannot be run", .failed)
    }
    return try command.parse(planned.arguments)
  }
}
