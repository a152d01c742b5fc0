public import BSON
internal import Library

/// What the store holds of one user; views that must live for the time of the call.
public struct StoredUser {
  public var user: ByteView
  /// Of `user_library`.
  public var library: BSONDocument?
  /// Of `play_archive`, in any order.
  public var archive: [BSONDocument]
  /// Of `users`.
  public var account: BSONDocument?
  /// Whether the archive is known to have all plays of the library, so that those need not be read: see
  /// ``FactsReader/isArchived``.
  public var isArchived: Bool

  public init(
    user: ByteView, library: BSONDocument?, archive: [BSONDocument], account: BSONDocument?, isArchived: Bool = false
  ) {
    self.user = user
    self.library = library
    self.archive = archive
    self.account = account
    self.isArchived = isArchived
  }
}

/// Reads users' documents into facts. One worker's: it has an arena that it resets for each user.
public struct FactsReader: ~Copyable {
  /// Where the facts' numbers come from.
  public let repertoire: Repertoire
  private let arena = Arena()
  private var normalizer: Normalizer
  private var scanner: PlayScanner
  private var fields = EntryFields()
  /// The present user's plays, not joined yet.
  private var plays: [ReadPlay] = []
  private var descriptions: [Int32] = []
  /// Whether the archive has every play of the last user's library, field by field: there is nothing to be added.
  public private(set) var isArchived = false
  /// Whether entries of the last user's library could not be used: they are to be counted each time.
  public private(set) var hasUnusable = false

  public init(into repertoire: Repertoire) {
    self.repertoire = repertoire
    normalizer = Normalizer(arena: arena, sections: [.favorites, .history])
    scanner = PlayScanner(repertoire, arena: arena)
  }

  /// One user's facts: the plays of library and archive, each once, the library's favourites, choices and zone.
  ///
  /// The archive may lack plays of the library: they are joined here as a run joins them there (docs/learning.md, *The
  /// play archive*). Entries without identity or time are left out and counted, as the merge does.
  ///
  /// - Throws: a fault that costs this user: a list that is no list, bytes that are no document.
  public mutating func facts(of stored: StoredUser) throws(LearningFault) -> UserFacts {
    arena.reset()
    plays.removeAll(keepingCapacity: true)
    (isArchived, hasUnusable) = (false, false)
    var facts = UserFacts(user: stored.user.copy())
    // The newest month first, as the library has its plays.
    for month in stored.archive.reversed() { try read(month: month, into: &facts) }
    facts.hasLibrary = stored.library != nil || !plays.isEmpty
    let archived = plays.count
    if let library = stored.library { try read(library: library, withPlays: !stored.isArchived, into: &facts) }
    let addsNothing = plays.count == archived
    do throws(BSONFault) {
      try JoinedPlays.join(&plays, with: &scanner, in: arena)
      try repertoire.describe(plays, into: &descriptions)
    } catch {
      throw LearningFault("play_archive", error)
    }
    // Versions of a play that lie side by side in the archive are for it to join.
    isArchived = addsNothing && plays.count == archived
    facts.plays = zip(plays, descriptions).map { play, description in
      Play(
        playedAt: play.playedAt, completionRate: play.completionRate, description: description, source: play.source)
    }
    if let account = stored.account {
      do throws(BSONFault) { try read(account: account, into: &facts) } catch { throw LearningFault("users", error) }
    }
    return facts
  }

  // MARK: Library and archive

  private mutating func read(
    library: BSONDocument, withPlays: Bool, into facts: inout UserFacts
  ) throws(LearningFault) {
    var replica = Replica(origin: .cloud, time: nil)
    do throws(BSONFault) {
      var elements = library.elements
      while let element = try elements.next() {
        switch element.key {
        case "history": if withPlays { try read(plays: element.value, known: plays.count, into: &replica) }
        case "favorites": try normalizer.read(.favorites, element.value, into: &replica)
        case "total_songs_played": normalizer.readTotal(element.value, into: &replica)
        case "timezone": facts.timezone = zone(element.value)
        default: break
        }
      }
      if let favorites = replica.favorites { try add(favorites: favorites, to: &facts) }
    } catch {
      throw LearningFault("user_library", error)
    }
    try check(replica, of: "user_library")
    facts.totalSongsPlayed = replica.totalSongsPlayed
    facts.unusable += replica.entriesQuarantined
    hasUnusable = replica.entriesQuarantined > 0
  }

