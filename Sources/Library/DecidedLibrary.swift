internal import BSON

/// The sections of one user's library as the rules decide them, and the document that they make.
struct DecidedLibrary {
  private let parameters: MergeParameters
  private let user: ByteView
  private let cloud: CloudLibrary?
  private let arena: Arena
  /// Decided sections in normal form; a value of nil means that the section is absent.
  private var values = PerSection<SectionValue?>()
  private var total: Int64?
  private var decidesTotal = false
  /// When each timed section was last decided, in milliseconds.
  private var times = PerSection<Int64?>()
  /// The stored `removed` without what has expired: removals that have are no reason to write.
  private var storedRemoved: BSONValue?
  /// What the removals that are kept take, in bytes.
  private var removedSize = 0
  private var history: [Entry] = []
  private var fates = EntryFates()
  /// What is known of a later merge of the same dumps.
  private var repetition = Repetition()
  private var left: MergeOutcome.Left?

  init(parameters: MergeParameters, user: ByteView, cloud: CloudLibrary?, arena: Arena) {
    self.parameters = parameters
    self.user = user
    self.cloud = cloud
    self.arena = arena
  }

  private func decides(_ section: Section) -> Bool { parameters.sections.contains(section) }

  // MARK: Modes

  /// - Parameter dumps: in replica order, newest first.
  mutating func merge(_ dumps: [Replica]) throws(BSONFault) {
    let replicas = dumps + (cloud.map { [$0.replica] } ?? [])
    var stones = try RemovedSets(
      replicas, parameters: parameters, in: arena)

    if decides(.favorites) {
      let lists = replicas.compactMap(\.favorites)
      if lists.isEmpty {
        values[.favorites] = .some(nil)
      } else {
        let favorites = try Favorites.merged(lists, removed: stones.favorites, fates: &fates, in: arena)
        values[.favorites] = .entries(favorites)
      }
    }
    if decides(.history) {
      let lists = replicas.compactMap(\.history)
      var distinct: Int?
      if lists.isEmpty {
        values[.history] = .some(nil)
      } else {
        let history = try History.merged(
          dumps: dumps.compactMap(\.history), cloud: cloud?.replica.history, limit: parameters.historyLimit,
          fates: &fates, in: arena)
        values[.history] = .entries(history.plays)
        self.history = history.plays
        distinct = history.distinct
        repetition.add(beyondLimit: history.beyondLimitOfDumps)
      }
      decidesTotal = true
      total = (replicas.compactMap(\.totalSongsPlayed) + (distinct.map { [Int64($0)] } ?? [])).max()
    }
    if decides(.queue) {
      let winner = Queue.winner(
        replicas: dumps, cloud: cloud?.replica.queue, cloudTime: cloud?.time(of: .queue), fates: &fates)
      values[.queue] = .some(try winner.map { winner throws(BSONFault) in try queue(winner.items) })
      times[.queue] = .some(winner?.time)
    }
    if decides(.playlists) {
      var playlists = try Playlists(
        user: user, replicas: dumps, cloud: cloud?.replica.playlists, removed: stones.playlists,
        removedSongs: stones.playlistSongs, in: arena)
      let merged = try playlists.merged(fates: &fates)
      if !playlists.localIDsStay { repetition.isCertain = false }
      let isPresent = replicas.contains { $0.playlists != nil }
      values[.playlists] = isPresent ? .documents(merged.map(\.document)) : .some(nil)
      stones.playlists = playlists.tombstones.playlists
      stones.playlistSongs = playlists.tombstones.songs
    }
    if decides(.preferences) {
      let merged = try MergedPreferences(
        replicas: dumps, cloud: cloud?.replica.preferences, cloudTime: cloud?.time(of: .preferences),
        cloudDecides: cloud?.hasSectionTimes ?? false, in: arena)
      values[.preferences] = .some(merged.document.map(SectionValue.document))
      times[.preferences] = .some(merged.time)
    }
    if decides(.recentSearches) {
      let merged = RecentSearches.merged(
        replicas: dumps, cloud: cloud?.replica.recentSearches, cloudTime: cloud?.time(of: .recentSearches),
        fates: &fates, in: arena)
      values[.recentSearches] = .some(merged.map { searches($0.searches) })
      times[.recentSearches] = .some(merged?.time)
      repetition.add(beyondLimit: merged?.beyondLimitOfDumps ?? 0)
    }
    if decides(.favorites) || decides(.playlists) {
      removedSize = stones.size
      // They are not put together for nothing: hostile ones may take any room.
      if removedSize <= MergeOutcome.largestDocument {
        let stored = cloud?.stored[.removed]
        values[.removed] = .some(try stones.written(over: stored?.document, in: arena).map(SectionValue.value))
        storedRemoved = try stones.withoutExpired(stored, in: arena)
      }
    }
    count(cloud?.replica)
  }

