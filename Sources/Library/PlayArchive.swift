public import BSON

/// The play archive – what the limit of the library's history would lose: one document per user and calendar month
/// (UTC), without a limit (docs/learning.md).
///
/// A play that is there already, by song key and `playedAt`, is joined with the new one: `completionRate` the greatest,
/// of every other field the greater bytes. So no order of runs, no overlap and no repetition changes the result. Fields
/// are written in one order, so that this holds for the bytes too.
public struct PlayArchive: ~Copyable {
  /// A month's document as it is stored and as it becomes.
  public struct Month {
    /// `2025-12`
    public let name: ByteView
    public let stored: BSONDocument?
    public let document: BSONDocument
  }

  private let arena: Arena
  private let asOf: Int64
  private var normalizer: Normalizer

  /// - Parameter asOf: the run's clock, in milliseconds since 1970.
  public init(asOf: Int64, arena: Arena) {
    self.asOf = asOf
    self.arena = arena
    normalizer = Normalizer(arena: arena, sections: [.history])
  }

  // MARK: Which plays

  /// The plays of some replicas that the archive may lack.
  ///
  /// - Parameters:
  ///   - cloud: the stored library's plays.
  ///   - isArchived: whether the archive is known to have all that these say.
  static func pending(
    dumps: [[Entry]], cloud: [Entry]?, isArchived: Bool
  ) throws(BSONFault) -> [Entry] {
    guard let cloud, isArchived else { return dumps.reduce(cloud ?? [], +) }
    let known = sorted(cloud)
    var pending: [Entry] = []
    for dump in dumps {
      for play in dump {
        if let found = find(play, in: known), try covers(found, play) { continue }
        pending.append(play)
      }
    }
    return pending
  }

  /// Newest first, ties by song key: the order of the library's history, which most lists are in already.
  private static func sorted(_ plays: [Entry]) -> [Entry] {
    for index in plays.indices.dropFirst() where Entry.precedesAsPlay(plays[index], plays[index - 1]) {
      return plays.sorted(by: Entry.precedesAsPlay)
    }
    return plays
  }

  private static func find(_ play: Entry, in plays: [Entry]) -> Entry? {
    var (low, high) = (0, plays.count)
    while low < high {
      let middle = (low + high) / 2
      if Entry.precedesAsPlay(plays[middle], play) { low = middle + 1 } else { high = middle }
    }
    guard low < plays.count, plays[low].playedAt == play.playedAt, plays[low].key == play.key else { return nil }
    return plays[low]
  }

  /// Whether joining `play` with what is known of it would change nothing.
  private static func covers(_ known: Entry, _ play: Entry) throws(BSONFault) -> Bool {
    if known.document.bytes == play.document.bytes { return true }
    guard known.completionRate >= play.completionRate else { return false }
    var fields = FieldMerge()
    try fields.add(known.document, rank: 0)
    var elements = play.document.elements
    while let element = try elements.next() {
      guard let value = fields.value(of: element) else { return false }
      // A lower rate never wins, whatever its bytes.
      let isLower = known.completionRate > play.completionRate && element.key == ByteView("completionRate")
      if !isLower, element.value.hasGreaterBytes(than: value) { return false }
    }
    return true
  }

  // MARK: Into months

  /// The months that change when these plays are added.
  ///
  /// - Parameters:
  ///   - plays: in any order, with any repetitions.
  ///   - stored: the user's documents of all the months that the plays lie in, and of any others.
  public mutating func months(
    adding plays: [Entry], of user: ByteView, to stored: [BSONDocument]
  ) throws(BSONFault) -> [Month] {
    var months: [Month] = []
    let plays = Self.sorted(plays)
    var start = 0
    while start < plays.count {
      let month = CalendarMonth(of: plays[start].playedAt)
      var end = start + 1
      // The newest come first.
      while end < plays.count, plays[end].playedAt >= month.start { end += 1 }
      let name = month.name.withView { arena.copy($0) }
      var known: BSONDocument?
      for document in stored where try document.value("month")?.string == name { known = document }
      if let document = try joined(plays[start..<end], known, month: name, user: user) {
        months.append(Month(name: name, stored: known, document: document))
      }
      start = end
    }
    return months
  }

  /// The first month in which one of these plays lies: `2025-12`; nil without any.
  public func firstMonth(of plays: [Entry]) -> ByteView? {
    guard let oldest = plays.lazy.map(\.playedAt).min() else { return nil }
    return CalendarMonth(of: oldest).name.withView { arena.copy($0) }
  }

