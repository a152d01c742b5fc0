internal import BSON
internal import Digests
internal import Glibc
internal import Library
internal import Stores
internal import Synchronization

/// Where a run keeps which users are settled, and what else their merge depends on.
public struct SettledPlace: Sendable {
  /// How the paths of its files begin, one for each scope. They may be removed at any time.
  public var prefix: String
  /// The store, and everything else that decides a merge and is not said by ``MergeParameters`` and ``Limits``.
  public var scope: String

  /// Whether there is any file.
  public var hasFiles: Bool

  public init(prefix: String, scope: String, hasFiles: Bool) {
    self.prefix = prefix
    self.scope = scope
    self.hasFiles = hasFiles
  }
}

/// Users whose dumps say nothing that their library does not know, and what a run has to tell of them.
///
/// Most people's dumps are those of the night before, and merging them again ends where it ended then: the merge is a
/// function of dumps, library, parameters and clock. So a run notes every user whom it leaves unchanged, and a later one
/// that meets the same dumps and the same library takes over what was counted, without reading either. It leaves the
/// same files as a run without: `SettledTests` hold it to that.
///
/// The *same dumps* have the same checksums. The *same library* is, in a directory, in a file that no other program has
/// written since; on a server it has the same `updated_at`, by which the live API's writes are told as well. The *clock*
/// may be later: nobody is noted of whom it could bring anything to light, that is, who has a dump from the future,
/// something in quarantine, or a tombstone.
///
/// The file holds documents one after another: a record for each user, then what they are about and a checksum of it
/// all. One that is torn, or about something else, counts for nothing, and nothing is lost with it but time.
final class SettledUsers: Sendable {
  /// To be raised with every change of the merge's rules or of what is counted.
  private static let version: Int32 = 1

  private let path: String
  private let scope: String
  private let earlier: SettledFile?
  private let state: Mutex<State>

  private struct State: ~Copyable {
    /// Whether a record of the earlier file still holds, by its place.
    var holds: [Bool]
    /// The next run's file, from the first record on.
    var file: PartialFile?
    /// Whether it could not be written.
    var isGivenUp = false
    var sum = Checksum()

    mutating func append(_ bytes: ByteView) throws(StoreError) {
      unsafe bytes.withUnsafeBytes { unsafe sum.update($0) }
      try file?.append(bytes)
    }
  }

  /// - Parameters:
  ///   - library: as it is now; nobody but this run writes to a directory's.
  ///   - plays: likewise.
  init(
    _ place: SettledPlace, _ options: SyncOptions, library: any StoredCollection, plays: any StoredCollection
  ) throws(StoreError) {
    scope = Self.scope(place, options)
    path = place.prefix + hexadecimal(sha256(Array(scope.utf8)).prefix(8))
    let about = try Self.about(scope, library, plays)
    earlier = SettledFile(path, about: about)
    var holds = [Bool](repeating: true, count: earlier?.count ?? 0)
    for place in earlier?.hidden ?? [] { holds[place] = false }
    state = Mutex(State(holds: holds))
  }

  /// Everything besides dumps and libraries that a merge depends on, but for the clock.
  private static func scope(_ place: SettledPlace, _ options: SyncOptions) -> String {
    var parameters = options.parameters
    parameters.asOf = 0
    return "\(version) \(place.scope) \(parameters) \(options.limits)"
  }

  private static func about(
    _ scope: String, _ library: any StoredCollection, _ plays: any StoredCollection
  ) throws(StoreError) -> [UInt8] {
    var writer = BSONWriter()
    let start = writer.open()
    writer.append("scope", string: scope)
    writer.append("user_library", string: try library.fileState() ?? "")
    writer.append("play_archive", string: try plays.fileState() ?? "")
    writer.close(start)
    return writer.view.copy()
  }

  // MARK: Asking

  /// Whether a user with these dumps is most likely known.
  func mayKnow(_ id: [UInt8], with dumps: DumpsPrint) -> Bool {
    guard let earlier, let place = id.withView({ earlier.place(of: $0) }) else { return false }
    let content = (try? earlier.record(at: place).value("content"))?.binary
    return content.map { content in dumps.content.withView { $0 == content } } ?? false
  }

  /// What is known of a user with these dumps; nil for one who has to be merged, and of whom nothing is known any more.
  ///
  /// - Parameters:
  ///   - dumps: nil where something besides dumps is merged.
  ///   - clock: of this run, in milliseconds since 1970.
  ///   - needsPlays: whether the user's plays are counted.
  func user(_ id: ByteView, with dumps: DumpsPrint?, at clock: Int64, needsPlays: Bool) -> SettledUser? {
    guard let earlier, let place = earlier.place(of: id), state.withLock({ $0.holds[place] }) else { return nil }
    if let dumps, let user = SettledUser(earlier.record(at: place), place: place), user.id == id, user.noted <= clock,
      user.content == dumps.content, user.stamped == nil || user.stamped == dumps.stamped,
      user.plays != nil || !needsPlays
    {
      return user
    }
    drop(place)
    return nil
  }

