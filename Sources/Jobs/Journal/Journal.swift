internal import BSON
internal import Digests
internal import Dispatch
internal import Glibc
public import Stores
public import Sync
internal import Synchronization

/// Keeps what a run replaces: `journal.bson` in the run's folder, and beside it the files of the store as they were.
///
/// On a directory it costs next to nothing: the old file of a collection gets a second name, `before/<collection>.bson`,
/// and a record says where in it a document lies. Where a link cannot be made, and for a server, the record holds the
/// document itself. Every record tells whether it is whole, so that a journal whose end is torn is good up to there.
///
/// There is no file before the first change.
public final class Journal: ChangeJournal, Sendable {
  private struct State: ~Copyable {
    var output: Output?
    var files: [JournalFile] = []
    var tree = MerkleTree()
    /// What the tree came to when the journal was sealed last.
    var sealed: (count: Int, written: Written?)?
    /// What was recorded from one seal to the next.
    var parts: [Part] = []
    /// Why the file's end is torn, or may be after a power cut.
    var failure: StoreError?

    /// Appends records, unless earlier ones are torn: nobody reads what stands behind them.
    mutating func write(_ records: [UInt8], to output: Output) throws(StoreError) {
      if let failure { throw failure }
      do throws(StoreError) { try output.file.write(records) } catch {
        failure = error
        throw error
      }
    }
  }

  /// What is recorded before a directory's files are replaced.
  private struct Part {
    /// Where it begins in the journal, in bytes.
    let start: Int
    /// How many changes and files were recorded before it.
    let changes, files: Int
    /// What told the file of each of its collections from any other; nil where there was none.
    var found: [String: String?] = [:]
    /// The numbers of these files, where they could be linked: the next part finds other ones.
    var linked: [String: Int] = [:]
    var isSealed = false
  }

  /// How many documents a run has written, and the root of the Merkle tree over them.
  typealias Written = (documents: Int, root: [UInt8])

  /// The open file.
  private final class Output: Sendable {
    let file: PosixFile
    init(_ file: consuming PosixFile) { self.file = file }
  }

  private let folder: RunFolder
  private let run: String
  private let store: String
  /// Asked before each batch whether the run may still write.
  private let permission: @Sendable () throws(StoreError) -> Void
  private let state = Mutex(State())
  private let sealing = DispatchGroup()

  /// - Parameter permission: throws when the run has lost the right to write.
  init(
    _ folder: RunFolder, run: String, store: String,
    permission: @escaping @Sendable () throws(StoreError) -> Void = { () throws(StoreError) in }
  ) {
    (self.folder, self.run, self.store, self.permission) = (folder, run, store, permission)
  }

  // MARK: Writing

  public func record(_ changes: [DocumentChange], of collection: any StoredCollection) throws(StoreError) {
    try append(changes, of: collection, areWithdrawn: false)
  }

  public func withdraw(_ changes: [DocumentChange], of collection: any StoredCollection) throws(StoreError) {
    try append(changes, of: collection, areWithdrawn: true)
  }

  public func seal() throws(StoreError) {
    guard let output = state.withLock({ $0.output }) else { return }
    // Beside the store's commit, which keeps one core busy.
    let tree = state.withLock { $0.tree }
    DispatchQueue.global().async(group: sealing) {
      let written = tree.root()
      self.state.withLock { $0.sealed = (tree.count, written) }
    }
    try output.file.synchronize()
    if state.withLock({ !$0.files.isEmpty }) { try synchronizeDirectory(folder.before) }
    try synchronizeDirectory(folder.path)
    try permission()
    state.withLock { state in
      if let last = state.parts.indices.last { state.parts[last].isSealed = true }
    }
  }

  /// Takes back what was recorded last of files that nobody has replaced since: nothing of it was written. For a run that
  /// did not end well, on a directory.
  func takeBack(in store: DirectoryStore) {
    state.withLock { state in
      do throws(StoreError) {
        var first: Part?
        for part in state.parts.reversed() {
          if try Self.isWritten(part, in: store) { break }
          first = part
        }
        guard let first, let output = state.output else { return }
        try output.file.truncate(to: first.start)
        if first.changes == 0 { removeFile(folder.journal) }
        state.tree.removeAll(after: first.changes)
        for file in state.files[first.files...] { removeFile(folder.path + "/" + file.name) }
        state.files.removeSubrange(first.files...)
      } catch {
        // Then the journal names documents that the run did not come to write, as it may for a server.
      }
    }
  }

  /// Whether one of its files was replaced.
  private static func isWritten(_ part: Part, in store: DirectoryStore) throws(StoreError) -> Bool {
    for (collection, found) in part.found {
      if try store.fileState(of: collection) != found { return true }
    }
    return false
  }

