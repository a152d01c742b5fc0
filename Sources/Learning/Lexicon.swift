internal import BSON

/// The texts and descriptions of a ``Repertoire``, as counting looks them up.
struct Lexicon: Sendable {
  /// Song keys, whole: `v:…` and `t:…`.
  var keys = TextTable()
  /// Titles, artists and artworks.
  var texts = TextTable()
  /// Languages, genres, moods, sources and names of zones.
  var values = TextTable()
  var descriptions: [SongDescription] = []
  /// The items of every ``ValueList``.
  var lists: [Int32] = []

  // Inlined, so that looking up one text through a class does not count references to everything.
  @inline(__always) func value(_ number: Int32) -> ByteView { values[number] }
  @inline(__always) func key(_ song: Int32) -> ByteView { keys[song] }
  @inline(__always) func text(_ number: Int32) -> ByteView { texts[number] }
  func items(_ list: ValueList) -> ArraySlice<Int32> { lists[list.range] }

  /// Whether a song is named by its videoId.
  func isVideo(_ song: Int32) -> Bool { keys[song][0] == UInt8(ascii: "v") }

  /// A description by its number, be it everybody's or one of the user's own.
  @inline(__always)
  func description(_ number: Int32, of facts: UserFacts) -> SongDescription {
    let index = Int(number)
    return index < descriptions.count ? descriptions[index] : facts.joined[index - descriptions.count]
  }

  /// The order of greater bytes between lists of values as they are stored, by their BSON encoding.
  func hasGreaterBytes(_ a: ValueList, than b: ValueList) -> Bool {
    func encoded(_ list: ValueList) -> [UInt8] {
      var writer = BSONWriter(capacity: 256)
      let start = writer.open()
      for (index, item) in items(list).enumerated() {
        writer.index(index, .string)
        writer.put(string: value(item))
      }
      writer.close(start)
      return writer.view.copy()
    }
    return encoded(b).lexicographicallyPrecedes(encoded(a))
  }
}
