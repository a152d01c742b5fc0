internal import BSON
internal import Synchronization

/// Writes a collection's next file beside the present one: what did not change is copied, what did takes its place.
///
/// Changes come in the order of the file, then new documents in ascending order of their keys' bytes. After an error
/// all is taken back, and the writer takes no more.
///
/// For one thread at a time; the collection may be read by others meanwhile.
final class OrderedWriter: StoreWriter {
  private let collection: DirectoryCollection
  /// The next file; nil before the first change.
  private var output: PartialFile?
  /// Documents of the present file before this position are in the output, or what took their place is.
  private var position = 0
  /// Positions of the present file whose documents are not in the next, ascending.
  private var removed: [Int] = []
  /// Documents that are to go to the output together: large pieces cost the system less than small ones.
  private var gathered: [ByteView] = []
  /// Fingerprints of the documents that are new in the next file, in their order.
  private var added: [UInt64] = []
  private var lastAdded: (key: [UInt8], subkey: [UInt8])?
  private var isOpen = true
  /// By how many bytes the next file is to be longer than the present one, where all changes are known beforehand.
  var knownGrowth: Int?

  init(_ collection: DirectoryCollection) {
    self.collection = collection
  }

  deinit { abandon() }

  // MARK: Changes

  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int] {
    try orAbandon { () throws(StoreError) in
      guard !changes.isEmpty else { return }
      if output == nil { output = try begin(changes) }
      guard let output else { return }
      for change in changes {
        try check(change)
        if let position = collection.position(of: change) {
          try replace(position, by: change, in: output)
        } else {
          try add(change, to: output)
        }
      }
      try putGathered(output)
    }
    return []
  }

  /// Creates the next file when the first changes are here, if there is room for it.
  private func begin(_ changes: [DocumentChange]) throws(StoreError) -> PartialFile {
    let output = try PartialFile(collection.files.partialData, replacing: collection.mapping?.status)
    self.output = output
    try output.reserve(collection.size + (knownGrowth ?? changes.reduce(0) { $0 + $1.growth }))
    return output
  }

  private func check(_ change: DocumentChange) throws(StoreError) {
    guard let document = change.document else { return }
    guard document.bytes.count <= longestDocument else {
      throw inconsistent("the document of \(change.identity) has \(document.bytes.count) bytes")
    }
    let identity: DocumentIdentity?
    do throws(BSONFault) {
      identity = try BSONDocument(document.bytes).checkedIdentity(collection.schema)
    } catch {
      throw inconsistent("the document of \(change.identity) has \(error)")
    }
    guard identity == change.identity else {
      throw inconsistent("a document of \(identity?.description ?? "nobody") in the place of \(change.identity)'s")
    }
  }

  private func replace(
    _ position: Int, by change: DocumentChange, in output: PartialFile
  ) throws(StoreError) {
    guard change.stored != nil else { throw inconsistent("\(change.identity) came as new and is stored") }
    guard lastAdded == nil, position >= self.position else {
      throw inconsistent("\(change.identity), at position \(position), came out of order")
    }
    try copy(to: position, output)
    if let document = change.document {
      gathered.append(document.bytes)
    } else {
      removed.append(position)
    }
    self.position = position + 1
  }

  private func add(_ change: DocumentChange, to output: PartialFile) throws(StoreError) {
    guard change.stored == nil, let document = change.document else {
      throw inconsistent("\(change.identity) came as stored and is new")
    }
    let isNext =
      lastAdded?.key.withView { key in
        lastAdded?.subkey.withView { change.identity > DocumentIdentity(key: key, subkey: $0) } ?? true
      } ?? true
    guard isNext else { throw inconsistent("the new document of \(change.identity) came out of order") }
    try copy(to: collection.count, output)
    gathered.append(document.bytes)
    added.append(change.identity.fingerprint)
    lastAdded = (change.key.copy(), change.subkey?.copy() ?? [])
  }

  /// Copies what did not change, up to a position.
  private func copy(to end: Int, _ output: PartialFile) throws(StoreError) {
    guard end > position else { return }
    try putGathered(output)
    if let source = collection.mapping {
      try output.append(from: source.file, collection.offset(of: position)..<collection.offset(of: end))
    }
    position = end
  }

  /// The gathered documents are the caller's, who takes them back when a call ends.
  private func putGathered(_ output: PartialFile) throws(StoreError) {
    guard !gathered.isEmpty else { return }
    try output.append(gathered)
    gathered.removeAll(keepingCapacity: true)
  }

  // MARK: Ending

  func commit() throws(StoreError) {
    try orAbandon { () throws(StoreError) in
      guard let output else { return }
      try checkUnchanged()
      try copy(to: collection.count, output)
      try synchronize(output)
      let wroteMetadata = try CollectionMetadata(collection.schema).write(collection.files)
      do throws(StoreError) {
        try output.replace(collection.files.data)
      } catch {
        if wroteMetadata { removeFile(collection.files.metadata) }
        throw error
      }
      collection.writing.withLock { $0 = .committed }
      try synchronizeDirectory(collection.name)
    }
    isOpen = false
    collection.writing.withLock { if $0 == .begun { $0 = .possible } }
  }

  func abandon() {
    guard isOpen else { return }
    isOpen = false
    output?.remove()
    output = nil
    gathered = []
    collection.writing.withLock { if $0 == .begun { $0 = .possible } }
  }

  /// Refuses to take the place of a file that is not the one that was read, although the lock should have kept it.
  private func checkUnchanged() throws(StoreError) {
    switch (collection.mapping?.status, try FileStatus.of(collection.files.data)) {
    case (nil, nil): return
    case (let old?, let now?) where old.isUnchanged(now): return
    default:
      let why = "another program, which does not know the lock, changed the file while it was in use"
      throw .refused(path: collection.files.data, offset: 0, why: why)
    }
  }

  /// Brings the next file to disk, reads it meanwhile as it will be read, and checks that no document is missing, doubled
  /// or out of order.
  private func synchronize(_ output: PartialFile) throws(StoreError) {
    let (schema, name, expected) = (collection.schema, collection.name, try expected())
    try output.synchronize { file throws(StoreError) in
      var found = DocumentSequence()
      do throws(StoreError) {
        try file.walkDocuments(schema) { _, identity throws(StoreError) in found.append(identity?.fingerprint ?? 0) }
      } catch .refused(_, let offset, let why) {
        throw .inconsistent(path: name, why: "it cannot be read back, byte \(offset): \(why)")
      }
      guard found == expected else {
        let why = "it has \(found.count) documents, not those \(expected.count) that it should have"
        throw .inconsistent(path: name, why: why)
      }
    }
  }

  /// What has to be in the next file.
  private func expected() throws(StoreError) -> DocumentSequence {
    var expected = removed.isEmpty ? collection.sequence : try left()
    for fingerprint in added { expected.append(fingerprint) }
    return expected
  }

  /// The present file's documents that are not removed.
  private func left() throws(StoreError) -> DocumentSequence {
    var left = DocumentSequence()
    var removals = removed[...]
    for position in 0..<collection.count {
      if removals.first == position {
        removals.removeFirst()
      } else {
        left.append(try collection.document(at: position).identity(collection.schema)?.fingerprint ?? 0)
      }
    }
    return left
  }

  // MARK: Errors

  /// Takes everything back when a step fails.
  private func orAbandon(_ step: () throws(StoreError) -> Void) throws(StoreError) {
    guard isOpen else { throw inconsistent("its writer has ended already") }
    do throws(StoreError) {
      try step()
    } catch {
      abandon()
      throw error
    }
  }

  private func inconsistent(_ why: String) -> StoreError { .inconsistent(path: collection.name, why: why) }
}

extension DocumentChange {
  var identity: DocumentIdentity { DocumentIdentity(key: key, subkey: subkey) }

  /// By how many bytes the change makes a collection longer.
  var growth: Int { (document?.bytes.count ?? 0) - (stored?.bytes.count ?? 0) }
}
