/// Where a dump was found: what an error, a report and the quarantine show (docs/dumps.md).
public struct Source: Sendable, Hashable {
  /// The path of the input, as it was given.
  public var input: String

  /// The path inside an archive or a directory, "/"-separated, without a leading "./"; nil when the input is
  /// itself the file. Bytes that are not UTF-8 are shown as U+FFFD.
  public var entry: String?

  /// The 1-based line on which the dump starts; nil for a file that is one value, and for what concerns all of
  /// a file.
  public var line: Int?

  public init(input: String, entry: String? = nil, line: Int? = nil) {
    self.input = input
    self.entry = entry
    self.line = line
  }
}

extension Source: CustomStringConvertible {
  /// For people: `exports.tar.gz: u1/phone.ndjson: line 3`.
  public var description: String {
    var text = input
    if let entry { text += ": \(entry)" }
    if let line { text += ": line \(line)" }
    return text
  }
}
