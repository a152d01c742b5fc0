internal import BSON
internal import Learning
internal import Stores
internal import Sync

/// Whom a server names when it is asked whose figures may differ from those that are stored, besides those whose library
/// was written, and of whom the archive alone may know that they played lately.
struct ChangedUsers {
  private(set) var ids: Set<[UInt8]> = []
  /// Whose months of the archive were written lately, and of whom nothing else has changed.
  private(set) var players: Set<[UInt8]> = []
  private let collections: LearnCollections
  private let options: LearnOptions

  /// - Parameters:
  ///   - since: from when on a month that was written is one that has changed, in ms since 1970.
  ///   - playedSince: from when on one that was written names a player, in ms since 1970.
  ///   - firstMonth: the first that may hold a player's plays, as the archive names it.
  init(
    _ collections: LearnCollections, since: Int64, playedSince: Int64, inMonthsFrom firstMonth: [UInt8],
    _ options: LearnOptions
  ) throws(StoreError) {
    self.collections = collections
    self.options = options
    try addArchived(since: since, playedSince: playedSince, inMonthsFrom: firstMonth)
    try addDue()
    try addAccounts()
    players.subtract(ids)
  }

  private mutating func addArchived(
    since: Int64, playedSince: Int64, inMonthsFrom firstMonth: [UInt8]
  ) throws(StoreError) {
    var written = Selection()
    written.updatedSince = min(since, playedSince)
    written.fields = ["updated_at"]
    try Self.forEach(try collections.plays.cursor(over: written), options) { documents, _ in
      for document in documents {
        guard let id = document.text("user_id")?.copy() else { continue }
        let time = (try? document.value("updated_at"))?.date
        if !(time.map { $0 < since } ?? false) {
          ids.insert(id)
        } else if firstMonth.withView({ first in document.text("month").map { $0 >= first } ?? true }) {
          players.insert(id)
        }
      }
    }
  }

  private mutating func addDue() throws(StoreError) {
    var due = Selection()
    due.due = (field: "stale_after", by: options.parameters.asOf)
    due.fields = ["_id"]
    try Self.forEach(try collections.statistics.cursor(over: due), options) { documents, _ in
      for document in documents {
        if let id = document.text("user_id") { ids.insert(id.copy()) }
      }
    }
  }

  // MARK: Accounts

  /// Adds those whose choices or zone are not those of their stored figures.
  private mutating func addAccounts() throws(StoreError) {
    var wanted = Selection()
    wanted.fields = ["timezone", "explicit_preferences", "onboarding"]
    if options.mirrorsUsers { wanted.fields += BSONDocument.mirrored.map(\.path) }
    var zones: [[UInt8]: [UInt8]] = [:]
    var choosing: Set<[UInt8]> = []
    let scores = collections.scores
    try Self.forEach(try collections.accounts.cursor(over: wanted), options) { documents, arena throws(StoreError) in
      var found: [(id: ByteView, account: BSONDocument)] = []
      for document in documents {
        if let id = document.text("id") { found.append((id, document)) }
      }
      var accounts: [(id: ByteView, account: BSONDocument)] = []
      for one in found.sorted(by: { $0.id < $1.id }) where one.id != accounts.last?.id { accounts.append(one) }
      let stored = try scores.all(of: accounts.map(\.id), in: arena)
      var reader = FactsReader(into: Repertoire())
      for ((id, account), known) in zip(accounts, stored) {
        let user = StoredUser(user: id, library: nil, archive: [], account: account)
        // An account that cannot be read is for whoever computes its figures.
        guard let facts = try? reader.facts(of: user) else {
          ids.insert(id.copy())
          continue
        }
        if facts.saysSomething { choosing.insert(id.copy()) }
        if facts.timezone >= 0 { zones[id.copy()] = reader.repertoire.value(facts.timezone).copy() }
        let isSame = (try? Self.hasChoices(known.first, of: facts, reader.repertoire)) ?? false
        if !isSame || options.mirrorsUsers && !account.hasMirrored(known.first) { ids.insert(id.copy()) }
      }
    }
    try addWithdrawn(choosing)
    try addMoved(zones)
  }

  /// Adds those whose scores were computed with choices that no account has any more.
  private mutating func addWithdrawn(_ choosing: Set<[UInt8]>) throws(StoreError) {
    var wanted = Selection()
    wanted.fields = ["explicit_preferences"]
    try Self.forEach(try collections.scores.cursor(over: wanted), options) { documents, _ in
      for document in documents {
        guard let id = document.text("user_id")?.copy(), !choosing.contains(id) else { continue }
        if (try? Self.hasChoices(document, of: UserFacts(user: id), Repertoire())) != true { ids.insert(id) }
      }
    }
  }

  /// Whether scores were computed with the choices of these facts.
  private static func hasChoices(
    _ scores: BSONDocument?, of facts: UserFacts, _ repertoire: Repertoire
  ) throws(BSONFault) -> Bool {
    guard let stored = try scores?.value("explicit_preferences")?.document else { return !facts.saysSomething }
    for dimension in Dimension.allCases {
      var names: [ByteView] = []
      if var list = try stored.value(dimension.choicesName)?.array?.elements {
        while let name = try list.next() { names.append(name.value.string ?? .empty) }
      }
      guard names == facts.choices[dimension].map(repertoire.value) else { return false }
    }
    return true
  }

  /// Adds those of whom the figures were counted in another zone than their account, else their library, names.
  ///
  /// - Parameter zones: what accounts name, by id.
  private mutating func addMoved(_ zones: [[UInt8]: [UInt8]]) throws(StoreError) {
    var wanted = Selection()
    wanted.fields = ["timezone"]
    let known = Zones()
    let jobZone = (known.zone(options.parameters.timezone) ?? .utc).name
    /// The zone that counts where this one is named.
    func counted(_ name: ByteView?) -> String {
      guard let name, let zone = known.zone(name.string) else { return jobZone }
      return zone.name
    }
    // Whose figures are neither of their account's zone nor of the job's: their library's, or one that is gone.
    var others: [[UInt8]: String] = [:]
    try Self.forEach(try collections.statistics.cursor(over: wanted), options) { documents, _ in
      for document in documents {
        guard let id = document.text("user_id")?.copy() else { continue }
        let stored = document.text("timezone")?.string ?? ""
        if let zone = zones[id] {
          if zone.withView({ counted($0) }) != stored { ids.insert(id) }
        } else if stored != jobZone {
          others[id] = stored
        }
      }
    }
    guard !others.isEmpty else { return }
    try Self.forEach(try collections.libraries.cursor(over: wanted), options) { documents, _ in
      for document in documents {
        guard let id = document.text("user_id")?.copy(), let stored = others[id] else { continue }
        if counted(document.text("timezone")) == stored { others[id] = nil }
      }
    }
    ids.formUnion(others.keys)
  }

  private static func forEach(
    _ cursor: any DocumentCursor, _ options: LearnOptions,
    _ body: ([BSONDocument], Arena) throws(StoreError) -> Void
  ) throws(StoreError) {
    let arena = Arena()
    while !options.cancellation.isRequested {
      arena.reset()
      let documents = try cursor.next(upTo: options.readLimit, in: arena)
      guard !documents.isEmpty else { return }
      try body(documents, arena)
    }
  }
}
