/// What a text is split into.
enum Piece {
  /// Blanks alone, which say nothing.
  case nothing
  /// A dump's text with its padding, and the 1-based line on which it starts; nil in a file of one value.
  case dump([UInt8], line: Int?)
  case refused(InputFault, line: Int?)

  init(_ outcome: PendingText.Outcome, line: Int?) {
    switch outcome {
    case .nothing: self = .nothing
    case .text(let text): self = .dump(text, line: line)
    case .tooLarge(let size):
      self = .refused(InputFault(.tooLarge, "a dump of \(size) bytes", size: size), line: line)
    }
  }
}

/// Who takes the pieces, in order. Throws `.stopped` to end the reading.
typealias PieceSink = (Piece) throws(ReadFailure) -> Void
