internal import BSON
internal import Library
public import Stores
internal import Sync

/// Removes users from a store and from the folders of its runs, for good.
///
/// First their salted hashes are noted, so that no dump and no undo brings them back meanwhile. Then goes what is found
/// by their own documents: what is computed from everybody's and has titles that were theirs alone, and what the folders
/// of runs keep. Their documents go last. So it can be killed at any moment, and is run again.
public struct ForgetStep: JobStep {
  public static let name = "forget"

  /// In UTF-8.
  public let users: Set<[UInt8]>
  public var store: String
  public var state: String?
  /// Is told of what an operator should know.
  public var warn: @Sendable (String) -> Void = { _ in }

  public init(_ users: Set<[UInt8]>, store: String, state: String?) {
    (self.users, self.store, self.state) = (users, store, state)
  }

  /// Not who: the manifest stays.
  public var parameters: [String: String] { ["users": "\(users.count)"] }
  public var writes: Bool { true }
  public var collections: [CollectionSchema] { Self.personal + Self.common }

  /// Collections whose documents are each a user's.
  static let personal: [CollectionSchema] = [
    .userLibrary, .sessionPings, .playArchive, .userStats, .userScores, .forYou, .searchBoosts, .users,
  ]

  /// Collections that are computed from everybody's documents.
  static let common: [CollectionSchema] = [.songs, .serviceStats, .population, .charts]

  public func run(server: MongoOptions = MongoOptions()) -> Job.Report {
    Job(name: Self.name, store: store, state: state, asOf: wallClock(), steps: [self], server: server).run()
  }

  public func check() throws(StepFailure) {}

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    do throws(StoreError) {
      let store = try run.store()
      _ = try run.runFolder()
      try ForgottenUsers.add(Array(users), to: store, at: try store.now())

      let archive = RunArchive(state: state, store: self.store)
      let traces = try Traces(of: users, in: store, archive)
      // The oldest first: one that is cleaned knows by what a later one still has how its documents look now.
      var met = traces.met
      var removed = 0
      for schema in Self.common { removed += try remove(traces, from: store.open(schema)) }
      var writeBacks = WriteBackCleaning(traces)
      for id in try archive.ids().reversed() where id != run.id.description {
        var cleaning = FolderCleaning(archive.folder(id), traces)
        try cleaning.run(&writeBacks)
        met.formUnion(cleaning.met)
        for note in cleaning.notes { warn(note) }
      }
      let documents = try RunDocuments(store)
      // Where a folder is gone or elsewhere. Before the documents are cleaned: a path in them may name one of the users.
      let others = try documents.manifests { archive.manifest($0) == nil }
      for note in others.notes { warn(note) }
      for manifest in others.manifests {
        for note in try writeBacks.clean(manifest, isHere: manifest.host.isSame(as: hostName())) { warn(note) }
      }
      for note in try documents.clean(traces) { warn(note) }
      try archive.removeKnowledge()
      for schema in Self.personal {
        let found = try remove(from: store.open(schema))
        removed += found.documents
        met.formUnion(found.users)
        try redact(traces, in: store.open(schema))
      }
      run.manifest.users.seen = users.count
      run.manifest.users.changed = met.count
      run.manifest.users.unchanged = users.count - met.count
      run.manifest.removedDocuments = removed
      return .done
    } catch {
      throw StepFailure(error)
    }
  }

  /// Removes the documents of the users.
  ///
  /// - Returns: how many, and whose.
  private func remove(
    from collection: any StoredCollection
  ) throws(StoreError) -> (documents: Int, users: Set<[UInt8]>) {
    let ids = Arena()
    var rest = users.sorted { $0.lexicographicallyPrecedes($1) }.map { ids.copy($0) }[...]
    var met: Set<[UInt8]> = []
    let removed = try write(to: collection) { arena throws(StoreError) in
      guard !rest.isEmpty else { return nil }
      let found = try collection.documents(of: Array(rest.prefix(64)), limit: 8 << 20, in: arena)
      guard !found.isEmpty else { return nil }
      let changes = zip(rest, found).flatMap { key, documents in
        documents.map { document in
          DocumentChange(
            key: key, subkey: collection.schema.subkey.flatMap { document.text($0) }, stored: document, document: nil)
        }
      }
      for change in changes { met.insert(change.key.copy()) }
      rest = rest.dropFirst(found.count)
      return changes
    }
    return (removed, met)
  }

  /// Removes documents that hold what was the users' alone; they are computed again.
  private func remove(_ traces: Traces, from collection: any StoredCollection) throws(StoreError) -> Int {
    try rewrite(collection) { document, _ in
      guard traces.areMentioned(in: document), let key = document.text(collection.schema.key) else { return nil }
      return DocumentChange(key: key, stored: document, document: nil)
    }
  }

  /// Puts another word where other users' documents name one of the users: a playlist's `owner_id`.
  private func redact(_ traces: Traces, in collection: any StoredCollection) throws(StoreError) {
    let schema = collection.schema
    _ = try rewrite(collection) { document, arena in
      guard let key = document.text(schema.key) else { return nil }
      do throws(BSONFault) {
        guard let redacted = try traces.redacted(document) else { return nil }
        return DocumentChange(
          key: key, subkey: schema.subkey.flatMap { document.text($0) }, stored: document,
          document: BSONDocument(unchecked: arena.copy(redacted)))
      } catch {
        warn(Traces.note(on: "the \(schema.name) document of \(key.string) in \(collection.name)", error))
        return nil
      }
    }
  }

  /// Steps through a collection and writes what `change` makes of its documents.
  ///
  /// - Returns: how many changed.
  private func rewrite(
    _ collection: any StoredCollection, _ change: (BSONDocument, Arena) -> DocumentChange?
  ) throws(StoreError) -> Int {
    let cursor = try collection.cursor(updatedSince: nil)
    return try write(to: collection) { arena throws(StoreError) in
      let documents = try cursor.next(upTo: 8 << 20, in: arena)
      return documents.isEmpty ? nil : documents.compactMap { change($0, arena) }
    }
  }

  /// Writes changes piece by piece, with one writer for all of them: after a commit, a directory's collection would have
  /// to be opened again.
  ///
  /// - Parameter next: the next piece, which may lie in the arena until the one after it; nil at the end.
  /// - Returns: how many changes there were.
  private func write(
    to collection: any StoredCollection, _ next: (Arena) throws(StoreError) -> [DocumentChange]?
  ) throws(StoreError) -> Int {
    let arena = Arena()
    var writer: (any StoreWriter)?
    var count = 0
    var hasConflicts = false
    do throws(StoreError) {
      while let changes = try next(arena) {
        if !changes.isEmpty {
          let open: any StoreWriter
          if let writer { open = writer } else { open = try collection.beginWriting(.any) }
          writer = open
          if try !open.write(changes).isEmpty { hasConflicts = true }
          count += changes.count
        }
        arena.reset()
      }
      try writer?.commit()
    } catch {
      writer?.abandon()
      throw error
    }
    guard !hasConflicts else { throw Self.conflict(collection) }
    return count
  }

  /// A server's document that changes at this moment is read again by running again: say so rather than leave it.
  private static func conflict(_ collection: any StoredCollection) -> StoreError {
    .locked(path: collection.name, holder: "somebody who writes a user at this moment; forget them again")
  }
}
