import BSON
import Randomness
import Testing

@testable import Library

@Suite struct PlayTallyTests {
  // 2026-01-01T00:30:00Z, a Thursday.
  private static let asOf: Int64 = 1_767_227_400_000
  private static let hour: Int64 = 3_600_000

  private struct Play {
    var video: String?
    var title = "Song"
    var artist = "Artist"
    var at: Int64
  }

  private static func add(_ plays: [Play], to tally: inout PlayTally) {
    let arena = Arena()
    tally.add(PlayTally.Share(entries(plays, in: arena), asOf: asOf))
  }

  private static func entries(_ plays: [Play], in arena: Arena) -> [Entry] {
    plays.map { play in
      var writer = BSONWriter(capacity: 256)
      let start = writer.open()
      if let video = play.video { writer.append("videoId", string: video) }
      writer.append("title", string: play.title)
      writer.append("artist", string: play.artist)
      writer.append("playedAt", date: play.at)
      writer.close(start)
      let view = { (text: String) in Array(text.utf8).withView { arena.copy($0) } }
      let key =
        play.video.map { SongKey(videoID: view($0)) }
        ?? SongKey(title: view(play.title), artist: view(play.artist), in: arena)
      return Entry(
        document: BSONDocument(unchecked: arena.copy(writer.view)), key: key, playlist: .empty, addedAt: Entry.never,
        playedAt: play.at, removedAt: Entry.never, completionRate: 1)
    }
  }

  /// Plays of forty users in the last year and some days beside it, the coming ones too.
  private static func users(_ random: inout SeededRandom) -> [[Play]] {
    (0..<40).map { _ in
      (0..<random.below(60)).map { _ in
        let hours = random.below(2) == 0 ? random.below(400 * 24) : random.below(20 * 24) - 48
        return Play(
          video: random.below(5) == 0 ? nil : "video \(random.below(30))",
          title: String(repeating: "title \(random.below(3))", count: random.below(40) == 0 ? 40 : 1),
          at: random.below(50) == 0 ? Entry.never : asOf - Int64(hours) * hour - Int64(random.below(3_600_000)))
      }
    }
  }

  private static func expect(_ tally: PlayTally, equals other: PlayTally, _ seed: UInt64) {
    #expect(tally.byDay == other.byDay && tally.byWeekdayHour == other.byWeekdayHour, "seed \(seed)")
    #expect(tally.plays == other.plays && tally.otherPlays == other.otherPlays, "seed \(seed)")
    #expect(tally.listeners == other.listeners && tally.unnamedPlays == other.unnamedPlays, "seed \(seed)")
    #expect(tally.topSongs(99, listenedToBy: 1) == other.topSongs(99, listenedToBy: 1), "seed \(seed)")
  }

  @Test func `plays count on their day, hour and weekday of UTC, within a year before the clock`() throws {
    var tally = PlayTally(asOf: Self.asOf)
    Self.add(
      [
        Play(video: "a", at: Self.asOf), Play(video: "a", at: Self.asOf - Self.hour),
        Play(video: "a", at: Self.asOf - 365 * 24 * Self.hour), Play(video: "a", at: Self.asOf - 366 * 24 * Self.hour),
        Play(video: "a", at: Self.asOf + 24 * Self.hour),
      ], to: &tally)
    #expect(tally.plays == 3 && tally.otherPlays == 2 && tally.listeners == 1)
    #expect(tally.byDay.count == 366 && tally.byDay[365] == 1 && tally.byDay[364] == 1 && tally.byDay[0] == 1)
    #expect(tally.byDay.reduce(0, +) == 3 && tally.byWeekdayHour.reduce(0, +) == 3)
    // Thursday 00:30, Wednesday 23:30, and Wednesday 2025-01-01 00:30.
    #expect(tally.byWeekdayHour[3 * 24] == 1 && tally.byWeekdayHour[2 * 24 + 23] == 1)
    #expect(tally.byWeekdayHour[2 * 24] == 1)
  }

  @Test(arguments: [0, 1, 29 * 60_000 + 59_999, 3_599_999, 3_600_000, 23 * hour, 24 * hour - 1] as [Int64])
  func `what is later than the clock is not counted, on the clock's own day and in its hour neither`(
    _ afterMidnight: Int64
  ) throws {
    let asOf = Self.asOf - 30 * 60_000 + afterMidnight
    var tally = PlayTally(asOf: asOf)
    let arena = Arena()
    let plays = [asOf - 1, asOf, asOf + 1, asOf + Self.hour].map { Play(video: "a", at: $0) }
    tally.add(PlayTally.Share(Self.entries(plays, in: arena), asOf: asOf))
    tally.add(PlayTally.Share(Self.entries([plays[2]], in: arena), asOf: asOf))
    #expect(tally.plays == 2 && tally.otherPlays == 3 && tally.listeners == 1)
    #expect(tally.byDay.reduce(0, +) == 2 && tally.byWeekdayHour.reduce(0, +) == 2)
    #expect(tally.topSongs(9, listenedToBy: 1).map(\.plays) == [2])
  }

