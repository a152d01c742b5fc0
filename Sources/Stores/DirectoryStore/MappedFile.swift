package import BSON
internal import Glibc

/// A file and its bytes, mapped for reading as long as this object lives.
///
/// Assumes that nobody shortens the file or writes into it in place meanwhile: reading past a new end would kill the
/// process (SIGBUS), as an unreadable disk block does. Replacing the file by rename is harmless, the mapping stays on
/// the old one. Who writes stores replaces them, and one run at a time, by ``DirectoryLock``.
///
/// Safe to use although it holds an address: the mapping is made and unmade in `init` and `deinit` alone, its length
/// is the file's, and it never moves. Safe to share between threads, as `UnsafeMutableRawBufferPointer` alone cannot
/// say: it is never written, and ``discard(_:)`` changes where the bytes are kept, not what they are.
///
/// An object rather than a `~Copyable` value, because a store may have none: Swift 6.3.1 leaks the owner, or crashes
/// when it optimises, where an optional `~Copyable` property of an object is looked into.
@safe
package final class MappedFile: @unchecked Sendable {
  package let file: PosixFile
  /// What the file was when it was mapped.
  package let status: FileStatus
  private let region: UnsafeMutableRawBufferPointer

  /// Maps all of a file.
  ///
  /// - Throws: ``StoreError/refused(path:offset:why:)`` for what is no regular file; `inputOutput`.
  package init(_ file: consuming PosixFile) throws(StoreError) {
    status = try file.status()
    guard status.isRegular else { throw .refused(path: file.path, offset: 0, why: "no regular file") }
    unsafe region = try unsafe Self.map(file, status.size)
    self.file = file
  }

  /// Opens and maps a file; nil when it, or a directory on the way to it, does not exist.
  package static func ifPresent(_ path: String) throws(StoreError) -> MappedFile? {
    do throws(StoreError) {
      // Without O_NONBLOCK a named pipe would be waited for; a regular file ignores it.
      return try MappedFile(PosixFile(path, O_RDONLY | O_NONBLOCK))
    } catch .inputOutput(path, _, ENOENT) {
      return nil
    }
  }

  private static func map(
    _ file: borrowing PosixFile, _ size: Int
  ) throws(StoreError) -> UnsafeMutableRawBufferPointer {
    // The system maps no empty ranges.
    if size == 0 { return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    guard let start = unsafe mmap(nil, size, PROT_READ, MAP_SHARED, file.descriptor, 0), unsafe start != MAP_FAILED
    else { throw .inputOutput(path: file.path, operation: "map", code: errno) }
    // No MADV_SEQUENTIAL: measured from a cold disk, the system's own guesses are as good, and once the file is in the
    // cache they are several times faster.
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: size)
  }

  deinit {
    if let start = unsafe region.baseAddress { _ = unsafe munmap(start, region.count) }
  }

  /// All of it. Views of it hold as long as this object lives.
  package var bytes: ByteView { unsafe ByteView(UnsafeRawBufferPointer(region)) }

  /// Hands over what begins at an offset and is cut off after `headSize` bytes, read without mapping it: elements are as
  /// they are in the file, and the first that does not fit seems to reach past the document.
  ///
  /// - Returns: what `body` does; nil also where nothing can be read.
  func withHead<Result>(at offset: Int, _ body: (BSONDocument) -> Result?) -> Result? {
    unsafe withUnsafeTemporaryAllocation(byteCount: Self.headSize, alignment: 8) { buffer in
      guard let count = try? unsafe file.read(into: buffer, at: offset), count >= 5 else { return nil }
      return unsafe body(BSONDocument(unchecked: ByteView(UnsafeRawBufferPointer(rebasing: buffer[..<count]))))
    }
  }

  private static let headSize = 256

  /// Takes these bytes off the process's memory; they come back from the file when they are looked at again.
  ///
  /// Ranges one after another leave nothing between them: both ends are rounded down to a page, but for the file's end.
  package func discard(_ range: Range<Int>) {
    let mask = ~(Int(getpagesize()) - 1)
    let first = range.lowerBound & mask
    let end = range.upperBound == status.size ? range.upperBound : range.upperBound & mask
    guard let start = unsafe region.baseAddress, end > first else { return }
    _ = unsafe madvise(start + first, end - first, MADV_DONTNEED)
  }
}
