public import BSON
public import Dumps
internal import Glibc
public import Library
public import Stores
internal import Synchronization

/// What was not used, and why: one line of JSON each.
///
/// Lines are rendered where the fault is found, but for very many, and written here as wholes, so that threads never mix
/// them.
public final class QuarantineFile: Sendable {
  private struct State: ~Copyable {
    var file: PosixFile
    var counts: [QuarantineReason: Int] = [:]
    /// Lines about libraries that are there already.
    var ofLibraries = LibraryLines()
  }

  /// What is known of lines about the store's libraries.
  private struct LibraryLines {
    var prints: Set<UInt64> = []
    /// How often each reason was given by an earlier attempt of the run.
    var counts: [QuarantineReason: Int] = [:]
  }

  private let path: String
  private let run: String
  /// With what every line about a library of the store begins.
  private let beginning: [UInt8]
  private let state: Mutex<State>

  /// Creates the file; mode 0600, for dumps are private.
  ///
  /// - Parameters:
  ///   - store: its name, under which it is the source of lines about libraries.
  ///   - isResumed: whether an earlier attempt of the run may have left one. What that has found in libraries is kept: those
  ///     that it has written do not hold it any more.
  public init(_ path: String, run: String, store: String, isResumed: Bool = false) throws(StoreError) {
    (self.path, self.run) = (path, run)
    beginning = QuarantineLines.beginning(run: run, input: store).bytes
    var kept = LibraryLines()
    if isResumed {
      try Self.keepLibraries(path, behind: 0, beginning, &kept)
    } else {
      removeFile(path)
    }
    state = Mutex(State(file: try Self.opened(path), counts: kept.counts, ofLibraries: kept))
  }

  private static func opened(_ path: String) throws(StoreError) -> PosixFile {
    try PosixFile(path, O_WRONLY | O_CREAT | O_APPEND, mode: 0o600, operation: "create")
  }

  /// Leaves of a file what comes before an offset, and behind it the lines about libraries, in a file of its own: an
  /// earlier attempt of the run that was frozen and goes on again has the old one open.
  private static func keepLibraries(
    _ path: String, behind offset: Int, _ beginning: [UInt8], _ kept: inout LibraryLines
  ) throws(StoreError) {
    var lines: LineReader
    do throws(StoreError) { lines = try LineReader(path) } catch .inputOutput(_, _, ENOENT) { return }
    let file = try PartialFile(path + ".partial", mode: 0o600)
    var end = 0
    while let line = try lines.next() {
      end += line.count + 1
      // A line that was torn is about a library that was not written.
      guard end <= lines.offset else { break }
      if end > offset {
        guard line.starts(with: beginning), let reason = reason(in: line) else { continue }
        kept.prints.insert(print(of: line))
        kept.counts[reason, default: 0] += 1
      }
      try file.append(line + [0x0A])
    }
    try file.replace(path)
  }

  private static func reason(in line: ArraySlice<UInt8>) -> QuarantineReason? {
    QuarantineLine.reason(in: line).flatMap { QuarantineReason(rawValue: $0) }
  }

  private static func print(of line: ArraySlice<UInt8>) -> UInt64 { Array(line).withView { $0.fingerprint } }

  /// How often each reason was given.
  public var counts: [QuarantineReason: Int] { state.withLock { $0.counts } }

