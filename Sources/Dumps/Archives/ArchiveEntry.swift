internal import CArchive
internal import Glibc

/// What an archive says of one entry, apart from its data.
struct ArchiveEntry {
  enum Kind {
    case file
    case folder
    /// A symbolic link, or a hard one without data: another name of something that is read under its own.
    case link
    /// A FIFO, a socket or a device.
    case special
  }

  let kind: Kind

  /// The parts of the path, without "." and empty ones, as bytes that need not be UTF-8. Empty when the entry has no
  /// name.
  let components: [[UInt8]]

  /// The size of the data in bytes, as the archive says it beforehand; nil when it does not.
  let size: Int?

  /// In ms since 1970; nil when unknown or ≤ 0.
  let modifiedAt: Int64?

  /// Whether the data is encrypted, and thus unreadable.
  let isEncrypted: Bool

  /// Unsafe: `entry` must be an entry of libarchive that is still valid. Nothing of it is kept.
  @unsafe init(_ entry: OpaquePointer?) {
    components =
      unsafe archive_entry_pathname(entry).map { path in
        let bytes = unsafe UnsafeRawBufferPointer(start: path, count: strlen(path))
        return unsafe DumpName.components(of: Array(bytes))
      } ?? []
    size = unsafe archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil
    modifiedAt = unsafe milliseconds(
      seconds: Int64(archive_entry_mtime(entry)), nanoseconds: Int64(archive_entry_mtime_nsec(entry)))
    isEncrypted = unsafe archive_entry_is_data_encrypted(entry) != 0
    // cpio keeps the data of a file with several names at the last of them.
    if unsafe archive_entry_hardlink(entry) != nil, (size ?? 0) == 0 {
      kind = .link
    } else {
      switch unsafe mode_t(archive_entry_filetype(entry)) {
      case S_IFREG, 0: kind = .file  // 0: the format does not say
      case S_IFDIR: kind = .folder
      case S_IFLNK: kind = .link
      default: kind = .special
      }
    }
  }
}
