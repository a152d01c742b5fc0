internal import Glibc

/// Refuses an address that cannot be read, before anything is made for the store that it names.
public func checkAddress(_ name: String) throws(StoreError) {
  if MongoAddress.isAddress(name) { _ = try MongoAddress(name) }
}

/// Refuses a directory that is not there, for a command that has no use for an empty store: the name is misspelt.
///
/// - Throws: `inputOutput` with ENOENT. What is known of a server shows when it is asked.
public func checkStore(_ name: String) throws(StoreError) {
  guard !MongoAddress.isAddress(name), try FileStatus.of(name) == nil else { return }
  throw .inputOutput(path: name, operation: "open the store", code: ENOENT)
}

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
