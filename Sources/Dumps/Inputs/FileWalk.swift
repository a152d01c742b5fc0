/// Reads the dumps of one file, whatever it is: JSON, an archive, or JSON compressed (docs: dumps).
struct FileWalk {
  let delivery: Delivery

  /// Reads the file to the end, or to the fault that costs its rest, which is refused.
  ///
  /// - Parameters:
  ///   - place: where the file lies, and what its name says.
  ///   - isInput: whether the file is itself the input: then it may have any name.
  /// - Returns: whether it was read; false when it was skipped.
  /// - Throws: `.stopped` and `.input` alone.
  func read(_ file: InputFile, at place: Place, isInput: Bool) throws(ReadFailure) -> Bool {
    do throws(ReadFailure) {
      let opening = try file.opening()
      switch opening {
      case .empty, .json: return try split(file, at: place, isInput: isInput)
      case .packed, .other: return try unpack(file, opening, at: place, isInput: isInput)
      }
    } catch {
      switch error {
      case .entry(let fault), .rest(let fault): try delivery.refuse(place.entry, fault)
      case .stopped, .input: throw error
      }
      return true
    }
  }

  private func unpack(
    _ file: InputFile, _ opening: Opening, at place: Place, isInput: Bool
  ) throws(ReadFailure) -> Bool {
    let expansion = Expansion(of: file, maxRatio: delivery.limits.maxExpansion)
    let stream = try ArchiveStream(file, .anything, expansion)
    guard stream.content != .archive else {
      var walk = ArchiveWalk(stream, expansion, delivery, prefix: place.entry)
      try walk.read()
      return true
    }
    try stream.check(opening)
    guard place.kind != nil || isInput else { return try skip(place) }
    _ = try stream.nextEntry()
    let text = try PeekedBlocks(stream)
    // Under a dump's name it is a dump, if a broken one, and the parser says where.
    guard place.kind != nil || text.opening == .json else {
      throw .rest(InputFault(.invalidJSON, "neither an archive nor JSON", size: file.size, offset: 0))
    }
    try delivery.split(text, at: place)
    return true
  }

  private func split(_ file: InputFile, at place: Place, isInput: Bool) throws(ReadFailure) -> Bool {
    guard place.kind != nil || isInput else { return try skip(place) }
    try delivery.split(file, at: place)
    return true
  }

  private func skip(_ place: Place) throws(ReadFailure) -> Bool {
    try delivery.skip(place.entry, DumpName.isMissing)
    return false
  }
}
