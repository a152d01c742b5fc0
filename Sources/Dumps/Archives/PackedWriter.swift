internal import CArchive
internal import Glibc

/// Writes files into one archive file with libarchive.
struct PackedWriter: ~Copyable {
  private let handle: WriteHandle

  /// Creates the file at `path`, which must not exist; only its owner can read it.
  init(path: String, _ format: ArchiveFormat) throws(ArchiveWriteError) {
    guard let descriptor = Descriptor(creating: path) else {
      throw .failed(path: path, detail: systemMessage(errno))
    }
    let handle = WriteHandle(descriptor, path: path)
    try handle.choose(format)
    try handle.check(unsafe archive_write_open_fd(handle.archive, handle.descriptor.number))
    self.handle = handle
  }

  /// Adds a file of the owner "0", readable by the owner alone.
  ///
  /// - Parameters:
  ///   - name: "/"-separated path inside the archive.
  ///   - modifiedAt: ms since 1970; a zip keeps whole seconds.
  func add(name: String, contents: [UInt8], modifiedAt: Int64) throws(ArchiveWriteError) {
    let (seconds, milliseconds) = modifiedAt.quotientAndRemainder(dividingBy: 1000)
    unsafe archive_entry_clear(handle.entry)
    // As bytes of the locale, which are UTF-8 too: what is said to be Unicode libarchive composes (NFC), and two users'
    // files would have one name.
    unsafe archive_entry_set_pathname(handle.entry, name)
    unsafe archive_entry_set_filetype(handle.entry, Glibc.S_IFREG)
    unsafe archive_entry_set_perm(handle.entry, 0o600)
    unsafe archive_entry_set_size(handle.entry, Int64(contents.count))
    unsafe archive_entry_set_mtime(handle.entry, time_t(seconds), Int(milliseconds) * 1_000_000)
    try handle.check(unsafe archive_write_header(handle.archive, handle.entry))
    var written = 0
    while written < contents.count {
      let count = unsafe contents.withUnsafeBytes { bytes in
        unsafe archive_write_data(handle.archive, bytes.baseAddress.map { unsafe $0 + written }, bytes.count - written)
      }
      guard count > 0 else { throw handle.failure(Int32(count)) }
      written += count
    }
  }

  /// Writes the end of the archive, down to the disk.
  func finish() throws(ArchiveWriteError) {
    try handle.check(unsafe archive_write_close(handle.archive))
    guard fsync(handle.descriptor.number) == 0 else { throw .failed(path: handle.path, detail: systemMessage(errno)) }
  }
}
