internal import Digests
internal import Dumps
internal import Glibc
public import Library
internal import Stores
public import Sync

/// What a run was and did, for any language to read: `manifest.json`.
public struct Manifest: Codable, Sendable {
  public enum Outcome: String, Codable, Sendable {
    case running, done, failed, interrupted
  }

  public struct Input: Codable, Sendable {
    /// As it was named.
    public var path: String
    /// The size in bytes of the input file, or of all the files of a folder that were read.
    public var bytes: Int
    /// Lower-case hexadecimal; nil when the input was not read to its end.
    public var sha256: String?
    public var finished: Bool
    /// Whether an earlier attempt of the run had read it, so that it was not read again.
    public var resumed: Bool?
  }

  /// What the run has written, so that `verify` can tell whether the store still holds it.
  public struct Written: Codable, Sendable {
    public var documents: Int
    /// The root of a Merkle tree over the documents, in lower-case hexadecimal.
    public var root: String
  }

  public struct Counts: Codable, Sendable {
    public var dumps = DumpCounts()
    public var entries = EntryFates()
  }

  /// A step of the run.
  public struct Step: Codable, Sendable {
    public var name: String
    public var outcome = Outcome.running
    public var exitStatus: Int32?
    /// Seconds that the step took.
    public var seconds = 0.0

    enum CodingKeys: String, CodingKey {
      case name, outcome, seconds
      case exitStatus = "exit_status"
    }

    init(name: String) { self.name = name }

    mutating func end(_ outcome: Outcome, _ status: ExitStatus, seconds: Double) {
      self.outcome = outcome
      self.seconds = seconds
      exitStatus = status.rawValue
    }
  }

  /// What this program writes, and the newest that it reads.
  static let currentVersion = 1

  /// Counted up when a reader of older manifests would misread a newer one.
  public var manifestVersion = Manifest.currentVersion
  public var runID: String
  public var job: String
  public var version: String
  public var host: String
  public var process: Int32
  public var store: String
  public var parameters: [String: String]
  public var asOf: String
  public var startedAt: String
  public var endedAt: String?
  public var outcome = Outcome.running
  public var exitStatus: Int32?
  /// What ended a run that failed.
  public var error: String?
  /// What was begun, in order.
  public var steps: [Step] = []
  public var inputs: [Input] = []
  public var counts = Counts()
  public var users = UserCounts()
  /// Lines of the run's quarantine, by reason.
  public var quarantine: [String: Int] = [:]
  /// What was left as it was, by reason: users, and documents of an undo and of what is learned.
  public var left: [String: Int] = [:]
  /// Of these, whom somebody else wrote each time that they were merged.
  public var conflicts: Int { left[LeftReason.conflict.rawValue] ?? 0 }
  /// Of these, whom the next run takes, and nobody need look.
  var active: Int { left[LeftReason.active.rawValue] ?? 0 }
  /// How many users each field changed for.
  public var changedFields: [String: Int] = [:]
  public var spilledRuns = 0
  /// Of the users who are unchanged, those whom an earlier run has found so with the same dumps.
  public var settledUsers = 0
  /// Documents that `forget` has removed.
  public var removedDocuments: Int?
  /// Nil when the run has written nothing that is journalled.
  public var written: Written?
  /// The user with whom the next run of the job is to begin, because this one stopped before.
  public var nextUser: String?
  /// How often the run was begun or gone on with, where that was more than once.
  public var attempts: Int?
  /// Bytes of inputs that this attempt has read: without those that an earlier one had.
  public var bytesRead = 0
  /// Figures of `sessions`.
  public var sessions: [String: Int]?
  /// What was learned, where something was.
  public var learning: LearningCounts?
  /// How the scores were judged, where they were.
  public var evaluation: EvaluationReport?
  /// Seconds by phase (`read`, `merge`, `commit`, `learn.…`), and of all the run (`total`).
  public var seconds: [String: Double] = [:]
  /// The most bytes that were resident, pages of the store's file in the page cache among them.
  public var peakMemoryBytes = 0

