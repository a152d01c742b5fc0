/// Splits the text of a file into its dumps while it arrives (docs/dumps.md).
///
/// One value or one a line is seen from the content, and the name decides only where the content leaves a
/// choice:
/// - `[` starts an array of dumps;
/// - a first line that is one value by itself, an object or a scalar, and is followed by more lines starts a dump a
///   line; a line may be an array;
/// - so does a first line that is none, where the whole is no value either and another line is an object by itself;
/// - all else is one dump, in a file whose name promises lines only if it is one value.
///
/// Memory: one dump, at most `limit` bytes, whatever the length of the file.
struct DumpSplitter {
  private enum Phase {
    /// Nothing but blanks yet.
    case start
    /// In the first line.
    case firstLine(FirstLine)
    /// Behind the first line: what comes next tells one value from lines. `length` is the line's, in bytes.
    case afterFirstLine(FirstLine, length: Int)
    /// All of the file is one dump.
    case whole
    /// A value over several lines, or lines of which the first is broken: decided at the end.
    case undecided
    case lines
    case array(ArraySplitter, firstLine: Int)
    /// Behind an array: `isOneLine` if it closed on the line on which it began.
    case afterArray(isOneLine: Bool, end: Int)
    /// The rest was refused.
    case ignored
  }

  /// What a first line begins as.
  private enum FirstLine { case object, scalar }

  private let kind: DumpName.Kind
  private let limit: Int
  private let size: Int?
  private var phase = Phase.start
  private var pending: PendingText
  /// The 1-based line of the next byte, and of the dump that is pending.
  private var line = 1
  private var pendingLine = 1
  /// The offset in the file of the block.
  private var consumed = 0

  /// - Parameters:
  ///   - kind: what the name promises.
  ///   - limit: the longest dump, in bytes.
  ///   - size: of the text in bytes, if somebody knows; it need not be true.
  init(kind: DumpName.Kind, limit: Int, size: Int? = nil) {
    self.kind = kind
    self.limit = limit
    self.size = size
    pending = PendingText(limit: limit)
  }

  /// Takes the next part of the text, of any length.
  mutating func feed(_ block: Span<UInt8>, _ emit: PieceSink) throws(ReadFailure) {
    var position = consumed == 0 && block.holds(ByteOrderMark.bytes, at: 0) ? ByteOrderMark.bytes.count : 0
    while position < block.count { position = try step(block, from: position, emit) }
    consumed += block.count
  }

  /// Ends the text. Not called when the text is cut short, so that a truncated dump is not handed on.
  mutating func finish(_ emit: PieceSink) throws(ReadFailure) {
    switch phase {
    case .start:
      guard kind == .value else { return }
      try emit(.refused(InputFault(.invalidJSON, "the file is empty", size: consumed, offset: 0), line: nil))
    case .firstLine, .afterFirstLine, .whole:
      try emit(Piece(pending.take(), line: nil))
    case .undecided:
      // The cheaper question first: few values over several lines have a line that looks like a dump.
      if !isHeldInLines || pending.isOneContainer {
        try emit(Piece(pending.take(), line: nil))
      } else {
        try splitIntoLines(emit)
        try emitLine(emit)
      }
    case .lines:
      try emitLine(emit)
    case .array(var array, _):
      try array.finish(emit)
    case .afterArray, .ignored:
      break
    }
  }

  /// One phase's share of the block; returns the index of the first byte that the phase did not want.
  private mutating func step(
    _ block: Span<UInt8>, from position: Int, _ emit: PieceSink
  ) throws(ReadFailure) -> Int {
    switch phase {
    case .start:
      return start(block, from: position)
    case .firstLine(let first):
      guard let end = appendLine(block, from: position) else { return block.count }
      phase = .afterFirstLine(first, length: pending.count)
      return end
    case .afterFirstLine(let first, let length):
      let next = block.endOfBlanks(from: position)
      let blanks = block.extracting(position..<next)
      pending.append(blanks)
      line += blanks.newlines
      if next < block.count { try decide(first, length: length, emit) }
      return next
    case .whole:
      pending.append(block.extracting(position..<block.count))
      return block.count
    case .undecided:
      let next = min(block.count, position + pending.room)
      pending.append(block.extracting(position..<next))
      if next < block.count {
        if isHeldInLines { try splitIntoLines(emit) } else { phase = .whole }
      }
      return next
    case .lines:
      guard let end = appendLine(block, from: position) else { return block.count }
      try emitLine(emit)
      return end
    case .array(var array, let firstLine):
      // Not two owners of one element's bytes, which would copy them at every part.
      phase = .ignored
      let next = try array.feed(block, from: position, emit)
      line = array.line
      if array.isClosed {
        phase = .afterArray(isOneLine: line == firstLine, end: line)
      } else if !array.isBroken {
        phase = .array(array, firstLine: firstLine)
      }
      return next
    case .afterArray(let isOneLine, let end):
      let next = block.endOfBlanks(from: position)
      line += block.extracting(position..<next).newlines
      guard next < block.count else { return next }
      if isOneLine, line > end {
        pendingLine = line
        phase = .lines
      } else {
        phase = .ignored
        try refuseRest(at: consumed + next, line: line, emit)
      }
      return next
    case .ignored:
      return block.count
    }
  }

