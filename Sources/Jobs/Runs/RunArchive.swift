internal import Foundation
public import Stores
internal import Sync

/// The folders of runs in a state directory.
public struct RunArchive: Sendable {
  /// `--state`, or where runs of the store go without it.
  public let state: String

  public init(state: String) { self.state = state }

  /// - Parameter store: as it was named; without a state directory of its own a directory store keeps its runs in
  ///   `.runs`, and those of a server are in `$XDG_STATE_HOME/mixdown`.
  public init(state: String?, store: String) {
    self.state = state ?? Self.standard(store, ProcessInfo.processInfo.environment)
  }

  /// Where the runs of a store go that are not told where.
  static func standard(_ store: String, _ environment: [String: String]) -> String {
    guard MongoAddress.isAddress(store) else { return store + "/.runs" }
    if let home = environment["XDG_STATE_HOME"], home.hasPrefix("/") { return home + "/mixdown" }
    let home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    // Never the current folder: the next run may begin in another.
    return (home ?? NSHomeDirectoryForUser(NSUserName()) ?? "") + "/.local/state/mixdown"
  }

  /// The ids of all runs that have a folder, newest first.
  ///
  /// - Throws: `inputOutput` when the state directory is there and cannot be read: what cannot be seen is not nothing.
  public func ids() throws(StoreError) -> [String] {
    try namesInFolder(state).filter(RunID.isValid).sorted(by: >)
  }

  /// Removes what runs know of the documents as they are; without it everything is read and counted again.
  func removeKnowledge() throws(StoreError) {
    for folder in try ids().map({ folder($0).path }) {
      for name in try namesInFolder(folder) where name.hasPrefix(SettledPlace.prefix) {
        removeFile(folder + "/" + name)
      }
    }
    let prefixes = [LastLearned.prefix, KnownTitles.prefix]
    for name in try namesInFolder(state) where prefixes.contains(where: name.hasPrefix) {
      removeFile(state + "/" + name)
    }
    // An older version had one file for all stores, and ids of users are in it.
    for end in ["", ".partial"] { removeFile(state + "/learned" + end) }
  }

  func folder(_ id: String) -> RunFolder { RunFolder(path: state + "/" + id) }

  /// The manifest of a run; nil when there is none that can be read.
  public func manifest(_ id: String) -> Manifest? { folder(id).manifest }

  /// Why the manifest of a run says nothing of it; nil where it can be read, and of a run that died before it had done
  /// anything.
  public func unreadable(_ id: String) -> String? {
    let folder = folder(id)
    let isThere = { FileManager.default.fileExists(atPath: $0) }
    guard folder.manifest == nil, isThere(folder.path + "/manifest.json") || isThere(folder.journal) else { return nil }
    return "\(folder.path)/manifest.json: missing, damaged, or of a newer version of Mixdown than this"
  }

  /// The one run that a person means by an id, by its beginning or end, or by its folder.
  public func meant(_ name: String) throws(StoreError) -> Result<String, UnclearRun> {
    Self.meant(name, among: try ids())
  }

  /// The one of these runs that a person means by an id, by its beginning or end, or by its folder.
  public static func meant(_ name: String, among ids: [String]) -> Result<String, UnclearRun> {
    let last = name.split(separator: "/").last.map { String($0).uppercased() } ?? ""
    guard last.count >= UnclearRun.leastLength else { return .failure(.tooShort) }
    if ids.contains(last) { return .success(last) }
    let meant = ids.filter { $0.hasPrefix(last) || $0.hasSuffix(last) }
    guard let first = meant.first else { return .failure(.none) }
    return meant.count == 1 ? .success(first) : .failure(.several(meant.count))
  }

  /// Whether a run was a store's: the state directory of all servers is one, and any may be shared. Nil where its name
  /// does not tell, for those of one database or folder may be spelt in several ways.
  func isRun(_ run: Manifest, of store: String) -> Bool? {
    guard MongoAddress.isAddress(run.store) == MongoAddress.isAddress(store) else { return false }
    guard MongoAddress.isAddress(store) else { return isRun(ofFolder: run.store, of: store) }
    if run.store.isSame(as: withoutPassword(store)) { return true }
    guard let one = try? MongoAddress(run.store), let other = try? MongoAddress(store) else { return nil }
    return one.isOther(than: other) ? false : nil
  }

  private func isRun(ofFolder named: String, of store: String) -> Bool? {
    // A store that was moved has taken its runs along.
    if pathWithoutLinks(state).isSame(as: pathWithoutLinks(store + "/.runs")) { return true }
    let own = pathWithoutLinks(store)
    if pathWithoutLinks(named).isSame(as: own) { return true }
    guard !named.hasPrefix("/") else { return false }
    // Nobody knows from which folder the name counted: what it ends with has to do.
    let end = URL(fileURLWithPath: "/" + named).standardizedFileURL.path
    let spelt = URL(fileURLWithPath: store).standardizedFileURL.path
    let mayBe = end == "/" || [own, spelt].contains { $0.utf8.suffix(end.utf8.count).elementsEqual(end.utf8) }
    return mayBe ? nil : false
  }

  /// Why a run has nothing to do with a store; nil where it may be one of that store's.
  public func mismatch(of run: String, with store: String) -> String? {
    guard let manifest = manifest(run), isRun(manifest, of: store) == false else { return nil }
    return "the run \(run) was one of \(manifest.store), not of \(withoutPassword(store))"
  }

  /// The ids of the runs that are surely a store's, newest first. Those without a manifest that can be read are among
  /// them.
  func ids(of store: String) throws(StoreError) -> [String] {
    try ids().filter { id in manifest(id).map { isRun($0, of: store) == true } ?? true }
  }
}

/// The names in a folder; none when there is no such folder.
///
/// - Throws: `inputOutput` when it cannot be read.
func namesInFolder(_ path: String) throws(StoreError) -> [String] {
  guard try FileStatus.of(path) != nil else { return [] }
  do { return try FileManager.default.contentsOfDirectory(atPath: path) } catch {
    throw .inputOutput(path: path, operation: "list", code: (error as NSError).posixCode)
  }
}

/// A store's name as it may be shown: an address without its password.
func withoutPassword(_ store: String) -> String {
  do throws(StoreError) { return MongoAddress.isAddress(store) ? try MongoAddress(store).name : store } catch {
    return "an address that cannot be read"
  }
}

/// A store's name as a run keeps it, for it has to mean the same from wherever it is read.
///
/// - Returns: the path of a folder without links; the address of a server without its password.
func keptName(of store: String) -> String {
  MongoAddress.isAddress(store) ? withoutPassword(store) : pathWithoutLinks(store)
}
