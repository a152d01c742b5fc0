public import BSON

/// Something in a library that was not used, and why.
public struct Quarantined: Sendable {
  public var section: Section
  /// Position in the section's list; nil when the whole section is meant.
  public var index: Int?
  public var reason: QuarantineReason
  /// What is wrong, for a person.
  public var detail: String
  /// What was not used.
  public var raw: BSONValue?

  public init(_ section: Section, _ index: Int?, _ reason: QuarantineReason, _ detail: String, raw: BSONValue?) {
    self.section = section
    self.index = index
    self.reason = reason
    self.detail = detail
    self.raw = raw
  }
}
