internal import BSON
internal import Glibc
internal import Learning
internal import Stores
internal import Synchronization

/// The facts of a run's users on disk: what is kept between its passes, in a file that has no name any more.
final class FactsFile: Sendable {
  private let file: PosixFile
  /// In bytes.
  private let size = Atomic(0)

  init(in folder: String) throws(StoreError) {
    let path = folder + "/facts-\(UInt64.random(in: .min ... .max))"
    file = try PosixFile(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600, operation: "create")
    unsafe unlink(path)
  }

  /// Appends bytes and says where they begin. From any thread.
  func append(_ bytes: ByteView) throws(StoreError) -> Int {
    let offset = size.add(bytes.count, ordering: .relaxed).oldValue
    try file.write(bytes, at: offset)
    return offset
  }

  func read(_ offset: Int, _ length: Int) throws(StoreError) -> [UInt8] {
    let bytes = try file.read(upTo: length, at: offset)
    guard bytes.count == length else {
      throw .inputOutput(path: file.path, operation: "read back facts from", code: EIO)
    }
    return bytes
  }
}

/// Where the facts of one user are, and what is to be done with them.
struct Visit: Sendable {
  /// In the file of facts, in bytes.
  var offset: Int
  var length: Int32
  /// Whose repertoire the facts' numbers are of.
  var reader: Int16
  /// Whether the user's documents are made; else the facts are of use to `service_stats` alone.
  var isRecomputed: Bool
  /// Whether the user has an earlier visit, which is of use to `service_stats` in the place of this one.
  var isRepeated: Bool
  /// Whether the archive has all plays of the user's library, once this run has written it.
  var isArchived: Bool
  /// Where the user's document stands in `user_stats`; `Int.max` for one that is new there.
  var position = Int.max
}

/// Goes through facts on all workers.
struct FactsScan: Sendable {
  let file: FactsFile
  let visits: [Visit]
  /// By reader.
  let renumberings: [Renumbering]

  /// Users that are read and written together: few enough for their documents to wait in memory.
  static let batchSize = 32

  /// The facts of one user, and the print of the documents that they are from.
  func read(_ visit: Visit) throws(StoreError) -> (facts: UserFacts, print: UInt64) {
    let bytes = try file.read(visit.offset, Int(visit.length))
    var (facts, print) = bytes.withView { view in
      var offset = 8
      return (UserFacts(decoding: view, at: &offset), view.load(0, as: UInt64.self))
    }
    facts.renumber(renumberings[Int(visit.reader)])
    return (facts, print)
  }

  /// The id of the user whose facts they are.
  func user(of visit: Visit) throws(StoreError) -> [UInt8] {
    // As long as nearly every id is.
    let head = try file.read(visit.offset, min(Int(visit.length), 64))
    if let user = head.withView({ UserFacts.user(decoding: $0, at: 8) }) { return user }
    return try read(visit).facts.user
  }

  /// Adds up what the facts say; parts add up exactly, so that which worker takes which batch changes nothing.
  func counted<Part: Sendable>(
    workers: Int, from empty: Part, _ add: @escaping @Sendable (inout Part, UserFacts, Visit) -> Void,
    merge: (inout Part, Part) -> Void
  ) throws(StoreError) -> Part {
    let next = Atomic(0)
    let parts = Mutex([Part]())
    try inParallel(workers) { _, hasFailed throws(StoreError) in
      var part = empty
      while !hasFailed() {
        let start = next.add(Self.batchSize, ordering: .relaxed).oldValue
        guard start < visits.count else { break }
        for visit in visits[start..<min(visits.count, start + Self.batchSize)] {
          add(&part, try read(visit).facts, visit)
        }
      }
      parts.withLock { $0.append(part) }
    }
    var rest = parts.withLock { parts in
      defer { parts = [] }
      return parts
    }
    // Others are added to a part that is there: an empty one would be another copy of all tables.
    guard var sum = rest.popLast() else { return empty }
    for part in rest { merge(&sum, part) }
    return sum
  }
}
