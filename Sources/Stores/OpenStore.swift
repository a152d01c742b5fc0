/// Opens the store that a command names: a directory, or a database on a server.
///
/// - Parameters:
///   - locking: whether a directory is locked, which writing into it needs.
///   - run: who asks for the lock.
///   - options: how a server is spoken to.
public func openStore(
  _ name: String, locking: Bool, run: String = "unnamed", options: MongoOptions = MongoOptions()
) throws(StoreError) -> any Store {
  if MongoAddress.isAddress(name) { return try MongoStore(name, options) }
  return try DirectoryStore.open(name, locking: locking, run: run)
}