  private func append(
    _ changes: [DocumentChange], of collection: any StoredCollection, areWithdrawn: Bool
  ) throws(StoreError) {
    guard !changes.isEmpty else { return }
    // Who has lost the right to write must not write here either: another attempt may have the journal.
    try permission()
    let (output, file) = try prepared(for: collection)
    let records = changes.map { record($0, of: collection, in: file, isWithdrawn: areWithdrawn) }
    var writer = BSONWriter(capacity: records.reduce(0) { $0 + 256 + $1.stored })
    var sum = Checksum()
    for record in records { record.write(to: &writer, &sum) }
    if let free = output.file.room(), free < writer.count {
      throw .noRoom(path: output.file.path, needed: Int64(writer.count), free: free)
    }
    let bytes = writer.view.copy()
    // Once more, for that took its time.
    try permission()
    let failure = state.withLock { state -> StoreError? in
      do throws(StoreError) { try state.write(bytes, to: output) } catch { return error }
      // What could not be recorded is not written.
      for record in records { state.tree.add(record) }
      return nil
    }
    if let failure { throw failure }
    guard !collection.hasOneWriter else { return }
    do throws(StoreError) { try output.file.synchronize() } catch {
      state.withLock { $0.failure = error }
      throw error
    }
  }

  /// - Parameter file: the number of the collection's old file, where it could be linked.
  private func record(
    _ change: DocumentChange, of collection: any StoredCollection, in file: Int?, isWithdrawn: Bool
  ) -> JournalChange {
    var before = JournalChange.Before.nothing
    if let stored = change.stored, !isWithdrawn {
      if let file, let offset = collection.offset(of: stored) {
        before = .place(file: file, offset: offset, length: stored.bytes.count)
      } else {
        before = .document(stored)
      }
    }
    var record = JournalChange(
      collection: collection.schema.name, key: change.key, subkey: change.subkey, before: before,
      written: change.digest ?? change.document.map(digest))
    record.isWithdrawn = isWithdrawn
    return record
  }

  /// The open journal, and the number of the collection's old file if it could be linked.
  private func prepared(for collection: any StoredCollection) throws(StoreError) -> (Output, Int?) {
    try state.withLock { state -> Result<(Output, Int?), StoreError> in
      Result { () throws(StoreError) in
        let output: Output
        if let known = state.output { output = known } else { output = try self.begin(&state) }
        state.output = output
        if state.parts.last?.isSealed ?? true {
          let start = try output.file.status().size
          state.parts.append(Part(start: start, changes: state.tree.count, files: state.files.count))
        }
        let (part, name) = (state.parts.count - 1, collection.schema.name)
        if state.parts[part].found[name] == nil {
          state.parts[part].linked[name] = try self.link(collection, output, &state)
          state.parts[part].found.updateValue(try collection.fileState(), forKey: name)
        }
        return (output, state.parts[part].linked[name])
      }
    }.get()
  }

  /// Opens the journal: a new one, or behind what is whole of an earlier attempt of the same run.
  private func begin(_ state: inout State) throws(StoreError) -> Output {
    let end = try takeOver(&state)
    // Where nothing is whole it is made anew: an earlier attempt that was frozen just before it wrote has the old file.
    if end == 0 { removeFile(folder.journal) }
    let flags = end == 0 ? O_CREAT | O_EXCL : 0
    let file = try PosixFile(folder.journal, O_RDWR | O_APPEND | flags, mode: 0o600, operation: "create")
    if end > 0 {
      try file.truncate(to: end)
    } else {
      var writer = BSONWriter()
      var sum = Checksum()
      let start = writer.open()
      writer.append("journal", integer: JournalRecord.version)
      writer.append("run_id", string: run)
      writer.append("store", string: store)
      JournalRecord.close(start, in: &writer, &sum)
      try file.write(writer.view.copy())
    }
    return Output(file)
  }

  /// Reads what an earlier attempt of the same run has left.
  ///
  /// - Returns: where that ends in the journal, in bytes.
  private func takeOver(_ state: inout State) throws(StoreError) -> Int {
    guard let earlier = try JournalReader(ifPresent: folder) else { return 0 }
    for change in earlier.changes() { state.tree.add(change) }
    state.files = earlier.files
    return earlier.end
  }

  /// - Returns: the number of the collection's old file; nil where it cannot be linked.
  private func link(
    _ collection: any StoredCollection, _ output: Output, _ state: inout State
  ) throws(StoreError) -> Int? {
    guard collection.hasOneWriter else { return nil }
    let name = collection.schema.name
    // The file of an earlier attempt, or of an earlier step, may be an older one than what is in the store now.
    if let known = state.files.last(where: { $0.collection == name }),
      try collection.linkFile(as: folder.path + "/" + known.name) != nil
    {
      return known.number
    }
    // Not how many there are: what forgetting somebody has left may lack one.
    let number = (state.files.map(\.number).max() ?? -1) + 1
    try makeDirectory(folder.before, mode: 0o700)
    let isFirst = !state.files.contains { $0.collection == name }
    let place = "before/\(name)\(isFirst ? "" : ".\(number)").bson"
    guard let linked = try collection.linkFile(as: folder.path + "/" + place) else { return nil }
    let file = JournalFile(
      number: number, collection: name, name: place, size: linked.size, modified: linked.modified)
    var writer = BSONWriter()
    var sum = Checksum()
    file.write(to: &writer, &sum)
    try state.write(writer.view.copy(), to: output)
    state.files.append(file)
    return number
  }

  // MARK: What was written

  /// What the run has written, in all its attempts; nil when that is nothing.
  var written: Written? {
    sealing.wait()
    return state.withLock { state in
      if state.output == nil {
        // This attempt has recorded nothing; a journal that cannot be read tells of no other.
        do throws(StoreError) { _ = try takeOver(&state) } catch { return nil }
      }
      if let sealed = state.sealed, sealed.count == state.tree.count { return sealed.written }
      return state.tree.root()
    }
  }
}
