internal import BSON
internal import Foundation
internal import Library
public import Stores

/// The runs of a store as an operator sees them: those that have a folder here, and those that only the store's
/// `job_runs` knows, because they ran on another machine or their folder was pruned.
public struct RunListing: Sendable {
  public struct Run: Sendable {
    public let id: String
    /// nil when there is none that can be read.
    public let manifest: Manifest?
    /// Whether its folder is here.
    public let hasFolder: Bool
    /// Whether it did not end, and its process is gone.
    public let wasKilled: Bool
  }

  /// Newest first.
  public private(set) var runs: [Run]

  /// The runs whose folder is here.
  ///
  /// - Parameter store: whose runs are listed; nil for all.
  /// - Throws: when the state directory cannot be read.
  public init(_ archive: RunArchive, of store: String?) throws(StoreError) {
    runs = try archive.ids().compactMap { id in
      let manifest = archive.manifest(id)
      if let store, let manifest, archive.isRun(manifest, of: store) == false { return nil }
      return Run(id: id, manifest: manifest, hasFolder: true, wasKilled: manifest?.wasKilled ?? false)
    }
  }

  /// Adds the runs that the store knows and whose folder is elsewhere or gone.
  ///
  /// - Throws: when the store cannot be read.
  public mutating func add(store name: String, server: MongoOptions = MongoOptions()) throws(StoreError) {
    // On a server a run that works has leases, wherever it is; a directory's runs are on one machine.
    let isServer = MongoAddress.isAddress(name)
    // A directory that is not there yet has seen no run.
    if !isServer, !FileManager.default.fileExists(atPath: name) { return }
    let store = try openStore(name, locking: false, run: "runs", options: server)
    let known = Set(runs.map(\.id))
    var (others, owners): ([Manifest], Set<String>) = ([], [])
    let now = try store.now()
    try store.open(.jobRuns).cursor(updatedSince: nil).forEachDocument { document in
      if let owner = Lease.owner(of: document, at: now) { owners.insert(owner) }
      guard let id = document.text("run_id"), RunID.isValid(id.string), !known.contains(id.string) else { return }
      if let manifest = Manifest(document) { others.append(manifest) }
    }
    runs += others.map { manifest in
      Run(
        id: manifest.runID, manifest: manifest, hasFolder: false,
        wasKilled: isServer ? manifest.outcome == .running && !owners.contains(manifest.runID) : manifest.wasKilled)
    }
    runs.sort { $0.id > $1.id }
  }
}

extension Manifest {
  /// Reads a document of `job_runs`; nil when it is none.
  init?(_ document: BSONDocument) {
    var json = ReadableJSON(date: Instant.text)
    guard let text = try? json.text(document),
      let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(text.utf8))
    else { return nil }
    self = manifest
  }
}
