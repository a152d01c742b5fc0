internal import BSON

/// Brings entries into normal form: known fields under their first name and with their right type, the rest untouched.
///
/// Most of what the cloud holds is in normal form already: such an entry is checked in one walk over its fields and
/// used as it lies, without a copy. Any other is written anew into the arena.
struct EntryNormalizer: ~Copyable {
  /// Used again for each entry: clearing it costs less than making it.
  private var known = KnownValues()

  /// An entry's normal form, or why it cannot have one.
  enum Outcome {
    case entry(Entry)
    case quarantined(QuarantineReason, String)
  }

  /// What an entry must have to be of use, by the list it stands in.
  enum Kind {
    /// A favourite, a queue item, a playlist's song: a song's identity.
    case song
    /// A play: `playedAt` too.
    case play
    /// A removed favourite: `removedAt` too.
    case removedFavorite
    /// A song removed from a playlist: a `playlist_id` too.
    case removedSong
    /// A removed playlist: an `id` and `removedAt`.
    case removedPlaylist
  }

  /// - Parameters:
  ///   - latest: the latest believable time in milliseconds; nil for the cloud's own entries.
  ///   - arena: where an entry is written that is not in normal form. Handed in, for to hold it would mean to count it up
  ///     and down for each entry.
  mutating func normalized(
    _ document: BSONDocument, as kind: Kind, latest: Int64?, in arena: Arena
  ) throws(BSONFault) -> Outcome {
    var fields = Fields()
    let normal: BSONDocument
    // In JSON a time is a number or a text, so that hardly any entry of a dump is in normal form.
    if latest == nil, try fields.readNormalForm(document) {
      normal = document
    } else {
      try known.collect(document)
      if let (field, type) = known.wrongIdentity {
        return .quarantined(.invalidField, "\(field.name) is \(NormalForm.nameOfType(type)), not a string")
      }
      normal = BSONDocument(
        unchecked: try arena.written(capacity: document.bytes.count) { writer throws(BSONFault) in
          fields = try known.write(document, to: &writer)
        })
    }
    return try outcome(normal, fields, as: kind, latest: latest, in: arena)
  }

  private func outcome(
    _ document: BSONDocument, _ fields: Fields, as kind: Kind, latest: Int64?, in arena: Arena
  ) throws(BSONFault) -> Outcome {
    var playlist = ByteView.empty
    if kind == .removedPlaylist || kind == .removedSong {
      let id = try kind == .removedPlaylist ? document.value("id") : document.value("playlist_id")
      guard let id = id?.string, !id.isEmpty else {
        return .quarantined(.noIdentity, kind == .removedPlaylist ? "no playlist id" : "no playlist_id")
      }
      playlist = id
    }
    let key: SongKey
    if kind == .removedPlaylist {
      key = SongKey(videoID: playlist)
    } else if !fields.videoID.isEmpty {
      key = SongKey(videoID: fields.videoID)
    } else if !fields.title.isEmpty {
      key = SongKey(title: fields.title, artist: fields.artist, in: arena)
    } else {
      return .quarantined(.noIdentity, "neither videoId nor title")
    }
    switch kind {
    case .song: break
    case .play: if fields.playedAt == Entry.never { return .quarantined(.noTime, "no playedAt") }
    case .removedFavorite, .removedSong, .removedPlaylist:
      if fields.removedAt == Entry.never { return .quarantined(.noTime, "no removedAt") }
    }
    let newest = max(fields.playedAt, fields.addedAt, fields.removedAt)
    if let latest, newest > latest {
      return .quarantined(.futureTime, "\(Instant.text(newest)) lies in the future of this run")
    }
    return .entry(
      Entry(
        document: document, key: key, playlist: playlist, addedAt: fields.addedAt, playedAt: fields.playedAt,
        removedAt: fields.removedAt, completionRate: fields.completionRate))
  }
}

/// What the merge looks at in an entry of normal form. A text that is absent is empty.
private struct Fields {
  var videoID = ByteView.empty
  var title = ByteView.empty
  var artist = ByteView.empty
  var addedAt = Entry.never
  var playedAt = Entry.never
  var removedAt = Entry.never
  var completionRate = -1.0

  /// Reads the entry; false as soon as a field is not in normal form.
  mutating func readNormalForm(_ document: BSONDocument) throws(BSONFault) -> Bool {
    var seen: UInt16 = 0
    var elements = document.elements
    while let element = try elements.next() {
      guard let (field, rank) = EntryField.named(element) else { continue }
      let bit: UInt16 = 1 &<< UInt16(field.rawValue)
      guard rank == 0, seen & bit == 0 else { return false }
      seen |= bit
      guard try read(field, element.value) else { return false }
    }
    return true
  }

  /// Takes a field's value; false when it is not in normal form.
  @inline(__always)
  mutating func read(_ field: EntryField, _ value: BSONValue) throws(BSONFault) -> Bool {
    switch field {
    case .videoId: return text(value, &videoID)
    case .title: return text(value, &title)
    case .artist: return text(value, &artist)
    case .artwork, .language, .source: return value.isText
    case .addedAt: return time(value, &addedAt)
    case .playedAt: return time(value, &playedAt)
    case .removedAt: return time(value, &removedAt)
    case .completionRate:
      guard let rate = value.double, NormalForm.isFraction(rate) else { return false }
      completionRate = rate
      return true
    case .duration: return NormalForm.duration(value)
    case .genres, .moods: return try NormalForm.isListOfNames(value)
    }
  }