  @Test func `songs are named by plays, and only where enough people listen`() throws {
    var tally = PlayTally(asOf: Self.asOf)
    for user in 0..<4 {
      // The newest play says how a song is written.
      var plays = [
        Play(video: "both", title: "Song \(user)", at: Self.asOf - (user == 2 ? 0 : Self.hour)),
        Play(video: "both", title: "Old", at: Self.asOf - 31 * 24 * Self.hour),
      ]
      if user < 2 { plays += (0..<9).map { Play(video: "few", at: Self.asOf - Int64($0)) } }
      if user > 0 { plays.append(Play(title: "No video", at: Self.asOf)) }
      Self.add(plays, to: &tally)
    }
    let top = tally.topSongs(9, listenedToBy: 3)
    #expect(
      top == [
        .init(title: "Song 2", artist: "Artist", plays: 4, listeners: 4),
        .init(title: "No video", artist: "Artist", plays: 3, listeners: 3),
      ])
    #expect(tally.topSongs(1, listenedToBy: 1).map(\.plays) == [18])
  }

  @Test func `of songs with as many plays those with more listeners come first`() throws {
    var tally = PlayTally(asOf: Self.asOf)
    Self.add(["one", "one", "two"].map { Play(video: $0, title: $0, at: Self.asOf) }, to: &tally)
    Self.add([Play(video: "two", title: "two", at: Self.asOf)], to: &tally)
    #expect(tally.topSongs(9, listenedToBy: 1).map(\.title) == ["two", "one"])
  }

  @Test func `songs count in the last seven days, the clock's own included`() throws {
    let first = Self.asOf - Self.hour / 2 - 6 * 24 * Self.hour
    var tally = PlayTally(asOf: Self.asOf)
    Self.add([Play(video: "in", title: "in", at: first), Play(video: "out", title: "out", at: first - 1)], to: &tally)
    #expect(tally.plays == 2 && tally.topSongs(9, listenedToBy: 1).map(\.title) == ["in"])
  }

  @Test(arguments: [["a", "b"], ["b", "a"]])
  func `of two plays of one moment the greater bytes say how a song is written`(_ titles: [String]) throws {
    var tally = PlayTally(asOf: Self.asOf)
    for title in titles { Self.add([Play(video: "v", title: title, at: Self.asOf)], to: &tally) }
    #expect(tally.topSongs(9, listenedToBy: 1).map(\.title) == ["b"])
  }

  @Test func `songs whose title and artist are one text in two ways always come in one order`() throws {
    var tally = PlayTally(asOf: Self.asOf)
    let text = "So What Milestones"
    let songs = (1..<text.count).map { (String(text.prefix($0)), String(text.dropFirst($0))) }
    Self.add(songs.reversed().map { Play(title: $0.0, artist: $0.1, at: Self.asOf) }, to: &tally)
    #expect(tally.topSongs(99, listenedToBy: 1).map(\.title) == songs.map(\.0))
  }

  @Test func `tallies of parts say the same as one of all, in any order`() throws {
    let seed = Trials.seed
    var random = SeededRandom(seed: seed)
    let users = Self.users(&random)
    var whole = PlayTally(asOf: Self.asOf)
    for user in users { Self.add(user, to: &whole) }
    var parts = (0..<4).map { _ in PlayTally(asOf: Self.asOf) }
    for (number, user) in users.enumerated() { Self.add(user, to: &parts[number % 4]) }
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
      var sum = PlayTally(asOf: Self.asOf)
      for part in order { sum.merge(parts[part]) }
      Self.expect(sum, equals: whole, seed)
    }
  }

  @Test func `where not all songs find a place, those that a merged tally met first do`() throws {
    var (sum, part) = (PlayTally(asOf: Self.asOf), PlayTally(asOf: Self.asOf))
    Self.add((0..<PlayTally.mostSongs - 9).map { Play(video: "known \($0)", at: Self.asOf) }, to: &sum)
    // What is played twice comes before all that is played once.
    for _ in 0..<2 { Self.add((10..<99).map { Play(video: "\($0)", title: "\($0)", at: Self.asOf) }, to: &part) }
    sum.merge(part)
    #expect(sum.topSongs(9, listenedToBy: 1).map(\.title) == (10..<19).map(String.init))
    #expect(sum.unnamedPlays == 2 * 80)
  }

  @Test func `what is kept of a user counts as the plays do, at the same clock and at later ones`() throws {
    let seed = Trials.seed
    var random = SeededRandom(seed: seed)
    let users = Self.users(&random)
    for days in [0, 1, 3, 8, 366] as [Int64] {
      let clock = Self.asOf + days * 24 * Self.hour
      var (whole, kept) = (PlayTally(asOf: clock), PlayTally(asOf: clock))
      for user in users {
        let arena = Arena()
        let entries = Self.entries(user, in: arena)
        whole.add(PlayTally.Share(entries, asOf: clock))
        var writer = BSONWriter()
        let start = writer.open()
        PlayTally.Share(entries, asOf: Self.asOf).write(to: &writer)
        writer.close(start)
        kept.add(try #require(try PlayTally.Share(BSONDocument(writer.view))))
      }
      Self.expect(kept, equals: whole, seed)
    }
  }
}