  enum CodingKeys: String, CodingKey {
    case job, version, host, process, store, parameters, outcome, error, inputs, counts, users, quarantine, left
    case seconds, steps, written, attempts, sessions, learning, evaluation
    case nextUser = "next_user"
    case removedDocuments = "removed_documents"
    case bytesRead = "bytes_read"
    case manifestVersion = "manifest_version"
    case runID = "run_id"
    case asOf = "as_of"
    case startedAt = "started_at"
    case endedAt = "ended_at"
    case exitStatus = "exit_status"
    case changedFields = "changed_fields"
    case spilledRuns = "spilled_runs"
    case settledUsers = "settled_users"
    case peakMemoryBytes = "peak_memory_bytes"
  }

  public init(run: RunID, job: String, version: String, store: String, parameters: [String: String], asOf: Int64) {
    runID = run.description
    self.job = job
    self.version = version
    self.store = store
    self.parameters = parameters
    self.asOf = Instant.text(asOf)
    startedAt = Instant.text(wallClock())
    host = hostName()
    process = getpid()
  }

  /// Takes over the figures of a finished merge.
  mutating func take(_ summary: SyncSummary) {
    inputs += summary.inputs.map { digest in
      Input(
        path: digest.path, bytes: digest.bytes, sha256: digest.sha256.map(hexadecimal), finished: digest.finished,
        resumed: summary.resumedInputs.contains(digest.path) ? true : nil)
    }
    counts.dumps += summary.counts.dumps
    counts.entries = summary.counts.entries
    users = summary.counts.users
    left.merge(summary.left.byName, uniquingKeysWith: +)
    changedFields = summary.changedFields
    spilledRuns = summary.spilledRuns
    settledUsers = summary.settledUsers
    seconds.merge(summary.seconds) { $1 }
  }

  /// Takes over what an earlier attempt of the run has merged.
  mutating func take(_ earlier: Manifest) {
    inputs = earlier.inputs.map { input in
      var input = input
      input.resumed = true
      return input
    }
    (counts, users, changedFields) = (earlier.counts, earlier.users, earlier.changedFields)
    (quarantine, left) = (earlier.quarantine, earlier.left)
  }

  /// The clock of a step, in ms since 1970; nil of one that has none.
  func clock(of step: String) -> Int64? {
    (parameters["\(step).as-of"] ?? parameters["as-of"]).flatMap { Instant.parse($0) }
  }

  /// The values of a parameter: one in a run of one step, and in a job one of each step that has it.
  func values(of parameter: String) -> [String] {
    parameters.filter { $0.key.isParameter(parameter) }.map(\.value)
  }

  /// Whether the run was asked to write nothing: each of its steps that could be.
  public var isDryRun: Bool {
    let asked = values(of: "dry-run")
    return !asked.isEmpty && asked.allSatisfy { $0 == "true" }
  }

  /// Whether a step was asked to write nothing.
  public func isDryRun(of step: String) -> Bool {
    (parameters["\(step).dry-run"] ?? parameters["dry-run"]) == "true"
  }

  /// Whether there is nothing to go on with: the run, or its merge alone, was asked to write nothing.
  public var isRehearsal: Bool { isDryRun || isDryRun(of: SyncStep.name) }

  /// Whether this is of an attempt of the run that came after that of another manifest.
  func isLaterAttempt(than other: Manifest) -> Bool { attempts ?? 1 > other.attempts ?? 1 }

  /// Notes how the run ended, and what it took.
  mutating func end(_ outcome: Outcome, _ status: ExitStatus, error: String? = nil) {
    self.outcome = outcome
    self.error = error
    exitStatus = status.rawValue
    endedAt = Instant.text(wallClock())
    bytesRead = inputs.reduce(0) { $0 + ($1.resumed == true ? 0 : $1.bytes) }
    peakMemoryBytes = peakMemory()
  }
}

extension String {
  /// Whether this is the name of a parameter: as it is, or with a step's name in front, as in a job.
  func isParameter(_ name: String) -> Bool { self == name || hasSuffix("." + name) }
}

// MARK: Reading

