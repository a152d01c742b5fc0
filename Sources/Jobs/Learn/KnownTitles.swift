internal import BSON
internal import Glibc
internal import Learning
internal import Stores

/// Who has plays or favourites under `t:` keys, as a run leaves it for the next: how that finds those whose figures
/// change because such a key begins or ceases to count as a `v:` song, although nothing of theirs has changed.
///
/// A file in the state folder, for each store one: a document that says of which run it is and what catalogue that left,
/// then users one after another, each with the marks of their keys, and nobody at the end. Who has no such key is not in
/// it. Where it is missing, torn, or another run's than the one that is gone on from, anybody may have any key: nothing is
/// lost with it but time.
final class KnownTitles: Sendable {
  private static let version: Int32 = 1
  /// What a user takes in the file beside their id and the marks of their keys, in bytes.
  private static let bytesOfUser = 8
  /// What is read at once, in bytes: more than any user takes who has not listened to a million titles.
  private static let readLimit = 1 << 22

  /// What the names of these files begin with.
  static let prefix = "titles-"

  /// The file of a store in a state folder, which may be that of several.
  static func path(state: String, store: String) -> String {
    StateFile.path(state: state, prefix: prefix, store: store)
  }

  /// The print of the catalogue that the run left: see ``TitleChanges/after``.
  let catalogue: UInt64
  private let file: PosixFile
  /// Where the users begin, in bytes.
  private let start: Int

  /// Opens the file; nil when there is none of this run that is whole.
  static func open(_ path: String, of run: RunStamp) throws(StoreError) -> KnownTitles? {
    do throws(StoreError) {
      guard let known = try KnownTitles(PosixFile(path, O_RDONLY), of: run) else { return nil }
      return try known.forEachUser { _ in } ? known : nil
    } catch .inputOutput(_, _, ENOENT) {
      return nil
    }
  }

  private init?(_ file: consuming PosixFile, of run: RunStamp) throws(StoreError) {
    let bytes = try file.read(upTo: Self.readLimit, at: 0)
    let header = bytes.withView { try? Self.header($0) }
    guard let header, header.run == run else { return nil }
    (catalogue, start) = (header.catalogue, header.length)
    self.file = file
  }

  private static func header(
    _ bytes: ByteView
  ) throws(BSONFault) -> (run: RunStamp, catalogue: UInt64, length: Int)? {
    guard let document = bytes.document(at: 0), let run = try RunStamp(document, version: version),
      let catalogue = try document.value("catalogue")?.integer
    else { return nil }
    return (run, UInt64(bitPattern: catalogue), document.bytes.count)
  }

  /// A user in the file.
  struct User {
    let id: ByteView
    /// One after another, ascending.
    fileprivate let marks: ByteView

    /// Whether the user has a key of one of these marks.
    func hasKey(of marks: TitleMarks) -> Bool {
      stride(from: 0, to: self.marks.count, by: 4).contains { offset in
        marks.contains(TitleMark(rawValue: self.marks.load(offset, as: UInt32.self)))
      }
    }
  }

  /// Hands on every user; views hold for the time of the call.
  ///
  /// - Returns: whether the file is whole.
  @discardableResult
  func forEachUser(_ use: (User) throws(StoreError) -> Void) throws(StoreError) -> Bool {
    var offset = start
    while true {
      let bytes = try file.read(upTo: Self.readLimit, at: offset)
      let (used, isEnd) = try bytes.withView { bytes in
        Result { () throws(StoreError) in try Self.forEachUser(in: bytes, use) }
      }.get()
      if isEnd { return used == bytes.count }
      guard used > 0 else { return false }
      offset += used
    }
  }

  /// - Returns: how many bytes the whole users at the beginning take, and whether the last of them is nobody.
  private static func forEachUser(
    in bytes: ByteView, _ use: (User) throws(StoreError) -> Void
  ) throws(StoreError) -> (used: Int, isEnd: Bool) {
    var offset = 0
    while offset + bytesOfUser <= bytes.count {
      let idLength = Int(bytes.load(offset, as: UInt32.self))
      let marksLength = 4 * Int(bytes.load(offset + 4, as: UInt32.self))
      guard offset + bytesOfUser + idLength + marksLength <= bytes.count else { break }
      offset += bytesOfUser
      let user = User(id: bytes.slice(offset, idLength), marks: bytes.slice(offset + idLength, marksLength))
      offset += idLength + marksLength
      if user.marks.isEmpty { return (offset, true) }
      try use(user)
    }
    return (offset, false)
  }

  // MARK: The next run's

  /// The file for the next run, which takes the place of this one's once that has written everything else.
  struct Writer: Sendable {
    private let file: StateFile
    /// Of the descriptions in the run's facts.
    let table: TitleTable

    init(_ path: String, of run: RunStamp, catalogue: UInt64, _ table: TitleTable) throws(StoreError) {
      var writer = BSONWriter()
      run.write(version: KnownTitles.version, to: &writer) {
        $0.append("catalogue", integer: Int64(bitPattern: catalogue))
      }
      file = try StateFile(path, header: writer.view)
      self.table = table
    }

    /// Writes what a batch noted; order means nothing. From any thread.
    func append(_ users: borrowing Notes) throws(StoreError) { try file.append(users.writer.view) }

    /// Writes the users of another run's file, but for those of whom this one notes something itself.
    func append(_ known: KnownTitles, without others: Set<UInt64>) throws(StoreError) {
      var notes = Notes()
      try known.forEachUser { user throws(StoreError) in
        if !others.contains(user.id.fingerprint) { notes.add(user) }
        guard notes.writer.count >= 1 << 16 else { return }
        try append(notes)
        notes.writer.removeAll()
      }
      try append(notes)
    }

    func commit() throws(StoreError) {
      var end = Notes()
      end.put(.empty, [])
      try append(end)
      try file.commit()
    }
  }

  /// What a batch has to say for the next run.
  struct Notes: ~Copyable {
    fileprivate var writer = BSONWriter(capacity: 1024)

    /// - Parameter marks: of the user's keys, each once, ascending.
    mutating func add(_ id: ByteView, _ marks: [TitleMark]) {
      if !marks.isEmpty { put(id, marks) }
    }

    fileprivate mutating func put(_ id: ByteView, _ marks: [TitleMark]) {
      putLengths(id, marks.count)
      for mark in marks { writer.put(mark.rawValue) }
    }

    fileprivate mutating func add(_ user: User) {
      putLengths(user.id, user.marks.count / 4)
      writer.put(bytes: user.marks)
    }

    private mutating func putLengths(_ id: ByteView, _ marks: Int) {
      writer.put(UInt32(truncatingIfNeeded: id.count))
      writer.put(UInt32(truncatingIfNeeded: marks))
      writer.put(bytes: id)
    }
  }
}
