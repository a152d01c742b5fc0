internal import BSON
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

  mutating func run(_ writeBacks: inout WriteBackCleaning) throws(StoreError) {
    // Dumps as they were read: a run that was killed reads its inputs again.
    try removeIfPresent(folder.path + "/resume")
    let journal = try JournalCleaning(folder, traces)
    notes += journal.notes
    try journal.run()
    if var manifest = folder.manifest {
      notes += try writeBacks.clean(manifest, isHere: true)
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
      case _ where name.hasSuffix(".partial") && folder.manifest?.mayBeRunning != true: try removeIfPresent(path)
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
    try removeIfPresent(path)
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
      for path in paths { try removeIfPresent(path) }
      notes.append("\(report.path) was removed, for it cannot be made again without a user who is forgotten: \(error)")
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

/// Removes a file or folder, if there is one.
func removeIfPresent(_ path: String) throws(StoreError) {
  guard FileManager.default.fileExists(atPath: path) else { return }
  do { try FileManager.default.removeItem(atPath: path) } catch {
    throw .inputOutput(path: path, operation: "remove", code: (error as NSError).posixCode)
  }
}
