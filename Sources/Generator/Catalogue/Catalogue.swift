internal import BSON

/// The invented songs that everybody listens to: the same for all listeners of one seed.
final class Catalogue {
  let songs: [Song]
  /// For each language its songs, the most popular first.
  let byLanguage: [[Int]]
  /// Owns the texts of the songs; views of it hold as long as the catalogue.
  private let texts = Arena()

  init(songs count: Int, seed: UInt64) {
    var random = Random(seed: seed, .catalogue)
    var artists: [Artist] = []
    for _ in 0..<max(1, count / 6) { artists.append(Artist(&random, texts)) }
    var songs: [Song] = []
    songs.reserveCapacity(count)
    var byLanguage = [[Int]](repeating: [], count: Language.all.count)
    for index in 0..<count {
      // Every language has songs, however small the catalogue.
      let artist = index < artists.count ? artists[index] : random.pick(artists)
      // One song in fifty has the title of another: only the artist tells them apart.
      let title = index > 0 && random.chance(0.02) ? songs[random.below(index)].title : nil
      songs.append(Song(by: artist, title: title, &random, texts))
      byLanguage[artist.language].append(index)
    }
    for language in byLanguage.indices where byLanguage[language].isEmpty {
      byLanguage[language] = [random.below(count)]
    }
    self.songs = songs
    self.byLanguage = byLanguage
  }

  subscript(index: Int) -> Song { songs[index] }

  /// A song of the language, popular ones more often.
  func song(of language: Int, _ random: inout Random) -> Int {
    let songs = byLanguage[language]
    let part = random.unit()
    return songs[Int(part * part * part * Double(songs.count))]
  }
}

/// Who made songs: one language, one or two genres.
private struct Artist {
  let name: ByteView
  let language: Int
  let genres: Choices
  let moods: Choices

  init(_ random: inout Random, _ texts: Arena) {
    language = random.weighted(Language.all.map(\.weight))
    genres = Choices([random.below(genreNames.count), random.below(genreNames.count)])
    moods = Choices([random.below(moodNames.count), random.below(moodNames.count), random.below(moodNames.count)])
    let native = random.chance(0.15)
    var name = word(language, native: native, &random)
    if random.chance(0.75) { name += " " + word(language, native: native, &random) }
    switch random.below(24) {
    case 0: name = "DJ " + name
    case 1: name += " & " + word(language, native: native, &random)
    case 2: name = "The \"\(name)\" Trio"
    case 3: name += " feat. " + word(language, native: false, &random)
    default: break
    }
    self.name = texts.copy(name)
  }
}

extension Song {
  fileprivate init(by artist: Artist, title: ByteView?, _ random: inout Random, _ texts: Arena) {
    self.artist = artist.name
    self.title = title ?? texts.copy(inventedTitle(artist.language, &random))
    language = artist.language
    genres = Choices(artist.genres.filter { _ in random.chance(0.75) })
    var moods = Choices([random.below(moodNames.count)])
    for mood in artist.moods where random.chance(0.5) { moods.insert(mood) }
    self.moods = moods
    duration = Int64(random.within(95...340))
    switch random.unit() {
    case ..<0.71: videoID = texts.copy(random.videoID())
    case ..<0.75: videoID = texts.copy(random.uuid())
    default: videoID = .empty
    }
    artwork = videoID.isEmpty ? .empty : texts.copy(inventedArtwork(&random))
  }
}

/// A title of one to four words, sometimes with what real titles have: marks, entities, emoji.
private func inventedTitle(_ language: Int, _ random: inout Random) -> String {
  let native = random.chance(0.3)
  var title = word(language, native: native, &random)
  for _ in 0..<random.skewed(0...3) { title += " " + word(language, native: native, &random) }
  switch random.below(40) {
  case 0: title += " (Remix)"
  case 1: title += " - Reprise"
  case 2: title += " (From &quot;\(word(language, native: false, &random))&quot;)"
  case 3: title += " " + String(random.pick(emoji))
  case 4: title = title.uppercased()
  case 5: title += " / " + word(language, native: false, &random)
  case 6: title = "\"\(title)\""
  case 7: title += " 's back\\slash"
  case 8: title += " (Original Motion Picture Soundtrack)"
  default: break
  }
  return title
}

/// As long as the addresses of the shops' picture servers are.
private func inventedArtwork(_ random: inout Random) -> String {
  let id = random.uuid()
  let start = id.prefix(6)
  return
    "https://img.example.com/image/thumb/Music\(random.within(112...226))/v4/\(start.prefix(2))/\(start.dropFirst(2).prefix(2))/\(start.suffix(2))/\(id)/\(random.within(100_000_000...999_999_999)).jpg/600x600bb.jpg"
}

private let emoji: [StaticString] = ["🌙", "🔥", "❤️", "🎧", "👩‍🎤", "🚗", "🌧️"]

/// A word of one to four syllables, with a capital where the script has them.
func word(_ language: Int, native: Bool, _ random: inout Random) -> String {
  let language = Language.all[language]
  let syllables = native && !language.native.isEmpty ? language.native : language.latin
  var word = ""
  for _ in 0..<random.within(1...3) { word += String(random.pick(syllables)) }
  if word.utf8.count < 4 { word += String(random.pick(syllables)) }
  guard let first = word.unicodeScalars.first, first.isASCII else { return word }
  return word.prefix(1).uppercased() + word.dropFirst()
}

extension String {
  fileprivate init(_ text: StaticString) {
    self = ByteView(text).string
  }
}

extension Arena {
  fileprivate func copy(_ text: String) -> ByteView { Array(text.utf8).withView { copy($0) } }
}
