import ArgumentParser
import Foundation
import Jobs
import Stores

struct ReportCommand: StepCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Make a run's report again.",
    discussion: """
      Writes report.html in the run's folder from what lies there: manifest.json, report.json and quarantine.ndjson. \
      It is one file that opens offline. Prints its path. As the step of a job it takes no RUN: it is about the run \
      that it is part of.

      mixdown report 01KDXV0T8PQ2E2T1YH5Z6W3J9N --state runs
      mixdown report runs/01KDXV0T8PQ2E2T1YH5Z6W3J9N --report-users 20
      """)

  @Argument(help: ArgumentHelp("The run's id, its beginning or end, or its folder.", valueName: "run"))
  var name: String?

  @OptionGroup var state: StateOptions

  @Option(help: "The store. Also from MIXDOWN_STORE.", completion: .directory)
  var store: String?

  @OptionGroup
  var record: RecordOptions

  @OptionGroup(title: "Messages")
  var log: LogOptions

  func run() throws {
    // A step of a job names none, so that the parser cannot ask for it.
    guard let name else { throw failure("name the run by its id or its folder", .usage) }
    let report = RunReport(folder: try folder(name))
    do throws(StoreError) {
      if let users = record.reportUsers {
        var data = try report.data()
        data.namedUsers = users
        try report.keep(data)
      }
      try report.make()
      if let path = record.metricsFile {
        let manifest = try report.manifest()
        let lastSuccess = Metrics.lastSuccess(of: manifest.job, in: path)
        try Metrics(manifest, lastSuccess: lastSuccess).write(to: path, isPublic: true)
      }
    } catch {
      if case .refused(let path, _, let why) = error { throw failure("\(path): \(why)", .refused) }
      throw failure(error)
    }
    if !log.quiet { say(report.path) }
  }

  static let isArguedInJobs = false

  func step() throws -> any JobStep { ReportStep(records: record.records, parameters: record.shown) }

  static func lastLine(_ manifest: Manifest, seconds: Double) -> String { "report.html" }

  private func folder(_ name: String) throws -> String {
    if name.contains("/"), FileManager.default.fileExists(atPath: name) { return name }
    guard let store = namedStore(store) ?? state.folder else {
      throw failure(
        "name the run's folder, or where it lies: --state or MIXDOWN_STATE, --store or MIXDOWN_STORE", .usage)
    }
    if state.folder == nil { try sayingWhy { () throws(StoreError) in try checkStore(store) } }
    let archive = RunArchive(state: state.folder, store: store)
    return archive.state + "/" + (try oneRun(name, in: archive))
  }
}
