internal import CArchive

/// An archive or compressed file, read from front to back with libarchive: entry by entry, block by block.
///
/// Safe although it holds a C handle: `handle` is this object's alone and freed with it. libarchive calls back
/// with the address of `feed`, which this object keeps alive as long as the handle.
@safe final class ArchiveStream: BlockSource {
  /// What the source may be.
  enum Expectation {
    /// An archive, or one file, in every format and compression that libarchive reads by itself.
    case anything
    /// One file that is compressed: what it holds is left as it is, be it an archive.
    case compressedFile
    /// The same, or one that is not compressed, that is an entry of an archive: its damage costs the entry alone.
    case compressedEntry

    /// What damage costs.
    ///
    /// - Parameter isFatal: whether nothing can be read behind it.
    func failure(_ fault: InputFault, isFatal: Bool) -> ReadFailure {
      switch self {
      case .anything: isFatal ? .rest(fault) : .entry(fault)
      case .compressedFile: .rest(fault)
      case .compressedEntry: .entry(fault)
      }
    }
  }

  /// What the source turned out to be.
  enum Content {
    case archive
    /// One file, compressed.
    case compressedFile
    /// One file as it is: libarchive knows no format of it.
    case plainFile
  }

  let content: Content

  private let handle: ReadHandle
  private let feed: ArchiveFeed
  /// Whether the first bytes tell a tar, of which names are taken as their bytes are.
  private let isTar: Bool
  private let expansion: Expansion?
  private let expectation: Expectation
  /// The first entry was read to learn the format, and is not fetched yet.
  private var first: Result<ArchiveEntry?, ReadFailure>?
  /// Whether there is an entry to read data of.
  private var hasEntry = false
  /// Where the data of the entry has got to, in bytes.
  private var offset = 0
  /// Whether a header of a tar is damaged, which was said, and no other one has been found since.
  private var isLost = false

  /// Opens the source and finds out what it is.
  ///
  /// - Parameters:
  ///   - source: read from its beginning; a file may be read back and forth.
  ///   - opening: what its first bytes say: the names of a tar that they tell are taken as their bytes are, and it is
  ///     read on behind zeros.
  ///   - expansion: counts the bytes that come out; nil where somebody else does.
  /// - Throws: `.rest` when it is damaged at its very beginning (`.entry` for an entry); what the source throws.
  init(
    _ source: any BlockSource, _ opening: Opening, _ expectation: Expectation, _ expansion: Expansion?
  ) throws(ReadFailure) {
    let handle = ReadHandle()
    let feed = ArchiveFeed(source, expansion)
    handle.support(archives: expectation == .anything)
    if opening.isTar { handle.goOnBehindZeros() }
    let status = unsafe feed.open(handle.pointer)
    if let failure = feed.failure(at: status) { throw failure }
    guard status >= ARCHIVE_WARN else { throw Self.damage(handle.message, status, expectation) }
    // Formats name themselves only when the first header is read.
    isTar = opening.isTar
    first = Self.readHeader(handle, feed, expectation, isTar: isTar)
    switch unsafe archive_format(handle.pointer) {
    case ARCHIVE_FORMAT_RAW, ARCHIVE_FORMAT_EMPTY:
      content = unsafe archive_filter_count(handle.pointer) > 1 ? .compressedFile : .plainFile
    default: content = .archive
    }
    self.handle = handle
    self.feed = feed
    self.expansion = expansion
    self.expectation = expectation
  }

  /// What is known to be wrong with the source, behind what was read so far.
  var damage: ReadFailure? { feed.failure }

  /// Goes to the next entry; what is left of the data of this one is read and counted.
  ///
  /// - Returns: nil at the end of the archive.
  /// - Throws: `.entry` when this entry alone is lost, `.rest` when all that follows is.
  func nextEntry() throws(ReadFailure) -> ArchiveEntry? {
    if let first = first.take() {
      let entry = try first.get()
      hasEntry = entry != nil
      return entry
    }
    try skipData()
    let endsWithZeros = unsafe archive_format(handle.pointer) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_TAR
    // Past the padding of the data, too: then only a header or the end can come.
    if endsWithZeros, hasEntry { _ = unsafe archive_read_data_skip(handle.pointer) }
    hasEntry = false
    offset = 0
    let entry = endsWithZeros ? try nextInTar() : try Self.readHeader(handle, feed, expectation, isTar: isTar).get()
    hasEntry = entry != nil
    return entry
  }

  /// The next entry of a tar. Behind a header that is damaged libarchive tries block after block until one is a header:
  /// what it passes over is one fault.
  private func nextInTar() throws(ReadFailure) -> ArchiveEntry? {
    unsafe feed.beginSearch(handle.pointer)
    defer { feed.endSearch() }
    while true {
      let position = unsafe archive_filter_bytes(handle.pointer, 0)
      let header = Self.readHeader(handle, feed, expectation, isTar: isTar)
      let hasMoved = unsafe archive_filter_bytes(handle.pointer, 0) != position
      switch header {
      case .success(let entry):
        if entry == nil { try checkEndOfTar(hasMoved: hasMoved) }
        isLost = false
        return entry
      case .failure(.entry) where isLost: continue
      // Less than a block is left of what was passed over.
      case .failure(.rest) where isLost && !hasMoved && feed.failure == nil: return nil
      case .failure(let failure):
        if case .entry = failure { isLost = true }
        throw failure
      }
    }
  }

