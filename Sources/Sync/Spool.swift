internal import BSON
internal import Digests
internal import Dumps
internal import Foundation
internal import Glibc
internal import Library
public import Stores
internal import Synchronization

/// Keeps what was read of each input until the run has ended, so that a run that was killed need not read it again.
///
/// For each input there are three files: its dumps, what of it was quarantined, and, once all of it was read, a note
/// that says so. Without the note the other two count for nothing. Login tokens are blanked out; an input with a dump
/// in which that cannot be done for certain is not kept.
public final class Spool: Sendable {
  /// What is known of an input that was read to its end.
  struct Finished: Codable {
    var path: String
    var bytes: Int
    var sha256: String
    /// Of a file; a folder has none that tell.
    var size: Int
    var modified: Int
    var skipped: Int
    var quarantined: Int
    var reasons: [String: Int]
    var dumpBytes: Int
    var quarantineBytes: Int

    var counts: [QuarantineReason: Int] {
      let known = reasons.compactMap { name, count in QuarantineReason(rawValue: name).map { ($0, count) } }
      return Dictionary(known) { $0 + $1 }
    }

    var digest: [UInt8] {
      let digits = sha256.compactMap(\.hexDigitValue).map { UInt8($0) }
      return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
  }

  private struct State {
    var inputs: [Int: Input] = [:]
  }

  /// Which file an input is, as far as its size and time tell; a folder has none that do.
  private struct Version: Equatable {
    private(set) var (size, modified) = (0, 0)

    /// Nil where there is nothing.
    init?(of path: String) throws(StoreError) {
      guard let status = try FileStatus.of(path) else { return nil }
      if status.isRegular { (size, modified) = (status.size, status.modified) }
    }
  }

  private final class Input: Sendable {
    let dumps: PosixFile
    let quarantine: PosixFile
    /// Of before it was opened.
    let version: Version?
    let state = Mutex(Progress())

    init(dumps: consuming PosixFile, quarantine: consuming PosixFile, version: Version?) {
      self.dumps = dumps
      self.quarantine = quarantine
      self.version = version
    }
  }

  private struct Progress {
    var dumpBytes = 0
    var quarantineBytes = 0
    var skipped = 0
    var quarantined = 0
    var reasons: [String: Int] = [:]
    /// Whether the input has to be read again in any case.
    var isSpoilt = false
  }

  private let folder: String
  /// Asked whether the run may still write, before an input is begun, noted as finished, or forgotten.
  private let permission: @Sendable () throws(StoreError) -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - folder: in the run's folder; made when it is not there.
  ///   - permission: throws when the run has lost the right to write.
  public init(
    _ folder: String, permission: @escaping @Sendable () throws(StoreError) -> Void
  ) throws(StoreError) {
    (self.folder, self.permission) = (folder, permission)
    try makeDirectory(folder, mode: 0o700)
  }

  /// Forgets every input, so that all are read again. Call while none is being read.
  func clear() throws(StoreError) {
    try permission()
    state.withLock { $0.inputs = [:] }
    try? FileManager.default.removeItem(atPath: folder)
    try makeDirectory(folder, mode: 0o700)
  }

  private func path(_ index: Int, _ kind: String) -> String { "\(folder)/\(index).\(kind)" }

  // MARK: Writing

  /// Begins an input anew, before it is opened.
  func begin(_ index: Int, _ name: String) throws(StoreError) {
    try permission()
    // First of all: what takes the input's place from now on has another.
    let version = try Version(of: name)
    // Files of an earlier attempt that was frozen and goes on again stay its own.
    for kind in ["json", "dumps", "quarantine"] { removeFile(path(index, kind)) }
    let flags = O_RDWR | O_CREAT | O_TRUNC | O_APPEND
    let input = Input(
      dumps: try PosixFile(path(index, "dumps"), flags, mode: 0o600, operation: "create"),
      quarantine: try PosixFile(path(index, "quarantine"), flags, mode: 0o600, operation: "create"),
      version: version)
    state.withLock { $0.inputs[index] = input }
  }

  private func input(_ index: Int) -> Input? { state.withLock { $0.inputs[index] } }

