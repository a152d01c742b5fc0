internal import BSON
internal import Digests
public import Stores
internal import Sync

/// Whether a store still holds what a run has written (`mixdown verify`).
public struct Verification: Sendable {
  /// A document that is not as the run left it.
  public struct Difference: Sendable {
    /// `user_library ann`.
    public let document: String
    /// The user, or whatever names the document in its collection.
    public let key: String
    /// The later run that wrote it; nil when somebody else did.
    public let run: String?
    /// What happened, in words.
    public let why: String
  }

  /// Documents that the run's journal names.
  public private(set) var documents = 0
  public private(set) var differences: [Difference] = []
  /// Whether the manifest's root is that of what the journal names; nil when the manifest has none.
  public private(set) var rootHolds: Bool?
  /// Whether the end of the journal is torn.
  public private(set) var isTorn = false

  /// Looks at every document that the run has written.
  ///
  /// - Parameter server: how a server is spoken to.
  /// - Throws: when the store or the run's folder cannot be read.
  public static func verify(
    _ run: String, in archive: RunArchive, store: String, server: MongoOptions = MongoOptions()
  ) throws(StoreError) -> Verification {
    try checkStore(store)
    let opened = try openStore(store, locking: false, run: "verify", options: server)
    let folder = archive.folder(run)
    let reader = try JournalReader(ifPresent: folder)
    var verification = Verification()
    verification.rootHolds = reader.holds(folder.manifest?.written)
    guard let journal = reader else { return verification }
    verification.isTorn = journal.isTorn
    let outcomes = try journal.outcomes()
    verification.documents = outcomes.count
    var found: [(name: String, document: Identity, digest: [UInt8]?, isAsBefore: Bool)] = []
    try StoredLookup(store: opened).forEach(outcomes) { _, pairs throws(StoreError) in
      for (outcome, stored) in pairs {
        let now = outcome.digestNow(of: stored)
        guard now != outcome.written else { continue }
        let document = Identity(outcome.collection, outcome.key.copy(), outcome.subkey?.copy())
        found.append((outcome.name, document, stored.map(digest), now == outcome.before.map(digest)))
      }
    }
    guard !found.isEmpty else { return verification }
    let others = try OtherWriters(archive, than: run, of: Set(found.map(\.document)))
    for one in found {
      let writer = others.writer(of: one.document, one.digest, isAsBefore: one.isAsBefore)
      let why =
        if let run = writer.run {
          one.digest == nil ? "run \(run) removed it" : "run \(run) wrote it"
        } else if let last = writer.last {
          "somebody else wrote it, after run \(last)"
        } else if one.isAsBefore {
          "it is as it was before the run: the run did not come to write it, or somebody put it back"
        } else {
          one.digest == nil ? "somebody else removed it" : "somebody else wrote it"
        }
      verification.differences.append(
        Difference(
          document: one.name, key: String(decoding: one.document.key, as: UTF8.self), run: writer.run, why: why))
    }
    return verification
  }
}

/// What tells a document from all others of a store.
private struct Identity: Hashable {
  let collection: String
  let key: [UInt8]
  let subkey: [UInt8]?

  init(_ collection: String, _ key: [UInt8], _ subkey: [UInt8]?) {
    (self.collection, self.key, self.subkey) = (collection, key, subkey)
  }
}

/// What other runs have written of some documents.
private struct OtherWriters {
  private struct Written {
    let run: String
    let digest: [UInt8]?
    /// Whether the run began later, by its id.
    let isLater: Bool
  }

  /// By document, oldest run first.
  private var written: [Identity: [Written]] = [:]

  init(_ archive: RunArchive, than run: String, of documents: Set<Identity>) throws(StoreError) {
    for other in try archive.ids().reversed() where other != run {
      guard let journal = try JournalReader(ifPresent: archive.folder(other)) else { continue }
      for change in journal.changes() where !change.isWithdrawn {
        let identity = Identity(change.collection, change.key.copy(), change.subkey?.copy())
        guard documents.contains(identity) else { continue }
        written[identity, default: []].append(Written(run: other, digest: change.written, isLater: other > run))
      }
    }
  }

  /// - Parameter isAsBefore: whether the document is what the run found: then nobody need have written it since. Else a
  ///   run that wrote it came later, even if the clock was put back between them and its id is a smaller one.
  /// - Returns: the run that wrote what is there now, or else the last that wrote the document at all.
  func writer(of document: Identity, _ digest: [UInt8]?, isAsBefore: Bool) -> (run: String?, last: String?) {
    let runs = written[document] ?? []
    let later = runs.filter(\.isLater)
    let wrote = later.last { $0.digest == digest } ?? (isAsBefore ? nil : runs.last { $0.digest == digest })
    return (wrote?.run, later.last?.run)
  }
}
