internal import FoundationEssentials
internal import Glibc

/// The files of a directory store, for those who look after them: setup, doctor and copy.
extension DirectoryStore {
  /// The content of a collection's `metadata.json`; nil when there is none.
  package func metadata(of collection: String) throws(StoreError) -> [UInt8]? {
    try CollectionFiles(directory: name, collection: collection).readMetadata()
  }

  /// What is said of a `metadata.json` that nobody can read.
  package func unreadableMetadata(of collection: String) -> StoreError {
    CollectionFiles(directory: name, collection: collection).unreadableMetadata
  }

  /// Refuses collections whose files must not be replaced, before a run that writes several has written any.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` for a symbolic link, for documents that are compressed, and for
  ///   metadata that are no JSON object.
  package func checkReplaceable(_ collections: [CollectionSchema]) throws(StoreError) {
    for schema in collections {
      try CollectionFiles(directory: name, collection: schema.name).checkReplaceable()
    }
  }

  /// Puts another `metadata.json` in its place, by rename.
  package func replaceMetadata(of collection: String, by json: [UInt8]) throws(StoreError) {
    let files = CollectionFiles(directory: name, collection: collection)
    let partial = try PartialFile(files.partialMetadata, replacing: try FileStatus.of(files.metadata))
    try partial.append(json)
    try partial.synchronize()
    try partial.replace(files.metadata)
    try synchronizeDirectory(name)
  }

  /// Makes the file of a collection without documents.
  ///
  /// - Returns: whether there was none.
  package func makeEmptyCollection(_ collection: String) throws(StoreError) -> Bool {
    let files = CollectionFiles(directory: name, collection: collection)
    if try FileStatus.of(files.data) != nil { return false }
    let partial = try PartialFile(files.partialData, replacing: nil)
    try partial.synchronize()
    try partial.replace(files.data)
    try synchronizeDirectory(name)
    return true
  }

  /// What tells the file of a collection from any other, as ``StoredCollection/fileState()`` does for one that is open.
  package func fileState(of collection: String) throws(StoreError) -> String? {
    try FileStatus.of(CollectionFiles(directory: name, collection: collection).data)?.description
  }

  /// Whether a collection has a file of documents.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` for one that is compressed.
  package func has(_ collection: String) throws(StoreError) -> Bool {
    let files = CollectionFiles(directory: name, collection: collection)
    try files.checkUncompressed()
    return try FileStatus.of(files.data) != nil
  }
}

extension DirectoryStore {
  /// Refuses the folder of a whole dump, which holds databases: it would count as a store without documents.
  package func checkIsDatabase() throws(StoreError) {
    let manager = FileManager.default
    func isData(_ file: String) -> Bool { file.hasSuffix(".bson") || file.hasSuffix(".bson.gz") }
    // A folder that is not there is a new store, and one that cannot be listed shows when it is used.
    guard let names = try? manager.contentsOfDirectory(atPath: name), !names.contains(where: isData) else { return }
    let databases = names.map { CollectionFiles(directory: "\(name)/\($0)", collection: "user_library") }
      .filter { manager.fileExists(atPath: $0.data) || manager.fileExists(atPath: $0.compressedData) }
    guard !databases.isEmpty else { return }
    let meant = databases.map(\.directory).sorted().joined(separator: " or ")
    let why = "no collection lies in it, but databases lie in folders of it: name \(meant)"
    throw .refused(path: name, offset: 0, why: why)
  }

  /// What the system says of the directory; nil when there is none of this name.
  package func facts() throws(StoreError) -> DirectoryFacts? {
    do throws(StoreError) {
      let directory = try PosixFile(name, O_RDONLY | O_DIRECTORY)
      return DirectoryFacts(
        isDirectory: true, isReadable: unsafe access(name, R_OK | X_OK) == 0,
        isWritable: unsafe access(name, W_OK) == 0,
        room: directory.room())
    } catch .inputOutput(_, _, ENOENT) {
      return nil
    } catch .inputOutput(_, _, ENOTDIR) {
      return DirectoryFacts(isDirectory: false, isReadable: false, isWritable: false, room: nil)
    } catch .inputOutput(_, _, EACCES) {
      return DirectoryFacts(isDirectory: true, isReadable: false, isWritable: false, room: nil)
    }
  }
}

/// What the system says of a store's directory.
package struct DirectoryFacts: Sendable {
  package let isDirectory: Bool
  package let isReadable: Bool
  package let isWritable: Bool
  /// Free bytes of its volume; nil when the system does not tell.
  package let room: Int64?
}
