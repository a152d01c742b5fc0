internal import Glibc
internal import Library
public import Stores
internal import Sync

/// A run's figures for the textfile collector of Prometheus: `metrics.prom` in the run's folder, and elsewhere by
/// `--metrics-file`.
///
/// Every name begins with `mixdown_` and ends with its unit. A series carries the job's name and no run's id, so that
/// the runs of one job make one series; what a run has no figure for is 0, so that no series ends. The label is
/// `job_name`, for Prometheus gives `job` a meaning of its own.
public struct Metrics {
  public let text: String

  /// - Parameter lastSuccess: when a run of the job last succeeded, in seconds since 1970, as far as it is known. A run
  ///   that succeeded is the last one itself, unless it was a dry one.
  public init(_ manifest: Manifest, lastSuccess: Double? = nil) {
    var writer = MetricWriter(job: manifest.job)
    Self.write(manifest, lastSuccess: lastSuccess, to: &writer)
    text = writer.text
  }

  private static func write(_ manifest: Manifest, lastSuccess: Double?, to writer: inout MetricWriter) {
    writer.family("mixdown_run_info", "gauge", "The last run: its id, version and host.")
    writer.sample(1, ["host": manifest.host, "run_id": manifest.runID, "version": manifest.version])

    writer.family("mixdown_run_outcome", "gauge", "1 for the way in which the last run ended, 0 for the others.")
    for outcome: Manifest.Outcome in [.done, .failed, .interrupted, .running] {
      writer.sample(manifest.outcome == outcome ? 1 : 0, ["outcome": outcome.rawValue])
    }
    if let status = manifest.exitStatus {
      writer.family(
        "mixdown_run_exit_status", "gauge", "Exit status of the last run: 0 done, 3 done with quarantine.")
      writer.sample(Double(status))
    }
    writer.family("mixdown_run_start_timestamp_seconds", "gauge", "When the last run began, in seconds since 1970.")
    writer.sample(seconds(manifest.startedAt))
    if let ended = manifest.endedAt {
      writer.family("mixdown_run_end_timestamp_seconds", "gauge", "When the last run ended, in seconds since 1970.")
      writer.sample(seconds(ended))
    }
    let succeeded = manifest.outcome == .done && !manifest.isDryRun
    let success = succeeded ? manifest.endedAt.map(seconds) : lastSuccess
    if let success {
      writer.family(
        "mixdown_run_last_success_timestamp_seconds", "gauge",
        "When a run last ended well, with or without quarantine, in seconds since 1970.")
      writer.sample(success)
    }

    writer.family("mixdown_run_duration_seconds", "gauge", "How long the last run took.")
    writer.sample(manifest.seconds["total"] ?? 0)
    let phases = manifest.seconds.filter { $0.key != "total" }.sorted { $0.key < $1.key }
    if !phases.isEmpty {
      writer.family("mixdown_phase_duration_seconds", "gauge", "How long each phase of the last run took.")
      for (phase, seconds) in phases { writer.sample(seconds, ["phase": phase]) }
    }
    writer.family("mixdown_run_peak_memory_bytes", "gauge", "The most memory that the last run had resident.")
    writer.sample(Double(manifest.peakMemoryBytes))
    writer.family("mixdown_run_input_bytes", "gauge", "Bytes of the last run's inputs.")
    writer.sample(manifest.inputs.reduce(0) { $0 + Double($1.bytes) })
    writer.family(
      "mixdown_run_read_bytes", "gauge", "Bytes of inputs that the last run read, without what an earlier one had.")
    writer.sample(Double(manifest.bytesRead))

    let (users, dumps, entries) = (manifest.users, manifest.counts.dumps, manifest.counts.entries)
    writer.family("mixdown_users", "gauge", "Users of the last run by what became of them.")
    writer.fates([
      ("changed", users.changed), ("created", users.created), ("left", users.left), ("unchanged", users.unchanged),
    ])
    writer.family("mixdown_dumps", "gauge", "Dumps of the last run by what became of them.")
    writer.fates([("quarantined", dumps.quarantined), ("skipped", dumps.skipped), ("used", dumps.used)])
    writer.family("mixdown_entries", "gauge", "Entries of the last run by what became of them.")
    writer.fates([
      ("beyond_limit", entries.beyondLimit), ("kept", entries.kept), ("merged", entries.merged),
      ("quarantined", entries.quarantined), ("removed", entries.removed), ("superseded", entries.superseded),
    ])
    writer.family("mixdown_quarantined", "gauge", "What the last run could not use, by reason.")
    var reasons = Set(QuarantineReason.allCases.map(\.rawValue))
    reasons.formUnion(manifest.quarantine.keys)
    for reason in reasons.sorted() {
      writer.sample(Double(manifest.quarantine[reason] ?? 0), ["reason": reason])
    }
  }

