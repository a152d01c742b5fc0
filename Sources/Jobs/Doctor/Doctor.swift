internal import Stores

/// Looks at a store as a job would use it, part by part, and says of each what is wrong and what to do.
///
/// Nothing is written, no lock is taken, and no password is shown.
public struct Doctor: Sendable {
  /// How long to wait for a server; nil: as the address says, else 10 s.
  public var serverTimeout: Duration?

  public init(serverTimeout: Duration? = nil) { self.serverTimeout = serverTimeout }

  /// - Parameter store: the store as a command names it.
  public func examine(_ store: String) -> DoctorReport {
    if MongoAddress.isAddress(store) { return ServerExamination(store, timeout: serverTimeout).run() }
    return DirectoryExamination(store).run()
  }

  /// What a command that failed for want of its store (exit 69) adds to its message: how far the way to it goes.
  ///
  /// - Parameter name: the store as a command names it.
  /// - Returns: lines for a person; none for a store that the network has no part in.
  public static func advice(forStore name: String) -> [String] {
    guard MongoAddress.isAddress(name), let address = try? MongoAddress(name) else { return [] }
    var report = DoctorReport()
    // Only a look: the job has waited already.
    report.examineNetwork(address, timeout: .seconds(1))
    return report.findings.flatMap(\.lines) + ["`mixdown doctor` looks further."]
  }
}

/// What a doctor found.
public struct DoctorReport: Sendable {
  public internal(set) var findings: [Finding] = []

  /// How the command ends: unreachable before all else, then as the first that is bad.
  public var status: ExitStatus {
    let bad = findings.compactMap { finding in finding.grade == .bad ? finding.status : nil }
    return bad.contains(.unreachable) ? .unreachable : bad.first ?? .done
  }

  /// One part that was looked at.
  public struct Finding: Sendable {
    public enum Grade: String, Sendable {
      case good = "ok"
      /// Works, and is worth to know.
      case note = "note"
      case bad = "BAD"
    }

    public let grade: Grade
    /// What was looked at: `name db.example.org`.
    public let part: String
    public let what: String
    /// What to do.
    public let advice: String?
    /// What it means for a job.
    public let status: ExitStatus

    /// For a person.
    public var lines: [String] {
      let padding = String(repeating: " ", count: 5 - grade.rawValue.count)
      return ["\(grade.rawValue)\(padding)\(part): \(what)"] + (advice.map { ["     → \($0)"] } ?? [])
    }
  }

  mutating func add(_ other: DoctorReport) { findings += other.findings }

  /// The same, where something else has shown that it works in spite of all.
  var softened: DoctorReport {
    var softened = DoctorReport()
    softened.findings = findings.map { finding in
      guard finding.grade == .bad else { return finding }
      return Finding(grade: .note, part: finding.part, what: finding.what, advice: finding.advice, status: .done)
    }
    return softened
  }

  mutating func good(_ part: String, _ what: String) {
    findings.append(Finding(grade: .good, part: part, what: what, advice: nil, status: .done))
  }

  mutating func note(_ part: String, _ what: String, _ advice: String? = nil) {
    findings.append(Finding(grade: .note, part: part, what: what, advice: advice, status: .done))
  }

  mutating func bad(_ part: String, _ what: String, _ advice: String, _ status: ExitStatus) {
    findings.append(Finding(grade: .bad, part: part, what: what, advice: advice, status: status))
  }

  mutating func bad(_ part: String, _ error: StoreError) {
    switch error {
    case .unreachable(_, _, let reason, let advice): bad(part, reason, advice, .unreachable)
    case .badAddress(_, let why):
      bad(part, why, "Write the address as the text says; put the password into MIXDOWN_MONGO_PASSWORD.", .usage)
    default: bad(part, error.description, Self.advice(ExitStatus(error)), ExitStatus(error))
    }
  }

  private static func advice(_ status: ExitStatus) -> String {
    switch status {
    case .refused: "Restore it from a backup, or mend what the text names."
    case .locked: "Wait for the run that is named to end."
    default: "See to permissions, room and the disk."
    }
  }
}
