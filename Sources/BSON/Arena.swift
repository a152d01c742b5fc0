/// Memory that is handed out piece by piece and given back all at once.
///
/// A batch's normalised entries, computed keys and parsed dumps live here: pieces never move, so views of them hold
/// until ``reset()``. One arena belongs to one worker at a time.
///
/// Safe although it allocates by hand: every block is owned by the arena and freed in `deinit` or `reset()`, and a
/// piece is handed out once. Views of pieces obey the rule of ``ByteView``.
@safe
public final class Arena {
  // Unchecked, for entry by entry the checks cost a percent of a merge: nothing here calls back into the arena while it
  // is being changed, and one thread has it.
  @exclusivity(unchecked) private var blocks: [UnsafeMutableRawBufferPointer] = unsafe []
  /// The block that is being filled, and how much of it is.
  @exclusivity(unchecked) private var current = 0
  @exclusivity(unchecked) private var used = 0
  private let keeps: Int

  private static let blockSize = 1 << 20

  /// - Parameter keeps: bytes that stay allocated for the next batch: memory that was touched once costs nothing to
  ///   touch again.
  public init(keeps: Int = 16 << 20) { self.keeps = keeps }

  deinit { unsafe free(blocks) }

  private func free(_ blocks: [UnsafeMutableRawBufferPointer]) {
    for index in unsafe blocks.indices { unsafe blocks[index].deallocate() }
  }

  /// Forgets every piece.
  public func reset() {
    // Blocks of the usual size stay, as many as may; pieces that were larger are given back.
    let sorted = unsafe blocks.sorted { $0.count < $1.count }
    let usual = unsafe sorted.prefix { $0.count <= Self.blockSize }.prefix(keeps / Self.blockSize)
    unsafe free(Array(sorted[usual.count...]))
    unsafe blocks = unsafe Array(usual)
    unsafe (current, used) = (0, 0)
  }

  /// A copy of `bytes` that lives until the arena is reset, followed by at least `padding` readable bytes.
  public func copy(_ bytes: ByteView, padding: Int = 0) -> ByteView {
    let piece = unsafe allocate(bytes.count + padding)
    unsafe bytes.withUnsafeBytes { source in
      if let start = source.baseAddress, let target = piece.baseAddress {
        unsafe target.copyMemory(from: start, byteCount: source.count)
      }
    }
    return unsafe ByteView(UnsafeRawBufferPointer(rebasing: piece[..<bytes.count]))
  }

  /// A copy of an array's bytes that lives until the arena is reset.
  public func copy(_ bytes: [UInt8]) -> ByteView { bytes.withView { copy($0) } }

  /// Room of `count` bytes for the caller to fill before any view of it is made.
  public func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
    let rounded = (count + 7) & ~7
    while unsafe current >= blocks.count || blocks[current].count - used < rounded {
      moveOn(toFit: rounded)
    }
    let start = unsafe used
    unsafe used += rounded
    return unsafe UnsafeMutableRawBufferPointer(rebasing: blocks[current][start..<start + count])
  }

  /// What `write` writes, as a piece of the arena: it is written where it stays, and copied only when it outgrows the
  /// block that it was begun in.
  ///
  /// - Parameter capacity: the bytes that it will have, as far as is known.
  public func written<E>(
    capacity: Int = 256, _ write: (inout BSONWriter) throws(E) -> Void
  ) throws(E) -> ByteView {
    var writer = BSONWriter(in: self, capacity: capacity)
    try write(&writer)
    let piece = writer.view
    giveBack(after: piece)
    return piece
  }

  /// All that is left of a block in which at least `size` bytes are: other pieces come from the next block, until
  /// what is not needed is given back.
  func takeRest(atLeast size: Int) -> UnsafeMutableRawBufferPointer {
    while unsafe current >= blocks.count || blocks[current].count - used < size { moveOn(toFit: size) }
    let block = unsafe blocks[current]
    defer { unsafe used = block.count }
    return unsafe UnsafeMutableRawBufferPointer(rebasing: block[used...])
  }

  /// Gives back what lies behind this piece of the rest of a block, if that block is still the one that is being filled.
  private func giveBack(after piece: ByteView) {
    let block = unsafe blocks[current]
    guard unsafe used == block.count else { return }
    let offset = unsafe piece.withUnsafeBytes { piece in
      unsafe piece.baseAddress.flatMap { start in
        unsafe block.baseAddress.map { unsafe start - UnsafeRawPointer($0) }
      }
    }
    guard let offset, offset >= 0, offset + piece.count <= block.count else { return }
    unsafe used = min(block.count, (offset + piece.count + 7) & ~7)
  }

  /// Goes to the next block; makes one where there is none, or one that is large enough.
  private func moveOn(toFit size: Int) {
    if unsafe current < blocks.count { unsafe current += 1 }
    unsafe used = 0
    if unsafe current == blocks.count || blocks[current].count < size {
      let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(Self.blockSize, size), alignment: 16)
      unsafe blocks.insert(block, at: current)
    }
  }
}