  private static func seconds(_ instant: String) -> Double {
    Double(Instant.parse(instant) ?? 0) / 1000
  }

  // MARK: Files

  /// Writes the figures by rename, so that no reader sees half of them.
  ///
  /// - Parameter isPublic: whether others may read the file, as the collector must, whatever the umask says. What an
  ///   earlier file allowed beyond that stays.
  public func write(to path: String, isPublic: Bool) throws(StoreError) {
    // Where the earlier file cannot be looked at, writing tells why.
    let allowed = ((try? FileStatus.of(path)) ?? nil)?.permissions ?? 0
    try writeWhole([UInt8](text.utf8), to: path, mode: isPublic ? 0o644 | allowed & 0o777 : 0o600)
  }

  /// When a run of the job last succeeded, in seconds since 1970, by the file that an earlier run wrote; nil when it does
  /// not say.
  public static func lastSuccess(of job: String, in path: String) -> Double? {
    guard let file = try? PosixFile(path, O_RDONLY), let bytes = try? file.read(upTo: 1 << 20, at: 0) else {
      return nil
    }
    let name = "mixdown_run_last_success_timestamp_seconds" + MetricWriter.labels(["job_name": job]) + " "
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.utf8.starts(with: name.utf8) {
      return Double(Substring(line.utf8.dropFirst(name.utf8.count))).flatMap { $0.isFinite ? $0 : nil }
    }
    return nil
  }
}

/// Writes the text format of Prometheus, version 0.0.4.
private struct MetricWriter {
  private(set) var text = ""
  private let job: String
  private var name = ""

  init(job: String) { self.job = job }

  /// Begins a family of series.
  mutating func family(_ name: String, _ type: String, _ help: String) {
    self.name = name
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
  }

  mutating func sample(_ value: Double, _ labels: [String: String] = [:]) {
    text += name + Self.labels(labels.merging(["job_name": job]) { $1 }) + " \(Self.number(value))\n"
  }

  mutating func fates(_ fates: [(String, Int)]) {
    for (fate, count) in fates { sample(Double(count), ["fate": fate]) }
  }

  /// Labels in the order of their names. In a value, backslash, quotation mark and line feed are escaped; what is no
  /// text at all in a terminal is shown as U+FFFD.
  static func labels(_ labels: [String: String]) -> String {
    let pairs = labels.sorted { $0.key < $1.key }.map { name, value in
      var escaped = ""
      for scalar in value.unicodeScalars {
        switch scalar {
        case "\\": escaped += "\\\\"
        case "\"": escaped += "\\\""
        case "\n": escaped += "\\n"
        case _ where scalar.steersTerminal: escaped.unicodeScalars.append("\u{FFFD}")
        default: escaped.unicodeScalars.append(scalar)
        }
      }
      return "\(name)=\"\(escaped)\""
    }
    return "{\(pairs.joined(separator: ","))}"
  }

  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map { "\($0)" } ?? "\(value)"
  }
}