  /// The named sections of the newest dump alone take the place of the cloud's.
  mutating func replace(with dump: Replica) throws(BSONFault) {
    let none = TombstoneSet()
    if decides(.favorites), let list = dump.favorites {
      let favorites = try Favorites.merged([list], removed: none, fates: &fates, in: arena)
      put(.favorites, .entries(favorites), isEmpty: favorites.isEmpty)
      fates.superseded += cloud?.replica.favorites?.count ?? 0
    }
    if decides(.history) {
      decidesTotal = dump.totalSongsPlayed != nil || dump.history != nil
      total = dump.totalSongsPlayed ?? cloud?.replica.totalSongsPlayed
      if let list = dump.history {
        let history = try History.merged(
          dumps: [list], cloud: nil, limit: parameters.historyLimit, fates: &fates, in: arena)
        put(.history, .entries(history.plays), isEmpty: history.plays.isEmpty)
        self.history = history.plays
        fates.superseded += cloud?.replica.history?.count ?? 0
        if dump.totalSongsPlayed == nil { total = max(total ?? 0, Int64(history.distinct)) }
      }
    }
    if decides(.queue), let items = dump.queue {
      put(.queue, try queue(items), isEmpty: items.isEmpty)
      fates.kept += items.count
      fates.superseded += cloud?.replica.queue?.count ?? 0
      times[.queue] = .some(dump.time)
    }
    if decides(.playlists), let versions = dump.playlists {
      try replacePlaylists(with: versions)
    }
    if decides(.preferences), let preferences = dump.preferences {
      put(.preferences, .document(preferences.document), isEmpty: preferences.document.isEmpty)
      times[.preferences] = .some(dump.time)
    }
    if decides(.recentSearches), dump.recentSearches != nil {
      let merged = RecentSearches.merged(replicas: [dump], cloud: nil, cloudTime: nil, fates: &fates, in: arena)
      put(.recentSearches, searches(merged?.searches ?? []), isEmpty: merged?.searches.isEmpty ?? true)
      fates.superseded += cloud?.replica.recentSearches?.count ?? 0
      times[.recentSearches] = .some(dump.time)
    }
    count(cloud?.replica)
  }

  /// What the cloud has stays as it is, but for its form.
  ///
  /// - Parameter playlists: the cloud's, in normal form.
  mutating func keep(playlists: [BSONDocument]?) {
    guard let replica = cloud?.replica else { return }
    let lists = [(Section.favorites, replica.favorites), (.history, replica.history), (.queue, replica.queue)]
    for (section, list) in lists where decides(section) { values[section] = .some(list.map(SectionValue.entries)) }
    if decides(.history) { (decidesTotal, total) = (true, replica.totalSongsPlayed) }
    if decides(.playlists) { values[.playlists] = .some(playlists.map(SectionValue.documents)) }
    if decides(.preferences) {
      values[.preferences] = .some(replica.preferences.map { SectionValue.document($0.document) })
    }
    if decides(.recentSearches) { values[.recentSearches] = .some(replica.recentSearches.map(searches)) }
  }

  private mutating func replacePlaylists(with versions: [PlaylistVersion]) throws(BSONFault) {
    var alone = Replica(origin: .dump(text: .empty), time: nil)
    alone.playlists = versions
    let none = TombstoneSet()
    // The cloud's playlists lend their identity and their client ids, and nothing else.
    let stored = cloud?.replica.playlists ?? []
    var playlists = try Playlists(
      user: user, replicas: [alone], cloud: stored, removed: none, removedSongs: none, in: arena)
    playlists.keepOnlyIdentityOfCloud(replicas: versions.count)
    let merged = try playlists.merged(fates: &fates)
    put(.playlists, .documents(merged.map(\.document)), isEmpty: merged.isEmpty)
    fates.superseded += stored.reduce(0) { $0 + 1 + ($1.songs?.count ?? 0) }
  }

