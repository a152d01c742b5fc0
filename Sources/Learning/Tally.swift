/// How often something was played, and when last.
struct Tallied {
  /// A song, an artist or a value.
  var number: Int32
  var plays: Int32 = 0
  var liked: Int32 = 0
  /// Milliseconds since 1970.
  var last: Int64 = .min

  mutating func add(isLiked: Bool, at time: Int64) {
    plays += 1
    if isLiked { liked += 1 }
    if time > last { last = time }
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

  @inline(__always)
  mutating func add(_ number: Int32, isLiked: Bool, at time: Int64) {
    let place = place(of: number)
    counts[place].add(isLiked: isLiked, at: time)
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
