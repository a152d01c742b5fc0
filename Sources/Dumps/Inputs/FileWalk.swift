/// Reads the dumps of one file, whatever it is: JSON, an archive, or JSON compressed (docs/dumps.md).
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

  /// Files of which less is not worth a thread to unpack them, in bytes.
  private static let large = 1 << 20

  private func unpack(
    _ file: InputFile, _ opening: Opening, at place: Place, isInput: Bool
  ) throws(ReadFailure) -> Bool {
    let limit = delivery.limits.maxExpansion
    guard case .packed(let signature) = opening, !signature.isArchive else {
      let expansion = Expansion(from: file.size, maxRatio: limit) { file.delivered }
      return try read(file, opening, file, expansion, at: place, isInput: isInput)
    }
    // What is compressed and what comes out are two streams, so that each may have its thread.
    let unpacked = try ArchiveStream.unpacked(file, opening, .compressedFile, nil)
    guard file.size >= Self.large else {
      let expansion = Expansion(from: file.size, maxRatio: limit) { file.delivered }
      return try read(peeking: unpacked, file, expansion, at: place, isInput: isInput)
    }
    let ahead = ReadAhead(unpacked) { file.delivered }
    defer { ahead.stop() }
    let expansion = Expansion(from: file.size, maxRatio: limit) { ahead.countedAtBlock }
    return try read(peeking: ahead, file, expansion, at: place, isInput: isInput)
  }

  private func read(
    peeking source: any BlockSource, _ file: InputFile, _ expansion: Expansion, at place: Place, isInput: Bool
  ) throws(ReadFailure) -> Bool {
    let unpacked = try PeekedBlocks(source)
    return try read(unpacked, unpacked.opening, file, expansion, at: place, isInput: isInput)
  }

  /// Reads what lies in a file, which `source` gives: an archive, or one dump or sequence of dumps.
  private func read(
    _ source: any BlockSource, _ opening: Opening, _ file: InputFile, _ expansion: Expansion, at place: Place,
    isInput: Bool
  ) throws(ReadFailure) -> Bool {
    let stream = try ArchiveStream(source, opening, .anything, expansion)
    guard stream.content != .archive else {
      var walk = ArchiveWalk(stream, expansion, delivery, prefix: place.entry)
      // Checksums of what is compressed stand behind the archive's own end.
      if try walk.read(), source !== file {
        while let block = unsafe try source.nextBlock() { try expansion.add(block.count) }
      }
      return true
    }
    // Of a file that is cut off early, nobody knows what it was.
    guard place.kind != nil || isInput else {
      if let damage = stream.damage { throw damage }
      return try skip(place)
    }
    _ = try stream.nextEntry()
    let text = try PeekedBlocks(stream)
    // Under a dump's name it is a dump, if a broken one, and the parser says where.
    guard place.kind != nil || text.opening == .json else {
      throw stream.damage ?? .rest(InputFault(.invalidJSON, "neither an archive nor JSON", size: file.size, offset: 0))
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
