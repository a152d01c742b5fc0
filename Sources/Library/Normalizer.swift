public import BSON

/// Reads the sections of a library, wherever they come from, into normal form.
///
/// A bad entry costs that entry and a bad section that section; both are noted in the replica with the reason.
public struct Normalizer: ~Copyable {
  private let arena: Arena
  private var entries = EntryNormalizer()
  /// The latest believable time of a dump's entries, in milliseconds; nil for the cloud's own.
  public var latest: Int64?
  /// Whether a key with U+0000 was met in the text, so that entries must be searched for it.
  public var hasNULKeys = false

  /// The sections that are read at all.
  private let sections: SectionSet
  /// Whether it is noted that a replica has a section that is not read.
  private let notesOtherSections: Bool

  public init(arena: Arena, sections: SectionSet = .all) {
    self.init(arena: arena, sections: sections, notesOtherSections: false)
  }

  /// Reads what a run with these parameters decides.
  public init(arena: Arena, parameters: MergeParameters) {
    // `replace` takes the newest dump that has any section, be it one that the run decides or not.
    self.init(arena: arena, sections: parameters.readSections, notesOtherSections: parameters.mode == .replace)
  }

  private init(arena: Arena, sections: SectionSet, notesOtherSections: Bool) {
    self.arena = arena
    self.sections = sections
    self.notesOtherSections = notesOtherSections
  }

  /// Reads one section's value into the replica; null is absence.
  public mutating func read(_ section: Section, _ value: BSONValue, into replica: inout Replica) throws(BSONFault) {
    guard !value.isNull else { return }
    guard sections.contains(section) else {
      if notesOtherSections, try isSection(section, value) { replica.hasOtherSections = true }
      return
    }
    switch section {
    case .favorites: replica.favorites = try list(section, value, as: .song, into: &replica)
    case .history: replica.history = try list(section, value, as: .play, into: &replica)
    case .queue: replica.queue = try list(section, value, as: .song, into: &replica)
    case .playlists: replica.playlists = try playlists(value, into: &replica)
    case .preferences: replica.preferences = try preferences(value, into: &replica)
    case .recentSearches: replica.recentSearches = try searches(value, into: &replica)
    case .removed: replica.removed = try tombstones(value, into: &replica)
    }
  }

  /// Whether the value is a section's, so that it would not be quarantined. Removals are none where they are not read.
  private func isSection(_ section: Section, _ value: BSONValue) throws(BSONFault) -> Bool {
    switch section {
    case .removed: return false
    case .preferences:
      guard let document = value.document else { return false }
      if hasNULKeys, try NormalForm.hasNULKey(document) { return false }
      return true
    case .favorites, .history, .queue, .playlists, .recentSearches: return value.array != nil
    }
  }

  /// Reads `total_songs_played`; what is no count is absent.
  public func readTotal(_ value: BSONValue, into replica: inout Replica) {
    guard let total = NormalForm.total(value) else { return }
    if sections.contains(.history) {
      replica.totalSongsPlayed = total
    } else if notesOtherSections {
      replica.hasOtherSections = true
    }
  }

  // MARK: Lists of entries

  private mutating func list(
    _ section: Section, _ value: BSONValue, as kind: EntryNormalizer.Kind, into replica: inout Replica
  ) throws(BSONFault) -> [Entry]? {
    guard let array = value.array else {
      refuse(section, value, into: &replica)
      return nil
    }
    var list: [Entry] = []
    list.reserveCapacity(array.bytes.count / 160)
    try self.list(section, array, as: kind, into: &replica) { (_, entry) in list.append(entry) }
    return list
  }

  /// Hands on each usable entry of an array with its position.
  ///
  /// - Parameters:
  ///   - owner: the position of what the array belongs to, when that is an entry itself.
  ///   - label: how messages call an entry of the array.
  private mutating func list(
    _ section: Section, _ array: BSONDocument, as kind: EntryNormalizer.Kind, owner: Int? = nil, label: String = "",
    into replica: inout Replica, _ use: (Int, Entry) -> Void
  ) throws(BSONFault) {
    let arena = arena
    var elements = array.elements
    var position = -1
    while let element = try elements.next() {
      position += 1
      guard !element.value.isNull else { continue }
      replica.entriesRead += 1
      func refuse(_ reason: QuarantineReason, _ detail: String, _ replica: inout Replica) {
        let detail = label.isEmpty ? detail : "\(label) \(position): \(detail)"
        replica.quarantined.append(
          Quarantined(section, owner ?? position, reason, detail, raw: element.value))
      }
      guard let document = element.value.document else {
        refuse(.invalidField, "\(NormalForm.nameOfType(element.value.type)), not an object", &replica)
        continue
      }
      if hasNULKeys, try NormalForm.hasNULKey(document) {
        refuse(.invalidField, "a key holds U+0000", &replica)
        continue
      }
      switch try entries.normalized(document, as: kind, latest: latest, in: arena) {
      case .quarantined(let reason, let detail): refuse(reason, detail, &replica)
      case .entry(let entry):
        replica.newestEntry = max(replica.newestEntry, entry.addedAt, entry.playedAt, entry.removedAt)
        use(position, entry)
      }
    }
  }

