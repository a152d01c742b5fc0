import ArgumentParser
import Generator
import Jobs

struct GenerateCommand: ParsableCommand {
  enum Profile: String, ExpressibleByArgument, CaseIterable {
    case everything, benchmark, light, listening
  }

  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Invent listeners, their exports and the cloud's documents.",
    discussion: """
      Writes OUT/exports with archives of dumps in every shape, and OUT/cloud, a store with the libraries of most \
      listeners and the accounts of all. People, songs and tokens are invented. The same seed gives the same bytes.

      mixdown generate --users 200 --seed 7 --out demo
      mixdown sync demo/exports --store demo/cloud --as-of 2026-01-01T00:00:00Z
      """)

  @Option(help: "How many listeners.")
  var users: Int

  @Option(help: "Where the invention starts.")
  var seed: UInt64 = 1

  @Option(help: "A new or empty folder.")
  var out: String

  @Option(help: "The share of dumps that are damaged, 0 to 1.")
  var damaged = 0.0

  @Option(
    help: """
      everything: every shape and packing; benchmark: one dump of 23 KB and a document of 99 KB a user; light: the \
      same with a tenth of the plays, for a million users on a small disk; listening: people who all go on listening to \
      the end, to judge predictions by.
      """)
  var profile = Profile.everything

  @Option(help: "The moment after which nothing happens. Default: 2026-01-01T00:00:00Z.")
  var asOf: Moment?

  @Option(
    parsing: .upToNextOption,
    help: """
      With the profiles benchmark and light: names of archives, each of which holds all dumps. Default: dumps.tar.zst.
      """)
  var archives: [String] = []

  func validate() throws {
    guard archives.isEmpty || profile == .benchmark || profile == .light else {
      throw ValidationError("--archives goes with --profile benchmark or light; \(profile.rawValue) names its own.")
    }
  }

  func run() throws {
    var options = GeneratorOptions(users: users, seed: seed, out: out)
    switch profile {
    case .everything: break
    case .benchmark, .light:
      options = .benchmark(
        users: users, seed: seed, out: out, archives: archives.isEmpty ? ["dumps.tar.zst"] : archives)
      if profile == .light { options.playsPerUser = 10...50 }
    case .listening: options = .listening(users: users, seed: seed, out: out)
    }
    options.damaged = damaged
    if let asOf { options.asOf = asOf.milliseconds }
    do throws(GeneratorError) {
      let summary = try generate(options)
      say(
        """
        \(summary.users) users, \(summary.dumps) dumps (\(summary.dumpBytes) bytes, \(summary.damagedDumps) damaged) in \
        \(out)/exports, \(summary.cloudDocuments) documents (\(summary.cloudBytes) bytes) in \(out)/cloud
        """)
    } catch {
      switch error {
      case .invalidOption, .notEmpty: throw failure("\(error)", .usage)
      case .inputOutput, .archive: throw failure("\(error)", .inputOutput)
      }
    }
  }
}
