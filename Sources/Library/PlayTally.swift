internal import BSON

/// Plays counted over many users: by day, by hour of the week, and by song. Days and hours are UTC's; what is later than
/// the clock is not counted.
///
/// Cheap, for it looks at every play of a run: a play costs some arithmetic, and if it lies in the last ``songDays``
/// days a look into a table; no string is made, and a song's title is read once, or when it is played later.
///
/// Songs are counted exactly, but only the first ``mostSongs`` different ones that are met, so that memory has a bound;
/// plays of others are counted as such. A song that many play is met early. With no more songs than that, tallies of
/// some users each and merged in any order say the same as one of all; with more, the order of users and of tallies
/// decides which songs are told apart. A song is written as in its newest play.
public struct PlayTally: Sendable {
  /// How many days before the clock are looked at, the clock's own day included.
  public static let days = 366
  /// How many of these are looked at for songs, from the clock's own day back.
  public static let songDays = 7
  /// How many songs are told apart; a song takes about 100 bytes.
  public static let mostSongs = 1 << 17
  /// The most bytes of a title or artist that are kept.
  static let longestText = 200

  /// Plays of a song.
  public struct Song: Sendable, Equatable {
    public var title: String
    public var artist: String
    public var plays: Int
    /// Different users.
    public var listeners: Int

    public init(title: String, artist: String, plays: Int, listeners: Int) {
      (self.title, self.artist, self.plays, self.listeners) = (title, artist, plays, listeners)
    }
  }

  /// Plays per hour, from the first hour of the first day on: 24 for each of ``days``.
  private var hourly = InlineArray<8784, UInt32>(repeating: 0)
  /// Plays that lie in these days.
  public private(set) var plays = 0
  /// Plays before them, or later than the clock.
  public private(set) var otherPlays = 0
  /// Plays in the days of songs whose song is not told apart.
  public private(set) var unnamedPlays = 0
  /// Users with a play in these days.
  public private(set) var listeners = 0
  /// Days since 1970 of the first of ``byDay``.
  public var firstDay: Int64 { firstHour / 24 }
  /// Since 1970.
  private let firstHour: Int64
  /// The run's clock, in milliseconds since 1970.
  private let asOf: Int64
  /// Where in ``hourly`` the days of songs begin.
  static let firstSongHour = (days - songDays) * 24

  private var songs = SongTable()
  /// Counts the users that were added, so that a song knows whether this one is new to it.
  private var user: UInt32 = 0

  /// - Parameter asOf: the run's clock, in milliseconds since 1970.
  public init(asOf: Int64) {
    firstHour = Self.firstHour(asOf: asOf)
    self.asOf = asOf
  }

  static func firstHour(asOf: Int64) -> Int64 { (asOf / (24 * millisecondsOfHour) - Int64(days - 1)) * 24 }

  static let millisecondsOfHour: Int64 = 3_600_000

  /// Plays per day, the oldest first; the last is the day of the clock, up to it.
  public var byDay: [Int] {
    (0..<Self.days).map { day in (day * 24..<day * 24 + 24).reduce(0) { $0 + Int(hourly[$1]) } }
  }

  /// Plays per hour of the week, Monday first: weekday · 24 + hour.
  public var byWeekdayHour: [Int] {
    var week = [Int](repeating: 0, count: 7 * 24)
    // 1970 began on a Thursday.
    let first = Int(firstHour) + 3 * 24
    for hour in hourly.indices { week[((first + hour) % week.count + week.count) % week.count] += Int(hourly[hour]) }
    return week
  }

  // MARK: Counting

  /// Adds one user's plays. To be called once a user.
  public mutating func add(_ share: Share) {
    user &+= 1
    let before = plays
    let shift = Int(share.firstHour - firstHour) - 1
    // Of the clock's own hour the songs tell which plays are not later than the clock: they have the very instant.
    let clockHour = Int(asOf / Self.millisecondsOfHour - firstHour)
    for hour in share.hours {
      let place = Int(hour) + shift
      if hour > 0, 0..<clockHour ~= place {
        hourly[place] &+= 1
        plays += 1
      } else {
        otherPlays += 1
      }
    }
    // Outside of the closure, which would copy the whole tally for every song.
    let start = (firstHour + Int64(Self.firstSongHour)) * Self.millisecondsOfHour
    let clock = asOf
    let recent = share.songs.filter { $0.playedAt >= start && $0.playedAt <= clock }
    let startOfClockHour = (firstHour + Int64(clockHour)) * Self.millisecondsOfHour
    let latest = recent.count { $0.playedAt >= startOfClockHour }
    hourly[clockHour] &+= UInt32(truncatingIfNeeded: latest)
    plays += latest
    otherPlays -= latest
    if plays > before { listeners += 1 }
    songs.makeRoom(for: recent.lazy.map { Self.fingerprint(of: $0.key) }, limit: Self.mostSongs)
    for song in recent {
      count(Self.fingerprint(of: song.key), playedAt: song.playedAt) { song.document.titleAndArtist }
    }
  }