/// Fields have come since the first manifests of a version, so all but those that say which run it was may be missing.
extension Manifest {
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let version: Int = try fields.value(.manifestVersion, or: 1)
    guard version <= Self.currentVersion else {
      throw DecodingError.dataCorruptedError(
        forKey: .manifestVersion, in: fields,
        debugDescription: "version \(version) is a newer Mixdown's; this one reads up to \(Self.currentVersion)")
    }
    manifestVersion = version
    runID = try fields.decode(String.self, forKey: .runID)
    job = try fields.decode(String.self, forKey: .job)
    store = try fields.decode(String.self, forKey: .store)
    startedAt = try fields.decode(String.self, forKey: .startedAt)
    outcome = try fields.decode(Outcome.self, forKey: .outcome)
    self.version = try fields.value(.version, or: "")
    host = try fields.value(.host, or: "")
    process = try fields.value(.process, or: 0)
    parameters = try fields.value(.parameters, or: [:])
    asOf = try fields.value(.asOf, or: startedAt)
    endedAt = try fields.decodeIfPresent(String.self, forKey: .endedAt)
    exitStatus = try fields.decodeIfPresent(Int32.self, forKey: .exitStatus)
    error = try fields.decodeIfPresent(String.self, forKey: .error)
    steps = try fields.value(.steps, or: [])
    inputs = try fields.value(.inputs, or: [])
    counts = try fields.value(.counts, or: Counts())
    users = try fields.value(.users, or: UserCounts())
    quarantine = try fields.value(.quarantine, or: [:])
    left = try fields.value(.left, or: [:])
    changedFields = try fields.value(.changedFields, or: [:])
    spilledRuns = try fields.value(.spilledRuns, or: 0)
    settledUsers = try fields.value(.settledUsers, or: 0)
    removedDocuments = try fields.decodeIfPresent(Int.self, forKey: .removedDocuments)
    written = try fields.decodeIfPresent(Written.self, forKey: .written)
    nextUser = try fields.decodeIfPresent(String.self, forKey: .nextUser)
    attempts = try fields.decodeIfPresent(Int.self, forKey: .attempts)
    bytesRead = try fields.value(.bytesRead, or: 0)
    sessions = try fields.decodeIfPresent([String: Int].self, forKey: .sessions)
    // Figures for people: what an older version counted otherwise is not worth the rest.
    learning = (try? fields.decodeIfPresent(LearningCounts.self, forKey: .learning)) ?? nil
    evaluation = (try? fields.decodeIfPresent(EvaluationReport.self, forKey: .evaluation)) ?? nil
    seconds = try fields.value(.seconds, or: [:])
    peakMemoryBytes = try fields.value(.peakMemoryBytes, or: 0)
    // Sums of these are shown.
    let figures = [users.seen, users.changed, users.unchanged, users.created, users.left]
    guard (figures + quarantine.values + left.values).allSatisfy((0...1 << 53).contains) else {
      throw DecodingError.dataCorruptedError(
        forKey: .users, in: fields, debugDescription: "a figure that no run can have counted")
    }
  }
}

extension Manifest.Input {
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    path = try fields.decode(String.self, forKey: .path)
    bytes = try fields.value(.bytes, or: 0)
    sha256 = try fields.decodeIfPresent(String.self, forKey: .sha256)
    finished = try fields.value(.finished, or: sha256 != nil)
    resumed = try fields.decodeIfPresent(Bool.self, forKey: .resumed)
  }
}

extension Manifest.Step {
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    name = try fields.decode(String.self, forKey: .name)
    outcome = try fields.value(.outcome, or: .running)
    exitStatus = try fields.decodeIfPresent(Int32.self, forKey: .exitStatus)
    seconds = try fields.value(.seconds, or: 0)
  }
}

extension Manifest.Counts {
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    dumps = try fields.value(.dumps, or: DumpCounts())
    entries = try fields.value(.entries, or: EntryFates())
  }
}

extension KeyedDecodingContainer {
  /// A field's value, or what stands for it where it is missing.
  fileprivate func value<Value: Decodable>(_ key: Key, or standard: Value) throws -> Value {
    try decodeIfPresent(Value.self, forKey: key) ?? standard
  }
}

// MARK: The process

extension Manifest {
  /// Whether the process may still work: one of another host is not known to have died.
  var mayBeRunning: Bool {
    outcome == .running && mayLive(process, on: host)
  }

  /// Whether the process died before the run had ended, as far as can be seen from this host.
  public var wasKilled: Bool { outcome == .running && !mayBeRunning }
}

/// Whether a process may be alive: one of another host is not known to have died.
func mayLive(_ process: Int32, on host: String) -> Bool {
  host != hostName() || kill(process, 0) == 0 || errno == EPERM
}

/// The most memory that the process had resident so far, in bytes.
private func peakMemory() -> Int {
  var usage = rusage()
  guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
  return usage.ru_maxrss * 1024
}