  /// A month with further plays; nil when they say nothing new.
  private mutating func joined(
    _ plays: ArraySlice<Entry>, _ stored: BSONDocument?, month: ByteView, user: ByteView
  ) throws(BSONFault) -> BSONDocument? {
    var known = Replica(origin: .cloud, time: nil)
    if let plays = try stored?.value("plays") { try normalizer.read(.history, plays, into: &known) }
    let old = Self.sorted(known.history ?? [])
    if stored != nil {
      var isCovered = true
      for play in plays where isCovered {
        let found = Self.find(play, in: old)
        isCovered = try found.map { found throws(BSONFault) in try Self.covers(found, play) } ?? false
      }
      if isCovered { return nil }
    }
    // What cannot be read as a play stays, behind those that can.
    let array = try written(Self.sorted(old + plays), unreadable: known.quarantined.compactMap(\.raw))
    return try document(array, stored, month: month, user: user)
  }

  /// The list of plays, each joined from its versions.
  private mutating func written(_ plays: [Entry], unreadable: [BSONValue]) throws(BSONFault) -> BSONValue {
    let bytes = try arena.written(capacity: 1 << 16) { writer throws(BSONFault) in
      let list = writer.open()
      var count = 0
      var start = 0
      while start < plays.count {
        var end = start + 1
        while end < plays.count, plays[end].playedAt == plays[start].playedAt, plays[end].key == plays[start].key {
          end += 1
        }
        writer.index(count, .document)
        try ArchivedPlay(plays[start..<end]).write(to: &writer)
        count += 1
        start = end
      }
      for value in unreadable {
        writer.index(count, value.type)
        writer.put(bytes: value.bytes)
        count += 1
      }
      writer.close(list)
    }
    return BSONValue(type: .array, bytes: bytes)
  }

  private mutating func document(
    _ plays: BSONValue, _ stored: BSONDocument?, month: ByteView, user: ByteView
  ) throws(BSONFault) -> BSONDocument {
    BSONDocument(
      unchecked: try arena.written(capacity: plays.bytes.count + 256) { writer throws(BSONFault) in
        let start = writer.open()
        if let stored {
          let before = try stored.value("updated_at")?.date
          var elements = stored.elements
          while let element = try elements.next() {
            switch element.key {
            case "plays": writer.append("plays", plays)
            case "updated_at": break
            default: writer.append(element.key, element.value)
            }
          }
          if try stored.value("plays") == nil { writer.append("plays", plays) }
          writer.append("updated_at", date: Instant.next(after: before, atLeast: asOf))
        } else {
          writer.key("_id", .objectID)
          objectID(of: user.copy() + [0x0A] + month.copy()).withView { writer.put(bytes: $0) }
          writer.append("user_id", string: user)
          writer.append("month", string: month)
          writer.append("plays", plays)
          writer.append("updated_at", date: asOf)
        }
        writer.close(start)
      })
  }
}

/// A play as the archive keeps it: the known fields in the order of the library's document, then others by name.
private struct ArchivedPlay {
  /// By rank.
  private var known = InlineArray<13, BSONElement?>(repeating: nil)
  private var others: [BSONElement] = []

  init(_ versions: ArraySlice<Entry>) throws(BSONFault) {
    for version in versions {
      var elements = version.document.elements
      while let element = try elements.next() { add(element) }
    }
    guard others.count > 1 else { return }
    // Of each name the greater bytes come first, and stay.
    others.sort { $0.key != $1.key ? $0.key < $1.key : $0.value.hasGreaterBytes(than: $1.value) }
    var kept = 1
    for index in 1..<others.count where others[index].key != others[kept - 1].key {
      others[kept] = others[index]
      kept += 1
    }
    others.removeSubrange(kept...)
  }

  private mutating func add(_ element: BSONElement) {
    guard let rank = Self.rank(element) else { return others.append(element) }
    guard let old = known[rank] else {
      known[rank] = element
      return
    }
    if Self.wins(element.value, over: old.value, isRate: rank == Self.rateRank) { known[rank] = element }
  }

  private static func wins(_ new: BSONValue, over old: BSONValue, isRate: Bool) -> Bool {
    // In normal form a completion rate is a double of 0…1; its bytes are in no order.
    if isRate, let rate = new.double, let known = old.double, rate != known { return rate > known }
    return new.hasGreaterBytes(than: old)
  }

  private static var rateRank: Int { 5 }

  /// Where a known field stands.
  private static func rank(_ element: BSONElement) -> Int? {
    guard let (field, _) = EntryField.named(element) else { return nil }
    return switch field {
    case .videoId: 0
    case .title: 1
    case .artist: 2
    case .artwork: 3
    case .playedAt: 4
    case .completionRate: rateRank
    case .source: 6
    case .language: 7
    case .genres: 8
    case .moods: 9
    case .duration: 10
    case .addedAt: 11
    case .removedAt: 12
    }
  }

  func write(to writer: inout BSONWriter) {
    let start = writer.open()
    for rank in known.indices {
      if let element = known[rank] { writer.append(element.key, element.value) }
    }
    for element in others { writer.append(element.key, element.value) }
    writer.close(start)
  }
}