  private mutating func count(_ song: UInt64, playedAt time: Int64, text: () -> (title: ByteView, artist: ByteView)) {
    if !songs.count(song, playedAt: time, by: user, limit: Self.mostSongs, text: text) { unnamedPlays += 1 }
  }

  /// 0 stands for no song.
  private static func fingerprint(of key: SongKey) -> UInt64 { max(1, key.fingerprint) }

  /// Adds what another tally counted of users that come after this one's.
  public mutating func merge(_ other: PlayTally) {
    for hour in hourly.indices { hourly[hour] &+= other.hourly[hour] }
    plays += other.plays
    otherPlays += other.otherPlays
    unnamedPlays += other.unnamedPlays
    listeners += other.listeners
    unnamedPlays += songs.merge(other.songs, limit: Self.mostSongs)
    user &+= other.user
  }

  // MARK: Songs

  /// The songs with most plays in the last ``songDays`` days, then listeners, then in the order of their titles' bytes.
  ///
  /// - Parameter least: songs with fewer listeners are left out: a title that is one person's alone betrays them.
  public func topSongs(_ count: Int, listenedToBy least: Int) -> [Song] {
    songs.top(count, listenedToBy: least)
  }
}

/// Songs and their counts: open addressing over fingerprints, titles in one piece of memory.
///
/// A look is one line of memory that the cache hardly ever has, so that a song lies where it is looked up. Two songs of
/// the same 64-bit fingerprint would be one; among 100 000 songs the chance is one in billions.
private struct SongTable: Sendable {
  private struct Slot {
    /// The song's fingerprint; 0 in a slot that is free.
    var key: UInt64 = 0
    var plays: UInt32 = 0
    var listeners: UInt32 = 0
    /// The last user who was counted as a listener.
    var user: UInt32 = 0
    var textStart: UInt32 = 0
    /// When the play began that gave the text, in milliseconds since 1970.
    var time: Int64 = 0
    var titleLength: UInt16 = 0
    var artistLength: UInt16 = 0
    /// How many songs were met before it.
    var number: UInt32 = 0

    var title: Range<Int> { Int(textStart)..<Int(textStart) + Int(titleLength) }
    var artist: Range<Int> { title.upperBound..<title.upperBound + Int(artistLength) }
  }

  /// As many as a power of two, at most half of them taken.
  private var slots: [Slot] = []
  private var count = 0
  private var texts: [UInt8] = []

  /// Grows for those of these songs that are new.
  ///
  /// Looks at every one, and with so little between that the processor waits for many of them at once: when they are
  /// counted, one by one, they lie in its cache.
  mutating func makeRoom(for songs: some Sequence<UInt64>, limit: Int) {
    guard !slots.isEmpty else { return }
    var new = 0
    for key in songs where slots[place(of: key)].key != key { new += 1 }
    while min(count + new, limit) * 2 > slots.count { grow() }
  }

  /// Counts a play of the song with this fingerprint; false when it is new and there is no place for it.
  ///
  /// - Parameter text: its title and artist, cut to ``PlayTally/longestText``; asked for when they are needed.
  mutating func count(
    _ key: UInt64, playedAt time: Int64, by user: UInt32, limit: Int, text: () -> (title: ByteView, artist: ByteView)
  ) -> Bool {
    guard let position = position(of: key) else {
      guard count < limit else { return false }
      let (title, artist) = text()
      write(title, artist, at: insert(Slot(key: key, plays: 1, listeners: 1, user: user, time: time)))
      return true
    }
    slots[position].plays &+= 1
    if slots[position].user != user {
      slots[position].user = user
      slots[position].listeners &+= 1
    }
    if time >= slots[position].time {
      let (title, artist) = text()
      keepNewer(title, artist, time: time, at: position)
    }
    return true
  }

