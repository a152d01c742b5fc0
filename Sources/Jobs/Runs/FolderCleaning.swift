internal import BSON
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
    let journal = try JournalCleaning(folder, traces)
    notes += journal.notes
    try journal.run()
    if var manifest = folder.manifest {
      try cleanWriteBack(manifest)
      if let next = manifest.nextUser, traces.ids.contains(Array(next.utf8)) { manifest.nextUser = nil }
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
    let file = try PosixFile(path, O_RDONLY)
    let text = try file.read(upTo: file.status().size, at: 0)
    let redacted = traces.redacted(text)
    if redacted != text { try writeWhole(redacted, to: path) }
    notes.append("\(path) is none that this version can read: look yourself whether it names a user who is forgotten")
  }

  /// Leaves out the lines in which one of them is named; where there is none, the file stays.
  private mutating func rewriteLines(of path: String) throws(StoreError) {
    guard let file = try MappedFile.ifPresent(path) else { return }
    defer { withExtendedLifetime(file) {} }
    let text = file.bytes
    var lines = LineTraces(traces)
    var output: PartialFile?
    var (start, separator) = (0, ByteView.empty)
    while start <= text.count {
      var end = start
      while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
      let line = text.slice(start, end - start)
      let isTheirs = lines.areIn(line)
      if !isTheirs {
        try output?.append(separator)
        try output?.append(line)
        separator = ByteView("\n")
      } else if output == nil {
        output = try PartialFile(path + ".partial", mode: 0o600)
        try output?.append(text.slice(0, max(0, start - 1)))
      }
      start = end + 1
    }
    met.formUnion(lines.met)
    try output?.synchronize()
    try output?.replace(path)
  }

  private func names(_ path: String) throws(StoreError) -> Bool {
    guard let file = try MappedFile.ifPresent(path) else { return false }
    defer { withExtendedLifetime(file) {} }
    return !traces.unmistakableIDs(in: file.bytes).isEmpty || traces.holdsTheirs(file.bytes)
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

  private func remove(_ path: String) throws(StoreError) {
    guard FileManager.default.fileExists(atPath: path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw .inputOutput(path: path, operation: "remove", code: (error as NSError).posixCode)
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
      throw unreadable(path, "\(error)")
    }
    if let fault { throw unreadable(path, fault.detail) }
  }

  /// Whoever stands behind the place to which it was read is not seen, and would stay.
  private func unreadable(_ path: String, _ why: String) -> StoreError {
    .rejected(address: path, what: "what was written back cannot be read to its end", why: "\(why). \(Self.byHand)")
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
