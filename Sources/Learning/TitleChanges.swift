/// What the songs that a run adds to the stored catalogue change for `t:` keys, everybody's: a key begins to count as a
/// `v:` song with the first of its title and artist, and ceases to with the second.
public struct TitleChanges: Sendable, Equatable {
  /// The marks of the keys that have begun or ceased to count as a `v:` song, and that somebody may have who has told
  /// nothing of it in this run.
  public let marks: TitleMarks
  /// A print of the stored catalogue: its keys and what `t:` keys its `v:` songs stand for. The same songs give the same in
  /// any order.
  public let before: UInt64
  /// The same of the catalogue that this run leaves.
  public let after: UInt64

  /// Nothing is stored, and nothing was counted.
  static let none = TitleChanges(marks: .some([]), before: 0, after: 0)
}

/// Adds up what ``TitleChanges`` says, song by song.
struct TitleCensus {
  /// Prints of the `t:` keys that the stored `v:` songs stand for.
  private var stored: [UInt64] = []
  /// How many songs are new by the print of the `t:` key that they stand for, and whether a song of that key is stored.
  private var gained: [UInt64: (count: Int, isStored: Bool)] = [:]
  private var before: UInt64 = 0
  private var after: UInt64 = 0

  /// Takes a song of the catalogue.
  ///
  /// - Parameters:
  ///   - song: the print of what the song is to the catalogue.
  ///   - isStored: whether the stored catalogue has it.
  mutating func add(song: UInt64, isStored: Bool) {
    // A sum, for songs come in any order.
    if isStored { before &+= song }
    after &+= song
  }

  /// Takes the `t:` key that a `v:` song stands for.
  ///
  /// - Parameters:
  ///   - key: its print.
  ///   - isStored: whether the stored catalogue has the `v:` song.
  ///   - isKeyStored: whether it has a song of that `t:` key.
  mutating func add(key: UInt64, isStored: Bool, isKeyStored: Bool) {
    if isStored {
      stored.append(key)
    } else {
      gained[key, default: (0, isKeyStored)].count += 1
    }
  }

  var changes: TitleChanges { TitleChanges(marks: .some(marks), before: before, after: after) }

  private var marks: Set<TitleMark> {
    guard !gained.isEmpty else { return [] }
    var known: [UInt64: Int] = [:]
    for key in stored where gained[key] != nil { known[key, default: 0] += 1 }
    var marks: Set<TitleMark> = []
    for (key, new) in gained {
      let count = known[key] ?? 0
      let isChanged =
        switch (count, count + new.count) {
        // Whoever has the key and is not among those who were counted had a song of the key when it was stored.
        case (0, 1): new.isStored
        case (1, _): true
        default: false
        }
      if isChanged { marks.insert(TitleMark(print: key)) }
    }
    return marks
  }
}
