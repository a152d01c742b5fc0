internal import BSON
internal import Glibc

/// A new file that is written front to back, a megabyte at a time.
struct OutputFile: ~Copyable {
  private let path: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  /// Bytes written so far.
  private(set) var count = 0

  private static let bufferSize = 1 << 20

  init(_ path: String) throws(GeneratorError) {
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    self.path = path
    guard descriptor >= 0 else { throw .inputOutput(path: path, operation: "create the file", code: errno) }
    buffer.reserveCapacity(Self.bufferSize)
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  mutating func write(_ bytes: ByteView) throws(GeneratorError) {
    unsafe bytes.withUnsafeBytes { unsafe buffer.append(contentsOf: $0) }
    try flushWhenFull(bytes.count)
  }

  mutating func write(_ bytes: [UInt8]) throws(GeneratorError) {
    buffer.append(contentsOf: bytes)
    try flushWhenFull(bytes.count)
  }

  /// Writes what is left and gives the file its time.
  consuming func finish(modifiedAt time: Int64) throws(GeneratorError) {
    try flush()
    try setTime(of: path, to: time)
  }

  private mutating func flushWhenFull(_ more: Int) throws(GeneratorError) {
    count += more
    if buffer.count >= Self.bufferSize { try flush() }
  }

  private mutating func flush() throws(GeneratorError) {
    var done = 0
    while done < buffer.count {
      let written = unsafe buffer.withUnsafeBytes { bytes in
        unsafe Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
      }
      if written < 0 && errno != EINTR {
        throw .inputOutput(path: path, operation: "write the file", code: errno)
      }
      done += max(0, written)
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