  private func refuse(_ section: Section, _ value: BSONValue, into replica: inout Replica, _ detail: String? = nil) {
    let detail = detail ?? "\(NormalForm.nameOfType(value.type)) where a list is expected"
    replica.quarantined.append(Quarantined(section, nil, .invalidSection, detail, raw: value))
  }

  // MARK: Playlists

  private mutating func playlists(
    _ value: BSONValue, into replica: inout Replica
  ) throws(BSONFault) -> [PlaylistVersion]? {
    guard let array = value.array else {
      refuse(.playlists, value, into: &replica)
      return nil
    }
    var versions: [PlaylistVersion] = []
    var elements = array.elements
    var position = -1
    while let element = try elements.next() {
      position += 1
      guard !element.value.isNull else { continue }
      replica.entriesRead += 1
      func refuse(_ reason: QuarantineReason, _ detail: String, _ replica: inout Replica) {
        replica.quarantined.append(Quarantined(.playlists, position, reason, detail, raw: element.value))
      }
      guard let document = element.value.document else {
        refuse(.invalidField, "\(NormalForm.nameOfType(element.value.type)), not an object", &replica)
        continue
      }
      if hasNULKeys, try hasNULKeyOutsideSongs(document) {
        refuse(.invalidField, "a key holds U+0000", &replica)
        continue
      }
      guard let id = try document.value("id")?.string, !id.isEmpty else {
        refuse(.noIdentity, "no id", &replica)
        continue
      }
      versions.append(try version(document, id: id, position: position, into: &replica))
    }
    return versions
  }

  /// A song's key with U+0000 costs the song, not the playlist.
  private func hasNULKeyOutsideSongs(_ document: BSONDocument) throws(BSONFault) -> Bool {
    var writer = BSONWriter(capacity: document.bytes.count)
    let start = writer.open()
    var elements = document.elements
    while let element = try elements.next() {
      if element.key != ByteView("songs") { writer.append(element.key, element.value) }
    }
    writer.close(start)
    return try NormalForm.hasNULKey(BSONDocument(unchecked: writer.view))
  }

  /// Reads one playlist; what of its songs cannot be used is noted in the replica.
  mutating func version(
    _ document: BSONDocument, id: ByteView, position: Int, into replica: inout Replica
  ) throws(BSONFault) -> PlaylistVersion {
    var version = PlaylistVersion(id: id)
    var fields = PlaylistFields()
    var elements = document.elements
    while let element = try elements.next() { fields.take(element, into: &version) }
    version.createdAt = try time(fields.createdAt, in: &replica)
    version.updatedAt = try time(fields.updatedAt, in: &replica)
    version.isPublic = fields.isPublic?.bool
    if let array = fields.coverURLs?.array { version.coverURLs = try covers(array) }
    if let array = fields.clientIDs?.array {
      var ids = array.elements
      while let element = try ids.next() {
        if let id = element.value.string, !id.isEmpty { version.clientIDs.append(id) }
      }
    }
    if let array = fields.songs?.array {
      var songs: [Entry] = []
      songs.reserveCapacity(array.bytes.count / 160)
      try list(.playlists, array, as: .song, owner: position, label: "song", into: &replica) { (_, song) in
        songs.append(song)
      }
      version.songs = songs
    } else if let songs = fields.songs, !songs.isNull {
      replica.entriesRead += 1
      replica.quarantined.append(
        Quarantined(
          .playlists, position, .invalidField, "songs is \(NormalForm.nameOfType(songs.type)), not a list", raw: songs))
    }
    replica.newestEntry = max(
      replica.newestEntry, version.createdAt ?? Entry.never, version.updatedAt ?? Entry.never)
    return version
  }

  /// A playlist's time; one of a dump that lies in the future is none.
  private func time(_ value: BSONValue?, in replica: inout Replica) throws(BSONFault) -> Int64? {
    guard let value, let time = try Instant.milliseconds(value) else { return nil }
    if let latest, time > latest {
      replica.hasFutureTimes = true
      return nil
    }
    return time
  }

  /// The covers without nulls; nil when none is left.
  private func covers(_ array: BSONDocument) throws(BSONFault) -> BSONDocument? {
    var writer = BSONWriter(capacity: array.bytes.count)
    let start = writer.open()
    var index = 0
    var elements = array.elements
    while let element = try elements.next() {
      guard !element.value.isNull else { continue }
      writer.index(index, element.value.type)
      writer.put(bytes: element.value.bytes)
      index += 1
    }
    writer.close(start)
    return index == 0 ? nil : BSONDocument(unchecked: arena.copy(writer.view))
  }