  /// - Returns: plays of songs for which there was no place.
  mutating func merge(_ other: SongTable, limit: Int) -> Int {
    var left = 0
    other.texts.withView { texts in
      // As they were met: where they lie hangs on a seed of the process.
      for place in other.placesInOrder {
        let slot = other.slots[place]
        let title = texts.slice(slot.title.lowerBound, slot.title.count)
        let artist = texts.slice(slot.artist.lowerBound, slot.artist.count)
        if let position = position(of: slot.key) {
          slots[position].plays &+= slot.plays
          slots[position].listeners &+= slot.listeners
          keepNewer(title, artist, time: slot.time, at: position)
        } else if count < limit {
          var slot = slot
          // No user of this tally has that number.
          slot.user = 0
          write(title, artist, at: insert(slot))
        } else {
          left += Int(slot.plays)
        }
      }
    }
    return left
  }

  /// Takes over the text of a newer play; of the same time, the greater bytes.
  private mutating func keepNewer(_ title: ByteView, _ artist: ByteView, time: Int64, at position: Int) {
    let slot = slots[position]
    guard time >= slot.time else { return }
    slots[position].time = time
    let order = texts.withView { texts in
      let order = title.order(texts.slice(slot.title.lowerBound, slot.title.count))
      return order != 0 ? order : artist.order(texts.slice(slot.artist.lowerBound, slot.artist.count))
    }
    if order > 0 || order < 0 && time > slot.time { write(title, artist, at: position) }
  }

  /// Sets a song's text. What stood there before stays as waste: it is seldom.
  private mutating func write(_ title: ByteView, _ artist: ByteView, at position: Int) {
    slots[position].textStart = UInt32(truncatingIfNeeded: texts.count)
    slots[position].titleLength = UInt16(truncatingIfNeeded: title.count)
    slots[position].artistLength = UInt16(truncatingIfNeeded: artist.count)
    for part in [title, artist] { unsafe part.withUnsafeBytes { unsafe texts.append(contentsOf: $0) } }
  }

  func top(_ count: Int, listenedToBy least: Int) -> [PlayTally.Song] {
    let named = slots.filter { $0.key != 0 && $0.listeners >= least }
    let sorted = named.sorted { a, b in
      if a.plays != b.plays { return a.plays > b.plays }
      if a.listeners != b.listeners { return a.listeners > b.listeners }
      let (first, second) = (
        texts[a.title.lowerBound..<a.artist.upperBound], texts[b.title.lowerBound..<b.artist.upperBound]
      )
      return first.elementsEqual(second) ? a.titleLength < b.titleLength : first.lexicographicallyPrecedes(second)
    }
    return sorted.prefix(count).map { slot in
      PlayTally.Song(
        title: String(decoding: texts[slot.title], as: UTF8.self),
        artist: String(decoding: texts[slot.artist], as: UTF8.self),
        plays: Int(slot.plays), listeners: Int(slot.listeners))
    }
  }

  // MARK: Places

  /// Where the songs lie, in the order in which they were met.
  private var placesInOrder: [Int] {
    var places = [Int](repeating: 0, count: count)
    for place in slots.indices where slots[place].key != 0 { places[Int(slots[place].number)] = place }
    return places
  }

  private func position(of key: UInt64) -> Int? {
    guard !slots.isEmpty else { return nil }
    let place = place(of: key)
    return slots[place].key == key ? place : nil
  }

  /// Where a song lies, or would.
  private func place(of key: UInt64) -> Int {
    var place = Int(truncatingIfNeeded: key) & (slots.count - 1)
    while slots[place].key != key, slots[place].key != 0 { place = (place + 1) & (slots.count - 1) }
    return place
  }

  /// - Returns: where it lies, until the next is inserted.
  private mutating func insert(_ slot: Slot) -> Int {
    if count * 2 >= slots.count { grow() }
    let place = place(of: slot.key)
    slots[place] = slot
    slots[place].number = UInt32(truncatingIfNeeded: count)
    count += 1
    return place
  }

  private mutating func grow() {
    let old = slots
    slots = [Slot](repeating: Slot(), count: max(256, old.count * 2))
    for slot in old where slot.key != 0 { slots[place(of: slot.key)] = slot }
  }
}
