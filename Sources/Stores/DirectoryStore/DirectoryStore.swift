/// A database in a directory, in the layout of `mongodump`: for each collection `<name>.bson` and
/// `<name>.metadata.json` (docs/stores.md).
///
/// ```swift
/// let store = try DirectoryStore.open("data/store", locking: true, run: runID)
/// let library = try store.collection(.userLibrary)
/// let documents = try library.documents(of: users, limit: .max, in: arena)
/// let writer = try library.beginWriting(.stored)
/// let conflicts = try writer.write(changes)
/// try writer.commit()
/// ```
public final class DirectoryStore: Store, Sendable {
  public let name: String
  /// The lock that lets this store be written; nil for one that is only read.
  public let lock: DirectoryLock?

  /// - Parameter lock: of this very directory, for a store that is to be written.
  public init(_ directory: String, lock: DirectoryLock?) {
    name = directory
    self.lock = lock
  }

  /// - Parameters:
  ///   - locking: whether to lock the directory, which writing needs, and which makes the directory if it has to.
  ///     Reading works without, on a read-only volume too. With the lock, what a killed run has left is removed.
  ///   - run: who asks for the lock, for the message that a second one gets.
  /// - Throws: ``StoreError/locked(path:holder:)``; ``StoreError/refused(path:offset:why:)`` for the folder of a whole
  ///   dump, in which the databases are; `inputOutput`.
  public static func open(
    _ directory: String, locking: Bool, run: String = "unnamed"
  ) throws(StoreError) -> DirectoryStore {
    try DirectoryStore(directory, lock: nil).checkIsDatabase()
    let store = DirectoryStore(directory, lock: locking ? try DirectoryLock(directory, run: run) : nil)
    // Nobody but who has the lock writes here, so that such files are those of a run that was killed.
    if locking { store.removeTemporaryFiles() }
    return store
  }

  private func removeTemporaryFiles() {
    for schema in CollectionSchema.all + [.users] {
      CollectionFiles(directory: name, collection: schema.name).temporary.forEach(removeFile)
    }
  }

  public func open(_ schema: CollectionSchema) throws(StoreError) -> any StoredCollection { try collection(schema) }

  /// Opens a collection.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` when the file is torn, compressed, no dump, holds a key
  ///   twice or a document without one; `inputOutput`.
  /// - Complexity: one look at every document's top level.
  public func collection(_ schema: CollectionSchema) throws(StoreError) -> DirectoryCollection {
    try DirectoryCollection(name, schema, lock: lock)
  }

  public func now() throws(StoreError) -> Int64 { wallClock() }
}
