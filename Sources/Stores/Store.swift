public import BSON

/// A database: collections of BSON documents, in a directory or on a server (docs/stores.md).
///
/// The merge knows neither files nor servers: a run asks for documents by key and hands back those that changed.
public protocol Store: Sendable {
  /// What to call the store in messages: a path, or an address without its password.
  var name: String { get }

  /// Opens a collection; one that does not exist is empty.
  func open(_ schema: CollectionSchema) throws(StoreError) -> any StoredCollection

  /// The store's own clock, in milliseconds since 1970.
  func now() throws(StoreError) -> Int64
}

/// A collection of a store.
///
/// In a directory it is one state of the collection for good: a commit puts a new file in its place, and this value
/// goes on to show the old one. On a server it is the collection as it is at each call.
public protocol StoredCollection: Sendable {
  var schema: CollectionSchema { get }

  /// The store's name, for messages.
  var name: String { get }

  /// Whether nobody else can write it while a run does, for it is locked. Then the run's changes go one batch after
  /// another, in the order in which it visits keys, and are seen all at once; else each batch is seen as it is written,
  /// beside what others write.
  var hasOneWriter: Bool { get }

  /// Where the (first) document of a key stands among the others, when that is known without asking anybody.
  func position(of key: ByteView) -> Int?

  /// The same for keys of which a server has to be asked, all at once: it answers from an index.
  ///
  /// A run visits users by position, then those without one by their id's bytes, so that a store is read and written
  /// front to back: a disk likes it, and a server writes a fifth faster.
  func positions(of keys: [ByteView]) throws(StoreError) -> [Int?]

  /// The stored size of a key's (first) document, in bytes, as far as it is known before it is fetched; else 0.
  func documentSize(of key: ByteView) -> Int

  /// The stored documents of these keys, in the order asked for, and of one key by subkey, ascending.
  ///
  /// - Parameters:
  ///   - keys: distinct, and for a server in ascending order.
  ///   - subkey: of a collection that has subkeys, documents with a lesser one are left out.
  ///   - limit: bytes after which the answer may end, with a prefix of the keys, though never with none of them.
  ///   - arena: where the documents lie, unless the collection has them in memory for as long as it is open.
  func documents(
    of keys: [ByteView], since subkey: ByteView?, limit: Int, in arena: Arena
  ) throws(StoreError) -> [[BSONDocument]]

  /// Whether there is any document of each of these keys.
  func contains(_ keys: [ByteView]) throws(StoreError) -> [Bool]

  /// What names the version of each key's (first) document, as it is stored; nil where there is none.
  ///
  /// - Parameters:
  ///   - keys: as for ``documents(of:since:limit:in:)``.
  ///   - arena: where the values lie.
  func versions(of keys: [ByteView], in arena: Arena) throws(StoreError) -> [BSONValue?]

  /// Steps through all documents: in a directory in the order of the file, on a server by key, ascending.
  ///
  /// - Parameter updatedSince: a server leaves out documents whose `updated_at` is before it; in ms since 1970.
  func cursor(updatedSince: Int64?) throws(StoreError) -> any DocumentCursor

  /// Steps through the documents that a server is asked for; a directory gives all of all, but for
  /// ``Selection/leavesOutFound``.
  func cursor(over selection: Selection) throws(StoreError) -> any DocumentCursor

  /// The error for a document that cannot be read, with the place where it lies.
  func refusal(of key: ByteView, _ fault: BSONFault) -> StoreError

  /// Says that no document before this position is needed any more.
  func release(before position: Int)

  /// Where one of its documents begins in the file that holds the collection, in bytes; nil when there is no such file.
  func offset(of document: BSONDocument) -> Int?

  /// Gives the file that holds the collection as it was opened a second name, under which it outlives a commit.
  ///
  /// - Returns: the file; nil when there is none, or the file system cannot do it: then documents have to be copied.
  func linkFile(as path: String) throws(StoreError) -> LinkedFile?

  /// What tells the file that holds the collection now from any other, and from itself once it is written to; nil when
  /// there is none.
  func fileState() throws(StoreError) -> String?

  /// Starts to write. In a directory nothing is visible to others, or lost, before ``StoreWriter/commit()``.
  func beginWriting(_ order: WriteOrder) throws(StoreError) -> any StoreWriter
}

/// What is asked for, where not all of a collection is wanted: of a server, but for the last.
public struct Selection: Sendable {
  /// Documents whose `updated_at` is at or after this, in ms since 1970; nil for all.
  public var updatedSince: Int64?
  /// Documents with a time in this field that is at or before an instant in ms since 1970; nil for all.
  public var due: (field: StaticString, by: Int64)?
  /// The top-level fields that are wanted, besides those that name the document; empty for all.
  public var fields: [StaticString] = []
  /// Whether documents are left out that were found by their keys since the collection was opened: a directory knows
  /// them without another look at its file, a server gives them again.
  public var leavesOutFound = false

