internal import CArchive

/// The owner of one libarchive reader.
///
/// Safe although it holds a C handle: the handle is made in `init`, this value cannot be copied, and `deinit`
/// frees it once.
@safe struct ReadHandle: ~Copyable {
  /// For calls of libarchive while this value lives.
  @unsafe let pointer: OpaquePointer

  init() {
    prepareForArchives()
    guard let pointer = unsafe archive_read_new() else { preconditionFailure("no memory for an archive") }
    unsafe self.pointer = pointer
  }

  deinit { _ = unsafe archive_read_free(pointer) }

  /// Makes the reader know every compression, every archive if asked, and a file that is no archive.
  ///
  /// Left out: compressions for which libarchive would start another program (grzip, lrzip, lzop), since no
  /// input shall start one; and mtree, whose "archive" is a list of names that any text may look like.
  func support(archives: Bool) {
    _ = unsafe [
      archive_read_support_filter_bzip2(pointer), archive_read_support_filter_compress(pointer),
      archive_read_support_filter_gzip(pointer), archive_read_support_filter_lz4(pointer),
      archive_read_support_filter_lzip(pointer), archive_read_support_filter_lzma(pointer),
      archive_read_support_filter_rpm(pointer), archive_read_support_filter_uu(pointer),
      archive_read_support_filter_xz(pointer), archive_read_support_filter_zstd(pointer),
      archive_read_support_format_empty(pointer), archive_read_support_format_raw(pointer),
    ]
    guard archives else { return }
    _ = unsafe [
      archive_read_support_format_7zip(pointer), archive_read_support_format_ar(pointer),
      archive_read_support_format_cab(pointer), archive_read_support_format_cpio(pointer),
      archive_read_support_format_iso9660(pointer), archive_read_support_format_lha(pointer),
      archive_read_support_format_rar(pointer), archive_read_support_format_rar5(pointer),
      archive_read_support_format_tar(pointer), archive_read_support_format_warc(pointer),
      archive_read_support_format_xar(pointer), archive_read_support_format_zip(pointer),
    ]
  }

  /// Makes the reader take no zeros for the end of a tar: another one may follow, or they stand where a header was.
  /// Only for what is known to be a tar, since libarchive takes any file that begins with a block of zeros for one.
  func goOnBehindZeros() {
    _ = unsafe archive_read_set_format_option(pointer, "tar", "read_concatenated_archives", "1")
  }

  /// What libarchive says of its last failure; it may say nothing.
  var message: String {
    guard let text = unsafe archive_error_string(pointer) else { return "cut or damaged (libarchive says no more)" }
    return unsafe String(cString: text)
  }
}
