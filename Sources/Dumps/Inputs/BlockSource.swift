/// Bytes that arrive block by block: a file, an entry of an archive, or either decompressed.
///
/// Blocks are pulled, since libarchive pulls: an archive reads a file, and a compressed entry reads the archive
/// that it lies in, through the same call.
protocol BlockSource: AnyObject {
  /// The next block, never empty; nil at the end. Its bytes are valid until the next call on this source and as
  /// long as the source lives.
  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>?
}
