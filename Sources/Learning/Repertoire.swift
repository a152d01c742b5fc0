public import BSON
internal import Library

/// Every song key, text, value and description that a run has met, each once and with a number.
///
/// Interning happens while documents are read; from then on counting deals with numbers. A batch of users has a
/// repertoire of its own, and batches are merged one after another into the run's. **No figure depends on the numbers**:
/// whatever is ordered is ordered by text, and sums over users are exact.
///
/// Safe to share although it is a class without a lock: one thread fills it, batch after batch, and from ``freeze()``
/// on, which every change checks, nothing in it changes any more. Whoever hands it to other threads freezes it first.
public final class Repertoire: @unchecked Sendable {
  private(set) var lexicon = Lexicon()
  /// What `songs` of the store holds, by number of the song.
  private(set) var storedSongs: [Int32: StoredSong] = [:]
  private var known = PrintTable()
  /// The number of the first description in the table: what a frozen repertoire has met before is looked up no more.
  private var firstKnown: Int32 = 0
  /// The lists of values that were met, by number. Each is kept once: most songs share theirs with others, and what is
  /// looked at with every play is to lie in a near cache.
  private var lists: [MetList] = []
  private var knownLists = PrintTable()
  private var isFrozen = false

  private struct MetList {
    /// The distinct values that can stand in a document.
    var usable: ValueList
    /// All that are stored.
    var stored: ValueList
  }

  public init() {}

  /// Ends the reading: the repertoire may be shared from now on.
  public func freeze() {
    isFrozen = true
    (known, knownLists, lists) = (PrintTable(), PrintTable(), [])
  }

  /// A repertoire that takes in more, with the numbers of this one, which goes on as it is where it is in use; itself
  /// while it is not frozen.
  ///
  /// Descriptions that come again get new numbers beside their old ones, on which no figure depends. Of one repertoire
  /// one other goes on, for they have the memory of their texts together.
  public func thawed() -> Repertoire {
    guard isFrozen else { return self }
    let next = Repertoire()
    (next.lexicon, next.storedSongs) = (lexicon, storedSongs)
    next.firstKnown = Int32(truncatingIfNeeded: lexicon.descriptions.count)
    return next
  }

  private func checkOpen() { precondition(!isFrozen, "a repertoire that is in use does not change") }

  // MARK: Texts

  /// A value's (language's, genre's, mood's, source's, zone's) UTF-8.
  public func value(_ number: Int32) -> ByteView { lexicon.value(number) }
  /// A title's, artist's or artwork's UTF-8.
  func text(_ number: Int32) -> ByteView { lexicon.text(number) }
  /// A song key's UTF-8 (`v:…`, `t:…`).
  public func key(_ song: Int32) -> ByteView { lexicon.key(song) }
  /// The number of a value that was met.
  public func number(ofValue text: ByteView) -> Int32? { lexicon.values.find(text) }

  func intern(value text: ByteView) -> Int32 {
    checkOpen()
    return lexicon.values.number(of: text)
  }

  /// A value that can stand in a document: nil for an empty one and for one that holds U+0000.
  func intern(usable text: ByteView) -> Int32? {
    guard !text.isEmpty else { return nil }
    for offset in 0..<text.count where text[offset] == 0 { return nil }
    return intern(value: text)
  }

  // MARK: Descriptions

  /// The number of what a favourite says of its song.
  func describe(_ favorite: Entry) throws(BSONFault) -> Int32 {
    try describe(favorite.document, try DescribedEntry.print(of: favorite.document), favorite.key)
  }

  /// The numbers of what plays say of their songs.
  ///
  /// - Parameter numbers: memory that is used again; the numbers, in the order of the plays.
  func describe(_ plays: [ReadPlay], into numbers: inout [Int32]) throws(BSONFault) {
    known.find(plays, into: &numbers)
    for (index, play) in plays.enumerated() {
      let number = numbers[index]
      numbers[index] = number >= 0 ? firstKnown + number : try describe(play.document, play.print, play.key)
    }
  }

