internal import Dispatch
internal import Stores
internal import Synchronization

/// Brings the dumps of each user together, however they are spread over the inputs.
///
/// Dumps are held until the budget is full, then sorted and put on disk as one *run*; at the end the runs are merged.
/// So memory is bounded whatever the input's size: what grows are the runs on disk.
final class Grouping: Sendable {
  private struct State {
    var dumps: [GroupedDump] = []
    var bytes = 0
    var runs: [SpilledRun] = []
  }

  /// Runs that are read side by side; more are joined before.
  private static let widestMerge = 64

  private let budget: Int
  private let folder: String
  private let state = Mutex(State())
  /// Entered while dumps are being put on disk.
  private let spilling = DispatchGroup()

  /// - Parameters:
  ///   - budget: bytes held before a run is put on disk.
  ///   - folder: where runs go; they are unlinked at once, so that nothing stays behind whatever happens.
  init(budget: Int, folder: String) {
    self.budget = budget
    self.folder = folder
  }

  /// How many times the budget was full.
  var runCount: Int { state.withLock { $0.runs.count } }

  /// Takes dumps in any order, from any thread.
  func add(_ dumps: [GroupedDump]) throws(StoreError) {
    var full: [GroupedDump] = []
    let isMuch = state.withLock { state in
      state.dumps += dumps
      state.bytes += dumps.reduce(0) { $0 + $1.footprint }
      guard state.bytes > budget else { return state.bytes > budget / 16 }
      full = state.dumps
      state.dumps = []
      state.bytes = 0
      spilling.enter()
      return false
    }
    // What is being put on disk is in memory too, until it is there.
    if isMuch { spilling.wait() }
    guard !full.isEmpty else { return }
    defer { spilling.leave() }
    let run = try SpilledRun(sorted: Self.inOrder(full), in: folder)
    state.withLock { $0.runs.append(run) }
  }

  /// All dumps in the order in which users are visited. Takes everything out.
  func sorted() throws(StoreError) -> SortedDumps {
    let (dumps, allRuns) = state.withLock { state in
      defer { state = State() }
      return (state.dumps, state.runs)
    }
    var runs = allRuns
    while runs.count > Self.widestMerge {
      let joined = SortedDumps(dumps: [], runs: Array(runs.prefix(Self.widestMerge)), memory: budget)
      runs.removeFirst(Self.widestMerge)
      runs.append(try SpilledRun(merging: joined, in: folder))
    }
    return SortedDumps(dumps: Self.inOrder(dumps), runs: runs, memory: budget)
  }

  /// Sorts small keys, and moves each dump once.
  private static func inOrder(_ dumps: [GroupedDump]) -> [GroupedDump] {
    let keys = dumps.indices.map { (isLate: dumps[$0].isLate, position: dumps[$0].position, place: $0) }
    let sorted = keys.sorted { a, b in
      if a.isLate == b.isLate, a.position != b.position { return a.position < b.position }
      return GroupedDump.precedes(dumps[a.place], dumps[b.place])
    }
    return sorted.map { dumps[$0.place] }
  }
}

/// Dumps from memory and from runs, merged into one order.
struct SortedDumps {
  private var inMemory: IndexingIterator<[GroupedDump]>
  private var readers: [SpilledRun.Reader]
  /// The next dump of each source: those of the readers, then that of memory.
  private var heads: [GroupedDump?]

  /// - Parameter memory: what dumps may hold, in bytes; the readers' buffers together take a small part of that.
  init(dumps: [GroupedDump], runs: [SpilledRun], memory: Int) {
    inMemory = dumps.makeIterator()
    let buffer = min(1 << 20, max(16 << 10, memory / 16 / max(1, runs.count)))
    readers = runs.map { SpilledRun.Reader($0, bufferSize: buffer) }
    heads = []
  }

  /// The next dump, or nil at the end.
  mutating func next() throws(StoreError) -> GroupedDump? {
    if readers.isEmpty { return inMemory.next() }
    if heads.isEmpty {
      for reader in readers { heads.append(try reader.next()) }
      heads.append(inMemory.next())
    }
    var least: Int?
    for (index, head) in heads.enumerated() {
      guard let head else { continue }
      if let known = least.flatMap({ heads[$0] }), !GroupedDump.precedes(head, known) { continue }
      least = index
    }
    guard let least else { return nil }
    let dump = heads[least]
    heads[least] = least < readers.count ? try readers[least].next() : inMemory.next()
    return dump
  }
}
