public import BSON
internal import Glibc
internal import Synchronization

/// A collection in a directory: `<collection>.bson` and `<collection>.metadata.json` (docs/stores.md).
///
/// The file is mapped, not read: memory grows by tens of bytes a document. What is opened is one state of the
/// collection for good: a commit puts a new file in its place, and this value goes on to show the old one. Open it
/// again to see the new one.
///
/// Reading is for any number of threads at once.
public final class DirectoryCollection: StoredCollection, Sendable {
  public let schema: CollectionSchema
  public let name: String
  /// How long the documents are, all together, in bytes.
  public let size: Int
  public var hasOneWriter: Bool { true }

  let files: CollectionFiles
  /// The file of documents; nil when there was none.
  let mapping: MappedFile?
  /// What is in it, in order.
  let sequence: DocumentSequence
  /// The lock of the directory; nil when the collection is only read.
  private let lock: DirectoryLock?
  private let index: DocumentIndex
  /// The positions of documents that were found by their keys.
  private let found = Mutex(PositionSet())
  /// How often a key was looked up.
  private let lookups = Atomic(0)
  /// The file's bytes before this offset were given back to the system.
  private let released = Atomic(0)
  /// What was made of the right to write.
  let writing = Mutex(WritingPhase.possible)

  // MARK: Opening

  init(_ directory: String, _ schema: CollectionSchema, lock: DirectoryLock?) throws(StoreError) {
    name = directory
    self.schema = schema
    self.lock = lock
    files = CollectionFiles(directory: directory, collection: schema.name)
    mapping = try MappedFile.ifPresent(files.data)
    try files.checkUncompressed()
    size = mapping?.status.size ?? 0
    if let mapping {
      (index, sequence) = try Self.index(mapping, schema)
    } else {
      (index, sequence) = (DocumentIndex(), DocumentSequence())
    }
  }

  /// Walks the whole file once, and finds where the documents of each key are.
  private static func index(
    _ mapping: MappedFile, _ schema: CollectionSchema
  ) throws(StoreError) -> (DocumentIndex, DocumentSequence) {
    var index = DocumentIndex()
    var sequence = DocumentSequence()
    let bytes = mapping.bytes
    var run = AscendingRun()
    try mapping.walkDocuments(schema) { offset, identity throws(StoreError) in
      if let identity, !run.takes(identity) {
        let earlier = index.position(of: identity.key) { document(in: bytes, at: $0)?.identity(schema) == identity }
        if let earlier {
          let why = "a second document of \(identity), the first is at byte \(index.offsets[earlier])"
          throw .refused(path: mapping.file.path, offset: Int64(offset), why: why)
        }
        if let subkey = identity.subkey, index.position(of: identity.key, isMeant: { _ in true }) == nil {
          run.begin(identity.key, subkey)
        } else {
          run.end()
        }
      }
      guard index.count < DocumentIndex.limit else {
        let why = "more than \(DocumentIndex.limit) documents"
        throw .refused(path: mapping.file.path, offset: Int64(offset), why: why)
      }
      index.append(identity?.key, at: offset)
      sequence.append(identity?.fingerprint ?? 0)
    }
    return (index, sequence)
  }

  // MARK: Reading

  /// The number of documents.
  public var count: Int { index.count }

  /// Where the document of a key stands. Its first bytes are read rather than mapped: looks come from everywhere, and
  /// each would map pages around it that nobody wants.
  public func position(of key: ByteView) -> Int? {
    let position = index.position(of: key) { isKey(key, inHeadAt: $0) }
    if let position { found.withLock { $0.insert(position) } }
    return position
  }

  private func position(of identity: DocumentIdentity) -> Int? {
    noteLookup()
    return index.position(of: identity.key) { Self.document(in: bytes, at: $0)?.identity(schema) == identity }
  }

  /// Where the document that a change replaces stands.
  func position(of change: DocumentChange) -> Int? {
    position(of: DocumentIdentity(key: change.key, subkey: change.subkey))
  }

  private func isKey(_ key: ByteView, at offset: Int) -> Bool {
    Self.document(in: bytes, at: offset)?.key(schema) == key
  }

  private func isKey(_ key: ByteView, inHeadAt offset: Int) -> Bool {
    mapping?.withHead(at: offset) { $0.text(schema.key).map { $0 == key } } ?? isKey(key, at: offset)
  }

  private func noteLookup() {
    // A look at a document's name brings its surroundings into memory, and looks come from everywhere.
    if lookups.wrappingAdd(1, ordering: .relaxed).oldValue & 1023 == 1023 { mapping?.discard(0..<size) }
  }

  public func contains(_ keys: [ByteView]) throws(StoreError) -> [Bool] { keys.map { position(of: $0) != nil } }

  public func documents(
    of keys: [ByteView], since subkey: ByteView?, limit: Int, in arena: Arena
  ) throws(StoreError) -> [[BSONDocument]] {
    var documents: [[BSONDocument]] = []
    documents.reserveCapacity(keys.count)
    var positions: [Int] = []
    for key in keys {
      noteLookup()
      if schema.subkey == nil {
        let position = index.position(of: key) { isKey(key, at: $0) }
        documents.append(try position.map { position throws(StoreError) in [try document(at: position)] } ?? [])
        if let position { positions.append(position) }
      } else {
        var ofKey: [(identity: DocumentIdentity?, document: BSONDocument)] = []
        for position in index.positions(of: key, isKey: { isKey(key, at: $0) }) {
          let document = try document(at: position)
          let identity = document.identity(schema)
          if let subkey, let name = identity?.subkey, name < subkey { continue }
          ofKey.append((identity, document))
          positions.append(position)
        }
        ofKey.sort { $0.identity < $1.identity }
        documents.append(ofKey.map(\.document))
      }
    }
    found.withLock { found in for position in positions { found.insert(position) } }
    return documents
  }

