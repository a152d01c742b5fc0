import Foundation
import Jobs
import Testing

/// `metrics.prom`. Whether Prometheus reads it is tested by Tests/Report/check.
@Suite struct MetricsTests {
  @Test func `every series has help, type, the job's name and one value`() {
    let text = Metrics(Folder.manifest).text
    var families: Set<Substring> = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      if line.hasPrefix("# TYPE ") { families.insert(words[2]) }
      guard !line.hasPrefix("#") else { continue }
      let name = line.prefix { $0 != "{" }
      #expect(families.contains(name) && name.hasPrefix("mixdown_") && line.contains("job_name=\"nightly\""))
      #expect(Double(words[words.count - 1]) != nil, "\(line)")
    }
    #expect(text.contains("mixdown_entries{fate=\"beyond_limit\",job_name=\"nightly\"} 2\n"))
    #expect(text.contains("mixdown_phase_duration_seconds{job_name=\"nightly\",phase=\"merge\"} 1.75\n"))
    #expect(text.contains("mixdown_quarantined{job_name=\"nightly\",reason=\"future-time\"} 0\n"))
    #expect(text.contains("mixdown_run_input_bytes{job_name=\"nightly\"} 2048\n"))
    #expect(text.contains("mixdown_run_outcome{job_name=\"nightly\",outcome=\"done\"} 1\n"))
    #expect(text.contains("mixdown_run_last_success_timestamp_seconds{job_name=\"nightly\"} 1767225602.5\n"))
  }

  @Test func `a label's value is escaped`() {
    var manifest = Folder.manifest
    manifest.job = "a\"b\\c\nd\u{1}\u{202E}"
    let label = "job_name=\"a\\\"b\\\\c\\nd\u{FFFD}\u{FFFD}\""
    #expect(Metrics(manifest).text.contains("mixdown_users{fate=\"left\",\(label)} 0\n"))
  }

  @Test func `a run that failed leaves the time of the last success of its own job`() throws {
    let folder = try Folder()
    let path = folder.path + "/mixdown.prom"
    try Metrics(Folder.manifest).write(to: path, isPublic: true)
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o644)
    let success = Metrics.lastSuccess(of: "nightly", in: path)
    #expect(success == 1_767_225_602.5)
    #expect(Metrics.lastSuccess(of: "backfill", in: path) == nil)
    var accented = Folder.manifest
    accented.job = "caf\u{E9}"
    try Metrics(accented).write(to: path + "-accented", isPublic: true)
    #expect(Metrics.lastSuccess(of: "caf\u{E9}", in: path + "-accented") == success)
    #expect(Metrics.lastSuccess(of: "cafe\u{301}", in: path + "-accented") == nil)
    #expect(Metrics.lastSuccess(of: "nightly", in: path + "-none") == nil)
    var manifest = Folder.manifest
    (manifest.outcome, manifest.exitStatus) = (.failed, 74)
    let text = Metrics(manifest, lastSuccess: success).text
    #expect(text.contains("mixdown_run_last_success_timestamp_seconds{job_name=\"nightly\"} 1767225602.5\n"))
    #expect(text.contains("mixdown_run_exit_status{job_name=\"nightly\"} 74\n"))
    #expect(!Metrics(manifest).text.contains("last_success"))
  }

  @Test func `a dry run is no success`() {
    var manifest = Folder.manifest
    manifest.parameters["dry-run"] = "true"
    #expect(!Metrics(manifest).text.contains("last_success"))
  }

  @Test func `a dry run of a job is no success, but one of which a step writes is`() {
    var manifest = Folder.manifest
    manifest.parameters = ["sync.dry-run": "true", "learn.dry-run": "true", "report.report-users": "0"]
    #expect(!Metrics(manifest).text.contains("last_success"))
    manifest.parameters["learn.dry-run"] = "false"
    #expect(Metrics(manifest).text.contains("last_success"))
  }
}
