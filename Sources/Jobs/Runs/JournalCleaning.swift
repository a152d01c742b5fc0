internal import BSON
internal import Digests
internal import Glibc
internal import Stores

/// Takes forgotten users out of a journal, and out of the store's old files beside it.
struct JournalCleaning {
  /// What somebody has to look at.
  private(set) var notes: [String] = []

  private let folder: RunFolder
  private let journal: JournalReader?
  /// The changes of others, with the digests that their documents have now.
  private var kept: [JournalChange] = []
  /// What is to be kept of documents that name somebody, by their place in `kept`.
  private var redacted: [Int: [UInt8]] = [:]
  /// Whether the journal, or an old file, may name somebody.
  private var isToBeWritten = false
  /// Whether it does not hold what the run has written: then the manifest goes on to say so.
  private var isDamaged = false

  /// Looks whom the journal of a run names, and writes nothing.
  init(_ folder: RunFolder, _ traces: Traces) throws(StoreError) {
    self.folder = folder
    journal = try JournalReader(ifPresent: folder)
    if let journal { try look(at: journal, traces) }
    if let said = folder.manifest?.written, journal.holds(said) == false, written?.root != said.root {
      isDamaged = true
      notes.append("\(folder.journal) is missing or damaged: if you bring it back, forget them again")
    }
  }

  private mutating func look(at journal: JournalReader, _ traces: Traces) throws(StoreError) {
    for change in journal.changes() {
      if traces.ids.contains(change.key.copy()) {
        isToBeWritten = true
      } else {
        try keep(change, of: journal, traces)
      }
    }
    // Whom the torn rest of one names, nobody can say.
    if journal.isTorn || holdsMore(journal) { isToBeWritten = true }
  }

  private mutating func keep(
    _ change: JournalChange, of journal: JournalReader, _ traces: Traces
  ) throws(StoreError) {
    var next = change
    next.written = traces.redacted(digest: change.written)
    if next.written != change.written { isToBeWritten = true }
    if let document = try journal.document(change.before) {
      do throws(BSONFault) {
        if let bytes = try traces.redacted(document) {
          redacted[kept.count] = bytes
          isToBeWritten = true
        }
      } catch {
        let name = "the \(change.collection) document of \(change.key.string) that \(folder.journal) keeps"
        notes.append(Traces.note(on: name, error))
      }
    }
    kept.append(next)
  }

  /// Whether an old file of the store has more than the journal names: then anybody may be in it.
  private func holdsMore(_ journal: JournalReader) -> Bool {
    var named: [Int: Set<Range<Int>>] = [:]
    for change in kept {
      if case .place(let file, let offset, let length) = change.before {
        named[file, default: []].insert(offset..<offset + length)
      }
    }
    return journal.files.contains { file in
      file.size != named[file.number, default: []].reduce(0) { $0 + $1.count }
    }
  }

  /// What the run has written, as far as the journal will name it; nil for nothing.
  private var written: Manifest.Written? {
    var tree = MerkleTree()
    for change in kept { tree.add(change) }
    return tree.root().map { Manifest.Written(documents: $0.documents, root: hexadecimal($0.root)) }
  }

  // MARK: Writing

  /// Writes the journal anew where it may name somebody, and new old files that hold only what it still names.
  ///
  /// The new files are there before the new journal takes the place of the old one, and the old ones are until after.
  func run() throws(StoreError) {
    guard let journal, isToBeWritten else { return try removeOldFiles(but: journal?.files ?? []) }
    let (files, changes) = try writeOldFiles(journal)
    let next = try writeJournal(header: journal.header, files, changes)
    if !isDamaged { try tellManifest() }
    try next.replace(folder.journal)
    try synchronizeDirectory(folder.path)
    try removeOldFiles(but: files)
  }

  /// The manifest says what the journal will hold before it does: where this is killed in between, and run again, the
  /// journal is not taken for damaged.
  private func tellManifest() throws(StoreError) {
    guard var manifest = folder.manifest, manifest.written != nil else { return }
    manifest.written = written
    try folder.write(manifest)
  }

  /// - Returns: the files, by number, and the changes with the places where their documents lie now.
  private func writeOldFiles(
    _ journal: JournalReader
  ) throws(StoreError) -> (files: [JournalFile], changes: [JournalChange]) {
    var files: [Int: CompactedFile] = [:]
    var changes = kept
    for (place, change) in kept.enumerated() {
      guard case .place(let number, _, _) = change.before, let document = try journal.document(change.before)
      else { continue }
      let file: CompactedFile
      if let known = files[number] { file = known } else { file = try CompactedFile(journal, number, in: folder) }
      files[number] = file
      let bytes = redacted[place] ?? document.bytes.copy()
      changes[place].before = .place(file: number, offset: try file.append(bytes), length: bytes.count)
    }
    var finished: [JournalFile] = []
    for file in files.values.sorted(by: { $0.number < $1.number }) { finished.append(try file.finished()) }
    if !finished.isEmpty { try synchronizeDirectory(folder.before) }
    return (finished, changes)
  }

  /// - Returns: what is to take the place of the journal.
  private func writeJournal(
    header: [UInt8], _ files: [JournalFile], _ changes: [JournalChange]
  ) throws(StoreError) -> PartialFile {
    let output = try PartialFile(folder.journal + ".partial", mode: 0o600)
    let arena = Arena()
    var sum = Checksum()
    var writer = BSONWriter()
    try output.append(arena.copy(header))
    for file in files {
      writer.removeAll()
      file.write(to: &writer, &sum)
      try output.append(writer.view)
    }
    for (place, change) in changes.enumerated() {
      var change = change
      arena.reset()
      if case .document = change.before, let bytes = redacted[place] {
        change.before = .document(BSONDocument(unchecked: arena.copy(bytes)))
      }
      writer.removeAll()
      change.write(to: &writer, &sum)
      try output.append(writer.view)
    }
    try output.synchronize()
    return output
  }

  private func removeOldFiles(but kept: [JournalFile]) throws(StoreError) {
    let kept = Set(kept.map(\.name))
    for name in try namesInFolder(folder.before) where !kept.contains("before/" + name) {
      removeFile(folder.before + "/" + name)
    }
  }
}

/// An old file of the store that holds only what a journal names.
private final class CompactedFile {
  let number: Int
  let name: String
  private let collection: String
  private let file: PosixFile
  private var size = 0

  init(_ journal: JournalReader, _ number: Int, in folder: RunFolder) throws(StoreError) {
    self.number = number
    collection = journal.files.last { $0.number == number }?.collection ?? ""
    name = "before/\(collection).\(number).\(UInt32.random(in: 0 ... .max)).bson"
    file = try PosixFile(
      folder.path + "/" + name, O_RDWR | O_CREAT | O_EXCL | O_APPEND, mode: 0o600, operation: "create")
  }

  /// - Returns: where the document lies now.
  func append(_ document: [UInt8]) throws(StoreError) -> Int {
    defer { size += document.count }
    try file.write(document)
    return size
  }

  func finished() throws(StoreError) -> JournalFile {
    try file.synchronize()
    let status = try file.status()
    return JournalFile(
      number: number, collection: collection, name: name, size: status.size, modified: status.modified)
  }
}
