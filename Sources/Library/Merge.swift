public import BSON

/// The merge: a pure function of a user's replicas and of the run's clock.
///
/// ```swift
/// var merge = Merge(parameters: parameters, arena: arena)
/// let outcome = try merge.outcome(user: user, stored: document, dumps: replicas)
/// ```
/// The order in which dumps are handed over changes nothing in the result. One value serves one worker, user after
/// user; what it returns holds until its arena is reset.
public struct Merge: ~Copyable {
  let parameters: MergeParameters
  let arena: Arena
  private var normalizer: Normalizer

  public init(parameters: MergeParameters, arena: Arena) {
    self.parameters = parameters
    self.arena = arena
    normalizer = Normalizer(arena: arena, parameters: parameters)
  }

  /// The library of a guest who became this account, as a replica of the account's, and the names that its playlists
  /// have for the guest's browsers.
  ///
  /// A playlist whose id rule 4 made for the guest takes the id that the rule gives the account.
  public mutating func guest(
    _ document: BSONDocument, of guest: ByteView, for account: ByteView
  ) throws(BSONFault) -> (library: Replica, playlists: GuestPlaylists) {
    var replica = try CloudLibrary(document, normalizer: &normalizer, reads: { _ in true }).replica
    replica.origin = .guest(document: document.bytes)
    // What of it cannot be used stays where it is: the guest's own library is not written.
    replica.entriesRead -= replica.entriesQuarantined
    replica.quarantined = []
    let playlists = GuestPlaylists(of: replica, guest: guest, account: account, arena: arena)
    playlists.rename(in: &replica)
    return (replica, playlists)
  }

  /// Joins a user's dumps with the stored document.
  ///
  /// - Parameters:
  ///   - stored: the cloud's document; nil for a user who has none.
  ///   - dumps: the user's dumps and guests' libraries, in any order.
  ///   - isArchived: whether the play archive is known to have all plays of the stored document. Nothing in the document
  ///     says so: a run without the section, or without the archive, writes it too.
  public mutating func outcome(
    user: ByteView, stored: BSONDocument?, dumps: [Replica], isArchived: Bool = false
  ) throws(BSONFault) -> MergeOutcome {
    let dumps = dumps.sorted(by: Replica.precedes)
    let isMerge = parameters.mode == .merge
    let reads = parameters.readSections
    let newest = dumps.first(where: \.isDump)
    var cloud: CloudLibrary?
    if let stored {
      cloud = try CloudLibrary(stored, normalizer: &normalizer) { section in
        reads.contains(section) && (isMerge || newest?.has(section) ?? false)
      }
    }
    var decided = DecidedLibrary(parameters: parameters, user: user, cloud: cloud, arena: arena)
    if isMerge {
      try decided.merge(dumps)
    } else if let newest {
      try decided.replace(with: newest)
    }
    for dump in dumps where isMerge || newest != nil {
      decided.count(dump, isSuperseded: !isMerge && !dump.isSame(as: newest))
    }
    var outcome = try decided.outcome(of: dumps)
    if parameters.archivesPlays, parameters.sections.contains(.history), outcome.left == nil {
      outcome.plays = try PlayArchive.pending(
        dumps: dumps.compactMap(\.history), cloud: cloud?.replica.history, isArchived: isArchived)
      // A run that replaces reads the stored plays only where it may put them aside.
      outcome.archivesAll = isMerge || newest?.history != nil
    }
    return outcome
  }
}

extension Replica {
  /// Whether the replica has an opinion on the section.
  public func has(_ section: Section) -> Bool {
    switch section {
    case .favorites: favorites != nil
    case .history: history != nil
    case .queue: queue != nil
    case .playlists: playlists != nil
    case .preferences: preferences != nil
    case .recentSearches: recentSearches != nil
    case .removed: removed != nil
    }
  }

  /// Whether the section has nothing in it that can be used; nil when it is absent.
  func isEmpty(_ section: Section) -> Bool? {
    switch section {
    case .favorites: favorites?.isEmpty
    case .history: history?.isEmpty
    case .queue: queue?.isEmpty
    case .playlists: playlists?.isEmpty
    case .preferences: preferences?.document.isEmpty
    case .recentSearches: recentSearches?.isEmpty
    case .removed: nil
    }
  }

  /// Whether both are the same dump in memory.
  func isSame(as other: Replica?) -> Bool {
    guard case .dump(let text) = origin, case .dump(let otherText) = other?.origin else { return false }
    return text.isSamePlace(as: otherText)
  }

  /// Entries that were read and quarantined; removals are no entries.
  public var entriesQuarantined: Int {
    quarantined.reduce(0) { $0 + ($1.index != nil && $1.section != .removed ? 1 : 0) }
  }
}
