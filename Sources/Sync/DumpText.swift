internal import BSON
internal import Glibc

/// The JSON of a dump that waits to be merged, with its padding; the bytes never change.
struct DumpText: Sendable {
  private let block: TextBlock?
  /// Valid as long as `block`.
  private let bytes: ByteView

  /// No text at all.
  static let empty = DumpText(block: nil, bytes: .empty)

  fileprivate init(block: TextBlock?, bytes: ByteView) {
    self.block = block
    self.bytes = bytes
  }

  /// A copy of `text` in memory of its own.
  init(_ text: [UInt8]) { self = text.isEmpty ? .empty : TextBlock(size: text.count).copy(text, at: 0) }

  /// In bytes.
  var count: Int { bytes.count }

  /// Hands over a view that holds for the call.
  func withView<R>(_ body: (ByteView) throws -> R) rethrows -> R {
    try withExtendedLifetime(block) { try body(bytes) }
  }

  func copy() -> [UInt8] { withView { $0.copy() } }
}

/// Where one worker puts the texts that it hands on, one behind the other in blocks.
///
/// Texts are most of what a run holds, in memory that was never touched before: in small pages the system would take more
/// time to give it out than the worker to fill it. A block is one huge page where the system has them.
struct TextRoom {
  private static let hugePage = 2 << 20

  private let blockSize: Int
  private var block: TextBlock?
  private var used = 0

  /// - Parameter memory: what all the work in flight may hold, in bytes; a block is a small part of it.
  init(memory: Int) { blockSize = min(Self.hugePage, memory / 64) }

  mutating func copy(_ text: [UInt8]) -> DumpText {
    guard text.count <= blockSize / 4 else { return DumpText(text) }
    if block == nil || used + text.count > blockSize { (block, used) = (makeBlock(), 0) }
    guard let block else { return DumpText(text) }
    // So that the next one is aligned.
    defer { used += (text.count + 63) & ~63 }
    return block.copy(text, at: used)
  }

  private func makeBlock() -> TextBlock {
    guard blockSize == Self.hugePage else { return TextBlock(size: blockSize) }
    let block = TextBlock(size: blockSize, alignment: Self.hugePage)
    block.preferHugePage()
    return block
  }
}

/// Memory for texts, freed with the last of them.
///
/// Safe to share between threads although it is written to: one ``TextRoom`` has it to write, each piece once, before
/// there is a ``DumpText`` of it to read.
@safe private final class TextBlock: @unchecked Sendable {
  private let memory: UnsafeMutableRawBufferPointer

  init(size: Int, alignment: Int = 64) { unsafe memory = .allocate(byteCount: size, alignment: alignment) }

  deinit { unsafe memory.deallocate() }

  /// Only advice: a failure means nothing.
  func preferHugePage() { _ = unsafe madvise(memory.baseAddress, memory.count, MADV_HUGEPAGE) }

  /// - Parameter offset: where nothing was written before; `text` must fit behind it.
  func copy(_ text: [UInt8], at offset: Int) -> DumpText {
    let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[offset..<(offset + text.count)])
    unsafe piece.copyBytes(from: text)
    return DumpText(block: self, bytes: unsafe ByteView(UnsafeRawBufferPointer(piece)))
  }
}