  /// - Parameter entry: in normal form.
  private func describe(_ entry: BSONDocument, _ print: UInt128, _ key: SongKey) throws(BSONFault) -> Int32 {
    checkOpen()
    if let number = known.find(print) { return firstKnown + number }
    var description = SongDescription(song: intern(key))
    var elements = entry.elements
    while let element = try elements.next() { try add(element, to: &description) }
    lexicon.descriptions.append(description)
    return firstKnown + known.add(print)
  }

  private func intern(_ key: SongKey) -> Int32 {
    lexicon.keys.number(of: prefixed(key.isVideo ? "v:" : "t:", key.name))
  }

  private func add(_ element: BSONElement, to description: inout SongDescription) throws(BSONFault) {
    let value = element.value
    switch DescribedEntry.field(element) {
    case .title: if let text = value.string { description.title = lexicon.texts.number(of: text) }
    case .artist: if let text = value.string { description.artist = lexicon.texts.number(of: text) }
    case .artwork: if let text = value.string { description.artwork = lexicon.texts.number(of: text) }
    case .language:
      if let text = value.string {
        description.storedLanguage = intern(value: text)
        description.language = intern(usable: text) ?? -1
      }
    case .genres:
      if let list = try list(value.array) {
        (description.genres, description.storedGenres) = (list.usable, list.stored)
      }
    case .moods:
      if let list = try list(value.array) { (description.moods, description.storedMoods) = (list.usable, list.stored) }
    case .duration: description.duration = StoredDuration(value)
    case .videoId, .other: break
    }
  }

  /// A list of values; nil for what is none.
  private func list(_ array: BSONDocument?) throws(BSONFault) -> MetList? {
    guard let array else { return nil }
    let print = PrintTable.print(of: array.bytes)
    if let number = knownLists.find(print) { return lists[Int(number)] }
    var stored: [Int32] = []
    var usable = DistinctList<Int32>()
    var elements = array.elements
    while let element = try elements.next() {
      guard let text = element.value.string else { continue }
      stored.append(intern(value: text))
      if let number = intern(usable: text) { usable.append(number) }
    }
    let list = append(usable.items)
    let met = MetList(usable: list, stored: stored == usable.items ? list : append(stored))
    _ = knownLists.add(print)
    lists.append(met)
    return met
  }

  private func append(_ items: some Collection<Int32>) -> ValueList {
    if items.isEmpty { return ValueList(start: 0, length: 0) }
    defer { lexicon.lists += items }
    return ValueList(
      start: Int32(truncatingIfNeeded: lexicon.lists.count), length: Int32(truncatingIfNeeded: items.count))
  }

  // MARK: Songs of the store

  /// A song as `songs` has it: what an incremental run begins with.
  ///
  /// - Throws: a fault that costs this song; it is counted as one that the catalogue lacks.
  public func read(song document: BSONDocument) throws(LearningFault) {
    checkOpen()
    let isSong: Bool
    do throws(BSONFault) {
      isSong = try add(document)
    } catch {
      throw LearningFault("songs", error)
    }
    guard isSong else { throw LearningFault(collection: "songs", field: "key", detail: "no song key") }
  }

  private func add(_ document: BSONDocument) throws(BSONFault) -> Bool {
    guard let key = try document.value("key")?.string, key.count > 2 else { return false }
    let number = lexicon.keys.number(of: key)
    var song = StoredSong()
    if let text = try document.value("title")?.string { song.title = lexicon.texts.number(of: text) }
    if let text = try document.value("artist")?.string { song.artist = lexicon.texts.number(of: text) }
    if let text = try document.value("language")?.string { song.language = intern(usable: text) ?? -1 }
    song.seconds = try document.value("duration").flatMap { NormalForm.duration($0) ? $0.double : nil }
    song.genres = try list(try document.value("genres")?.array)?.usable ?? ValueList()
    song.moods = try list(try document.value("moods")?.array)?.usable ?? ValueList()
    song.isPlayed = try document.value("plays")?.integer ?? 0 > 0
    storedSongs[number] = song
    return true
  }

