/// A source whose first block was looked at: what it holds decides who reads it.
///
/// Safe although it holds a block: that is valid until the next call on `source`, which only this object makes,
/// and it makes none before it has given the block away.
@safe final class PeekedBlocks: BlockSource {
  /// What the first block looks like.
  let opening: Opening

  private let source: any BlockSource
  private var first: UnsafeBufferPointer<UInt8>?

  init(_ source: any BlockSource) throws(ReadFailure) {
    self.source = source
    unsafe first = try source.nextBlock()
    if let block = unsafe first { opening = Opening(unsafe block.span) } else { opening = .empty }
  }

  /// The first block again, then the following ones.
  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>? {
    guard let block = unsafe first else { return unsafe try source.nextBlock() }
    unsafe first = nil
    return unsafe block
  }
}
