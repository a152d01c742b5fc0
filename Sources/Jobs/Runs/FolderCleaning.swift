internal import BSON
internal import Digests
internal import Dumps
internal import Foundation
internal import Glibc
internal import Stores
internal import Sync

/// Takes forgotten users out of the folder of a run, and out of what it has written back.
struct FolderCleaning {
  let folder: RunFolder
  let traces: Traces

  init(_ folder: RunFolder, _ traces: Traces) { (self.folder, self.traces) = (folder, traces) }

  /// - Returns: what an operator should know.
  func run() throws(StoreError) -> [String] {
    var notes: [String] = []
    // Dumps as they were read: a run that was killed reads its inputs again.
    try remove(folder.path + "/resume")
    let journal = try JournalCleaning(folder, traces).run()
    if var manifest = folder.manifest {
      notes += try cleanWriteBack(manifest)
      if let next = manifest.nextUser, traces.ids.contains(Array(next.utf8)) { manifest.nextUser = nil }
      if manifest.written != nil, journal.isChanged { manifest.written = journal.written }
      manifest.redact { traces.redacted($0) }
      try folder.write(manifest)
    }
    for name in files() {
      let path = folder.path + "/" + name
      if name == "manifest.json" {
        // One that this version cannot read is cleaned as text.
        if folder.manifest == nil { try rewrite(path) { traces.redacted($0) } }
      } else if name.hasSuffix(".ndjson") || name.hasSuffix(".prom") {
        try rewrite(path, linesKept)
      } else if try read(path).withView({ traces.areMentioned(in: $0) }) {
        try remove(path)
        notes.append("\(path) named a user who is forgotten, and was removed")
      }
    }
    return notes
  }

  /// Files of the folder itself, but for the journal.
  private func files() -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().filter { name in
      var isFolder: ObjCBool = false
      _ = unsafe FileManager.default.fileExists(atPath: folder.path + "/" + name, isDirectory: &isFolder)
      return !isFolder.boolValue && name != "journal.bson"
    }
  }

  private func linesKept(_ text: [UInt8]) -> [UInt8] {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    let kept = lines.filter { line in !Array(line).withView { traces.areMentioned(in: $0) } }
    return Array(kept.joined(separator: [0x0A]))
  }

  // MARK: Files

  private func read(_ path: String) throws(StoreError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .inputOutput(path: path, operation: "read", code: EIO)
    }
    return [UInt8](data)
  }

  private func rewrite(_ path: String, _ change: ([UInt8]) -> [UInt8]) throws(StoreError) {
    let old = try read(path)
    let new = change(old)
    guard new != old else { return }
    let file = try PosixFile(path + ".partial", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600, operation: "create")
    try file.write(new)
    try file.synchronize()
    guard unsafe rename(path + ".partial", path) == 0 else {
      throw .inputOutput(path: path, operation: "put in place", code: errno)
    }
  }

  private func remove(_ path: String) throws(StoreError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw .inputOutput(path: path, operation: "remove", code: EIO)
    }
  }

  // MARK: Write-back

  private func cleanWriteBack(_ manifest: Manifest) throws(StoreError) -> [String] {
    guard let path = manifest.parameters["write-back"] ?? manifest.parameters["sync.write-back"] else { return [] }
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return ["\(path), which run \(manifest.runID) has written back, is not there: if it was moved, clean it by hand"]
    }
    let names = Set(traces.ids.map { id in id.withView { WriteBackName(user: $0).file } })
    if isFolder.boolValue {
      for name in names { try remove(path + "/" + name) }
    } else {
      try rewriteArchive(path, without: names)
    }
    return []
  }

  private func rewriteArchive(_ path: String, without names: Set<String>) throws(StoreError) {
    var isThere = false
    try forEachFile(of: path) { name, _, _ in
      isThere = names.contains(name)
      return !isThere
    }
    guard isThere else { return }
    var failure: ArchiveWriteError?
    do throws(ArchiveWriteError) {
      var archive = try ArchiveWriter(path: path)
      do throws(StoreError) {
        try forEachFile(of: path) { name, text, modifiedAt in
          guard !names.contains(name) else { return true }
          do throws(ArchiveWriteError) {
            try archive.add(name: name, contents: text, modifiedAt: modifiedAt)
          } catch {
            failure = error
          }
          return failure == nil
        }
      } catch {
        throw .failed(path: path, detail: "\(error)")
      }
      if failure == nil { try archive.close() }
    } catch {
      failure = error
    }
    if let failure {
      throw .inconsistent(path: path, why: "it cannot be written without a forgotten user: \(failure)")
    }
  }

  /// - Parameter body: is handed each file's name, text and time, and returns whether it wants more.
  private func forEachFile(
    of path: String, _ body: (String, [UInt8], Int64) -> Bool
  ) throws(StoreError) {
    do throws(InputError) {
      _ = try InputReader().read(path) { event in
        guard case .dump(let dump) = event, let name = dump.source.entry else { return true }
        return body(name, Array(dump.text.prefix(dump.count)), dump.modifiedAt ?? 0)
      }
    } catch {
      throw .inputOutput(path: path, operation: "read back", code: EIO)
    }
  }
}

extension Manifest {
  /// Changes the texts that may name somebody; the others are Mixdown's own words.
  fileprivate mutating func redact(_ redacted: (String) -> String) {
    parameters = parameters.mapValues(redacted)
    error = error.map(redacted)
    for place in inputs.indices { inputs[place].path = redacted(inputs[place].path) }
    for place in (learning?.reports ?? []).indices {
      guard let report = learning?.reports[place] else { continue }
      learning?.reports[place].subject = redacted(report.subject)
      learning?.reports[place].detail = redacted(report.detail)
    }
  }
}

/// Takes forgotten users out of a journal, and out of the store's old files beside it.
private struct JournalCleaning {
  let folder: RunFolder
  let traces: Traces

  init(_ folder: RunFolder, _ traces: Traces) { (self.folder, self.traces) = (folder, traces) }

  /// Writes the journal anew, and new old files that hold only what the journal still names.
  ///
  /// The new files are there before the new journal takes the place of the old one, and the old ones are until after.
  func run() throws(StoreError) -> (isChanged: Bool, written: Manifest.Written?) {
    guard let journal = try JournalReader(ifPresent: folder) else {
      try removeOldFiles(but: [])
      return (false, nil)
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
        let bytes = traces.redacted(document) ?? document.bytes.copy()
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
      if case .document(let document) = change.before, let bytes = traces.redacted(document) {
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
    return (true, written)
  }

  private func removeOldFiles(but kept: Set<String>) throws(StoreError) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.before)) ?? []
    for name in names where !kept.contains("before/" + name) { removeFile(folder.before + "/" + name) }
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
