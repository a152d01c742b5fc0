internal import BSON
internal import Digests
internal import Dumps
internal import Foundation
internal import Glibc
internal import Stores
internal import Sync

/// Takes forgotten users out of the folder of a run, and out of what it has written back.
struct FolderCleaning {
  /// What an operator should know.
  private(set) var notes: [String] = []
  /// The users of whom something was found.
  private(set) var met: Set<[UInt8]> = []

  private let folder: RunFolder
  private let traces: Traces

  init(_ folder: RunFolder, _ traces: Traces) { (self.folder, self.traces) = (folder, traces) }

  mutating func run() throws(StoreError) {
    // Dumps as they were read: a run that was killed reads its inputs again.
    try remove(folder.path + "/resume")
    let journal = try JournalCleaning(folder, traces).run()
    if var manifest = folder.manifest {
      try cleanWriteBack(manifest)
      if let next = manifest.nextUser, traces.ids.contains(Array(next.utf8)) { manifest.nextUser = nil }
      if manifest.written != nil, journal.isChanged { manifest.written = journal.written }
      manifest.redact { traces.redacted($0) }
      try folder.write(manifest)
    }
    for name in try files() {
      let path = folder.path + "/" + name
      switch name {
      // Made again below.
      case "report.html", "report.json": break
      // Figures, and names of jobs.
      case "evaluation.json": break
      case _ where name.hasSuffix(".prom"): break
      // Goes from every folder, whoever is forgotten.
      case _ where name.hasPrefix(SettledPlace.prefix): break
      case "manifest.json": if folder.manifest == nil { try cleanUnknownManifest(path) }
      case _ where name.hasSuffix(".ndjson"): try rewriteLines(of: path)
      // What a write that was killed has left.
      case _ where name.hasSuffix(".partial") && folder.manifest?.mayBeRunning != true: try remove(path)
      default: if try names(path) { try removeNaming(path) }
      }
    }
    try cleanReport()
  }

  /// Files of the folder itself, but for the journal.
  private func files() throws(StoreError) -> [String] {
    try namesInFolder(folder.path).sorted().filter { name in
      var isFolder: ObjCBool = false
      _ = unsafe FileManager.default.fileExists(atPath: folder.path + "/" + name, isDirectory: &isFolder)
      return !isFolder.boolValue && name != "journal.bson"
    }
  }

  /// What can be done for one that this version cannot read.
  private mutating func cleanUnknownManifest(_ path: String) throws(StoreError) {
    try rewrite(path) { traces.redacted($0) }
    notes.append("\(path) is none that this version can read: look yourself whether it names a user who is forgotten")
  }

  private mutating func rewriteLines(of path: String) throws(StoreError) {
    var lines = LineTraces(traces)
    try rewrite(path) { text in
      let all = text.split(separator: 0x0A, omittingEmptySubsequences: false)
      return Array(all.filter { !lines.areIn(Array($0)) }.joined(separator: [0x0A]))
    }
    met.formUnion(lines.met)
  }

  private func names(_ path: String) throws(StoreError) -> Bool {
    try read(path).withView { !traces.unmistakableIDs(in: $0).isEmpty || traces.holdsTheirs($0) }
  }

  private mutating func removeNaming(_ path: String) throws(StoreError) {
    try remove(path)
    notes.append("\(path) named a user who is forgotten, and was removed")
  }

  // MARK: Report

  /// Makes the report again out of what is left: all that stands in it comes from there. Its data are removed when they
  /// hold a text that was theirs alone, and the report with them.
  private mutating func cleanReport() throws(StoreError) {
    let report = RunReport(folder: folder.path)
    let paths = [report.dataPath, report.path].filter { FileManager.default.fileExists(atPath: $0) }
    guard !paths.isEmpty else { return }
    do throws(StoreError) {
      var data = try report.data()
      let kept = data
      for id in traces.ids { data.forget(String(decoding: id, as: UTF8.self)) }
      if data != kept { try report.keep(data) }
      if data.texts.contains(where: { Array($0.utf8).withView { traces.isTheirs($0) } }) {
        for path in paths { try removeNaming(path) }
      } else if paths.contains(report.path) {
        try report.make(report.manifest(), data)
      }
    } catch {
      for path in paths { try remove(path) }
      notes.append("\(report.path) was removed, for it cannot be made again without a user who is forgotten: \(error)")
    }
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

  private mutating func cleanWriteBack(_ manifest: Manifest) throws(StoreError) {
    let named = manifest.parameters["write-back"] ?? manifest.parameters["sync.write-back"]
    guard let path = named, !manifest.isDryRun else { return }
    guard path.hasPrefix("/") else {
      // An earlier version's: from which folder it counts is not known, and another file may have this name here.
      return notes.append("run \(manifest.runID) was to write back to \(path), wherever that was: clean it by hand")
    }
    do throws(ArchiveWriteError) {
      try ArchiveWriter.removeLeftovers(of: path)
    } catch {
      notes.append("beside \(path) may lie what a run that was killed has left of it: \(error)")
    }
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return notes.append(
        "\(path), to which run \(manifest.runID) was to write back, is not there: if it was moved, clean it by hand")
    }
    let names = Set(traces.ids.map { id in id.withView { WriteBackName(user: $0).file } })
    if isFolder.boolValue {
      for name in names { try remove(path + "/" + name) }
    } else {
      try rewriteArchive(path, without: names)
    }
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
      throw .rejected(
        address: path, what: "what was written back cannot be written without a forgotten user",
        why: "\(failure). \(Self.byHand)")
    }
  }

  private static let byHand = "Clean or remove it by hand, then forget them again."

  /// - Parameter body: is handed each file's name, text and time, and returns whether it wants more.
  private func forEachFile(
    of path: String, _ body: (String, [UInt8], Int64) -> Bool
  ) throws(StoreError) {
    var fault: InputFault?
    do throws(InputError) {
      _ = try InputReader().read(path) { event in
        if case .refused(_, let found) = event { fault = found }
        guard case .dump(let dump) = event, let name = dump.source.entry else { return fault == nil }
        return body(name, Array(dump.text.prefix(dump.count)), dump.modifiedAt ?? 0)
      }
    } catch {
      throw .inputOutput(path: path, operation: "read back", code: EIO)
    }
    if let fault {
      // Whoever stands behind it is not seen, and would stay.
      throw .rejected(
        address: path, what: "what was written back cannot be read to its end", why: "\(fault.detail). \(Self.byHand)")
    }
  }
}

extension Manifest {
  /// Whether a parameter holds paths, in which somebody may be named. Steps' names stand before it in jobs.
  static func mayName(parameter: String) -> Bool {
    let name = parameter.split(separator: ".").last.map(String.init) ?? parameter
    return ["inputs", "user-map", "write-back", "state", "metrics-file", "replay"].contains(name)
  }

  /// Changes the texts that may name somebody; the others are Mixdown's own words.
  fileprivate mutating func redact(_ redacted: (String) -> String) {
    for (name, value) in parameters where Self.mayName(parameter: name) { parameters[name] = redacted(value) }
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
