internal import BSON
internal import Digests
internal import Glibc
internal import Stores

/// Takes forgotten users out of a journal, and out of the store's old files beside it.
struct JournalCleaning {
  let folder: RunFolder
  let traces: Traces

  init(_ folder: RunFolder, _ traces: Traces) { (self.folder, self.traces) = (folder, traces) }

  /// Writes the journal anew, and new old files that hold only what the journal still names.
  ///
  /// The new files are there before the new journal takes the place of the old one, and the old ones are until after.
  ///
  /// - Returns: what the manifest says of it now, and what somebody has to look at.
  func run() throws(StoreError) -> (isChanged: Bool, written: Manifest.Written?, notes: [String]) {
    guard let journal = try JournalReader(ifPresent: folder) else {
      try removeOldFiles(but: [])
      return (false, nil, [])
    }
    let kept = journal.changes().filter { !traces.ids.contains($0.key.copy()) }.map { change in
      var change = change
      change.written = traces.redacted(digest: change.written)
      return change
    }
    let path = folder.journal + ".partial"
    removeFile(path)
    let output = try PosixFile(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o600, operation: "create")
    try output.write(journal.header)
    var notes: [String] = []
    func redacted(_ document: BSONDocument, of change: JournalChange) -> [UInt8]? {
      do throws(BSONFault) { return try traces.redacted(document) } catch {
        let name = "the \(change.collection) document of \(change.key.string) that \(folder.journal) keeps"
        notes.append(Traces.note(on: name, error))
        return nil
      }
    }
    var files: [Int: CompactedFile] = [:]
    var tree = MerkleTree()
    for change in kept {
      tree.add(change)
      if case .place(let number, _, _) = change.before, files[number] == nil {
        files[number] = try CompactedFile(journal, number, in: folder)
      }
    }
    var sum = Checksum()
    // The files are written before their sizes stand in the journal.
    var moved: [Int: (Int, Int)] = [:]
    for (place, change) in kept.enumerated() {
      if case .place(let number, _, _) = change.before, let document = try journal.document(change.before) {
        let bytes = redacted(document, of: change) ?? document.bytes.copy()
        moved[place] = (try files[number]?.append(bytes) ?? 0, bytes.count)
      }
    }
    for file in files.values.sorted(by: { $0.number < $1.number }) {
      var writer = BSONWriter()
      try file.finished().write(to: &writer, &sum)
      try output.write(writer.view.copy())
    }
    for (place, change) in kept.enumerated() {
      var change = change
      if case .place(let number, _, _) = change.before, let (offset, length) = moved[place] {
        change.before = .place(file: number, offset: offset, length: length)
      }
      let arena = Arena()
      if case .document(let document) = change.before, let bytes = redacted(document, of: change) {
        change.before = .document(BSONDocument(unchecked: arena.copy(bytes)))
      }
      var writer = BSONWriter()
      change.write(to: &writer, &sum)
      try output.write(writer.view.copy())
    }
    try output.synchronize()
    guard unsafe rename(path, folder.journal) == 0 else {
      throw .inputOutput(path: folder.journal, operation: "put in place", code: errno)
    }
    try removeOldFiles(but: Set(files.values.map(\.name)))
    let written = tree.root().map { Manifest.Written(documents: $0.documents, root: hexadecimal($0.root)) }
    return (true, written, notes)
  }

  private func removeOldFiles(but kept: Set<String>) throws(StoreError) {
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
