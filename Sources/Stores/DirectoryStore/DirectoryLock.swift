internal import FoundationEssentials
internal import Glibc

/// The right to write into a store's directory: one run at a time has it, for as long as this value lives.
///
/// The kernel takes it back when the process dies, however it dies, so no lock is ever stale. The file
/// `.mixdown.lock` stays behind and says who had it last; it is the lock on it that counts, not its being there.
public final class DirectoryLock: Sendable {
  /// The locked directory.
  public let directory: String
  private let file: PosixFile

  /// Locks the directory at once or not at all; makes it when it does not exist.
  ///
  /// - Parameter run: who asks, for the message that a second one gets.
  /// - Throws: ``StoreError/locked(path:holder:)`` naming the holder; `inputOutput` when a lock cannot be made here.
  public init(_ directory: String, run: String) throws(StoreError) {
    try makeDirectory(directory)
    self.directory = directory
    file = try PosixFile(directory + "/.mixdown.lock", O_RDWR | O_CREAT, mode: 0o644, operation: "create the lock")
    do throws(StoreError) {
      try system("lock", file.path) { flock(file.descriptor, LOCK_EX | LOCK_NB) }
    } catch .inputOutput(_, _, EWOULDBLOCK) {
      throw .locked(path: directory, holder: try Holder.written(in: file)?.description ?? "a run that has just begun")
    }
    try system("empty", file.path) { ftruncate(file.descriptor, 0) }
    try file.write(Holder.current(run: run).line)
  }

  /// Who holds a directory now; nil when nobody does.
  ///
  /// Asks the kernel's list of locks, for a lock of one's own, be it for a moment, would turn away a run that begins.
  package static func holder(of directory: String) throws(StoreError) -> String? {
    let path = directory + "/.mixdown.lock"
    guard let status = try FileStatus.of(path),
      let locks = try? String(contentsOfFile: "/proc/locks", encoding: .utf8)
    else { return nil }
    let written = try Holder.written(in: PosixFile(path, O_RDONLY))
    guard isHeld(status, by: written?.process, in: locks) else { return nil }
    return written?.description ?? "a run that has just begun"
  }

  /// Whether the kernel's list has a lock of this file.
  ///
  /// - Parameter process: who should have it. Some file systems (btrfs, overlays) tell of a file another device than the
  ///   list does: there the process has to be the right one.
  static func isHeld(_ file: FileStatus, by process: Int32?, in locks: String) -> Bool {
    let major = (file.device >> 8) & 0xFFF | (file.device >> 32) & ~0xFFF
    let minor = file.device & 0xFF | (file.device >> 12) & ~0xFF
    // `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131090 0 EOF`; numbers of the device in hexadecimal.
    return locks.split(separator: "\n").contains { line in
      let fields = line.split(separator: " ")
      guard let kind = fields.firstIndex(of: "FLOCK"), fields.count > kind + 4 else { return false }
      let place = fields[kind + 4].split(separator: ":")
      guard place.count == 3, UInt64(place[2]) == file.inode else { return false }
      let isOnDevice = UInt64(place[0], radix: 16) == major && UInt64(place[1], radix: 16) == minor
      return isOnDevice || process.map { Int32(fields[kind + 3]) == $0 } ?? false
    }
  }

  // Not left to the closing of the file: a child process that is just being made has the file too until it runs its own
  // program, and would keep the lock for that while.
  deinit { _ = flock(file.descriptor, LOCK_UN) }
}

/// The lock file's content: one line of JSON.
private struct Holder: Codable, CustomStringConvertible {
  let run: String
  let host: String
  let process: Int32
  let startedAt: String

  enum CodingKeys: String, CodingKey {
    case run = "run_id"
    case host
    case process = "pid"
    case startedAt = "started_at"
  }

  var description: String { "run \(run) (host \(host), process \(process), since \(startedAt))" }

  /// This process, now.
  static func current(run: String) -> Holder {
    Holder(run: run, host: hostName(), process: getpid(), startedAt: Date.now.formatted(.iso8601))
  }

  var line: [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    // Strings and a number always encode; should they not, a lock without a name is a lock too.
    return [UInt8]((try? encoder.encode(self)) ?? Data()) + [UInt8(ascii: "\n")]
  }

  /// Who wrote this lock file; nil when nobody did yet, or not in this form.
  static func written(in file: borrowing PosixFile) throws(StoreError) -> Holder? {
    let bytes = try file.read(upTo: 4096, at: 0)
    return try? JSONDecoder().decode(Holder.self, from: Data(bytes))
  }
}
