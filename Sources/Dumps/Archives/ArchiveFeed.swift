internal import CArchive

/// Gives libarchive the bytes of a source, and keeps what the source threw, which C cannot pass on.
///
/// A source that is damaged ends there, as far as libarchive knows: so it hands on what came before.
final class ArchiveFeed {
  /// What the source threw.
  private(set) var failure: ReadFailure?

  private let source: any BlockSource
  private let expansion: Expansion?
  /// Where the last block ends that libarchive was given, and where the last byte does that is no zero, in bytes from
  /// the start.
  private var given = 0
  private var endOfContent = 0
  /// Up to where it was counted what libarchive passes over in search of a header, in bytes; nil when it reads none.
  private var searched: Int64?

  /// - Parameter expansion: counts what is passed over in search of a header; nil where nothing is.
  init(_ source: any BlockSource, _ expansion: Expansion?) {
    self.source = source
    self.expansion = expansion
  }

  /// Lets `archive` read the source. A file can be read back and forth, as zip and 7z need.
  ///
  /// Unsafe: this object must live as long as `archive`, which keeps its address.
  @unsafe func open(_ archive: OpaquePointer?) -> Int32 {
    unsafe archive_read_set_read_callback(archive) { archive, feed, block in
      unsafe ArchiveFeed.at(feed)?.read(block, for: archive) ?? Int(ARCHIVE_FATAL)
    }
    if source is InputFile {
      unsafe archive_read_set_seek_callback(archive) { _, feed, offset, whence in
        unsafe ArchiveFeed.at(feed)?.seek(offset, whence) ?? Int64(ARCHIVE_FATAL)
      }
    }
    unsafe archive_read_set_callback_data(archive, Unmanaged.passUnretained(self).toOpaque())
    return unsafe archive_read_open1(archive)
  }

  /// The object whose address libarchive was given by `open`, and gives back.
  private static func at(_ address: UnsafeMutableRawPointer?) -> ArchiveFeed? {
    unsafe address.map { unsafe Unmanaged<ArchiveFeed>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Answers libarchive's wish for the next block.
  ///
  /// - Returns: its size in bytes; 0 at the end, and at damage; `ARCHIVE_FATAL` when the source throws anything else,
  ///   now or before.
  private func read(_ block: UnsafeMutablePointer<UnsafeRawPointer?>?, for archive: OpaquePointer?) -> Int {
    if let failure { return failure.isDamage ? 0 : Int(ARCHIVE_FATAL) }
    do throws(ReadFailure) {
      unsafe try countSearched(archive)
      guard let next = unsafe try source.nextBlock() else { return 0 }
      if let last = unsafe next.lastIndex(where: { $0 != 0 }) { endOfContent = max(endOfContent, given + last + 1) }
      given += next.count
      unsafe block?.pointee = UnsafeRawPointer(next.baseAddress)
      return next.count
    } catch {
      failure = error
      return error.isDamage ? 0 : Int(ARCHIVE_FATAL)
    }
  }

  /// libarchive is about to search `archive` for a header: of zeros and damage it may pass over any number of blocks
  /// at once, and they are to be counted as they come, as data is.
  @unsafe func beginSearch(_ archive: OpaquePointer?) { unsafe searched = archive_filter_bytes(archive, 0) }

  func endSearch() { searched = nil }

  private func countSearched(_ archive: OpaquePointer?) throws(ReadFailure) {
    guard let start = searched else { return }
    let position = unsafe archive_filter_bytes(archive, 0)
    searched = position
    try expansion?.add(Int(position - start))
  }

  /// Whether anything but zeros stands behind what `archive` has taken, which says that it came to its end: what it does
  /// not know it leaves. The source is read on until this is known.
  ///
  /// - Throws: what the source throws.
  @unsafe func hasMore(behind archive: OpaquePointer?) throws(ReadFailure) -> Bool {
    if unsafe archive_filter_bytes(archive, -1) < endOfContent { return true }
    while let next = unsafe try source.nextBlock() {
      if unsafe next.contains(where: { $0 != 0 }) { return true }
      try expansion?.add(next.count)
    }
    return false
  }

  /// What the source threw, if libarchive has come to that.
  ///
  /// - Parameter status: what libarchive's last call returned.
  func failure(at status: Int32) -> ReadFailure? {
    guard let failure else { return nil }
    let hasMore = status == ARCHIVE_OK || status == ARCHIVE_WARN || status == ARCHIVE_RETRY
    return hasMore && failure.isDamage ? nil : failure
  }

  /// Answers libarchive's wish to read on elsewhere.
  ///
  /// - Returns: the new position in bytes from the start; `ARCHIVE_FATAL` when there is no such place.
  private func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
    guard let file = source as? InputFile else { return Int64(ARCHIVE_FATAL) }
    let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? file.position : file.size
    let (position, overflow) = Int64(base).addingReportingOverflow(offset)
    guard !overflow, position >= 0 else { return Int64(ARCHIVE_FATAL) }
    file.seek(to: Int(position))
    given = Int(position)
    return position
  }
}