  private mutating func read(month: BSONDocument, into facts: inout UserFacts) throws(LearningFault) {
    var replica = Replica(origin: .cloud, time: nil)
    do throws(BSONFault) {
      if let value = try month.value("plays") { try read(plays: value, known: 0, into: &replica) }
    } catch {
      throw LearningFault("play_archive", error)
    }
    try check(replica, of: "play_archive")
    facts.unusable += replica.entriesQuarantined
  }

  /// Adds a list's plays, but for those that lie among the first plays that were read: the archive has nearly all that
  /// the library has, in the same order.
  ///
  /// - Parameter known: how many plays to look among.
  private mutating func read(
    plays value: BSONValue, known: Int, into replica: inout Replica
  ) throws(BSONFault) {
    let before = plays.count
    if let array = value.array, try scan(array, known: known) { return }
    plays.removeSubrange(before...)
    try normalizer.read(.history, value, into: &replica)
    var place = 0
    for play in replica.history ?? [] {
      if known > 0 {
        try fields.read(play.document)
        if try isKnown(known, playedAt: play.playedAt, from: &place) { continue }
      }
      plays.append(
        try scanner.play(play.document, key: play.key, playedAt: play.playedAt, completionRate: play.completionRate))
    }
  }

  /// - Returns: false when something is not in normal form, and the list is the normalizer's.
  private mutating func scan(_ array: BSONDocument, known: Int) throws(BSONFault) -> Bool {
    var place = 0
    var elements = array.elements
    while let element = try elements.next() {
      guard let document = element.value.document else { return false }
      if place < known {
        if plays[place].document.bytes == document.bytes {
          place += 1
          continue
        }
        try fields.read(document)
        // What has the fields of a play in normal form is in normal form.
        guard let playedAt = fields.playedAt else { return false }
        if try isKnown(known, playedAt: playedAt, from: &place) { continue }
      }
      guard let play = try scanner.scan(document) else { return false }
      plays.append(play)
    }
    return true
  }

  /// How many plays of one moment are looked at for one of them. Of somebody who has more, one that is not found is read
  /// for nothing, and joined with itself.
  private static let mostLooks = 256

  /// Whether the entry whose fields were read is one of the first plays. Of plays that come newest first.
  private func isKnown(_ known: Int, playedAt: Int64, from place: inout Int) throws(BSONFault) -> Bool {
    while place < known, plays[place].playedAt > playedAt { place += 1 }
    let end = min(known, place + Self.mostLooks)
    var same = place
    while same < end, plays[same].playedAt == playedAt {
      if try fields.areThose(of: plays[same].document) {
        if same == place { place += 1 }
        return true
      }
      same += 1
    }
    return false
  }

  /// A section of a wrong type costs the user: figures without it would be figures of somebody else.
  private func check(_ replica: Replica, of collection: String) throws(LearningFault) {
    guard let section = replica.quarantined.first(where: { $0.index == nil }) else { return }
    let field = collection == "play_archive" ? "plays" : section.section.rawValue
    throw LearningFault(collection: collection, field: field, detail: section.detail)
  }

  private func zone(_ value: BSONValue) -> Int32 {
    guard let name = value.string, !name.isEmpty, name.count <= 256 else { return -1 }
    return repertoire.intern(value: name)
  }

  private mutating func add(favorites: [Entry], to facts: inout UserFacts) throws(BSONFault) {
    for favorite in try JoinedFavorites.joined(favorites, in: arena) {
      facts.favorites.append(Favorite(addedAt: favorite.addedAt, description: try repertoire.describe(favorite)))
    }
  }

  // MARK: Choices and zone

  private func read(account: BSONDocument, into facts: inout UserFacts) throws(BSONFault) {
    var explicit: BSONDocument?
    var onboarding: BSONDocument?
    var elements = account.elements
    while let element = try elements.next() {
      switch element.key {
      case "timezone":
        // The account's zone comes before the library's.
        let zone = zone(element.value)
        if zone >= 0 { facts.timezone = zone }
      case "explicit_preferences": explicit = element.value.document
      case "onboarding": onboarding = element.value.document
      default: break
      }
    }
    for dimension in Dimension.allCases {
      let name = dimension.choicesName
      if let chosen = try explicit?.value(name)?.array {
        facts.choices[dimension] = try choices(chosen)
      } else if let chosen = try onboarding?.value(name)?.array {
        facts.choices[dimension] = try choices(chosen)
      }
    }
  }

  /// Distinct non-empty strings in the order of the list; what else stands in it is nothing.
  private func choices(_ array: BSONDocument) throws(BSONFault) -> [Int32] {
    var chosen = DistinctList<Int32>()
    var elements = array.elements
    while let element = try elements.next() {
      if let text = element.value.string, let number = repertoire.intern(usable: text) { chosen.append(number) }
    }
    return chosen.items
  }
}