  /// - Parameter hasMoved: whether libarchive passed over anything to come to the end.
  private func checkEndOfTar(hasMoved: Bool) throws(ReadFailure) {
    if isLost, !hasMoved { return }
    // libarchive takes a tar that is cut between two entries for whole; but its end is a block of zeros.
    guard hasMoved else { throw .rest(InputFault(.truncated, "the mark of the archive's end is missing")) }
    // Less than a block, and of what was not known to be a tar any number of them. What libarchive itself unpacks it may
    // leave before that ends.
    if unsafe archive_filter_count(handle.pointer) == 1, unsafe try feed.hasMore(behind: handle.pointer) {
      throw .rest(InputFault(.truncated, "what follows the archive's end is none"))
    }
  }

  /// The next block of the entry's data.
  ///
  /// - Throws: `.entry`, `.rest`, and what the source throws.
  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>? {
    guard let (block, start) = unsafe try readBlock() else { return nil }
    // The holes of a sparse file are not delivered; they stand for zero bytes, which JSON has none of.
    guard start == offset else { throw .entry(InputFault(.invalidJSON, "a sparse file, which JSON never is")) }
    offset += block.count
    return unsafe block
  }

  /// Reads and counts what is left of the entry's data, so that it cannot expand unseen.
  func skipData() throws(ReadFailure) {
    do throws(ReadFailure) {
      while unsafe try readBlock() != nil {}
    } catch .entry {
      // What is wrong with data that nobody wants does not matter: libarchive goes on with the next entry.
    }
  }

  /// The next block that holds data, and its place in the entry.
  private func readBlock() throws(ReadFailure) -> (UnsafeBufferPointer<UInt8>, start: Int)? {
    while hasEntry {
      var bytes: UnsafeRawPointer?
      var count = 0
      var start: Int64 = 0
      let status = unsafe archive_read_data_block(handle.pointer, &bytes, &count, &start)
      // An entry may well end before the source does.
      if status == ARCHIVE_EOF, content == .archive { return nil }
      if let failure = feed.failure(at: status) { throw failure }
      if status == ARCHIVE_EOF {
        if content == .compressedFile, unsafe try feed.hasMore(behind: handle.pointer) {
          throw Self.damage("what follows the end of what is compressed is none", ARCHIVE_FATAL, expectation)
        }
        return nil
      }
      // A warning about data is a wrong checksum or size: it is not the data that was packed.
      guard status == ARCHIVE_OK else { throw Self.damage(handle.message, status, expectation) }
      guard count > 0 else { continue }
      try expansion?.add(count)
      let block = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
      return unsafe (block.bindMemory(to: UInt8.self), Int(start))
    }
    return nil
  }

  /// What a compressed file holds.
  ///
  /// - Parameters:
  ///   - opening: what its first bytes say.
  ///   - expansion: counts the bytes that come out; nil where somebody else does.
  /// - Throws: `.rest` (of an entry `.entry`) when it is damaged at its beginning; what the source throws.
  static func unpacked(
    _ source: any BlockSource, _ opening: Opening, _ expectation: Expectation, _ expansion: Expansion?
  ) throws(ReadFailure) -> any BlockSource {
    if opening.isGzip { return GzipStream(source, expectation, expansion) }
    let file = try ArchiveStream(source, opening, expectation, expansion)
    try file.check(opening)
    _ = try file.nextEntry()
    return file
  }

  /// Checks that libarchive knows what a signature promised: of a stump it may know nothing, and would hand it on
  /// as it is.
  ///
  /// - Throws: `.rest`; for an entry of an archive `.entry`.
  private func check(_ opening: Opening) throws(ReadFailure) {
    guard case .packed(let signature) = opening, content == .plainFile else { return }
    let message = "a \(signature.name) file that is cut or damaged at its beginning"
    throw Self.damage(message, ARCHIVE_FATAL, expectation)
  }

  private static func readHeader(
    _ handle: borrowing ReadHandle, _ feed: ArchiveFeed, _ expectation: Expectation, isTar: Bool
  ) -> Result<ArchiveEntry?, ReadFailure> {
    var entry: OpaquePointer?
    let status =
      isTar
      ? withPlainNames { unsafe archive_read_next_header(handle.pointer, &entry) }
      : unsafe archive_read_next_header(handle.pointer, &entry)
    if let failure = feed.failure(at: status) { return .failure(failure) }
    switch status {
    case ARCHIVE_OK, ARCHIVE_WARN: return .success(unsafe ArchiveEntry(entry))
    case ARCHIVE_EOF: return .success(nil)
    default: return .failure(damage(handle.message, status, expectation))
    }
  }

  private static func damage(_ message: String, _ status: Int32, _ expectation: Expectation) -> ReadFailure {
    expectation.failure(InputFault(.truncated, message), isFatal: status == ARCHIVE_FATAL)
  }
}
