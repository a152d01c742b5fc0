internal import BSON
internal import Dumps
internal import Glibc
internal import Library
public import Logging
public import Stores
internal import Synchronization

/// The log of a run: `log.ndjson` in its folder, one line of JSON a message.
///
/// The folder is there only when the run has begun, and what was said before is kept until then. A log that cannot be
/// written is no reason to fail: it stops, and the run goes on.
///
/// ```swift
/// let log = RunLog()
/// let logger = Logger(label: "mixdown") { _ in RunLogHandler(log, logLevel: .info) }
/// logger.info("phase read")                         // kept
/// try log.open(folder + "/log.ndjson")              // written
/// ```
public final class RunLog: Sendable {
  private struct State: ~Copyable {
    var file: PosixFile?
    /// What was said before the file was there.
    var kept: [[UInt8]] = []
  }

  /// The log of this process, which makes one run at most.
  public static let shared = RunLog()

  private static let mostKept = 1000
  private let state = Mutex(State())

  public init() {}

  /// Opens the file; mode 0600.
  public func open(_ path: String) throws(StoreError) {
    var file: PosixFile? = try PosixFile(
      path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600, operation: "create")
    state.withLock { state in
      state.file = file.take()
      for line in state.kept { Self.write(line, to: &state) }
      state.kept = []
    }
  }

  func append(_ line: [UInt8]) {
    state.withLock { state in
      if state.file != nil {
        Self.write(line, to: &state)
      } else if state.kept.count < Self.mostKept {
        state.kept.append(line)
      }
    }
  }

  private static func write(_ line: [UInt8], to state: inout State) {
    do throws(StoreError) { try state.file?.write(line) } catch { state.file = nil }
  }
}

/// Writes the messages of a logger to the log of a run.
public struct RunLogHandler: LogHandler {
  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  private let log: RunLog

  public init(_ log: RunLog, logLevel: Logger.Level) {
    self.log = log
    self.logLevel = logLevel
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    log.append(
      Self.line(
        time: wallClock(), level: event.level, message: "\(event.message)",
        metadata: metadata.merging(event.metadata ?? [:]) { $1 }))
  }

  /// `{"time":"…","level":"info","message":"…","metadata":{…}}`, metadata in the order of its keys.
  static func line(
    time: Int64, level: Logger.Level, message: String, metadata: Logger.Metadata
  ) -> [UInt8] {
    var json = JSONText()
    json.put("{")
    json.key("time")
    json.string(Instant.text(time))
    json.put(",")
    json.key("level")
    json.string(level.rawValue)
    json.put(",")
    json.key("message")
    json.string(withoutSecrets(message))
    json.put(",")
    json.key("metadata")
    json.dictionary(metadata)
    json.put("}\n")
    return json.bytes
  }
}

extension JSONText {
  fileprivate mutating func dictionary(_ metadata: Logger.Metadata) {
    put("{")
    for (position, field) in metadata.sorted(by: { $0.key < $1.key }).enumerated() {
      if position > 0 { put(",") }
      string(field.key)
      put(":")
      value(field.value)
    }
    put("}")
  }

  private mutating func value(_ value: Logger.MetadataValue) {
    switch value {
    case .string(let text): string(withoutSecrets(text))
    case .stringConvertible(let text): string(withoutSecrets("\(text)"))
    case .dictionary(let metadata): dictionary(metadata)
    case .array(let values):
      put("[")
      for (position, value) in values.enumerated() {
        if position > 0 { put(",") }
        self.value(value)
      }
      put("]")
    }
  }
}

/// A message without what nobody may read in a log: a secret in an address, and any text that has a token in it.
func withoutSecrets(_ text: String) -> String {
  Array(text.utf8).withView { $0.mentionsToken } ? "<redacted>" : withoutPasswords(text)
}

/// A text without the passwords of the addresses in it, and what else of their options nobody may see.
public func withoutPasswords(_ text: String) -> String {
  var shown: Substring = ""
  var rest = text[...]
  while let scheme = rest.firstRange(of: "://") {
    shown += rest[..<scheme.upperBound]
    rest = rest[scheme.upperBound...]
    // Up to the last @ of the word: a password may hold one itself, and a slash that should have been escaped.
    let authority = rest.prefix { !$0.isWhitespace && $0 != "\"" }
    if let at = authority.lastIndex(of: "@") {
      let user = authority[..<at].prefix { $0 != ":" }
      shown += user + (user.endIndex == at ? "" : ":…")
      rest = rest[at...]
    }
  }
  var bytes = Array((shown + rest).utf8)
  for option in secretOptions(in: bytes).reversed() { bytes.replaceSubrange(option, with: "…".utf8) }
  return String(decoding: bytes, as: UTF8.self)
}