  @inline(__always)
  private func text(_ value: BSONValue, _ text: inout ByteView) -> Bool {
    guard value.isText, let string = value.string else { return false }
    text = string
    return true
  }

  @inline(__always)
  private func time(_ value: BSONValue, _ time: inout Int64) -> Bool {
    guard let date = value.date, date > 0 else { return false }
    time = date
    return true
  }

  /// Takes a field's value if its normal form is no other bytes.
  mutating func readUnchanged(_ field: EntryField, _ value: BSONValue) throws(BSONFault) -> Bool {
    switch field {
    // A negative zero is clamped to a positive one.
    case .completionRate: false
    case .genres, .moods: try NormalForm.isNumberedListOfNames(value)
    default: try read(field, value)
    }
  }

  /// Writes a known field in normal form and takes what was written; a value that has none is dropped.
  mutating func write(_ field: EntryField, _ value: BSONValue, to writer: inout BSONWriter) throws(BSONFault) {
    switch field {
    case .videoId, .title, .artist, .artwork, .language, .source:
      if try read(field, value) { writer.append(field.name, value) }
    case .addedAt: try write(field, value, &addedAt, to: &writer)
    case .playedAt: try write(field, value, &playedAt, to: &writer)
    case .removedAt: try write(field, value, &removedAt, to: &writer)
    case .completionRate:
      guard let rate = NormalForm.fraction(value) else { return }
      completionRate = rate
      writer.append(field.name, double: rate)
    case .duration:
      if NormalForm.duration(value) { writer.append(field.name, value) }
    case .genres, .moods:
      if value.type == .string || value.type == .array { try NormalForm.writeNames(field.name, value, to: &writer) }
    }
  }

  private func write(
    _ field: EntryField, _ value: BSONValue, _ time: inout Int64, to writer: inout BSONWriter
  ) throws(BSONFault) {
    guard let read = try Instant.milliseconds(value) else { return }
    time = read
    writer.append(field.name, date: read)
  }
}

/// The values of the known fields of an entry that is not in normal form yet.
private struct KnownValues {
  /// For each field the value that counts, and the rank of the name that it stood under; without one, `absent`.
  private var values = InlineArray<13, BSONValue>(repeating: BSONValue(type: .null, bytes: .empty))
  private var ranks = InlineArray<13, UInt8>(repeating: absent)
  /// Set when `videoId`, `title` or `artist` is there with a type that is no string.
  private(set) var wrongIdentity: (field: EntryField, type: BSONType)?

  private static var absent: UInt8 { .max }

  /// Forgets the entry before, and looks for each field under its first name, then under its aliases in their order.
  /// Absence, which calls the next name, is null, and an empty string where a string is meant; a value of a wrong type is
  /// there.
  mutating func collect(_ document: BSONDocument) throws(BSONFault) {
    ranks = InlineArray(repeating: Self.absent)
    wrongIdentity = nil
    var elements = document.elements
    while let element = try elements.next() {
      guard let (field, rank) = EntryField.named(element), !NormalForm.isAbsent(element.value, in: field) else {
        continue
      }
      if rank <= ranks[field.rawValue] {
        ranks[field.rawValue] = rank
        values[field.rawValue] = element.value
      }
    }
    for field in [EntryField.title, .artist, .videoId] where ranks[field.rawValue] != Self.absent {
      let type = values[field.rawValue].type
      if type != .string {
        wrongIdentity = (field, type)
        return
      }
    }
  }

  /// Writes the entry's normal form: each known field where the name that counts stood, the unknown ones as they are.
  ///
  /// Neighbours that are in normal form already are copied as one. Mutating so that the call copies none of the values.
  mutating func write(_ document: BSONDocument, to writer: inout BSONWriter) throws(BSONFault) -> Fields {
    var fields = Fields()
    let start = writer.open()
    var written: UInt16 = 0
    var elements = document.elements
    /// Where the elements begin that are to be copied, and where the present one does.
    var (copied, position) = (elements.position, elements.position)
    while let element = try elements.next() {
      defer { position = elements.position }
      guard let (field, rank) = EntryField.named(element) else { continue }
      let bit: UInt16 = 1 &<< UInt16(field.rawValue)
      let value = values[field.rawValue]
      let counts = rank == ranks[field.rawValue] && written & bit == 0
      if counts {
        written |= bit
        let isItself = rank == 0 && value.bytes.isSamePlace(as: element.value.bytes)
        if isItself, try fields.readUnchanged(field, value) { continue }
      }
      writer.put(bytes: document.bytes.slice(copied, position - copied))
      copied = elements.position
      if counts { try fields.write(field, value, to: &writer) }
    }
    writer.put(bytes: document.bytes.slice(copied, position - copied))
    writer.close(start)
    return fields
  }
}

extension BSONValue {
  /// Whether this is a string that is not empty.
  fileprivate var isText: Bool { type == .string && bytes.count > 5 }
}
