/// Splits a JSON array that arrives in parts into its elements, so that an array of any length streams.
///
/// An element is handed on as it stands, whatever it is. Where the array itself is broken (a comma is missing,
/// the end is), the elements before that place are handed on and the rest is refused once.
struct ArraySplitter {
  private enum Phase {
    case beforeArray
    case beforeElement(isFirst: Bool)
    case container
    case scalar(inString: Bool, isEscaped: Bool)
    case afterElement
    case closed
    case broken
  }

  private var phase = Phase.beforeArray
  private var element: PendingText
  private var elementLine = 0
  private var scanner = ContainerScanner()
  /// The 1-based line of the next byte.
  private(set) var line: Int
  /// The offset in the file of the next byte.
  private(set) var offset: Int

  /// - Parameters:
  ///   - line: the 1-based line on which the array begins.
  ///   - offset: where it begins, in bytes from the start of the file.
  ///   - limit: the longest element, in bytes.
  init(line: Int, offset: Int, limit: Int) {
    self.line = line
    self.offset = offset
    element = PendingText(limit: limit)
  }

  /// Whether the closing bracket has been read.
  var isClosed: Bool { if case .closed = phase { true } else { false } }

  /// Whether the rest was refused.
  var isBroken: Bool { if case .broken = phase { true } else { false } }

  /// Reads on until the array closes or breaks, or `block` ends.
  ///
  /// - Returns: the index of the first byte that was not read.
  mutating func feed(_ block: Span<UInt8>, from start: Int, _ emit: PieceSink) throws(ReadFailure) -> Int {
    var position = start
    while position < block.count, !isClosed, !isBroken {
      let next = try step(block, from: position, emit)
      offset += next - position
      line += block.extracting(position..<next).newlines
      position = next
    }
    return position
  }

  /// Ends the text: an array that is still open is refused.
  mutating func finish(_ emit: PieceSink) throws(ReadFailure) {
    if !isClosed, !isBroken { try refuse("the array is not closed", behind: Span(), emit) }
  }

  /// One phase's share of the block; returns the index of the first byte that the phase did not want.
  private mutating func step(
    _ block: Span<UInt8>, from position: Int, _ emit: PieceSink
  ) throws(ReadFailure) -> Int {
    switch phase {
    case .beforeArray:
      phase = .beforeElement(isFirst: true)
      return position + 1
    case .beforeElement(let isFirst):
      return try begin(block, from: position, isFirst: isFirst, emit)
    case .container:
      guard let end = scanner.end(in: block, from: position) else {
        element.append(block.extracting(position..<block.count))
        return block.count
      }
      element.append(block.extracting(position..<end))
      try emitElement(emit)
      return end
    case .scalar(let inString, let isEscaped):
      return try scalar(block, from: position, inString: inString, isEscaped: isEscaped, emit)
    case .afterElement:
      let next = block.endOfBlanks(from: position)
      guard next < block.count else { return next }
      switch block[next] {
      case UInt8(ascii: ","): phase = .beforeElement(isFirst: false)
      case UInt8(ascii: "]"): phase = .closed
      default: try refuse("a comma is missing in the array", behind: block.extracting(position..<next), emit)
      }
      return next + 1
    case .closed, .broken:
      return position
    }
  }

  private mutating func begin(
    _ block: Span<UInt8>, from position: Int, isFirst: Bool, _ emit: PieceSink
  ) throws(ReadFailure) -> Int {
    let next = block.endOfBlanks(from: position)
    guard next < block.count else { return next }
    switch block[next] {
    case UInt8(ascii: "]") where isFirst:
      phase = .closed
      return next + 1
    case UInt8(ascii: "]"), UInt8(ascii: ","):
      try refuse("an element is missing in the array", behind: block.extracting(position..<next), emit)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      phase = .container
    default:
      phase = .scalar(inString: false, isEscaped: false)
    }
    elementLine = line + block.extracting(position..<next).newlines
    return next
  }

  /// A number, a string or a word: rare, and wrong where a dump should be, so byte by byte will do.
  private mutating func scalar(
    _ block: Span<UInt8>, from position: Int, inString: Bool, isEscaped: Bool, _ emit: PieceSink
  ) throws(ReadFailure) -> Int {
    var (inString, isEscaped) = (inString, isEscaped)
    for index in position..<block.count {
      let byte = block[index]
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        inString.toggle()
      } else if !inString, byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") {
        element.append(block.extracting(position..<index))
        try emitElement(emit)
        return index
      } else if !inString, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        try refuse("a comma is missing in the array", behind: block.extracting(position..<index), emit)
        return index
      }
    }
    element.append(block.extracting(position..<block.count))
    phase = .scalar(inString: inString, isEscaped: isEscaped)
    return block.count
  }

  private mutating func emitElement(_ emit: PieceSink) throws(ReadFailure) {
    phase = .afterElement
    try emit(Piece(element.take(), line: elementLine))
  }

  /// - Parameter read: what this step has read before the byte at fault.
  private mutating func refuse(_ why: String, behind read: Span<UInt8>, _ emit: PieceSink) throws(ReadFailure) {
    phase = .broken
    let place = offset + read.count
    try emit(.refused(InputFault(.invalidJSON, "\(why) at byte \(place)", offset: place), line: line + read.newlines))
  }
}
