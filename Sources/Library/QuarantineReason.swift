/// Why something was not used (docs/dumps.md says what to do about each).
public enum QuarantineReason: String, Sendable, CaseIterable {
  // Of a dump
  case invalidJSON = "invalid-json"
  case unknownShape = "unknown-shape"
  case noUser = "no-user"
  case userMismatch = "user-mismatch"
  case unknownUser = "unknown-user"
  case forgotten
  case tooLarge = "too-large"
  case tooDeep = "too-deep"
  // Of an input
  case tooMany = "too-many"
  case bomb
  case truncated
  // Of a section
  case invalidSection = "invalid-section"
  // Of an entry
  case invalidField = "invalid-field"
  case noIdentity = "no-identity"
  case noTime = "no-time"
  case futureTime = "future-time"
}
