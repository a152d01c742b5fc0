package import BSON
internal import CLinux
package import Glibc

/// The owner of one file descriptor, which is closed when the owner goes.
///
/// Every operation repeats itself when a signal interrupts it or the system does only a part, and throws
/// ``StoreError/inputOutput(path:operation:code:)``.
package struct PosixFile: ~Copyable {
  package let path: String
  /// Valid as long as this value lives.
  let descriptor: CInt

  /// Opens or creates a file with the flags of `open(2)`; it is not handed on to child processes.
  package init(_ path: String, _ flags: CInt, mode: mode_t = 0, operation: String = "open") throws(StoreError) {
    self.path = path
    descriptor = try system(operation, path) { unsafe open(path, flags | O_CLOEXEC, mode) }
  }

  // Nothing to do about a failure: what has to be on disk was synchronised before, and was checked there.
  deinit { _ = close(descriptor) }

  // MARK: What it is

  package func status() throws(StoreError) -> FileStatus {
    var status = stat()
    try system("read the status of", path) { unsafe fstat(descriptor, &status) }
    return FileStatus(status)
  }

  /// Bytes that are free for this user on the file's volume; nil when the system does not tell.
  package func room() -> Int64? {
    var volume = statvfs()
    guard unsafe fstatvfs(descriptor, &volume) == 0, volume.f_blocks > 0 else { return nil }
    let (bytes, overflow) = UInt64(volume.f_bavail).multipliedReportingOverflow(by: UInt64(volume.f_frsize))
    return overflow ? nil : Int64(clamping: bytes)
  }

  /// Takes room on the volume for so many bytes; the file keeps its size. A file system that cannot takes none.
  package func reserve(_ size: Int) throws(StoreError) {
    do throws(StoreError) {
      try system("reserve room for", path) { fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, size) }
    } catch .inputOutput(_, _, let code) where code != ENOSPC && code != EDQUOT {
      return
    }
  }

  // MARK: Bytes

  /// Writes all the bytes at the file's current end.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(StoreError) { try unsafe write([bytes]) }

  /// Writes the pieces one after another at the file's current end.
  func write(_ pieces: [UnsafeRawBufferPointer]) throws(StoreError) {
    var vectors = unsafe pieces.map {
      unsafe iovec(iov_base: UnsafeMutableRawPointer(mutating: $0.baseAddress), iov_len: $0.count)
    }
    var next = 0
    while unsafe next < vectors.count {
      var done = try unsafe vectors[next...].withUnsafeBufferPointer { rest in
        Result { () throws(StoreError) in
          try system("write", path) { unsafe writev(descriptor, rest.baseAddress, CInt(min(rest.count, 1024))) }
        }
      }.get()
      while unsafe next < vectors.count && done >= vectors[next].iov_len {
        unsafe done -= vectors[next].iov_len
        next += 1
      }
      if done > 0 {
        unsafe vectors[next].iov_base += done
        unsafe vectors[next].iov_len -= done
      }
    }
  }

  package func write(_ bytes: [UInt8]) throws(StoreError) {
    try unsafe bytes.withUnsafeBytes { buffer in
      Result { () throws(StoreError) in try unsafe write(buffer) }
    }.get()
  }

  /// Writes all the bytes from `offset` on, wherever the file's current end is. From any thread.
  package func write(_ bytes: ByteView, at offset: Int) throws(StoreError) {
    var done = 0
    while done < bytes.count {
      let rest = bytes.dropFirst(done)
      done += try system("write", path) {
        unsafe rest.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, off_t(offset + done)) }
      }
    }
  }

  /// Fills the buffer from `offset` on; gives the number of bytes read, which is less only at the file's end.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(StoreError) -> Int {
    var done = 0
    while done < buffer.count {
      let count = try system("read", path) {
        unsafe pread(descriptor, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done, off_t(offset + done))
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// At most `count` bytes from `offset` on.
  package func read(upTo count: Int, at offset: Int) throws(StoreError) -> [UInt8] {
    var failure: StoreError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(StoreError) {
        filled = try unsafe read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Cuts the file off after so many bytes.
  package func truncate(to size: Int) throws(StoreError) {
    try system("shorten", path) { ftruncate(descriptor, off_t(size)) }
  }

  // MARK: Durability

  /// Asks the system to write these bytes to disk soon, so that a later ``synchronize()`` is short.
  ///
  /// "Not needed" makes Linux start to write back what is dirty, and waits for nothing. It forgets what is clean, which
  /// of bytes just written is next to nothing. Only advice: a failure means nothing.
  func startWriteback(_ range: Range<Int>) {
    _ = posix_fadvise(descriptor, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
  }

  /// Returns when everything written is on disk.
  package func synchronize() throws(StoreError) { try Self.synchronize(descriptor, path) }

  /// The same of a file that somebody else keeps open meanwhile.
  static func synchronize(_ descriptor: CInt, _ path: String) throws(StoreError) {
    try system("synchronise", path) { fsync(descriptor) }
  }
}

/// What a file is at one moment: enough to see that it was changed or replaced, and what a replacement takes over.
package struct FileStatus {
  let device: UInt64
  package let inode: UInt64
  /// In bytes.
  package let size: Int
  /// Nanoseconds since 1970.
  package let modified: Int
  /// When its bytes, name or permissions were changed last, by the system's own word; nanoseconds since 1970.
  private let changed: Int
  package let isRegular: Bool
  package let permissions: mode_t
  let owner: uid_t
  let group: gid_t

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int(status.st_size)
    modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
    isRegular = status.st_mode & S_IFMT == S_IFREG
    permissions = status.st_mode & 0o7777
    owner = status.st_uid
    group = status.st_gid
  }

  /// The file of this name; nil when there is none.
  package static func of(_ path: String) throws(StoreError) -> FileStatus? {
    var status = stat()
    do throws(StoreError) {
      try system("read the status of", path) { unsafe stat(path, &status) }
    } catch .inputOutput(path, _, ENOENT) {
      return nil
    }
    return FileStatus(status)
  }

  /// Whether a symbolic link has this name.
  static func isLink(_ path: String) throws(StoreError) -> Bool {
    var status = stat()
    do throws(StoreError) {
      try system("read the status of", path) { unsafe lstat(path, &status) }
    } catch .inputOutput(path, _, ENOENT) {
      return false
    }
    return status.st_mode & S_IFMT == S_IFLNK
  }

  /// Differs when two are not one file, or something was written to it in between.
  var description: String { "\(device) \(inode) \(size) \(modified) \(changed)" }

  /// Whether both are one file with nothing written to it in between.
  func isUnchanged(_ other: FileStatus) -> Bool {
    device == other.device && inode == other.inode && size == other.size && modified == other.modified
  }
}