  // MARK: Preferences and searches

  private func preferences(_ value: BSONValue, into replica: inout Replica) throws(BSONFault) -> Preferences? {
    guard let document = value.document else {
      let detail = "\(NormalForm.nameOfType(value.type)) where an object is expected"
      refuse(.preferences, value, into: &replica, detail)
      return nil
    }
    if hasNULKeys, try NormalForm.hasNULKey(document) {
      refuse(.preferences, value, into: &replica, "a key holds U+0000")
      return nil
    }
    return try Preferences(normalizing: document, in: arena)
  }

  private func searches(_ value: BSONValue, into replica: inout Replica) throws(BSONFault) -> [ByteView]? {
    guard let array = value.array else {
      refuse(.recentSearches, value, into: &replica)
      return nil
    }
    var searches: [ByteView] = []
    var elements = array.elements
    var position = -1
    while let element = try elements.next() {
      position += 1
      guard !element.value.isNull else { continue }
      guard let text = element.value.string else {
        replica.entriesRead += 1
        let detail = "\(NormalForm.nameOfType(element.value.type)), not a string"
        replica.quarantined.append(
          Quarantined(.recentSearches, position, .invalidField, detail, raw: element.value))
        continue
      }
      let trimmed = NormalForm.trimmed(text)
      guard !trimmed.isEmpty else { continue }
      replica.entriesRead += 1
      searches.append(trimmed)
    }
    return searches
  }

  // MARK: Tombstones

  private mutating func tombstones(
    _ value: BSONValue, into replica: inout Replica
  ) throws(BSONFault) -> Tombstones? {
    guard let document = value.document else {
      refuse(.removed, value, into: &replica, "\(NormalForm.nameOfType(value.type)) where an object is expected")
      return nil
    }
    var tombstones = Tombstones()
    // A removal is no entry of the library: the balance of entries leaves it out.
    let read = replica.entriesRead
    defer { replica.entriesRead = read }
    var lists = document.elements
    while let list = try lists.next() {
      switch list.key {
      case "favorites" where sections.contains(.favorites):
        tombstones.favorites = try stones(list, as: .removedFavorite, into: &replica)
      case "playlists" where sections.contains(.playlists):
        tombstones.playlists = try stones(list, as: .removedPlaylist, into: &replica)
      case "playlist_songs" where sections.contains(.playlists):
        tombstones.playlistSongs = try stones(list, as: .removedSong, into: &replica)
      default: break
      }
    }
    return tombstones
  }

  private mutating func stones(
    _ list: BSONElement, as kind: EntryNormalizer.Kind, into replica: inout Replica
  ) throws(BSONFault) -> [Tombstone] {
    guard !list.value.isNull else { return [] }
    let label = "removed.\(list.key.string)"
    guard let array = list.value.array else {
      refuse(.removed, list.value, into: &replica, "\(label) is no list")
      return []
    }
    var stones: [Tombstone] = []
    try self.list(.removed, array, as: kind, label: label, into: &replica) { (position, entry) in
      stones.append(
        Tombstone(
          document: entry.document, position: position, removedAt: entry.removedAt, playlist: entry.playlist,
          song: kind == .removedPlaylist ? nil : entry.key))
    }
    return stones
  }
}

/// The known fields of a playlist as they are met, each under its first name or else its alias.
private struct PlaylistFields {
  var songs, coverURLs, clientIDs: BSONValue?
  var createdAt, updatedAt, isPublic: BSONValue?
  private var hasFirstName: (created: Bool, updated: Bool, isPublic: Bool) = (false, false, false)

  mutating func take(_ element: BSONElement, into version: inout PlaylistVersion) {
    let value = element.value
    switch element.key {
    case "id", "song_count": break
    case "songs": songs = value
    case "cover_urls": coverURLs = value
    case "client_ids": clientIDs = value
    case "name":
      if let name = value.string, !name.isEmpty {
        version.name = name
        version.others.append(element)
      }
    case "description": if !value.isNull { version.others.append(element) }
    case "created_at": if !value.isNull { (createdAt, hasFirstName.created) = (value, true) }
    case "updated_at": if !value.isNull { (updatedAt, hasFirstName.updated) = (value, true) }
    case "is_public": if !value.isNull { (isPublic, hasFirstName.isPublic) = (value, true) }
    case "createdAt": if !hasFirstName.created, !value.isNull { createdAt = value }
    case "updatedAt": if !hasFirstName.updated, !value.isNull { updatedAt = value }
    case "isPublic": if !hasFirstName.isPublic, !value.isNull { isPublic = value }
    default: version.others.append(element)
    }
  }
}
