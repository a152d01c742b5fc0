/// Why a user, or a month or document of theirs, was left as it was: the names of a manifest's `left` (docs/runs.md).
public enum LeftReason: String, Sendable, CustomStringConvertible {
  /// The user syncs now: the next run takes them, and nobody need look.
  case active
  /// Somebody else wrote it each time that the run did.
  case conflict
  /// It would be larger than MongoDB allows.
  case documentTooLarge = "document-too-large"
  /// The user has asked to be forgotten.
  case forgotten
  /// What is stored is not of the form that it should have.
  case foreignDocument = "foreign-document"
  /// What is stored was computed for a later time.
  case newer
  /// `replace` would empty a section.
  case wouldEmpty = "would-empty"
  /// What should be put back is not what the run wrote.
  case writtenSince = "written-since"

  public var description: String { rawValue }
}

extension Dictionary where Key: RawRepresentable<String>, Value == Int {
  /// As a manifest has them.
  public var byName: [String: Int] { [String: Int](uniqueKeysWithValues: map { ($0.key.rawValue, $0.value) }) }
}
