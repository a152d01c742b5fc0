package import BSON

/// The fields of an entry that the program knows: favourites, plays, queue items and songs of playlists share them.
package enum EntryField: Int {
  case videoId, title, artist, artwork, duration, language, genres, moods
  case addedAt, playedAt, removedAt, completionRate, source

  /// The name that the normal form uses.
  var name: StaticString {
    switch self {
    case .videoId: "videoId"
    case .title: "title"
    case .artist: "artist"
    case .artwork: "artwork"
    case .duration: "duration"
    case .language: "language"
    case .genres: "genres"
    case .moods: "moods"
    case .addedAt: "addedAt"
    case .playedAt: "playedAt"
    case .removedAt: "removedAt"
    case .completionRate: "completionRate"
    case .source: "source"
    }
  }

  /// Which field a key names, and its rank among the field's names: 0 for the name itself, then the aliases in the
  /// order in which they are tried. Nil for a field that is kept as it is.
  ///
  /// A key is told by its length and its first eight bytes as a word; longer ones are compared in full.
  @inline(__always)
  static func named(_ element: BSONElement) -> (field: EntryField, rank: UInt8)? {
    let word = element.keyWord
    switch element.key.count {
    case 5:
      if word == 0x65_6C74_6974 { return (.title, 0) }
      if word == 0x73_646F_6F6D { return (.moods, 0) }
    case 6:
      if word == 0x7473_6974_7261 { return (.artist, 0) }
      if word == 0x6563_7275_6F73 { return (.source, 0) }
      if word == 0x7365_726E_6567 { return (.genres, 0) }
    case 7:
      if word == 0x64_496F_6564_6976 { return (.videoId, 0) }
      if word == 0x6B_726F_7774_7261 { return (.artwork, 0) }
      if word == 0x74_4164_6564_6461 { return (.addedAt, 0) }
    case 8:
      if word == 0x7441_6465_7961_6C70 { return (.playedAt, 0) }
      if word == 0x6567_6175_676E_616C { return (.language, 0) }
      if word == 0x6E6F_6974_6172_7564 { return (.duration, 0) }
    case 9:
      if word == 0x4164_6576_6F6D_6572, element.key[8] == UInt8(ascii: "t") { return (.removedAt, 0) }
    case 14:
      // The last eight bytes share two with the first.
      if word == 0x6974_656C_706D_6F63, element.key.load(6, as: UInt64.self) == 0x6574_6152_6E6F_6974 {
        return (.completionRate, 0)
      }
    default: break
    }
    return alias(element)
  }

  /// Whether a key is another name of a field.
  package static func isAlias(_ element: BSONElement) -> Bool { alias(element) != nil }

  @inline(never)
  private static func alias(_ element: BSONElement) -> (field: EntryField, rank: UInt8)? {
    switch element.key.count {
    case 8:
      if element.key == ByteView("video_id") { return (.videoId, 2) }
      return element.key == ByteView("added_at") ? (.addedAt, 1) : nil
    case 9:
      if element.key == ByteView("played_at") { return (.playedAt, 1) }
      return element.key == ByteView("image_url") ? (.artwork, 2) : nil
    case 11:
      if element.key == ByteView("artwork_url") { return (.artwork, 1) }
      return element.key == ByteView("artist_name") ? (.artist, 1) : nil
    case 15: return element.key == ByteView("completion_rate") ? (.completionRate, 1) : nil
    case 16:
      if element.key == ByteView("youtube_video_id") { return (.videoId, 1) }
      return element.key == ByteView("duration_seconds") ? (.duration, 1) : nil
    default: return nil
    }
  }
}
