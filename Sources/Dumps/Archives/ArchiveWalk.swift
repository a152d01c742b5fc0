/// Reads the dumps of one archive, entry by entry (docs/dumps.md).
struct ArchiveWalk {
  private let archive: ArchiveStream
  private let expansion: Expansion
  private let delivery: Delivery
  private let prefix: String?

  private var entries = 0
  /// The path of the entry being read; the archive's own between two entries.
  private var path: String?

  /// - Parameters:
  ///   - expansion: counts what comes out of `archive`.
  ///   - prefix: the path of the archive inside a directory; nil when it is the input.
  init(_ archive: ArchiveStream, _ expansion: Expansion, _ delivery: Delivery, prefix: String?) {
    self.archive = archive
    self.expansion = expansion
    self.delivery = delivery
    self.prefix = prefix
    path = prefix
  }

  /// Reads to the end of the archive, or to the fault that costs its rest, which is refused.
  ///
  /// - Returns: whether it came to the end.
  /// - Throws: `.stopped` and `.input` alone.
  mutating func read() throws(ReadFailure) -> Bool {
    do throws(ReadFailure) {
      while try readNext() {}
      return true
    } catch .rest(let fault) {
      try delivery.refuse(path, fault)
      return false
    }
  }

  /// Reads one entry, or refuses it; returns false at the end of the archive.
  private mutating func readNext() throws(ReadFailure) -> Bool {
    path = prefix
    do throws(ReadFailure) {
      guard let entry = try archive.nextEntry() else { return false }
      try count()
      let name = entry.components.isEmpty ? "(no name)" : entry.components.joined(separator: "/")
      path = prefix.map { "\($0)/\(name)" } ?? name
      try read(entry)
      try archive.skipData()
    } catch .entry(let fault) {
      // An entry whose header is damaged counts as well, or a broken archive might go on for ever.
      if path == prefix { try count() }
      try delivery.refuse(path, fault)
    }
    return true
  }

  private mutating func count() throws(ReadFailure) {
    entries += 1
    guard entries <= delivery.limits.maxEntries else {
      throw .rest(InputFault(.tooMany, "more than \(delivery.limits.maxEntries) entries"))
    }
  }

  private func read(_ entry: ArchiveEntry) throws(ReadFailure) {
    switch entry.kind {
    case .folder: return
    case .link: return try delivery.skip(path, "a link")
    case .special: return try delivery.skip(path, "neither a file nor a folder")
    case .file: break
    }
    let place = Place(entry.components, entry: path, modifiedAt: entry.modifiedAt, size: entry.size)
    guard place.kind != nil else { return try skip(entry) }
    guard !entry.isEncrypted else { throw .entry(InputFault(.invalidJSON, "the entry is encrypted")) }
    try readDumps(at: place)
  }

  private func readDumps(at place: Place) throws(ReadFailure) {
    let data = try PeekedBlocks(archive)
    switch data.opening {
    case .empty, .json:
      try delivery.split(data, at: place)
    case .packed(let signature) where signature.isArchive:
      throw .entry(InputFault(.invalidJSON, "a nested archive (\(signature.name)) under the name of a dump"))
    case .packed, .other:
      // Compressed, or no JSON: then it comes out as it is, and the parser says so.
      let text = try PeekedBlocks(ArchiveStream.unpacked(data, data.opening, .compressedEntry, expansion))
      guard case .packed(let signature) = text.opening, !signature.isArchive else {
        return try delivery.split(text, at: place)
      }
      // Compressed more than once, which libarchive unpacks to the end.
      let inner = try ArchiveStream(text, text.opening, .compressedEntry, expansion)
      _ = try inner.nextEntry()
      try delivery.split(inner, at: place)
    }
  }

  /// Says why an entry is no dump: an archive in an archive is worth a word, since people expect it to be read.
  private func skip(_ entry: ArchiveEntry) throws(ReadFailure) {
    var why = DumpName.isMissing
    if !entry.isEncrypted {
      do throws(ReadFailure) {
        if case .packed(let signature) = try PeekedBlocks(archive).opening {
          why = "a nested archive (\(signature.name))"
        }
      } catch .entry {
        why += ", and damaged"
      }
    }
    try delivery.skip(path, why)
  }
}
