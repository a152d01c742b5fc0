public import Stores

/// Asks for a report and metrics that say more, and makes the report of what was done so far; the run makes it once
/// more when it ends.
public struct ReportStep: JobStep {
  public static let name = "report"

  public var records: RunRecords
  public var parameters: [String: String]

  public init(records: RunRecords, parameters: [String: String]) {
    self.records = records
    self.parameters = parameters
  }

  public var writes: Bool { false }
  public var reliesOn: [CollectionSchema] { records.report.namedUsers > 0 ? [.userScores] : [] }

  public func check() throws(StepFailure) {}

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    do throws(StoreError) {
      try run.records.report.takeUsers(of: try run.store())
      let report = RunReport(folder: try run.runFolder().path)
      try report.keep(run.records.report)
      try report.make(run.manifest, run.records.report)
      return .done
    } catch {
      throw StepFailure(error)
    }
  }
}
