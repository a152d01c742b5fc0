internal import Foundation
public import Stores
internal import Sync

/// Removes the folders of old runs (`mixdown runs prune`).
public struct Pruning: Sendable {
  public private(set) var removed: [String] = []
  /// Runs beyond the number that stays anyway which were left, and why.
  public private(set) var kept: [(run: String, why: String)] = []
  /// How many of these were to go and could not be removed.
  public private(set) var failed = 0
  /// In bytes. What other folders or the store share is not counted.
  public private(set) var freed = 0

  /// Removes the folders of a store's runs but for the newest, and those of which there is a reason to keep them.
  ///
  /// - Parameters:
  ///   - server: how a server is spoken to.
  ///   - keep: how many of the newest stay.
  ///   - force: whether those go, too, that could still be undone or gone on with, may still run, or have a manifest or
  ///     journal that cannot be read.
  public static func prune(
    _ archive: RunArchive, store: String, server: MongoOptions = MongoOptions(), keep: Int, force: Bool
  ) throws(StoreError) -> Pruning {
    // A run that goes on must not lose its folder: the lock of a directory, or the leases of a server, keep it away.
    try checkStore(store)
    let name = RunID(milliseconds: wallClock()).description
    let opened = try openStore(store, locking: true, run: name, options: server)
    let lease =
      opened is DirectoryStore
      ? nil
      : try Lease(CollectionSchema.all, of: opened, run: name, job: "runs prune", seconds: Lease.secondsAsked())
    defer { lease?.end() }
    let ids = try archive.ids(of: store)
    let resumable = Self.resumable(archive, ids)
    var pruning = Pruning()
    for run in ids.dropFirst(keep) {
      let folder = archive.folder(run)
      let isResumable = resumable.contains(run)
      if let why = try reason(toKeep: run, in: archive, isResumable: isResumable, opened, force: force) {
        pruning.kept.append((run, why))
        continue
      }
      let size = size(folder.path)
      do { try FileManager.default.removeItem(atPath: folder.path) } catch {
        let code = (error as NSError).posixCode
        let error = StoreError.inputOutput(path: folder.path, operation: "remove", code: code)
        pruning.kept.append((run, error.description))
        pruning.failed += 1
        continue
      }
      pruning.freed += size
      pruning.removed.append(run)
    }
    return pruning
  }

  /// The runs that `--resume` would go on with: the last of a job, if it did not end and has kept what it read.
  private static func resumable(_ archive: RunArchive, _ ids: [String]) -> Set<String> {
    var seen: Set<[UInt8]> = []
    var resumable: Set<String> = []
    for id in ids {
      guard let manifest = archive.manifest(id), !manifest.isRehearsal, seen.insert(Array(manifest.job.utf8)).inserted
      else { continue }
      let hasKept = FileManager.default.fileExists(atPath: archive.folder(id).resume)
      if manifest.outcome != .done, hasKept { resumable.insert(id) }
    }
    return resumable
  }

  private static func reason(
    toKeep run: String, in archive: RunArchive, isResumable: Bool, _ store: any Store, force: Bool
  ) throws(StoreError) -> String? {
    guard !force else { return nil }
    // It may be another store's, and then this one holds nothing that it has written.
    if let why = archive.unreadable(run) { return why }
    let folder = archive.folder(run)
    if let manifest = folder.manifest, manifest.mayBeRunning {
      return "it may still run: host \(manifest.host), process \(manifest.process)"
    }
    if isResumable { return "it did not end, and --resume goes on with it" }
    let journal: JournalReader?
    let outcomes: [JournalReader.Outcome]
    // What cannot be read in one folder must not keep the others.
    do throws(StoreError) {
      journal = try JournalReader(ifPresent: folder)
      outcomes = try journal?.outcomes() ?? []
    } catch {
      return error.description
    }
    defer { withExtendedLifetime(journal) {} }
    var holds = false
    try StoredLookup(store: store).forEach(outcomes) { _, pairs throws(StoreError) in
      guard !holds else { return }
      holds = pairs.contains { outcome, stored in outcome.digestNow(of: stored) == outcome.written }
    }
    return holds ? "it can still be undone" : nil
  }

  private static func size(_ path: String) -> Int {
    let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    return names.reduce(0) { sum, name in
      let attributes = try? FileManager.default.attributesOfItem(atPath: path + "/" + name)
      guard (attributes?[.referenceCount] as? Int ?? 1) == 1 else { return sum }
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }
}

extension NSError {
  /// The errno behind an error of Foundation, or EIO.
  var posixCode: Int32 {
    // On Linux what stands behind it is no NSError.
    if let error = userInfo[NSUnderlyingErrorKey] as? POSIXError { return error.code.rawValue }
    return domain == NSPOSIXErrorDomain ? Int32(clamping: code) : POSIXError.Code.EIO.rawValue
  }
}
