/// Hands to the sink what is found in one input, with its source.
final class Delivery {
  let limits: Limits

  private let input: String
  private let sink: (InputEvent) -> Bool

  /// - Parameter sink: returns whether it wants more.
  init(input: String, limits: Limits, sink: @escaping (InputEvent) -> Bool) {
    self.input = input
    self.limits = limits
    self.sink = sink
  }

  /// Reports a file or entry that is no dump.
  func skip(_ entry: String?, _ why: String) throws(ReadFailure) {
    try send(.skipped(Source(input: input, entry: entry), why: why))
  }

  /// Reports what is lost of a file or entry, or of the archive from there on.
  func refuse(_ entry: String?, _ fault: InputFault) throws(ReadFailure) {
    try send(.refused(Source(input: input, entry: entry), fault))
  }

  /// Splits text into dumps and hands them on: one value when the source has ended well, and lines and elements
  /// as they come, before a checksum behind them can be known.
  ///
  /// - Throws: what the source throws; what was complete before has been handed on, and nothing that is cut.
  func split(_ text: any BlockSource, at place: Place) throws(ReadFailure) {
    let emit: PieceSink = { (piece) throws(ReadFailure) in try self.send(piece, place) }
    var splitter = DumpSplitter(kind: place.kind ?? .value, limit: limits.maxDumpSize, size: place.size)
    while let block = unsafe try text.nextBlock() { try splitter.feed(unsafe block.span, emit) }
    try splitter.finish(emit)
  }

  private func send(_ piece: Piece, _ place: Place) throws(ReadFailure) {
    switch piece {
    case .nothing: break
    case .dump(let text, let line):
      let source = Source(input: input, entry: place.entry, line: line)
      try send(.dump(RawDump(text: text, source: source, modifiedAt: place.modifiedAt, pathUser: place.user)))
    case .refused(let fault, let line):
      try send(.refused(Source(input: input, entry: place.entry, line: line), fault))
    }
  }

  private func send(_ event: InputEvent) throws(ReadFailure) {
    if !sink(event) { throw .stopped }
  }
}
