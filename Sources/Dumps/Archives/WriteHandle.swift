internal import CArchive

/// The owner of one libarchive writer, of the file that it writes and of the entry that is filled for every file.
///
/// Safe although it holds C handles: they are made in `init`, this value cannot be copied, and `deinit` frees
/// each once.
@safe struct WriteHandle: ~Copyable {
  /// For calls of libarchive while this value lives.
  @unsafe let archive: OpaquePointer
  @unsafe let entry: OpaquePointer

  /// The file that is written, open.
  let descriptor: Descriptor
  /// The path for messages.
  let path: String

  init(_ descriptor: consuming Descriptor, path: String) {
    prepareForArchives()
    guard let archive = unsafe archive_write_new(), let entry = unsafe archive_entry_new() else {
      preconditionFailure("no memory for an archive")
    }
    unsafe self.archive = archive
    unsafe self.entry = entry
    self.descriptor = descriptor
    self.path = path
  }

  deinit {
    // Writes the end of an archive that was not finished: the descriptor is closed only behind this.
    _ = unsafe archive_write_free(archive)
    unsafe archive_entry_free(entry)
  }

  /// Makes the writer write `format`.
  func choose(_ format: ArchiveFormat) throws(ArchiveWriteError) {
    switch format {
    case .zip: try check(unsafe archive_write_set_format_zip(archive))
    case .sevenZip: try check(unsafe archive_write_set_format_7zip(archive))
    // Of the kinds of tar, pax keeps milliseconds and names of any length.
    case .folder, .tar, .tarGzip, .tarZstd, .tarXz, .tarBzip2:
      try check(unsafe archive_write_set_format_pax(archive))
    }
    switch format {
    case .tarGzip:
      try check(unsafe archive_write_add_filter_gzip(archive))
      // NULL: without the time of packing, equal files give equal bytes.
      try check(unsafe archive_write_set_filter_option(archive, "gzip", "timestamp", nil))
    case .tarZstd: try check(unsafe archive_write_add_filter_zstd(archive))
    case .tarXz: try check(unsafe archive_write_add_filter_xz(archive))
    case .tarBzip2: try check(unsafe archive_write_add_filter_bzip2(archive))
    case .folder, .tar, .zip, .sevenZip: break
    }
  }

  /// Throws what libarchive says, unless `status` is success.
  func check(_ status: Int32) throws(ArchiveWriteError) {
    guard status == ARCHIVE_OK else { throw failure(status) }
  }

  /// What libarchive says of its last failure.
  func failure(_ status: Int32) -> ArchiveWriteError {
    let text = unsafe archive_error_string(archive).map { unsafe String(cString: $0) }
    return .failed(path: path, detail: text ?? "libarchive: code \(status)")
  }
}