  public init() {}
}

/// A collection's file under a second name.
public struct LinkedFile: Sendable, Equatable {
  /// In bytes.
  public let size: Int
  /// Nanoseconds since 1970; another program that writes into the file changes it.
  public let modified: Int
}

extension StoredCollection {
  public func cursor(over selection: Selection) throws(StoreError) -> any DocumentCursor {
    try cursor(updatedSince: selection.updatedSince)
  }

  public func positions(of keys: [ByteView]) throws(StoreError) -> [Int?] { keys.map { position(of: $0) } }

  public func offset(of document: BSONDocument) -> Int? { nil }

  public func linkFile(as path: String) throws(StoreError) -> LinkedFile? { nil }

  public func fileState() throws(StoreError) -> String? { nil }

  public func versions(of keys: [ByteView], in arena: Arena) throws(StoreError) -> [BSONValue?] {
    // One that cannot be read has no version that anything could be told by.
    try documents(of: keys, in: arena).map { found in found.first.flatMap { try? $0.value(schema.version) } }
  }

  /// All stored documents of these keys: see ``documents(of:since:limit:in:)``.
  public func documents(
    of keys: [ByteView], limit: Int = .max, in arena: Arena
  ) throws(StoreError) -> [[BSONDocument]] {
    try documents(of: keys, since: nil, limit: limit, in: arena)
  }
}

/// In which order changes are handed to a writer.
public enum WriteOrder: Sendable {
  /// By position, then new ones in ascending order of key and subkey: on disk this costs no copy.
  case stored
  /// In any order, from one thread at a time.
  case any
}

/// Steps through documents in pieces. For one thread at a time.
public protocol DocumentCursor: AnyObject {
  /// The next documents: at least one, else as many as fit into these bytes; none at the end.
  ///
  /// - Parameter arena: where they lie, unless the collection has them in memory for as long as it is open.
  func next(upTo bytes: Int, in arena: Arena) throws(StoreError) -> [BSONDocument]
}

extension DocumentCursor {
  /// Hands on what is left in pieces of as many bytes. When the next piece comes, the arena has let go of the last.
  public func forEachBatch(
    upTo bytes: Int, in arena: Arena, _ body: ([BSONDocument]) throws(StoreError) -> Void
  ) throws(StoreError) {
    while true {
      arena.reset()
      let documents = try next(upTo: bytes, in: arena)
      if documents.isEmpty { return }
      try body(documents)
    }
  }

  /// Hands on what is left one by one. A document is not to be kept: it goes when the next piece comes.
  public func forEachDocument(_ body: (BSONDocument) throws(StoreError) -> Void) throws(StoreError) {
    try forEachBatch(upTo: 4 << 20, in: Arena()) { documents throws(StoreError) in
      for document in documents { try body(document) }
    }
  }
}

/// A document to be written in the place of the one it was computed from.
public struct DocumentChange {
  public let key: ByteView
  /// Of a collection that has subkeys.
  public let subkey: ByteView?
  /// The document as it was read; nil for a new one.
  public let stored: BSONDocument?
  /// What takes its place; nil removes it.
  public let document: BSONDocument?
  /// The top-level fields that differ from `stored`, where a server need be sent no others; empty: all of it is sent.
  public let changedFields: [StaticString]
  /// The checksum of `document`, if it was computed already: see `ChangeJournal`.
  public var digest: [UInt8]?

  public init(
    key: ByteView, subkey: ByteView? = nil, stored: BSONDocument?, document: BSONDocument?,
    changedFields: [StaticString] = []
  ) {
    self.key = key
    self.subkey = subkey
    self.stored = stored
    self.document = document
    self.changedFields = changedFields
  }
}

/// Writers who meet (docs/stores.md, *How conflicts are resolved*).
public enum Conflicts {
  /// How often a document is read and decided anew that somebody else writes each time, before it is left.
  public static let mostTries = 5
}

/// Takes a run's changes, batch by batch. For one thread at a time.
public protocol StoreWriter: AnyObject {
  /// - Returns: the indices of changes that were not made, because somebody else has written the document since it was
  ///   read: read it again. In a directory there is nobody else.
  func write(_ changes: [DocumentChange]) throws(StoreError) -> [Int]

  /// Makes every change durable and visible, after checking that no document of the old store is missing.
  func commit() throws(StoreError)

  /// Takes back what was not committed; a server keeps what it has.
  func abandon()
}