  /// Notes that a user's library is another one now.
  func drop(_ user: SettledUser) { drop(user.place) }

  private func drop(_ place: Int) { state.withLock { $0.holds[place] = false } }

  // MARK: Noting

  /// Takes records of users whom this run has left unchanged. From any thread.
  func note(_ records: borrowing BSONWriter) {
    let bytes = records.view
    guard !bytes.isEmpty else { return }
    state.withLock { state in
      attempt(&state) { state throws(StoreError) in
        try begin(&state)
        try state.append(bytes)
      }
    }
  }

  /// Puts the file for the next run in its place. Call when everything else is in its own.
  func commit(_ library: any StoredCollection, _ plays: any StoredCollection) throws(StoreError) {
    let about = try Self.about(scope, library, plays)
    state.withLock { state in
      // Nothing to say, or nothing else than before.
      let isSaid = earlier == nil || earlier?.about == about && state.holds.allSatisfy(\.self)
      if state.file == nil, isSaid { return }
      attempt(&state) { state throws(StoreError) in
        try begin(&state)
        for place in state.holds.indices where state.holds[place] {
          if let earlier { try state.append(earlier.record(at: place).bytes) }
        }
        try about.withView { bytes in
          Result { () throws(StoreError) in try state.append(bytes) }
        }.get()
        var end = BSONWriter(capacity: 64)
        let start = end.open()
        state.sum.finish().withView { end.append(SettledFile.sum, binary: $0) }
        end.close(start)
        // Not brought to disk: what a power cut leaves of it is told by its checksum.
        try state.file?.append(end.view)
        try state.file?.replace(path)
      }
    }
  }

  private func begin(_ state: inout State) throws(StoreError) {
    guard state.file == nil, !state.isGivenUp else { return }
    state.file = try PartialFile(path + ".partial", mode: 0o600)
  }

  /// A file that cannot be written is no reason to fail a run whose work is done without it.
  private func attempt(_ state: inout State, _ body: (inout State) throws(StoreError) -> Void) {
    do throws(StoreError) { try body(&state) } catch { (state.file, state.isGivenUp) = (nil, true) }
  }
}

/// What tells the dumps of a user from all others, in any order.
struct DumpsPrint: Sendable {
  /// Of their texts.
  let content: [UInt8]
  /// Of their texts, and of when their files were modified.
  let stamped: [UInt8]

  /// Nil where a guest's library is merged too.
  ///
  /// - Parameter checksum: of the text of a dump that has none yet; nil gives it up.
  init?(_ dumps: [GroupedDump], checksum: ([UInt8]) -> [UInt8]? = { _ in nil }) {
    var prints: [(content: [UInt8], stamped: [UInt8])] = []
    for dump in dumps {
      guard dump.guest == nil, let content = dump.checksum ?? checksum(dump.text) else { return nil }
      let time = dump.modifiedAt ?? .min
      prints.append((content, content + (0..<8).map { UInt8(truncatingIfNeeded: time >> (8 * $0)) }))
    }
    if let only = prints.first, prints.count == 1 {
      (content, stamped) = only
    } else {
      (content, stamped) = (Self.digest(prints.map(\.content)), Self.digest(prints.map(\.stamped)))
    }
  }

  /// Of prints in any order.
  private static func digest(_ prints: [[UInt8]]) -> [UInt8] {
    var sum = Checksum()
    for print in prints.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      unsafe print.withUnsafeBytes { unsafe sum.update($0) }
    }
    return sum.finish()
  }
}

/// A user of whom a merge has changed nothing, and what it had to report.
struct SettledUser {
  let id: ByteView
  /// Of the dumps: see ``DumpsPrint``.
  let content: [UInt8]
  /// The same with the files' times, where a dump does not say itself when it was made.
  let stamped: [UInt8]?
  /// The clock of the run that has noted it, in milliseconds since 1970.
  let noted: Int64
  /// The library's `updated_at` on a server, in milliseconds since 1970.
  let version: Int64?
  let dumps: Int
  let fates: EntryFates
  /// What the user adds to the tally of plays; nil where the run kept none.
  let plays: PlayTally.Share?
  /// Which record of its file it is.
  fileprivate var place = 0