  /// Notes a section that `replace` decided, unless it would empty what is not.
  private mutating func put(_ section: Section, _ value: SectionValue, isEmpty: Bool) {
    if isEmpty, !parameters.allowEmpty, cloud?.replica.isEmpty(section) == false { left = left ?? .wouldEmpty(section) }
    values[section] = value
  }

  /// Adds what was read from a replica to the balance.
  mutating func count(_ replica: Replica?, isSuperseded: Bool = false) {
    guard let replica else { return }
    fates.read += replica.entriesRead
    fates.quarantined += replica.entriesQuarantined
    if isSuperseded { fates.superseded += replica.entriesRead - replica.entriesQuarantined }
  }

  // MARK: Values

  private func queue(_ items: [Entry]) throws(BSONFault) -> SectionValue {
    .value(
      BSONValue(
        type: .array,
        bytes: try arena.written { writer throws(BSONFault) in try Queue.write(items, to: &writer) }))
  }

  private func searches(_ list: [ByteView]) -> SectionValue {
    .value(BSONValue(type: .array, bytes: arena.written { writer in writer.put(strings: list) }))
  }

  // MARK: The document

  /// The new document, or nothing when it would say the same as the stored one.
  ///
  /// - Parameter dumps: what was merged.
  func outcome(of dumps: [Replica]) throws(BSONFault) -> MergeOutcome {
    var outcome = MergeOutcome()
    outcome.fates = fates
    if let left {
      outcome.left = left
      return outcome
    }
    outcome.history = history
    for section in Section.allCases where values[section] != nil { outcome.decided.insert(section) }
    guard removedSize <= MergeOutcome.largestDocument else {
      outcome.left = .documentTooLarge(removedSize)
      return outcome
    }
    outcome.changed = try changedFields()
    outcome.again = repetition.fates(
      of: dumps, cloud: cloud, first: fates, isChanged: !outcome.changed.isEmpty, parameters)
    guard !outcome.changed.isEmpty else { return outcome }
    let document = try written(changed: outcome.changed)
    guard document.bytes.count <= MergeOutcome.largestDocument else {
      outcome.left = .documentTooLarge(document.bytes.count)
      outcome.again = nil
      return outcome
    }
    outcome.document = document
    outcome.quarantined = cloud?.replica.quarantined ?? []
    return outcome
  }

  /// Names of the fields whose value differs from the stored one as it is stored.
  private func changedFields() throws(BSONFault) -> [StaticString] {
    var changed: [StaticString] = []
    for section in Section.allCases where section != .removed {
      guard let value = values[section] else { continue }
      if try differs(value, from: cloud?.stored[section]) { changed.append(section.field) }
    }
    if decidesTotal, try differs(totalValue, from: cloud?.storedTotal) { changed.append("total_songs_played") }
    if let removed = values[.removed] {
      // Removals that have expired are no reason to write, but are left out of what is written.
      let isReason = try differs(removed, from: storedRemoved)
      let stored = cloud?.stored[.removed]
      if isReason || !changed.isEmpty, try differs(removed, from: stored) { changed.append(Section.removed.field) }
    }
    return changed.sorted { ByteView($0) < ByteView($1) }
  }

  private func differs(_ value: SectionValue?, from stored: BSONValue?) throws(BSONFault) -> Bool {
    guard let value, let stored else { return (value == nil) != (stored == nil) }
    return try !value.says(stored)
  }

  private var totalValue: SectionValue? {
    total.map { total in
      .value(
        BSONValue(
          type: .int64, bytes: arena.written { writer in writer.put(UInt64(bitPattern: total)) }))
    }
  }

  private func written(changed: [StaticString]) throws(BSONFault) -> BSONDocument {
    let capacity = (cloud?.document.bytes.count ?? 0) + 8192
    return BSONDocument(
      unchecked: try arena.written(capacity: capacity) { writer throws(BSONFault) in
        try write(changed: changed, to: &writer)
      })
  }

