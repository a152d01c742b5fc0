internal import Dispatch
internal import Synchronization

/// A source that is read on a thread of its own, some blocks ahead: so a file is unpacked while what came out of it
/// before is looked at.
///
/// Safe to share between the two threads, as its types alone cannot say: `source` and `counted` are called on the
/// reading thread alone until ``stop()`` has returned, `failure` is that thread's alone, `lent` and `ending` belong to
/// the caller's, and all that passes from one to the other goes through `state`.
final class ReadAhead: BlockSource, @unchecked Sendable {
  /// Copies of some blocks of the source, one after another, in memory that is used again for later ones.
  ///
  /// Safe to pass on although it holds a pointer and changes: at any time only the thread that last took it out of
  /// `state` uses it, and what it points to is freed with it.
  @safe private final class Block: @unchecked Sendable {
    private var room = unsafe UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
    private(set) var count = 0
    /// What `counted` said when the last of them was read.
    private(set) var counted = 0

    var bytes: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(rebasing: room[..<count]) }

    func removeAll() { count = 0 }

    func append(_ block: UnsafeBufferPointer<UInt8>, counted: Int) {
      if unsafe room.count - count < block.count {
        let larger = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(ReadAhead.size, count) + block.count)
        _ = unsafe larger.update(fromContentsOf: bytes)
        unsafe room.deallocate()
        unsafe room = larger
      }
      _ = unsafe UnsafeMutableBufferPointer(rebasing: room[count...]).update(fromContentsOf: block)
      count += block.count
      self.counted = counted
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

  /// What is handed over at once, in bytes: each time wakes a thread.
  private static let size = 512 << 10
  /// How many of these wait to be taken, at most.
  private static let most = 4

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
  /// What the source threw behind blocks that are handed over first.
  private var failure: ReadFailure?

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
      while let block = try nextBlocks() { pass(.block(block)) }
      pass(.end)
    } catch {
      pass(.failure(error))
    }
  }

  /// As many blocks as are handed over at once; nil at the end, and when nobody wants more. What comes before a failure
  /// is handed over first.
  private func nextBlocks() throws(ReadFailure) -> Block? {
    if let failure { throw failure }
    room.wait()
    let (spare, isStopped) = state.withLock { ($0.spare.popLast(), $0.isStopped) }
    if isStopped { return nil }
    let blocks = spare ?? Block()
    blocks.removeAll()
    do throws(ReadFailure) {
      while blocks.count < Self.size, let next = unsafe try source.nextBlock() {
        unsafe blocks.append(next, counted: counted())
      }
    } catch {
      guard blocks.count > 0 else { throw error }
      failure = error
    }
    return blocks.count > 0 ? blocks : nil
  }

  private func pass(_ step: Step) {
    state.withLock { $0.steps.append(step) }
    filled.signal()
  }
}
