internal import Digests
internal import Glibc

/// A regular file, read block by block and hashed on the way.
///
/// libarchive may seek (a zip's directory is at its end): what is read in order is hashed as it comes, and
/// `digest()` reads what is left.
///
/// Safe although it holds a buffer by pointer: the buffer is made in `init`, lent only to `pread` and, by
/// `nextBlock`, until the next call, and freed in `deinit`.
@safe final class InputFile: BlockSource {
  /// The path for messages.
  let path: String
  /// The size in bytes when the file was opened.
  let size: Int
  /// The modification time in ms since 1970; nil when ≤ 0.
  let modifiedAt: Int64?
  /// The bytes delivered so far, those read again included.
  private(set) var delivered = 0
  /// Where the next block begins, in bytes from the start.
  private(set) var position = 0

  /// Is told how many bytes were read that were not before; all calls together give the file's size.
  var onRead: (Int) -> Void = { _ in }

  private let descriptor: Descriptor
  private let buffer: UnsafeMutableRawBufferPointer
  private var hasher: SHA256? = SHA256()
  private var hashed = 0

  private static let blockSize = 256 << 10

  /// - Parameters:
  ///   - descriptor: open for reading.
  ///   - status: what `fstat` says of it: a regular file.
  ///   - path: the path for messages.
  init(_ descriptor: consuming Descriptor, status: stat, path: String) {
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
    modifiedAt = milliseconds(seconds: Int64(status.st_mtim.tv_sec), nanoseconds: Int64(status.st_mtim.tv_nsec))
    // One byte more than the file has, so that its end shows without another buffer; never none.
    unsafe buffer = .allocate(byteCount: min(max(size, 0) + 1, Self.blockSize), alignment: 64)
  }

  deinit { unsafe buffer.deallocate() }

  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>? {
    var count: Int
    repeat {
      count = unsafe pread(descriptor.number, buffer.baseAddress, buffer.count, off_t(position))
    } while count < 0 && errno == EINTR
    guard count >= 0 else { throw .input(.last(path)) }
    guard count > 0 else { return nil }

    let block = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
    if position <= hashed, hashed < position + count {
      unsafe hasher?.update(UnsafeRawBufferPointer(rebasing: block[(hashed - position)...]))
      onRead(position + count - hashed)
      hashed = position + count
    }
    position += count
    delivered += count
    return unsafe block.bindMemory(to: UInt8.self)
  }

  /// The next block will be that at `offset`, in bytes from the start.
  func seek(to offset: Int) { position = offset }

  /// What the file looks like; it is read from its beginning afterwards.
  func opening() throws(ReadFailure) -> Opening {
    seek(to: 0)
    defer { seek(to: 0) }
    guard let block = unsafe try nextBlock() else { return .empty }
    return Opening(unsafe block.span)
  }

  /// The file is passed over: what was not read counts as if it were.
  func passOver() { onRead(max(0, size - hashed)) }

  /// Reads what has not been read yet. To be called once, at the end.
  ///
  /// - Returns: the bytes of the file and their SHA-256.
  func digest() throws(ReadFailure) -> (bytes: Int, sha256: [UInt8]) {
    seek(to: hashed)
    while unsafe try nextBlock() != nil {}
    guard let hasher = hasher.take() else { preconditionFailure("the digest of a file is asked for once") }
    return (hashed, hasher.finish())
  }
}

/// A time of the system in ms since 1970, truncated; nil when it is ≤ 0 or past int64, which is no time.
func milliseconds(seconds: Int64, nanoseconds: Int64) -> Int64? {
  let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
  guard !overflow, nanoseconds >= 0 else { return nil }
  let (sum, carry) = whole.addingReportingOverflow(nanoseconds / 1_000_000)
  return carry || sum <= 0 ? nil : sum
}