  init(
    id: ByteView, content: [UInt8], stamped: [UInt8]?, noted: Int64, version: Int64?, dumps: Int, fates: EntryFates,
    plays: PlayTally.Share?
  ) {
    (self.id, self.content, self.stamped) = (id, content, stamped)
    (self.noted, self.version, self.dumps, self.fates, self.plays) = (noted, version, dumps, fates, plays)
  }

  func write(to writer: inout BSONWriter) {
    let start = writer.open()
    writer.append("user", string: id)
    content.withView { writer.append("content", binary: $0) }
    stamped?.withView { writer.append("stamped", binary: $0) }
    writer.append("noted", date: noted)
    if let version { writer.append("version", date: version) }
    writer.append("dumps", integer: Int64(dumps))
    writer.append("read", integer: Int64(fates.read))
    writer.append("kept", integer: Int64(fates.kept))
    writer.append("merged", integer: Int64(fates.merged))
    writer.append("superseded", integer: Int64(fates.superseded))
    writer.append("beyond_limit", integer: Int64(fates.beyondLimit))
    plays?.write(to: &writer)
    writer.close(start)
  }

  fileprivate init?(_ record: BSONDocument, place: Int) {
    do throws(BSONFault) {
      func count(_ key: StaticString) throws(BSONFault) -> Int { Int(try record.value(key)?.integer ?? 0) }
      guard let id = try record.value("user")?.string, let content = try record.value("content")?.binary?.copy(),
        let noted = try record.value("noted")?.date
      else { return nil }
      var fates = EntryFates()
      fates.read = try count("read")
      fates.kept = try count("kept")
      fates.merged = try count("merged")
      fates.superseded = try count("superseded")
      fates.beyondLimit = try count("beyond_limit")
      self.init(
        id: id, content: content, stamped: try record.value("stamped")?.binary?.copy(), noted: noted,
        version: try record.value("version")?.date, dumps: try count("dumps"), fates: fates,
        plays: try PlayTally.Share(record))
      self.place = place
    } catch {
      return nil
    }
  }
}

/// The file of an earlier run, mapped.
private final class SettledFile: Sendable {
  static let sum: StaticString = "sum"

  /// What its records are about.
  let about: [UInt8]
  private let mapping: MappedFile
  /// Where each record begins, in bytes.
  private let offsets: [Int]
  /// The record of each user, by the id's fingerprint.
  private let places: [UInt64: Int]
  /// Records that are not found, because a later one has the same fingerprint.
  let hidden: [Int]

  var count: Int { offsets.count }

  /// Nil when there is none, or none that is whole and about the same.
  init?(_ path: String, about: [UInt8]) {
    do throws(StoreError) {
      guard let mapping = try MappedFile.ifPresent(path), let offsets = Self.offsets(mapping.bytes, about: about)
      else { return nil }
      self.mapping = mapping
      self.offsets = offsets
    } catch {
      return nil
    }
    self.about = about
    var (places, hidden): ([UInt64: Int], [Int]) = ([:], [])
    places.reserveCapacity(offsets.count)
    for (place, offset) in offsets.enumerated() {
      guard let id = (try? Self.document(mapping.bytes, at: offset)?.value("user"))?.string else { return nil }
      if let before = places.updateValue(place, forKey: id.fingerprint) { hidden.append(before) }
    }
    (self.places, self.hidden) = (places, hidden)
  }

  /// Where the records begin.
  private static func offsets(_ bytes: ByteView, about: [UInt8]) -> [Int]? {
    var offsets: [Int] = []
    var offset = 0
    while offset < bytes.count {
      guard let document = document(bytes, at: offset) else { return nil }
      offsets.append(offset)
      offset += document.bytes.count
    }
    guard let end = offsets.popLast(), let start = offsets.popLast() else { return nil }
    var sum = Checksum()
    unsafe bytes.slice(0, end).withUnsafeBytes { unsafe sum.update($0) }
    let written = (try? document(bytes, at: end)?.value(Self.sum))?.binary?.copy()
    guard written == sum.finish(), bytes.slice(start, end - start).copy() == about else { return nil }
    return offsets
  }

  private static func document(_ bytes: ByteView, at offset: Int) -> BSONDocument? {
    guard bytes.count - offset >= 5 else { return nil }
    let length = Int(bytes.load(offset, as: Int32.self))
    guard 5...(bytes.count - offset) ~= length else { return nil }
    return try? BSONDocument(bytes.slice(offset, length))
  }

  func place(of user: ByteView) -> Int? { places[user.fingerprint] }

  /// - Parameter place: one of `0..<count`.
  func record(at place: Int) -> BSONDocument {
    Self.document(mapping.bytes, at: offsets[place]) ?? .empty
  }
}