  /// The document at a position, which must be one of `0..<count`. The view holds as long as the collection.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` when the file was written to after it was opened.
  public func document(at position: Int) throws(StoreError) -> BSONDocument {
    let offset = offset(of: position)
    guard let document = Self.document(in: bytes, at: offset) else {
      throw .refused(path: files.data, offset: Int64(offset), why: "the file was changed while it was in use")
    }
    return document
  }

  public func documentSize(of key: ByteView) -> Int {
    // Nothing but a guess at what will be needed hangs on it, so that the page need not be looked at whether it is the
    // key's own.
    guard let position = index.position(of: key, isMeant: { _ in true }) else { return 0 }
    return offset(of: position + 1) - offset(of: position)
  }

  public func refusal(of key: ByteView, _ fault: BSONFault) -> StoreError {
    let start = position(of: key).map { self.offset(of: $0) } ?? 0
    return .refused(
      path: files.data, offset: Int64(start + fault.offset), why: "in the document of \(key.string): \(fault.what)")
  }

  public func cursor(updatedSince: Int64?) throws(StoreError) -> any DocumentCursor { StoredDocuments(self) }

  public func cursor(over selection: Selection) throws(StoreError) -> any DocumentCursor {
    StoredDocuments(self, but: selection.leavesOutFound ? found.withLock { $0 } : PositionSet())
  }

  /// Gives back the memory of what stands before this position; views of it stay valid, and bring it back.
  public func release(before position: Int) {
    let end = offset(of: position)
    // In large pieces, for each stops all threads for a moment.
    guard end == size || end - released.load(ordering: .relaxed) >= MappedFile.window / 4 else { return }
    let (start, _) = released.max(end, ordering: .relaxed)
    if start < end { mapping?.discard(start..<end) }
  }

  public func offset(of document: BSONDocument) -> Int? {
    guard let offset = document.bytes.offset(in: bytes), offset + document.bytes.count <= size else { return nil }
    return offset
  }

  public func linkFile(as path: String) throws(StoreError) -> LinkedFile? {
    guard let opened = mapping?.status else { return nil }
    // Another volume, a file system without links, a file of another user's: all are reasons to copy instead.
    guard unsafe link(files.data, path) == 0 || errno == EEXIST else { return nil }
    guard let linked = try FileStatus.of(path), linked.isUnchanged(opened) else { return nil }
    return LinkedFile(size: opened.size, modified: opened.modified)
  }

  public func fileState() throws(StoreError) -> String? { try FileStatus.of(files.data)?.description }

  private var bytes: ByteView { mapping?.bytes ?? .empty }

  /// Where the document of a position begins, in bytes; for `count`, where the last one ends.
  func offset(of position: Int) -> Int { position == count ? size : index.offsets[position] }

  /// Gives back the memory of positions that were read just now.
  func discard(_ positions: Range<Int>) {
    mapping?.discard(offset(of: positions.lowerBound)..<offset(of: positions.upperBound))
  }

  private static func document(in bytes: ByteView, at offset: Int) -> BSONDocument? {
    let length = Int(bytes.load(offset, as: Int32.self))
    guard 5...longestDocument ~= length, length <= bytes.count - offset else { return nil }
    return BSONDocument(unchecked: bytes.slice(offset, length))
  }

  // MARK: Writing

  /// Starts to write; no file is touched before the first change arrives.
  ///
  /// - Throws: `inconsistent` when the store was opened without its lock, is being written or was replaced already;
  ///   `refused` when the collection's files must not be replaced.
  public func beginWriting(_ order: WriteOrder) throws(StoreError) -> any StoreWriter {
    guard lock?.directory == name else {
      throw .inconsistent(path: name, why: "it was opened without its lock, to be read only")
    }
    try files.checkReplaceable()
    let phase = writing.withLock { phase in
      defer { if phase == .possible { phase = .begun } }
      return phase
    }
    switch phase {
    case .possible: break
    case .begun: throw .inconsistent(path: name, why: "two writers at once")
    case .committed: throw .inconsistent(path: name, why: "it was replaced by a commit and has to be opened again")
    }
    let writer = OrderedWriter(self)
    return switch order {
    case .stored: writer
    case .any: SortingWriter(self, writer)
    }
  }
}

/// All documents of one key so far, one after another in a file and their subkeys ascending: one that goes on like that is
/// no second of any, which need not be looked for.
private struct AscendingRun {
  /// Empty for none.
  private var key: [UInt8] = []
  private var subkey: [UInt8] = []

  mutating func begin(_ key: ByteView, _ subkey: ByteView) { (self.key, self.subkey) = (key.copy(), subkey.copy()) }

  mutating func end() { (key, subkey) = ([], []) }

  /// Whether the document goes on with the run, of which it is the last now.
  mutating func takes(_ identity: DocumentIdentity) -> Bool {
    guard !key.isEmpty, let next = identity.subkey, key.withView({ $0 == identity.key }), subkey.withView({ $0 < next })
    else { return false }
    subkey = next.copy()
    return true
  }
}

/// What was made of a collection's right to write, which is good for one commit.
enum WritingPhase {
  case possible
  case begun
  case committed
}
