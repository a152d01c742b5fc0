internal import BSON
internal import Dumps
internal import Foundation
internal import Stores
internal import Sync

/// Takes forgotten users out of what runs have written back: of each place once, however many runs wrote there.
struct WriteBackCleaning {
  private let traces: Traces
  /// The files of the users, as they are called in every place.
  private let names: Set<String>
  /// The places that are done, as paths here, or as another host and a path there; in UTF-8.
  private var done: Set<[UInt8]> = []

  init(_ traces: Traces) {
    self.traces = traces
    names = Set(traces.ids.map { id in id.withView { WriteBackName(user: $0).file } })
  }

  /// Cleans what a run has written back.
  ///
  /// - Parameter isHere: whether its paths count on this host. Elsewhere they name what is not to be touched from here.
  /// - Returns: what an operator should know.
  mutating func clean(_ manifest: Manifest, isHere: Bool) throws(StoreError) -> [String] {
    guard !manifest.isDryRun else { return [] }
    var notes: [String] = []
    for path in manifest.values(of: "write-back") {
      if !isHere {
        guard done.insert(Array("\(manifest.host)\0\(path)".utf8)).inserted else { continue }
        notes.append(
          "run \(manifest.runID) was to write back to \(path) on \(manifest.host): forget them there again, or clean it "
            + "by hand")
      } else if !path.hasPrefix("/") {
        // An earlier version's: from which folder it counts is not known, and another file may have this name here.
        notes.append("run \(manifest.runID) was to write back to \(path), wherever that was: clean it by hand")
      } else if done.insert(Array(path.utf8)).inserted {
        notes += try clean(path, of: manifest.runID)
      }
    }
    return notes
  }

  private func clean(_ path: String, of run: String) throws(StoreError) -> [String] {
    var notes: [String] = []
    do throws(ArchiveWriteError) {
      try ArchiveWriter.removeLeftovers(of: path)
    } catch {
      notes.append("beside \(path) may lie what a run that was killed has left of it: \(error)")
    }
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return notes + ["\(path), to which run \(run) was to write back, is not there: if it was moved, clean it by hand"]
    }
    if isFolder.boolValue {
      for name in names { try removeIfPresent(path + "/" + name) }
    } else {
      try rewriteArchive(path)
    }
    return notes
  }

  private func rewriteArchive(_ path: String) throws(StoreError) {
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
