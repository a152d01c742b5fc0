public import BSON
public import Dumps
internal import Glibc
public import Library
public import Stores
internal import Synchronization

/// What was not used, and why: one line of JSON each.
///
/// Lines are rendered where the fault is found and written here in one piece, so that threads never mix them.
public final class QuarantineFile: Sendable {
  private struct State: ~Copyable {
    var file: PosixFile
    var counts: [QuarantineReason: Int] = [:]
  }

  private let run: String
  private let state: Mutex<State>

  /// Creates the file; mode 0600, for dumps are private.
  public init(_ path: String, run: String) throws(StoreError) {
    self.run = run
    // An earlier attempt of the run that was frozen and goes on again has its own open.
    removeFile(path)
    let file = try PosixFile(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, mode: 0o600, operation: "create")
    state = Mutex(State(file: file))
  }

  /// How often each reason was given.
  public var counts: [QuarantineReason: Int] { state.withLock { $0.counts } }

  /// How often each reason was given since then.
  func counts(since mark: Mark) -> [QuarantineReason: Int] {
    counts.merging(mark.counts, uniquingKeysWith: -).filter { $0.value > 0 }
  }

  /// How much the file holds.
  struct Mark {
    let size: Int
    let counts: [QuarantineReason: Int]
  }

  func mark() throws(StoreError) -> Mark {
    try state.withLock { state in
      Result { () throws(StoreError) in Mark(size: try state.file.status().size, counts: state.counts) }
    }.get()
  }

  /// Takes out what was appended since.
  func cut(back mark: Mark) throws(StoreError) {
    try state.withLock { state in
      Result { () throws(StoreError) in
        try state.file.truncate(to: mark.size)
        state.counts = mark.counts
      }
    }.get()
  }

  /// A batch of lines for this run.
  public func lines() -> QuarantineLines { QuarantineLines(run: run) }

  /// Lines that an earlier attempt of this run has written.
  func lines(_ text: [UInt8], _ counts: [QuarantineReason: Int]) -> QuarantineLines {
    QuarantineLines(run: run, text: text, counts: counts)
  }

  /// Appends lines to the file.
  public func append(_ lines: QuarantineLines) throws(StoreError) {
    guard !lines.isEmpty else { return }
    let failure = state.withLock { state -> StoreError? in
      for (reason, count) in lines.counts { state.counts[reason, default: 0] += count }
      do throws(StoreError) {
        try state.file.write(lines.text)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}

/// Lines of the quarantine as they will be written.
public struct QuarantineLines: Sendable {
  private let run: String
  private(set) var text: [UInt8] = []
  private(set) var counts: [QuarantineReason: Int] = [:]

  fileprivate init(run: String, text: [UInt8] = [], counts: [QuarantineReason: Int] = [:]) {
    (self.run, self.text, self.counts) = (run, text, counts)
  }

  public var isEmpty: Bool { text.isEmpty }

  /// Takes over other lines.
  mutating func add(_ lines: QuarantineLines) {
    text += lines.text
    counts.merge(lines.counts, uniquingKeysWith: +)
  }

  /// Notes an entry or a section.
  mutating func add(_ part: Quarantined, of user: ByteView, from source: Source) {
    add(
      reason: part.reason, detail: part.detail, source: source, user: user, section: part.section, index: part.index,
      raw: part.raw)
  }

  /// Notes a whole dump.
  ///
  /// - Parameter user: whose it seemed to be at the first look; one that does not parse is nobody's.
  public mutating func add(_ fault: DumpFault, of user: ByteView?, from source: Source, size: Int) {
    let raw = fault.raw.map { BSONValue(type: .document, bytes: $0.bytes) }
    add(
      reason: fault.reason, detail: fault.detail, source: source, user: fault.reason == .invalidJSON ? nil : user,
      raw: raw, size: size, offset: fault.offset)
  }

  /// Notes a fault of an input.
  public mutating func add(_ fault: InputFault, from source: Source) {
    add(
      reason: QuarantineReason(fault.reason), detail: fault.detail, source: source, user: nil, size: fault.size,
      offset: fault.offset)
  }

  private mutating func add(
    reason: QuarantineReason, detail: String, source: Source, user: ByteView?, section: Section? = nil,
    index: Int? = nil, raw: BSONValue? = nil, size: Int? = nil, offset: Int? = nil
  ) {
    var json = JSONText()
    json.put("{")
    json.key("run_id")
    json.string(run)
    json.put(",\"source\":{")
    json.key("input")
    json.string(source.input)
    json.put(",")
    json.key("entry")
    if let entry = source.entry { json.string(entry) } else { json.put("null") }
    json.put(",")
    json.key("line")
    json.putOrNull(source.line)
    json.put("},")
    json.key("user_id")
    if let user { json.string(user) } else { json.put("null") }
    json.put(",")
    json.key("section")
    if let section { json.string(section.rawValue) } else { json.put("null") }
    json.put(",")
    json.key("index")
    json.putOrNull(index)
    json.put(",")
    json.key("reason")
    json.string(reason.rawValue)
    json.put(",")
    json.key("detail")
    json.string(detail)
    json.put(",")
    if let size {
      json.key("size")
      json.put(Int64(size))
      json.put(",")
    }
    if let offset {
      json.key("offset")
      json.put(Int64(offset))
      json.put(",")
    }
    json.key("raw")
    json.raw(raw)
    json.put("}\n")
    text += json.bytes
    counts[reason, default: 0] += 1
  }
}

extension JSONText {
  fileprivate mutating func putOrNull(_ number: Int?) {
    if let number { put(Int64(number)) } else { put("null") }
  }

  /// What was not used. A string in which the name of a token occurs is not shown: it may be a section that does not
  /// parse, so that nothing can tell where the token ends, or a whole dump inside another.
  fileprivate mutating func raw(_ value: BSONValue?) {
    guard let value else { return put("null") }
    var rendered = JSONText { $0.mentionsToken }
    guard (try? rendered.value(value)) != nil else { return put("null") }
    append(rendered)
  }
}

extension QuarantineReason {
  init(_ reason: InputFault.Reason) {
    self =
      switch reason {
      case .tooLarge: .tooLarge
      case .tooMany: .tooMany
      case .bomb: .bomb
      case .truncated: .truncated
      case .invalidJSON: .invalidJSON
      }
  }
}
