/// Goes through a listener's sessions in order and decides what is played, as their taste drifts.
struct Listening {
  private let catalogue: Catalogue
  private let browsers: [Browser]
  private var taste: Taste
  private var week: Int64 = .min
  /// Songs that were heard to the end, in order: what is played again and marked as a favourite.
  private var liked: [Int] = []
  /// How often a song is one that was liked before.
  private let returns: Double
  private(set) var plays: [Play] = []

  init(_ taste: Taste, on browsers: [Browser], from catalogue: Catalogue, _ random: inout Random) {
    self.taste = taste
    self.browsers = browsers
    self.catalogue = catalogue
    returns = 0.1 + 0.4 * random.unit()
  }

  mutating func listen(_ session: Habits.Session, _ random: inout Random) {
    var time = session.start
    let thisWeek = session.start / Span.week
    if week == .min { week = thisWeek }
    while week < thisWeek {
      taste.drift(&random)
      week += 1
    }
    let isOld = session.start < browsers[session.browser].upgradedAt
    for _ in 0..<session.plays {
      let (song, source) = nextSong(&random)
      let match = taste.match(catalogue[song])
      let heard = Completion(match: match, &random)
      if heard.isLiked { liked.append(song) }
      let isKnown = !random.chance(0.07)
      plays.append(
        Play(
          mention: Mention(song, of: catalogue, &random), playedAt: time,
          thousandths: random.chance(0.02) ? Int64(random.within(1...999)) : 0,
          completion: isKnown ? heard : .placeholder, source: source, browser: session.browser,
          details: isOld ? .missing : random.chance(0.15) ? .empty : .all))
      let seconds = max(4, Double(catalogue[song].duration) * heard.double)
      time += Int64(seconds * 1000) + Int64(random.within(250...9000))
    }
  }

  /// A song and the index of the source it was found in.
  private func nextSong(_ random: inout Random) -> (song: Int, source: Int) {
    if !liked.isEmpty && random.chance(returns) {
      // What was liked lately comes back sooner.
      let part = random.unit()
      return (liked[liked.count - 1 - Int(part * part * Double(liked.count))], random.within(5...7))
    }
    let source = random.weighted([46, 14, 13, 12, 11])
    // Charts show what others like: one song in five is of any language.
    let language = random.chance(0.2) ? random.below(Language.all.count) : random.weighted(taste.languages)
    var song = catalogue.song(of: language, &random)
    for _ in 0..<4 where !random.chance(taste.match(catalogue[song])) {
      song = catalogue.song(of: language, &random)
    }
    return (song, source)
  }
}
