/// An invented person and everything they have done; the same for the same seed and index, whoever else is made.
struct Listener {
  let index: Int
  let id: String
  let isGuest: Bool
  /// Whether the cloud has a document of theirs.
  let isInCloud: Bool
  let zone: TimeZone
  let joinedAt: Int64
  /// What they like when they join: what they say when they are asked.
  let firstTaste: Taste
  let browsers: [Browser]
  /// In the order of time.
  let plays: [Play]
  let favorites: [Favorite]
  let playlists: [Playlist]

  init(_ index: Int, _ options: GeneratorOptions, _ catalogue: Catalogue) {
    var random = Random(seed: options.seed, .listener, listener: index)
    self.index = index
    id = random.uuid()
    isGuest = random.chance(options.guests)
    isInCloud = !random.chance(options.newcomers) && !(isGuest && random.chance(0.5))
    zone = random.pick(TimeZone.all)
    firstTaste = Taste(&random)

    // Two days before the end is early enough for every time zone and the longest session.
    let quietDays = random.skewed(0...options.longestQuiet)
    let lastDay = options.asOf / Span.day - 2 - Int64(quietDays)
    let end = (lastDay + 1) * Span.day
    let start = end - 120 * Span.day
    var browsers: [Browser] = []
    for _ in 0..<random.skewed(options.browsersPerUser) {
      browsers.append(Browser(&random, since: start, until: end))
    }
    let fresh = browsers.map { _ in random.chance(0.07) ? 0 : random.within(1...14) }
    let stored = options.skewsPlays ? random.skewed(options.playsPerUser) : random.within(options.playsPerUser)
    let habits = Habits(offset: zone.minutes * Span.minute, &random)
    let sessions = habits.sessions(plays: stored + fresh.reduce(0, +), until: lastDay, on: browsers, &random)
    var listening = Listening(firstTaste, on: browsers, from: catalogue, &random)
    for session in sessions { listening.listen(session, &random) }
    // Sessions may overlap; two plays at one instant keep the order of their songs.
    let plays = listening.plays.sorted { ($0.playedAt, $0.mention.key) < ($1.playedAt, $1.mention.key) }

    for index in browsers.indices {
      browsers[index].decideExchanges(plays.filter { $0.browser == index }, fresh: fresh[index], options, end, &random)
    }
    self.plays = plays
    self.browsers = browsers
    joinedAt = (plays.first?.playedAt ?? start) - Int64(random.within(60_000...900_000))
    favorites = Listener.favorites(plays, options, catalogue, &random)
    playlists = Listener.playlists(plays, options, &random)
  }

  private static func favorites(
    _ plays: [Play], _ options: GeneratorOptions, _ catalogue: Catalogue, _ random: inout Random
  ) -> [Favorite] {
    let wanted = options.skewsPlays ? random.skewed(options.favoritesPerUser) : random.within(options.favoritesPerUser)
    let liked = plays.filter(\.completion.isLiked)
    // Spread over the whole time: each liked play has the same chance.
    let chance = liked.isEmpty ? 0 : min(1, 1.3 * Double(wanted) / Double(liked.count))
    var favorites: [Favorite] = []
    var seen: Set<Int> = []
    for play in liked where favorites.count < wanted && random.chance(chance) {
      guard seen.insert(play.mention.song).inserted else { continue }
      favorites.append(
        Favorite(
          mention: Mention(play.mention.song, of: catalogue, &random),
          addedAt: play.playedAt + Int64(random.within(3_000...120_000)), thousandths: play.thousandths,
          browser: play.browser))
    }
    return favorites.sorted { ($0.addedAt, $0.mention.key) < ($1.addedAt, $1.mention.key) }
  }

  private static func playlists(
    _ plays: [Play], _ options: GeneratorOptions, _ random: inout Random
  ) -> [Playlist] {
    guard !plays.isEmpty else { return [] }
    return (0..<random.skewed(options.playlistsPerUser)).map { _ in
      let first = random.below(plays.count)
      let following = plays[first...].prefix(random.within(0...22))
      return Playlist(
        madeAt: plays[first].playedAt + Int64(random.within(2_000...60_000)), on: plays[first].browser,
        from: following, &random)
    }
  }
}

extension Browser {
  /// Settles when this browser synced last, so that the cloud lacks the `fresh` newest of its plays, and when it was
  /// exported.
  fileprivate mutating func decideExchanges(
    _ plays: [Play], fresh: Int, _ options: GeneratorOptions, _ end: Int64, _ random: inout Random
  ) {
    guard let last = plays.last else {
      // Opened, and nothing played.
      syncedAt = end - Int64(random.within(1...20)) * Span.day
      exports = [syncedAt + Int64(random.within(1...600)) * Span.second]
      return
    }
    if fresh == 0 {
      syncedAt = last.playedAt + Int64(random.within(1...90)) * Span.second
    } else {
      syncedAt = fresh < plays.count ? plays[plays.count - 1 - fresh].playedAt : 0
    }
    let after = Int64(random.within(100...1800)) * Span.second + Int64(random.below(1000))
    let final = min(options.asOf - Span.minute, last.playedAt + after)
    exports = [max(final, syncedAt + 1)]
    if random.chance(options.repeatedExports) {
      let earlier = plays[random.below(plays.count)].playedAt + Int64(random.within(1...60)) * Span.second
      if earlier < final { exports.insert(earlier, at: 0) }
    }
  }
}
