public import BSON

/// One play as counting needs it: numbers of a ``Repertoire``, no text.
@frozen
public struct Play: Sendable, Equatable {
  /// Milliseconds since 1970.
  public var playedAt: Int64
  /// 0…1; −1 when absent.
  public var completionRate: Double
  /// What the entry says of its song: a number of ``Lexicon/descriptions``, or, from their count on, of
  /// ``UserFacts/joined``.
  public var description: Int32
  /// Where it was played from: a number of ``Lexicon/values``, −1 when absent.
  public var source: Int32
}

/// One favourite as counting needs it.
@frozen
public struct Favorite: Sendable, Equatable {
  /// Milliseconds since 1970; `Entry.never` when absent.
  public var addedAt: Int64
  /// What the entry says of its song, as in ``Play/description``.
  public var description: Int32
}

/// All that learning knows of one user: deduplicated plays, favourites, choices and zone, in numbers of a repertoire.
///
/// Facts know no clock: what lies after `as_of` is in them, and every count leaves it out.
public struct UserFacts: Sendable, Equatable {
  /// The user's id, UTF-8.
  public var user: [UInt8]
  /// Whether the user has a library or plays in the archive. Without, there are scores and no statistics.
  public var hasLibrary = false
  /// One play for each song key and time, newest first, ties by song key.
  public var plays: [Play] = []
  /// One favourite for each song key, by `addedAt`, those without one first, ties by song key.
  public var favorites: [Favorite] = []
  /// Descriptions that belong to this user alone: of entries that were joined because a `t:` key counts as a `v:`
  /// song's. Only counting makes them; facts that were read or decoded have none.
  public var joined: [SongDescription] = []
  /// How many songs the browser counted; nil when unknown.
  public var totalSongsPlayed: Int64?
  /// The name of the user's own zone: a number of ``Lexicon/values``, −1 without one.
  public var timezone: Int32 = -1
  /// Explicit choices: distinct numbers of ``Lexicon/values``, in the user's order.
  public var choices = PerDimension<[Int32]>(language: [], genre: [], mood: [])
  /// Entries of the stored documents that could not be used: no identity, no time, a field of a wrong type.
  public var unusable = 0

  public init(user: [UInt8]) { self.user = user }

  /// Takes the numbers of the repertoire that this one's own was merged into.
  public mutating func renumber(_ numbers: Renumbering) {
    func value(_ number: Int32) -> Int32 { number < 0 ? -1 : numbers.values[Int(number)] }
    for index in plays.indices {
      plays[index].description = numbers.descriptions[Int(plays[index].description)]
      plays[index].source = value(plays[index].source)
    }
    for index in favorites.indices {
      favorites[index].description = numbers.descriptions[Int(favorites[index].description)]
    }
    timezone = value(timezone)
    for dimension in Dimension.allCases {
      for index in choices[dimension].indices { choices[dimension][index] = value(choices[dimension][index]) }
    }
  }

  /// Whether there is anything to be counted or written.
  public var saysSomething: Bool { hasLibrary || Dimension.allCases.contains { !choices[$0].isEmpty } }
}

// MARK: A file of facts

extension UserFacts {
  /// What a play takes in a file of facts.
  public static let bytesOfPlay = 24

  /// Appends the facts to a file of facts: what a run keeps between its passes over the users, 24 bytes a play.
  ///
  /// The file belongs to one run on one machine; nothing else reads it.
  public func encode(to writer: inout BSONWriter) {
    writer.put(UInt32(truncatingIfNeeded: user.count))
    user.withView { writer.put(bytes: $0) }
    writer.put(UInt8(hasLibrary ? 1 : 0))
    writer.put(UInt64(bitPattern: totalSongsPlayed ?? -1))
    writer.put(timezone)
    writer.put(UInt32(truncatingIfNeeded: unusable))
    for dimension in Dimension.allCases {
      writer.put(UInt32(truncatingIfNeeded: choices[dimension].count))
      for value in choices[dimension] { writer.put(value) }
    }
    writer.put(UInt32(truncatingIfNeeded: plays.count))
    for play in plays {
      writer.put(play.playedAt)
      writer.put(play.completionRate.bitPattern)
      writer.put(play.description)
      writer.put(play.source)
    }
    writer.put(UInt32(truncatingIfNeeded: favorites.count))
    for favorite in favorites {
      writer.put(favorite.addedAt)
      writer.put(favorite.description)
    }
  }

  /// The user of the facts that `encode` wrote at an offset; nil where these bytes end before.
  public static func user(decoding bytes: ByteView, at offset: Int) -> [UInt8]? {
    guard bytes.count - offset >= 4 else { return nil }
    let length = Int(bytes.load(offset, as: UInt32.self))
    return length <= bytes.count - offset - 4 ? bytes.slice(offset + 4, length).copy() : nil
  }

  /// The facts that `encode` wrote at an offset, which moves behind them. Traps on bytes that it did not write.
  public init(decoding bytes: ByteView, at offset: inout Int) {
    var scanner = Scanner(bytes: bytes, offset: offset)
    user = scanner.bytes(scanner.count()).copy()
    hasLibrary = scanner.take(UInt8.self) == 1
    let total = scanner.take(Int64.self)
    totalSongsPlayed = total < 0 ? nil : total
    timezone = scanner.take(Int32.self)
    unusable = scanner.count()
    for dimension in Dimension.allCases {
      let count = scanner.count()
      choices[dimension] = (0..<count).map { _ in scanner.take(Int32.self) }
    }
    let playCount = scanner.count()
    plays.reserveCapacity(playCount)
    for _ in 0..<playCount {
      plays.append(
        Play(
          playedAt: scanner.take(Int64.self), completionRate: Double(bitPattern: scanner.take(UInt64.self)),
          description: scanner.take(Int32.self), source: scanner.take(Int32.self)))
    }
    let favoriteCount = scanner.count()
    favorites.reserveCapacity(favoriteCount)
    for _ in 0..<favoriteCount {
      favorites.append(Favorite(addedAt: scanner.take(Int64.self), description: scanner.take(Int32.self)))
    }
    offset = scanner.offset
  }

  private struct Scanner {
    let bytes: ByteView
    var offset: Int

    mutating func take<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T {
      defer { offset += MemoryLayout<T>.size }
      return bytes.load(offset, as: type)
    }

    mutating func count() -> Int { Int(take(UInt32.self)) }

    mutating func bytes(_ count: Int) -> ByteView {
      defer { offset += count }
      return bytes.slice(offset, count)
    }
  }
}
