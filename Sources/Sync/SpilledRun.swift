internal import BSON
internal import Glibc
internal import Stores

/// Dumps on disk: BSON documents one after another. Those that were sorted are in a file that has no name any more.
final class SpilledRun: Sendable {
  private let file: PosixFile
  private let size: Int

  /// Dumps that somebody else has written, in the order of the file.
  init(reading path: String) throws(StoreError) {
    file = try PosixFile(path, O_RDONLY)
    size = try file.status().size
  }

  convenience init(sorted dumps: [GroupedDump], in folder: String) throws(StoreError) {
    var iterator = dumps.makeIterator()
    try self.init(in: folder) { () throws(StoreError) in iterator.next() }
  }

  convenience init(merging dumps: SortedDumps, in folder: String) throws(StoreError) {
    var dumps = dumps
    try self.init(in: folder) { () throws(StoreError) in try dumps.next() }
  }

  private init(in folder: String, next: () throws(StoreError) -> GroupedDump?) throws(StoreError) {
    let path = folder + "/spill-\(UInt64.random(in: .min ... .max))"
    let file = try PosixFile(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600, operation: "create")
    unsafe unlink(path)
    var writer = BSONWriter(capacity: 1 << 20)
    var size = 0
    while let dump = try next() {
      dump.write(to: &writer)
      if writer.count > 1 << 20 { size += try Self.flush(&writer, to: file) }
    }
    size += try Self.flush(&writer, to: file)
    self.file = file
    self.size = size
  }

  private static func flush(_ writer: inout BSONWriter, to file: borrowing PosixFile) throws(StoreError) -> Int {
    let count = writer.count
    try file.write(writer.view.copy())
    writer.removeAll()
    return count
  }

  /// Reads a run front to back through a buffer.
  final class Reader {
    private let run: SpilledRun
    private let bufferSize: Int
    private var buffer: [UInt8] = []
    /// What of the buffer is to be used.
    private var filled = 0..<0
    /// Where in the file that ends.
    private var offset = 0

    init(_ run: SpilledRun, bufferSize: Int) {
      self.run = run
      self.bufferSize = bufferSize
    }

    /// The next dump; nil at the end of the file.
    func next() throws(StoreError) -> GroupedDump? {
      guard try fill(4) else {
        guard filled.isEmpty, offset == run.size else { throw torn() }
        return nil
      }
      let length = buffer.withView { Int($0.load(filled.lowerBound, as: Int32.self)) }
      guard length >= 5, try fill(length) else { throw torn() }
      let start = filled.lowerBound
      filled = start + length..<filled.upperBound
      let dump = buffer.withView { bytes in
        Result { () throws(BSONFault) in try GroupedDump(BSONDocument(bytes.slice(start, length))) }
      }
      do throws(BSONFault) { return try dump.get() } catch { throw torn() }
    }

    /// Makes `count` bytes available; false at the end of the file.
    private func fill(_ count: Int) throws(StoreError) -> Bool {
      if filled.count >= count { return true }
      let size = max(bufferSize, count)
      if buffer.count == size {
        unsafe buffer.withUnsafeMutableBytes {
          unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[filled]))
        }
      } else {
        // One dump larger than the buffer passes through one of its own size.
        buffer = buffer[filled] + [UInt8](repeating: 0, count: size - filled.count)
      }
      filled = 0..<filled.count
      let room = filled.upperBound..<size
      let got = try unsafe buffer.withUnsafeMutableBytes { bytes in
        Result { () throws(StoreError) in
          try unsafe run.file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[room]), at: offset)
        }
      }.get()
      offset += got
      filled = 0..<filled.upperBound + got
      return filled.count >= count
    }

    private func torn() -> StoreError {
      .inputOutput(path: run.file.path, operation: "read back dumps from", code: EIO)
    }
  }
}
