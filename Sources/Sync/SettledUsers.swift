internal import BSON
internal import Digests
internal import Glibc
internal import Library
internal import Stores
internal import Synchronization

/// Users whose dumps say nothing that their library does not know, and what a run has to tell of them.
///
/// Most people's dumps are those of the night before, and merging them once more changes nothing. So a run notes what that
/// would count (``MergeOutcome/again``), and a later one that meets the same dumps and the same library takes it over,
/// without reading either. It leaves the same files as a run without: `SettledTests` hold it to that. It also notes whose
/// plays are all in the archive, so that a later run need not compare the library's with it.
///
/// The *same dumps* have the same checksums. The *same library* is, in a directory, in a file that no other program has
/// written since; on a server it has the same `updated_at`, by which the live API's writes are told as well. The *clock*
/// may be later, by as long as a share of the tally can be kept.
///
/// The file holds documents one after another: a record for each user, then what they are about and a checksum of it
/// all. One that is torn, or about something else, counts for nothing, and nothing is lost with it but time.
final class SettledUsers: Sendable {
  private let place: SettledPlace
  private let passesOver: Bool
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
  ///   - passesOver: whether users who are settled need not be merged.
  init(
    _ place: SettledPlace, library: any StoredCollection, plays: any StoredCollection, passesOver: Bool
  ) throws(StoreError) {
    (self.place, self.passesOver) = (place, passesOver)
    let about = try Self.about(place.scope, library, plays)
    earlier = place.earlier.flatMap { SettledFile($0, about: about) }
    var holds = [Bool](repeating: true, count: earlier?.count ?? 0)
    for place in earlier?.hidden ?? [] { holds[place] = false }
    state = Mutex(State(holds: holds))
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
    guard passesOver, let earlier, let place = id.withView({ earlier.place(of: $0) }) else { return false }
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
    if passesOver, let dumps, let user = SettledUser(earlier.record(at: place), place: place), user.id == id,
      user.noted <= clock,
      user.content == dumps.content, user.stamped == nil || user.stamped == dumps.stamped,
      user.plays != nil && clock - user.noted <= PlayTally.Share.lifetime || !needsPlays
    {
      return user
    }
    drop(place)
    return nil
  }

  /// Whether the archive is known to have all plays of a user's library.
  ///
  /// - Parameter version: of the library, on a server, in milliseconds since 1970.
  func hasArchived(_ id: ByteView, _ version: Int64?) -> Bool {
    guard let earlier, let place = earlier.place(of: id),
      let user = SettledUser(earlier.record(at: place), place: place), user.id == id
    else { return false }
    return user.isArchived && user.version == version
  }

  /// Notes that a user's library is another one now.
  func drop(_ user: SettledUser) { drop(user.place) }

  private func drop(_ place: Int) { state.withLock { $0.holds[place] = false } }

  // MARK: Noting

  /// Takes users of whom everything is written. From any thread.
  func note(_ users: [MergedUser]) {
    var records = BSONWriter()
    for user in users where user.archiveReports.isEmpty { user.settles?.write(to: &records) }
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
  func commit(_ library: any StoredCollection, _ plays: any StoredCollection) {
    state.withLock { state in
      attempt(&state) { state throws(StoreError) in
        let about = try Self.about(place.scope, library, plays)
        if state.file == nil {
          guard let earlier else { return }
          if earlier.about == about, state.holds.allSatisfy(\.self) { return try place.takeOver() }
        }
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
        try state.file?.replace(place.path)
        place.removeEarlier()
      }
    }
  }

  /// Takes back what was to be the file for the next run.
  func abandon() { state.withLock { ($0.file, $0.isGivenUp) = (nil, true) } }

  private func begin(_ state: inout State) throws(StoreError) {
    guard state.file == nil, !state.isGivenUp else { return }
    if isPlanted("settled") { throw .inputOutput(path: place.path, operation: "create", code: EIO) }
    state.file = try PartialFile(place.path + ".partial", mode: 0o600)
  }

  /// A file that cannot be written is no reason to fail a run whose work is done without it.
  private func attempt(_ state: inout State, _ body: (inout State) throws(StoreError) -> Void) {
    do throws(StoreError) { try body(&state) } catch { (state.file, state.isGivenUp) = (nil, true) }
  }
}