  // MARK: Merging

  /// Adds what another repertoire holds.
  ///
  /// - Returns: this repertoire's numbers for the other's.
  public func merge(_ other: Repertoire) -> Renumbering {
    checkOpen()
    let keyNumbers = lexicon.keys.merge(other.lexicon.keys)
    let textNumbers = lexicon.texts.merge(other.lexicon.texts)
    let valueNumbers = lexicon.values.merge(other.lexicon.values)
    let starts = mergeLists(of: other, valueNumbers)
    func moved(_ list: ValueList) -> ValueList {
      list.isEmpty ? list : ValueList(start: starts[Int(list.start)], length: list.length)
    }
    var descriptionNumbers: [Int32] = []
    descriptionNumbers.reserveCapacity(other.lexicon.descriptions.count)
    func renumbered(_ number: Int32, _ numbers: [Int32]) -> Int32 { number < 0 ? -1 : numbers[Int(number)] }
    for (index, theirs) in other.lexicon.descriptions.enumerated() {
      let (number, isNew) = known.merge(index, of: other.known)
      descriptionNumbers.append(firstKnown + number)
      guard isNew else { continue }
      var ours = SongDescription(song: keyNumbers[Int(theirs.song)])
      ours.title = renumbered(theirs.title, textNumbers)
      ours.artist = renumbered(theirs.artist, textNumbers)
      ours.artwork = renumbered(theirs.artwork, textNumbers)
      ours.language = renumbered(theirs.language, valueNumbers)
      ours.storedLanguage = renumbered(theirs.storedLanguage, valueNumbers)
      ours.duration = theirs.duration
      ours.genres = moved(theirs.genres)
      ours.moods = moved(theirs.moods)
      ours.storedGenres = moved(theirs.storedGenres)
      ours.storedMoods = moved(theirs.storedMoods)
      lexicon.descriptions.append(ours)
    }
    return Renumbering(values: valueNumbers, descriptions: descriptionNumbers)
  }

  /// Adds the lists that another repertoire holds.
  ///
  /// - Returns: where the list begins here that begins at a place there.
  private func mergeLists(of other: Repertoire, _ values: [Int32]) -> [Int32] {
    var starts = [Int32](repeating: -1, count: other.lexicon.lists.count)
    func copy(_ list: ValueList) -> ValueList { append(other.lexicon.items(list).map { values[Int($0)] }) }
    func note(_ theirs: ValueList, _ ours: ValueList) {
      if !theirs.isEmpty { starts[Int(theirs.start)] = ours.start }
    }
    for (index, theirs) in other.lists.enumerated() {
      let (number, isNew) = knownLists.merge(index, of: other.knownLists)
      if isNew {
        let usable = copy(theirs.usable)
        let stored = theirs.stored == theirs.usable ? usable : copy(theirs.stored)
        lists.append(MetList(usable: usable, stored: stored))
      }
      note(theirs.usable, lists[Int(number)].usable)
      note(theirs.stored, lists[Int(number)].stored)
    }
    return starts
  }
}

/// A repertoire's numbers for those of one that was merged into it.
public struct Renumbering: Sendable {
  var values: [Int32]
  var descriptions: [Int32]
}

/// A song of the stored catalogue, as far as counting needs it.
struct StoredSong {
  var title: Int32 = -1
  var artist: Int32 = -1
  var language: Int32 = -1
  var genres = ValueList()
  var moods = ValueList()
  /// The duration; nil when unknown.
  var seconds: Double?
  /// Whether anybody had played it when the catalogue took it in.
  var isPlayed = false
}
