import ArgumentParser
import Foundation
import Jobs
import Learning
import Library
import Logging

struct EvaluateCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Judge the affinities by the plays of a week that they do not know.",
    discussion: """
      Trains on everything before --cut and tests on the seven days after it, beside simple baselines: what is \
      popular, the undecayed share of liked plays, the last 50 plays. Intervals of 95 % by bootstrap over users. \
      Writes nothing into the store. Exits with 4 when the scores lose to a baseline beyond the interval.

      mixdown evaluate --store data/store
      mixdown evaluate --store data/store --cut 2025-12-18T00:00:00Z --tune --format json
      """)

  @OptionGroup var store: StoreOptions

  @Option(help: "The first instant that trains nothing; it lies before --as-of. Default: seven days before --as-of.")
  var cut: Moment?

  @OptionGroup(title: "Figures")
  var figures: LearningOptions

  @Flag(help: "Take the users' own choices too, which bear no time: they may be younger than the cut.")
  var withChoices = false

  @Flag(help: "Print the parameters that the week before the cut would choose. Nothing adopts them.")
  var tune = false

  @Option(help: "How often users are drawn for the intervals.")
  var resamples = 2000

  @Option(help: "Where the random numbers of these draws start.")
  var seed: UInt64 = 1

  @Option(help: "How the outcome is printed.")
  var format = OutputFormat.text

  @OptionGroup var workers: WorkerOptions

  @Option(help: "What may be held in memory for work in flight.")
  var memory = ByteCount(1 << 30)

  @OptionGroup var state: StateOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func validate() throws {
    guard (100...1_000_000).contains(resamples) else { throw ValidationError("--resamples is 100 to 1000000.") }
    guard memory.bytes >= 16 << 20 else { throw ValidationError("--memory is at least 16MiB.") }
    if let cut, cut.milliseconds >= figures.parameters.asOf {
      throw ValidationError(
        "--cut does not lie before --as-of, which is now unless you say otherwise: no play is left to test on; name an "
          + "earlier --cut, a week before --as-of for one.")
    }
  }

  func run() throws {
    let report = evaluateStep().run(server: store.server.options)
    let evaluation = report.manifest.evaluation
    // For a program to read: that it is asked for says that it is wanted, however well all is.
    if format == .json, let evaluation {
      let json = try? JSONEncoder.steady(isIndented: true).encode(evaluation)
      if let json { say(String(decoding: json, as: UTF8.self)) }
    }
    try end(report, on: store.name) {
      if format == .text, let evaluation { say(EvaluationTable(evaluation).text) }
    }
  }

  func step() throws -> any JobStep { evaluateStep() }

  var serverTimeout: TimeSpan? { store.server.serverTimeout }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String {
    guard let evaluation = manifest.evaluation else { return "nothing was evaluated" }
    let verdict =
      evaluation.lostTo.isEmpty
      ? "the scores lose to no baseline" : "the scores lose to " + evaluation.lostTo.joined(separator: ", ")
    return "\(evaluation.users.tested) users tested, \(evaluation.users.withoutTest) without test plays; \(verdict)"
  }

  private func evaluateStep() -> EvaluateStep {
    var options = EvaluateOptions(parameters: figures.parameters, cut: cut?.milliseconds)
    options.withChoices = withChoices
    options.resamples = resamples
    options.seed = seed
    options.tunes = tune
    options.workers = workers.count
    options.memory = memory.bytes
    var shown = figures.shown
    shown["as-of"] = Instant.text(options.parameters.asOf)
    // One that goes with the clock is no parameter: a run that is gone on with has the clock of its first attempt.
    shown["cut"] = cut.map { Instant.text($0.milliseconds) }
    shown["with-choices"] = "\(withChoices)"
    shown["tune"] = "\(tune)"
    shown["resamples"] = "\(resamples)"
    shown["seed"] = "\(seed)"
    shown["workers"] = "\(options.workers)"
    shown["memory"] = "\(memory)"
    shown["state"] = state.folder
    shown["server-timeout"] = serverTimeout?.description
    var job = EvaluateStep(options: options, store: store.name, state: state.folder, parameters: shown)
    let logger = log.logger()
    job.events.left = { report in
      logger.warning(
        "left out",
        metadata: ["subject": "\(report.subject)", "reason": "\(report.reason)", "detail": "\(report.detail)"])
    }
    job.events.phase = { logger.info("phase \($0)") }
    return job
  }
}