  private func write(changed: [StaticString], to writer: inout BSONWriter) throws(BSONFault) {
    let isChanged = Set(changed.map { ByteView($0) })
    let start = writer.open()
    var missing = isChanged
    if let cloud {
      var elements = cloud.document.elements
      while let element = try elements.next() {
        switch CloudField.named(element.key) {
        case .updatedAt, .sectionTimes: break
        case .section, .total:
          if isChanged.contains(element.key) {
            if missing.remove(element.key) != nil { append(element.key, to: &writer) }
          } else {
            writer.append(element.key, element.value)
          }
        case .identity, .other: writer.append(element.key, element.value)
        }
      }
    } else {
      writer.key("_id", .objectID)
      objectID(ofUser: user).withView { writer.put(bytes: $0) }
      writer.append("user_id", string: user)
    }
    for name in Self.order where missing.contains(ByteView(name)) { append(ByteView(name), to: &writer) }
    try appendTimes(to: &writer)
    writer.close(start)
  }

  private static var order: [StaticString] {
    Section.allCases.flatMap { $0 == .history ? [$0.field, "total_songs_played"] : [$0.field] }
  }

  private func append(_ field: ByteView, to writer: inout BSONWriter) {
    if field == ByteView("total_songs_played") {
      if let total { writer.append("total_songs_played", integer: total) }
    } else if let section = Section(field: field), let value = values[section] ?? nil {
      value.write(as: field, to: &writer)
    }
  }

  private func appendTimes(to writer: inout BSONWriter) throws(BSONFault) {
    let now = Instant.next(after: cloud?.updatedAt, atLeast: parameters.asOf)
    writer.append("updated_at", date: now)
    writer.key("section_updated_at", .document)
    let start = writer.open()
    for section in Section.timed {
      let kept = cloud.flatMap { $0.has(section) ? $0.time(of: section) : nil }
      if let time = times[section] ?? kept { writer.append(section.field, date: time) }
    }
    writer.append("as_of", date: now)
    if let stored = cloud?.storedSectionTimes {
      var elements = stored.elements
      while let element = try elements.next() {
        if Section.timed(element.key) == nil, element.key != ByteView("as_of") {
          writer.append(element.key, element.value)
        }
      }
    }
    writer.close(start)
  }
}

/// A decided section's value. Lists are kept as their entries, which are written once: into the document.
private enum SectionValue {
  case value(BSONValue)
  case entries([Entry])
  case documents([BSONDocument])

  static func document(_ document: BSONDocument) -> SectionValue {
    .value(BSONValue(type: .document, bytes: document.bytes))
  }

  /// Whether it says the same as a stored value.
  func says(_ stored: BSONValue) throws(BSONFault) -> Bool {
    switch self {
    case .value(let value): try value.says(stored)
    case .entries(let entries): try Self.says(entries, \.document, stored)
    case .documents(let documents): try Self.says(documents, \.self, stored)
    }
  }

  private static func says<Item>(
    _ items: [Item], _ document: (Item) -> BSONDocument, _ stored: BSONValue
  ) throws(BSONFault) -> Bool {
    guard let array = stored.array else { return false }
    var elements = array.elements
    for item in items {
      guard let element = try elements.next() else { return false }
      let bytes = document(item).bytes
      if bytes.isSamePlace(as: element.value.bytes), element.value.type == .document { continue }
      guard try BSONValue(type: .document, bytes: bytes).says(element.value) else { return false }
    }
    return try elements.next() == nil
  }

  func write(as field: ByteView, to writer: inout BSONWriter) {
    switch self {
    case .value(let value): writer.append(field, value)
    case .entries(let entries): Self.write(entries, \.document, as: field, to: &writer)
    case .documents(let documents): Self.write(documents, \.self, as: field, to: &writer)
    }
  }

  private static func write<Item>(
    _ items: [Item], _ document: (Item) -> BSONDocument, as field: ByteView, to writer: inout BSONWriter
  ) {
    writer.key(field, .array)
    let start = writer.open()
    for (position, item) in items.enumerated() { writer.append(at: position, document(item)) }
    writer.close(start)
  }
}
