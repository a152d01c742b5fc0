/// The text of one dump, not parsed yet, and what is known of where it came from (docs/dumps.md).
public struct RawDump: Sendable {
  /// The readable bytes behind every text: simdjson reads ahead by as many.
  public static let padding = JSONReader.padding

  /// JSON text from its first non-blank byte to its last, without a byte order mark, then `padding` zero bytes.
  public var text: [UInt8]

  /// The bytes of `text` without the padding.
  public var count: Int { text.count - Self.padding }

  public var source: Source

  /// When the file or the archive's entry was modified, in ms since 1970; nil when unknown or ≤ 0.
  public var modifiedAt: Int64?

  /// The user that the path names: the file's name without `.json`, `.ndjson`, `.jsonl`, `.gz`, `.zst` when it
  /// stands directly in the input or is the input, else the name of its folder. Nil when that is empty. As the
  /// path says it: it is not checked, and need not be UTF-8.
  public var pathUser: [UInt8]?

  public init(text: [UInt8], source: Source, modifiedAt: Int64?, pathUser: [UInt8]?) {
    self.text = text
    self.source = source
    self.modifiedAt = modifiedAt
    self.pathUser = pathUser
  }
}

/// What the reader of an input comes upon, in the order of the input.
public enum InputEvent: Sendable {
  /// A dump to be parsed.
  case dump(RawDump)
  /// A file or entry that is no dump, and why: counted, nothing is lost.
  case skipped(Source, why: String)
  /// A dump, an entry or the rest of an archive that cannot be used: it goes to the quarantine.
  case refused(Source, InputFault)
}

/// What was read of one input: two runs with equal digests have read the same bytes.
public struct InputDigest: Sendable, Hashable {
  /// The path of the input, as it was given.
  public var path: String

  /// The size in bytes of the input file, or of all the files of a directory that were read.
  public var bytes: Int

  /// SHA-256 of the input file. For a directory: of one record per file that was read, sorted by path: the
  /// relative path, a zero byte, the size in decimal, a zero byte, the SHA-256 of the content (32 bytes).
  /// Nil when the reading was stopped.
  public var sha256: [UInt8]?

  /// Whether the input was read to its end, and not stopped by the sink.
  public var finished: Bool { sha256 != nil }

  public init(path: String, bytes: Int, sha256: [UInt8]?) {
    self.path = path
    self.bytes = bytes
    self.sha256 = sha256
  }
}
