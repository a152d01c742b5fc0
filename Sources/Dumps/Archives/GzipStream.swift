internal import CZlib

/// What a gzip file holds, from front to back, held against its checksums: libarchive does not look at these.
///
/// Members one behind another are one file, as for gzip(1), and zeros behind one say nothing, as they do there; anything
/// else is damage: it may have been a member.
///
/// Safe although it holds pointers: stream and buffer are made in `init` and freed in `deinit`, the stream never moves,
/// as zlib wants it, and its input is the source's last block, which is valid until the next one is asked for. The
/// buffer is lent until the next call.
@safe final class GzipStream: BlockSource {
  private let source: any BlockSource
  private let expectation: ArchiveStream.Expectation
  private let expansion: Expansion?

  private let stream: UnsafeMutablePointer<z_stream>
  private let buffer: UnsafeMutableBufferPointer<UInt8>
  private var isInMember = false
  /// Whether zlib may have more to give without more input.
  private var isDrained = true

  private static let size = 128 << 10

  /// - Parameter expansion: counts the bytes that come out; nil where somebody else does.
  init(_ source: any BlockSource, _ expectation: ArchiveStream.Expectation, _ expansion: Expansion?) {
    self.source = source
    self.expectation = expectation
    self.expansion = expansion
    unsafe stream = .allocate(capacity: 1)
    unsafe stream.initialize(to: z_stream())
    unsafe buffer = .allocate(capacity: Self.size)
    guard unsafe inflate_begin_gzip(stream) == Z_OK else { preconditionFailure("no memory to unpack a file") }
  }

  deinit {
    _ = unsafe inflateEnd(stream)
    unsafe stream.deallocate()
    unsafe buffer.deallocate()
  }

  /// - Throws: `.rest` (of an entry `.entry`) with `truncated` where it is cut or damaged, which a wrong checksum shows
  ///   only behind all that it is about; what the source throws.
  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>? {
    while true {
      if !isInMember, try !beginMember() { return nil }
      if isDrained, try !fill() { throw damage("it is cut off") }
      unsafe stream.pointee.next_out = buffer.baseAddress
      unsafe stream.pointee.avail_out = UInt32(buffer.count)
      let status = unsafe inflate(stream, Z_NO_FLUSH)
      let count = unsafe buffer.count - Int(stream.pointee.avail_out)
      isDrained = count < Self.size
      switch status {
      case Z_OK, Z_BUF_ERROR: break
      case Z_STREAM_END: isInMember = false
      // What came out before is handed over first; zlib then says the same again.
      case _ where count > 0: break
      default: throw damage(unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "it is damaged")
      }
      if count > 0 {
        try expansion?.add(count)
        return unsafe UnsafeBufferPointer(rebasing: buffer[..<count])
      }
    }
  }

  /// Whether another member follows.
  private func beginMember() throws(ReadFailure) -> Bool {
    var next: UInt8 = 0
    while next == 0 {
      guard try fill(), let start = unsafe stream.pointee.next_in else { return false }
      unsafe next = start.pointee
      guard next == 0 else { break }
      unsafe stream.pointee.next_in = start + 1
      unsafe stream.pointee.avail_in -= 1
    }
    guard next == 0x1F else { throw damage("what follows its end is none") }
    _ = unsafe inflateReset(stream)
    isInMember = true
    isDrained = true
    return true
  }

  /// Sees to it that there is input; false at its end.
  private func fill() throws(ReadFailure) -> Bool {
    if unsafe stream.pointee.avail_in > 0 { return true }
    guard let block = unsafe try source.nextBlock() else { return false }
    unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: block.baseAddress)
    unsafe stream.pointee.avail_in = UInt32(block.count)
    return true
  }

  private func damage(_ what: String) -> ReadFailure {
    expectation.failure(InputFault(.truncated, "gzip: \(what)"), isFatal: true)
  }
}
