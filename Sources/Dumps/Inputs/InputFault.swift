/// Why a dump, or the rest of an input, cannot be read (docs/dumps.md, *Limits* and *Quarantine*).
public struct InputFault: Sendable, Hashable {
  /// The kinds of faults; the raw values are those of the quarantine.
  public enum Reason: String, Sendable, CaseIterable {
    /// A dump is longer than `Limits.maxDumpSize`.
    case tooLarge = "too-large"
    /// An archive holds more than `Limits.maxEntries` entries: its rest is lost.
    case tooMany = "too-many"
    /// An archive expands past `Limits.maxExpansion`: its rest is lost.
    case bomb
    /// An archive or compressed file is cut or damaged: the entry, or the rest, is lost.
    case truncated
    /// No JSON, or JSON that cannot be told apart into dumps.
    case invalidJSON = "invalid-json"
  }

  public var reason: Reason

  /// One clause for people. It never quotes the content of a dump, which may hold secrets.
  public var detail: String

  /// The length of what is refused, in bytes of text, where it is known.
  public var size: Int?

  /// Where the fault is, where one place is to blame: in bytes from the start of the (decompressed) file, or of
  /// the line's text where an array stands on one line of several.
  public var offset: Int?

  public init(_ reason: Reason, _ detail: String, size: Int? = nil, offset: Int? = nil) {
    self.reason = reason
    self.detail = detail
    self.size = size
    self.offset = offset
  }
}

extension InputFault: CustomStringConvertible {
  public var description: String { "\(reason.rawValue): \(detail)" }
}