  /// How often each reason was given since then, and by an earlier attempt of the run for what is not in libraries any
  /// more.
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
      Result { () throws(StoreError) in
        let counts = state.counts.merging(state.ofLibraries.counts, uniquingKeysWith: -)
        return Mark(size: try state.file.status().size, counts: counts)
      }
    }.get()
  }

  /// Takes out what was appended since, but for lines about libraries: a server's may have been written.
  func cut(back mark: Mark) throws(StoreError) {
    try state.withLock { state in
      Result { () throws(StoreError) in
        try Self.keepLibraries(path, behind: mark.size, beginning, &state.ofLibraries)
        state.file = try Self.opened(path)
        state.counts = mark.counts.merging(state.ofLibraries.counts, uniquingKeysWith: +)
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
    try state.withLock { state in
      Result { () throws(StoreError) in
        for (reason, count) in lines.counts { state.counts[reason, default: 0] += count }
        try lines.forEachPiece { (text) throws(StoreError) in try state.file.write(text) }
      }
    }.get()
  }

  /// Appends lines about libraries. One that is there already is not written again: of an earlier attempt of the run, or
  /// of a user who is merged once more.
  func append(ofLibraries lines: QuarantineLines) throws(StoreError) {
    guard !lines.isEmpty else { return }
    try state.withLock { state in
      Result { () throws(StoreError) in
        try lines.forEachPiece { (piece) throws(StoreError) in
          var text: [UInt8] = []
          for line in piece.split(separator: 0x0A)
          where state.ofLibraries.prints.insert(Self.print(of: line)).inserted {
            if let reason = Self.reason(in: line) { state.counts[reason, default: 0] += 1 }
            text += line + [0x0A]
          }
          try state.file.write(text)
        }
      }
    }.get()
  }

  /// Waits until lines about libraries are on the disk.
  func synchronizeLibraries() throws(StoreError) {
    try state.withLock { state in
      Result { () throws(StoreError) in
        if !state.ofLibraries.prints.isEmpty { try state.file.synchronize() }
      }
    }.get()
  }
}

/// Lines of the quarantine as they will be written.
///
/// A dump can hold a million entries that are none, so those past ``mostText`` become text only when they are written:
/// until then what they are about must lie where it lies.
public struct QuarantineLines: Sendable {
  /// What of a dump or library has no text yet.
  private struct Rest {
    var parts: ArraySlice<Quarantined>
    var user: ByteView
    var source: Source
  }

  /// No line is rendered beyond so many bytes of text.
  private static let mostText = 1 << 20

  private let run: String
  private(set) var text: [UInt8] = []
  private var rests: [Rest] = []
  private(set) var counts: [QuarantineReason: Int] = [:]

  fileprivate init(run: String, text: [UInt8] = [], counts: [QuarantineReason: Int] = [:]) {
    (self.run, self.text, self.counts) = (run, text, counts)
  }

  public var isEmpty: Bool { text.isEmpty }

  /// Notes entries and sections.
  mutating func add(_ parts: [Quarantined], of user: ByteView, from source: Source) {
    for (position, part) in parts.enumerated() {
      guard rests.isEmpty, text.count < Self.mostText else {
        rests.append(Rest(parts: parts[position...], user: user, source: source))
        for part in parts[position...] { counts[part.reason, default: 0] += 1 }
        return
      }
      add(part, of: user, from: source)
    }
  }

  /// Hands on all lines, whole ones and about ``mostText`` bytes at a time.
  fileprivate func forEachPiece(_ use: ([UInt8]) throws(StoreError) -> Void) throws(StoreError) {
    try use(text)
    var lines = QuarantineLines(run: run)
    for rest in rests {
      for part in rest.parts {
        lines.add(part, of: rest.user, from: rest.source)
        guard lines.text.count >= Self.mostText else { continue }
        try use(lines.text)
        lines.text.removeAll(keepingCapacity: true)
      }
    }
    if !lines.isEmpty { try use(lines.text) }
  }

  private mutating func add(_ part: Quarantined, of user: ByteView, from source: Source) {
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
    var json = Self.beginning(run: run, input: source.input)
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

  /// What a line begins with, up to the entry's name.
  fileprivate static func beginning(run: String, input: String) -> JSONText {
    var json = JSONText()
    json.put("{")
    json.key("run_id")
    json.string(run)
    json.put(",\"source\":{")
    json.key("input")
    json.string(input)
    json.put(",")
    return json
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