  private mutating func start(_ block: Span<UInt8>, from position: Int) -> Int {
    let next = block.endOfBlanks(from: position)
    line += block.extracting(position..<next).newlines
    guard next < block.count else { return next }
    pendingLine = line
    switch block[next] {
    case UInt8(ascii: "["):
      phase = .array(ArraySplitter(line: line, offset: consumed + next, limit: limit), firstLine: line)
      return next
    case UInt8(ascii: "{"): phase = .firstLine(.object)
    default: phase = kind == .lines ? .lines : .firstLine(.scalar)
    }
    // Most files are one value: its bytes are then copied once.
    if let size, size > consumed + next { pending.reserve(size - consumed - next) }
    return next
  }

  /// There is more than one line: tells a dump a line from a value over several lines.
  private mutating func decide(_ first: FirstLine, length: Int, _ emit: PieceSink) throws(ReadFailure) {
    let isLine =
      switch first {
      // A first line past the limit was not kept; nobody writes a value of several lines with such a one.
      case .object: pending.isTooLarge || pending.closes(before: length)
      // Nor does anybody write such a scalar: that is a page or a log.
      case .scalar: !pending.isTooLarge && pending.isScalar(before: length)
      }
    if isLine {
      phase = .lines
      try emitLine(emit)
    } else {
      phase = .undecided
    }
  }

  /// Whether what has been held back are lines, unless it is one value.
  private var isHeldInLines: Bool { kind == .lines || pending.hasLineOfOneObject }

  /// Goes on with a dump a line from what has been held back.
  private mutating func splitIntoLines(_ emit: PieceSink) throws(ReadFailure) {
    let held = pending.takeRaw()
    phase = .lines
    line = pendingLine
    var position = 0
    while let end = appendLine(held.span, from: position) {
      try emitLine(emit)
      position = end
    }
  }

  /// Appends the rest of the line to the pending text.
  ///
  /// - Returns: the index behind the line's end; nil when the line goes on in the next block.
  private mutating func appendLine(_ block: Span<UInt8>, from position: Int) -> Int? {
    guard let newline = block.firstNewline(from: position) else {
      pending.append(block.extracting(position..<block.count))
      return nil
    }
    pending.append(block.extracting(position...newline))
    line += 1
    return newline + 1
  }

  /// Hands on the line that is pending. The next one starts where the reading stands.
  private mutating func emitLine(_ emit: PieceSink) throws(ReadFailure) {
    let dumpLine = pendingLine
    pendingLine = line
    switch pending.take() {
    case .text(let text) where text.first == UInt8(ascii: "["):
      try splitLine(text.span.extracting(droppingLast: RawDump.padding), line: dumpLine, emit)
    case let outcome:
      try emit(Piece(outcome, line: dumpLine))
    }
  }

  /// A line that is an array of dumps.
  private func splitLine(_ text: Span<UInt8>, line: Int, _ emit: PieceSink) throws(ReadFailure) {
    var array = ArraySplitter(line: line, offset: 0, limit: limit)
    let end = try array.feed(text, from: 0, emit)
    try array.finish(emit)
    // The text is trimmed: what stands behind the array is more than blanks.
    if array.isClosed, end < text.count { try refuseRest(at: text.endOfBlanks(from: end), line: line, emit) }
  }

  private func refuseRest(at offset: Int, line: Int, _ emit: PieceSink) throws(ReadFailure) {
    let detail = "something stands behind the end of the array at byte \(offset)"
    try emit(.refused(InputFault(.invalidJSON, detail, offset: offset), line: line))
  }
}
