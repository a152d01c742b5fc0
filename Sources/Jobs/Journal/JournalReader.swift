internal import BSON
internal import Digests
internal import Stores
internal import Sync

/// Reads the journal of a run, as far as it is whole.
///
/// Views of records and documents hold as long as this object lives.
final class JournalReader {
  /// The files of the store as they were before the run.
  let files: [JournalFile]
  /// Where what is whole ends, in bytes.
  let end: Int
  /// Whether more follows, which is torn.
  let isTorn: Bool

  /// The first record as it stands.
  let header: [UInt8]

  private let folder: RunFolder
  private let mapping: MappedFile
  /// Where the records of changes begin.
  private let offsets: [Int]
  private var old: [Int: MappedFile] = [:]

  /// Opens the journal of a run; nil when the run has none.
  init?(ifPresent folder: RunFolder) throws(StoreError) {
    guard let mapping = try MappedFile.ifPresent(folder.journal) else { return nil }
    var (files, offsets, offset): ([JournalFile], [Int], Int) = ([], [], 0)
    scan: while let record = mapping.bytes.document(at: offset) {
      switch JournalRecord(record) {
      case .header: break
      case .file(let file): files.append(file)
      case .change: offsets.append(offset)
      case nil: break scan
      }
      offset += record.bytes.count
    }
    self.folder = folder
    self.mapping = mapping
    header = mapping.bytes.document(at: 0)?.bytes.copy() ?? []
    (self.files, self.offsets) = (files, offsets)
    end = offset
    isTorn = offset < mapping.bytes.count
  }

  private func change(at offset: Int) -> JournalChange? {
    guard let record = mapping.bytes.document(at: offset), case .change(let change) = JournalRecord(record)
    else { return nil }
    return change
  }

  /// All changes in the order in which they were recorded.
  func changes() -> some Sequence<JournalChange> { offsets.lazy.compactMap { self.change(at: $0) } }

  /// What the run did to a document, all its attempts taken together.
  struct Outcome {
    let collection: String
    let key: ByteView
    let subkey: ByteView?
    /// What was there before; nil when nothing was.
    let before: BSONDocument?
    /// The digest of what the run left there (docs/runs.md); nil when it removed the document.
    let written: [UInt8]?
  }

  /// What the run did, document by document: by collection, then key, then subkey.
  func outcomes() throws(StoreError) -> [Outcome] {
    let changes = offsets.compactMap { change(at: $0) }
    let order = changes.indices.sorted { a, b in
      let (one, other) = (changes[a], changes[b])
      if one.collection != other.collection { return one.collection < other.collection }
      if one.key != other.key { return one.key < other.key }
      let (subkey, otherSubkey) = (one.subkey ?? .empty, other.subkey ?? .empty)
      return subkey != otherSubkey ? subkey < otherSubkey : a < b
    }
    var outcomes: [Outcome] = []
    var group: [JournalChange] = []
    for place in order {
      let change = changes[place]
      if let first = group.first, !first.isOfSameDocument(as: change) {
        if let outcome = try outcome(of: group) { outcomes.append(outcome) }
        group = []
      }
      group.append(change)
    }
    if let outcome = try outcome(of: group) { outcomes.append(outcome) }
    return outcomes
  }

  /// - Parameter group: the records of one document, in their order.
  private func outcome(of group: [JournalChange]) throws(StoreError) -> Outcome? {
    var made: [JournalChange] = []
    for change in group { made.take(change, isWithdrawn: change.isWithdrawn) { $0.written == change.written } }
    guard let last = made.last else { return nil }
    var before = try document(last.before)
    // A run that wrote a document twice has to give back what was there before the first time, unless somebody else
    // wrote in between.
    for earlier in made.dropLast().reversed() {
      guard earlier.written == before.map(digest) else { break }
      before = try document(earlier.before)
    }
    return Outcome(
      collection: last.collection, key: last.key, subkey: last.subkey, before: before, written: last.written)
  }

  // MARK: The store as it was

  func document(_ before: JournalChange.Before) throws(StoreError) -> BSONDocument? {
    switch before {
    case .nothing: return nil
    case .document(let document): return document
    case .place(let number, let offset, let length):
      let bytes = try oldFile(number)
      let place = folder.path + "/" + (files.first { $0.number == number }?.name ?? "before")
      guard length >= 5, offset >= 0, length <= bytes.count - offset,
        let document = try? BSONDocument(bytes.slice(offset, length))
      else { throw .refused(path: place, offset: Int64(offset), why: "no document where the journal names one") }
      return document
    }
  }

  private func oldFile(_ number: Int) throws(StoreError) -> ByteView {
    if let known = old[number] { return known.bytes }
    guard let file = files.last(where: { $0.number == number }) else {
      throw .refused(path: folder.journal, offset: 0, why: "it names a file that it does not know")
    }
    let path = folder.path + "/" + file.name
    guard let mapping = try MappedFile.ifPresent(path) else {
      throw .refused(path: path, offset: 0, why: "the store's old file is missing")
    }
    guard mapping.status.size == file.size, mapping.status.modified == file.modified else {
      throw .refused(path: path, offset: 0, why: "another program has changed the store's old file")
    }
    old[number] = mapping
    return mapping.bytes
  }
}

extension JournalReader? {
  /// Whether it names just the documents that a manifest says that the run has written; nil where the manifest does not
  /// say.
  func holds(_ written: Manifest.Written?) -> Bool? {
    guard let written else { return nil }
    guard let journal = self else { return written.documents == 0 }
    var tree = MerkleTree()
    for change in journal.changes() { tree.add(change) }
    return written.root == tree.root().map { hexadecimal($0.root) }
  }
}
