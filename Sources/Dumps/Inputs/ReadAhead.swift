internal import Dispatch
internal import Synchronization

/// A source that is read on a thread of its own, some blocks ahead: so a file is unpacked while what came out of it
/// before is looked at.
///
/// Safe to share between the two threads, as its types alone cannot say: `source` and `counted` are called on the
/// reading thread alone until ``stop()`` has returned, `lent` and `ending` belong to the caller's, and all that passes
/// from one to the other goes through `state`.
final class ReadAhead: BlockSource, @unchecked Sendable {
  /// A copy of a block of the source, in memory that is used again for later ones.
  ///
  /// Safe to pass on although it holds a pointer and changes: of the two threads that has it that took it out of
  /// `state` last, and what it points to is freed with it.
  @safe private final class Block: @unchecked Sendable {
    private var room = unsafe UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
    private var count = 0
    /// What `counted` said when the block was read.
    private(set) var counted = 0

    var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(rebasing: room[..<count]) }

    func fill(_ block: UnsafeBufferPointer<UInt8>, counted: Int) {
      if unsafe room.count < block.count {
        unsafe room.deallocate()
        unsafe room = .allocate(capacity: block.count)
      }
      _ = unsafe room.update(fromContentsOf: block)
      (count, self.counted) = (block.count, counted)
    }

    deinit { unsafe room.deallocate() }
  }

  private enum Step {
    case block(Block)
    case end
    case failure(ReadFailure)
  }

  private struct State {
    var steps: [Step] = []
    /// What was taken and is done with.
    var spare: [Block] = []
    var isStopped = false
  }

  /// Blocks that wait to be taken, at most.
  private static let most = 8

  private let source: any BlockSource
  private let counted: () -> Int
  private let state = Mutex(State())
  /// Signalled for each block that may be read.
  private let room = DispatchSemaphore(value: 0)
  /// Signalled for each step that can be taken.
  private let filled = DispatchSemaphore(value: 0)
  private let reading = DispatchGroup()
  /// The block that the caller has.
  private var lent: Block?
  /// What came behind the last block.
  private var ending: Step?

  /// Begins to read.
  ///
  /// - Parameters:
  ///   - source: whom nobody else may use until ``stop()`` has returned.
  ///   - counted: what is to be known of the source at each block; called on the thread that reads.
  init(_ source: any BlockSource, counting counted: @escaping () -> Int) {
    self.source = source
    self.counted = counted
    for _ in 0..<Self.most { room.signal() }
    DispatchQueue(label: "mixdown.unpack").async(group: reading) { self.read() }
  }

  /// What was counted when the block that the caller has was read; 0 before the first.
  var countedAtBlock: Int { lent?.counted ?? 0 }

  func nextBlock() throws(ReadFailure) -> UnsafeBufferPointer<UInt8>? {
    if ending == nil {
      filled.wait()
      let done = lent.take()
      let step = state.withLock { state in
        if let done { state.spare.append(done) }
        return state.steps.removeFirst()
      }
      switch step {
      case .block(let block):
        room.signal()
        lent = block
        return unsafe block.bytes
      case let last: ending = last
      }
    }
    if case .failure(let failure) = ending { throw failure }
    return nil
  }

  /// Reads no more; returns when the source is free.
  func stop() {
    state.withLock { $0.isStopped = true }
    room.signal()
    reading.wait()
  }

  /// On the thread that reads: to the end, a failure, or until nobody wants more.
  private func read() {
    do throws(ReadFailure) {
      while true {
        room.wait()
        let (spare, isStopped) = state.withLock { ($0.spare.popLast(), $0.isStopped) }
        guard !isStopped, let block = unsafe try source.nextBlock() else { break }
        let copy = spare ?? Block()
        unsafe copy.fill(block, counted: counted())
        pass(.block(copy))
      }
      pass(.end)
    } catch {
      pass(.failure(error))
    }
  }

  private func pass(_ step: Step) {
    state.withLock { $0.steps.append(step) }
    filled.signal()
  }
}
