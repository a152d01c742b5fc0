public import Stores
public import Sync

/// What a run leaves in its folder beside manifest, quarantine and journal: log, metrics and report.
public struct RunRecords: Sendable {
  /// Where the metrics go besides: `--metrics-file`.
  public var metricsFile: String?
  /// What the report shows beyond the manifest; steps add to it.
  public var report = ReportData()

  /// - Parameter namedUsers: how many users the report may name.
  public init(metricsFile: String? = nil, namedUsers: Int = 0) {
    self.metricsFile = metricsFile
    report.namedUsers = namedUsers
  }

  /// Takes over what a step asks for. The metrics go where the last step that names a file wants them.
  public mutating func take(_ step: RunRecords) {
    metricsFile = step.metricsFile ?? metricsFile
    report.namedUsers = max(report.namedUsers, step.report.namedUsers)
  }

  /// Takes over what a finished merge has to show.
  public mutating func take(_ summary: SyncSummary) {
    if let plays = summary.plays { report.plays = ReportData.Plays(plays) }
    let samples = summary.throughput.samples
    report.throughput = ReportData.Throughput(seconds: samples.map(\.seconds), users: samples.map(\.users))
  }

  /// Looks whether the metrics can go where they are to go, so that no run finds out at its end.
  func check() throws(StepFailure) {
    guard let metricsFile else { return }
    let folder = parentDirectory(of: metricsFile)
    guard ((try? FileStatus.of(folder + "/.")) ?? nil) != nil else {
      throw StepFailure(.inputOutput, "\(metricsFile): no such folder to write metrics into: \(folder)")
    }
  }

  /// Begins to write the log.
  public func begin(in folder: String) throws(StoreError) {
    try RunLog.shared.open(folder + "/log.ndjson")
  }

  /// Writes the metrics of a run that ended before it had a folder: what watches the file knows of no other place.
  func end(_ manifest: Manifest) throws(StoreError) {
    // Where they have no place, that is what has ended the run.
    guard let metricsFile, (try? check()) != nil else { return }
    try metrics(of: manifest).write(to: metricsFile, isPublic: true)
  }

  private func metrics(of manifest: Manifest) -> Metrics {
    Metrics(manifest, lastSuccess: metricsFile.flatMap { Metrics.lastSuccess(of: manifest.job, in: $0) })
  }

  /// Writes metrics and report of a run that has ended.
  ///
  /// The metrics come first: a monitor has more need of them, and they are small. Where they cannot be put elsewhere, the
  /// run has its report all the same.
  public func end(_ manifest: Manifest, in folder: String) throws(StoreError) {
    let metrics = metrics(of: manifest)
    try metrics.write(to: folder + "/metrics.prom", isPublic: false)
    var failure: StoreError?
    do throws(StoreError) {
      if let metricsFile { try metrics.write(to: metricsFile, isPublic: true) }
    } catch {
      failure = error
    }
    let report = RunReport(folder: folder)
    try report.keep(self.report)
    try report.make(manifest, self.report)
    if let failure { throw failure }
  }
}