  /// Takes dumps of an input, and lines of the quarantine about others.
  func add(
    _ dumps: [GroupedDump], _ lines: QuarantineLines, quarantined: Int = 0, skipped: Int = 0, of index: Int
  ) throws(StoreError) {
    guard let input = input(index) else { return }
    var writer = BSONWriter(capacity: dumps.reduce(1024) { $0 + $1.footprint })
    var isSpoilt = false
    for dump in dumps {
      var dump = dump
      if TokenBlanking.mayHoldToken(dump.text) {
        dump.isBlanked = true
        if !TokenBlanking.blank(&dump.text) { isSpoilt = true }
      }
      if !isSpoilt { dump.write(to: &writer) }
    }
    let bytes = writer.view.copy()
    let failure = input.state.withLock { progress -> StoreError? in
      progress.isSpoilt = progress.isSpoilt || isSpoilt
      progress.quarantined += quarantined
      progress.skipped += skipped
      for (reason, count) in lines.counts { progress.reasons[reason.rawValue, default: 0] += count }
      guard !progress.isSpoilt else { return nil }
      do throws(StoreError) {
        try input.dumps.write(bytes)
        try input.quarantine.write(lines.text)
      } catch {
        return error
      }
      progress.dumpBytes += bytes.count
      progress.quarantineBytes += lines.text.count
      return nil
    }
    if let failure { throw failure }
  }

  /// Notes that an input was read to its end, and all of it was added; unless it is another now, which is to be read
  /// again whatever was read of it.
  func finish(_ index: Int, _ digest: InputDigest) throws(StoreError) {
    guard let input = input(index), let sha256 = digest.sha256 else { return }
    state.withLock { $0.inputs[index] = nil }
    let progress = input.state.withLock { $0 }
    guard !progress.isSpoilt, let version = try Version(of: digest.path), version == input.version else {
      for kind in ["dumps", "quarantine"] { removeFile(path(index, kind)) }
      return
    }
    let note = Finished(
      path: digest.path, bytes: digest.bytes, sha256: hexadecimal(sha256), size: version.size,
      modified: version.modified, skipped: progress.skipped, quarantined: progress.quarantined,
      reasons: progress.reasons, dumpBytes: progress.dumpBytes, quarantineBytes: progress.quarantineBytes)
    guard let json = try? JSONEncoder().encode(note) else { return }
    try permission()
    try input.dumps.synchronize()
    try input.quarantine.synchronize()
    try writeWhole([UInt8](json), to: path(index, "json"))
  }

  // MARK: Reading

  /// What an earlier attempt has read of an input; nil when it has to be read again.
  func finished(_ index: Int, _ input: String) -> Finished? {
    guard let json = FileManager.default.contents(atPath: path(index, "json")),
      let note = try? JSONDecoder().decode(Finished.self, from: Data(json)), note.path == input,
      let version = try? Version(of: input), version.size == note.size, version.modified == note.modified,
      let dumps = try? FileStatus.of(path(index, "dumps")), dumps.size == note.dumpBytes,
      let quarantine = try? FileStatus.of(path(index, "quarantine")), quarantine.size == note.quarantineBytes
    else { return nil }
    return note
  }

  /// Hands over the dumps of a finished input in pieces.
  func forEachBatch(_ index: Int, _ body: ([GroupedDump]) throws(StoreError) -> Void) throws(StoreError) {
    let reader = SpilledRun.Reader(try SpilledRun(reading: path(index, "dumps")), bufferSize: 1 << 20)
    var batch: [GroupedDump] = []
    var size = 0
    while let dump = try reader.next() {
      size += dump.footprint
      batch.append(dump)
      if size > 512 << 10 {
        try body(batch)
        (batch, size) = ([], 0)
      }
    }
    if !batch.isEmpty { try body(batch) }
  }

  /// The lines of the quarantine about a finished input.
  func quarantine(_ index: Int, _ note: Finished) throws(StoreError) -> [UInt8] {
    try PosixFile(path(index, "quarantine"), O_RDONLY).read(upTo: note.quarantineBytes, at: 0)
  }
}
