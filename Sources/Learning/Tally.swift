/// How often something was played, and when last.
struct Tallied {
  /// A song, an artist or a value.
  var number: Int32
  var plays: Int32 = 0
  var liked: Int32 = 0
  /// Milliseconds since 1970.
  var last: Int64 = .min

  @inline(__always)
  mutating func add(_ play: Play, likes: Int32) {
    plays += 1
    liked += likes
    last = max(last, play.playedAt)
  }

  mutating func add(_ other: Tallied) {
    plays += other.plays
    liked += other.liked
    last = max(last, other.last)
  }
}

/// Plays counted by number; emptied between users without touching what was not counted.
struct Tally {
  /// The place of each number in `counts`, −1 for what was not met.
  private var places: [Int32]
  private(set) var counts: [Tallied] = []

  /// - Parameter numbers: how many there are.
  init(numbers: Int) { places = Array(repeating: -1, count: numbers) }

  /// Counts plays, each for one number.
  ///
  /// - Parameters:
  ///   - likes: 1 for a play that is liked, else 0.
  ///   - number: of a play by its place, negative for none.
  @inline(__always)
  mutating func add(_ plays: Span<Play>, likes: Span<Int32>, number: (Int) -> Int32) {
    // First those that are new, so that the table does not grow while the plays are counted.
    for play in plays.indices {
      let number = number(play)
      if number >= 0 { _ = place(of: number) }
    }
    let table = places
    let places = table.span
    var counts = counts.mutableSpan
    for play in plays.indices {
      let number = number(play)
      if number >= 0 { counts[Int(places[Int(number)])].add(plays[play], likes: likes[play]) }
    }
  }

  /// Counts plays, each for every item of a list.
  ///
  /// - Parameter list: of a play by its place, a range of `items`.
  @inline(__always)
  mutating func add(_ plays: Span<Play>, likes: Span<Int32>, items: Span<Int32>, list: (Int) -> Range<Int>) {
    for play in plays.indices {
      for item in list(play) { _ = place(of: items[item]) }
    }
    let table = places
    let places = table.span
    var counts = counts.mutableSpan
    for play in plays.indices {
      for item in list(play) { counts[Int(places[Int(items[item])])].add(plays[play], likes: likes[play]) }
    }
  }

  mutating func add(_ other: Tallied, as number: Int32) {
    let place = place(of: number)
    counts[place].add(other)
  }

  /// Where the number is counted.
  @inline(__always)
  mutating func place(of number: Int32) -> Int {
    let known = places[Int(number)]
    if known >= 0 { return Int(known) }
    places[Int(number)] = Int32(truncatingIfNeeded: counts.count)
    counts.append(Tallied(number: number))
    return counts.count - 1
  }

  mutating func removeAll() {
    for count in counts { places[Int(count.number)] = -1 }
    counts.removeAll(keepingCapacity: true)
  }
}
