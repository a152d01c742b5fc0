import BSON
import Library
import Testing

/// Chronological union of plays (docs/merge.md).
@Suite struct History {
  private func play(_ title: String, _ minute: Int64, _ rate: Value? = nil) -> Value {
    var play: Value = ["title": .string(title), "playedAt": at(minute)]
    play["completionRate"] = rate
    return play
  }

  @Test func `plays are one when song and playedAt are`() throws {
    let after = try merge(
      cloud: ["history": [play("a", 2), play("a", 1)]],
      .at(9, ["history": [play("A", 2), play("b", 2), play("a", 3)]]))
    #expect(after["history"] == [play("a", 3), play("a", 2), play("b", 2), play("a", 1)])
    #expect(after["total_songs_played"] == 4)
  }

  @Test func `completionRate is the greatest, and its entry's fields win`() throws {
    let after = try merge(
      cloud: ["history": [play("a", 1, 0.5).with(["source": "cloud", "language": "de", "artwork": "p"])]],
      .at(9, ["history": [play("A", 1, 0.75).with(["source": "dump"])]]),
      .at(8, ["history": [play("a", 1).with(["artwork": "q", "genres": ["pop"]])]]))
    #expect(
      after["history"] == [
        play("A", 1, 0.75).with(["source": "dump", "language": "de", "artwork": "p", "genres": ["pop"]])
      ])
  }

  @Test func `a completionRate of 0 counts more than none`() throws {
    let after = try merge(
      .at(9, ["history": [play("a", 1).with(["source": "z"])]]),
      .at(8, ["history": [play("a", 1, 0.0).with(["source": "a"])]]))
    #expect(after["history"] == [play("a", 1, 0.0).with(["source": "a"])])
  }

  @Test func `at equal completionRate the greater bytes of each field win`() throws {
    let after = try merge(
      cloud: ["history": [play("A", 1, 0.5).with(["source": "b", "artwork": "p"])]],
      .at(9, ["history": [play("a", 1, 0.5).with(["source": "a", "artwork": "pp"])]]))
    #expect(after["history"] == [play("a", 1, 0.5).with(["source": "b", "artwork": "pp"])])
  }

  @Test func `order is playedAt descending, ties by song key`() throws {
    let after = try merge(
      .at(
        9,
        [
          "history": [
            play("b", 1), ["videoId": "a", "playedAt": at(2)], play("z", 2), play("é", 2), play("y", 2), play("c", 3),
          ]
        ]))
    #expect(after.each("history", "title") == ["c", "y", "z", "é", nil, "b"])
  }

  @Test(arguments: [(500, 500), (501, 500), (499, 499), (1200, 500)])
  func `the newest 500 stay`(_ count: Int, _ left: Int) throws {
    let plays = (0..<count).map { play("a", Int64($0 - 1000)) }
    let after = try merge(.at(9, ["history": .array(plays)]))
    #expect(after["history"] == .array(plays.reversed().prefix(left).map(\.self)))
    #expect(after["total_songs_played"] == Value(integerLiteral: Int64(count)))
    #expect(after.fates.beyondLimit == count - left)
  }

  @Test func `the limit cuts between plays of the same time by song key`() throws {
    let after = try merge(.at(9, ["history": [play("c", 1), play("a", 1), play("b", 1)]])) { $0.historyLimit = 2 }
    #expect(after.each("history", "title") == ["a", "b"])
  }

  @Test func `of a dump's plays those beyond the limit are told from the last within it`() throws {
    let dump = Export.at(9, ["history": [play("a", 4), play("a", 2)]])
    let within = try merge(cloud: ["history": [play("a", 3)]], dump) { $0.historyLimit = 3 }
    #expect(within.again?.beyondLimit == 0)
    let beyond = try merge(cloud: ["history": [play("a", 3)]], dump) { $0.historyLimit = 2 }
    #expect(beyond.again?.beyondLimit == 1)
  }

  private static let totals: [(Value, [Int64], Value)] = [
    (nil, [7], 7), (5, [7, 3], 7), (9, [7], 9), (nil, [0], 2), (1, [], 2), ("12", [3], 12),
    (3_000_000_000, [1], 3_000_000_000),
  ]

  @Test(arguments: totals)
  func `the total is the greatest of all and of the distinct plays`(_ cloud: Value, _ dumps: [Int64], _ total: Value)
    throws
  {
    var scene = Scene()
    scene.cloud = ["history": [play("a", 1)], "total_songs_played": cloud]
    scene.exports = [.at(9, ["history": [play("a", 1), play("b", 1)]])]
    scene.exports += dumps.map { .at(8, ["total_songs_played": .int64($0)]) }
    let after = try scene.merged()
    #expect(after["total_songs_played"] == total)
    #expect(after.fates.isBalanced)
  }

  @Test func `the total is there when any replica has it or a history`() throws {
    #expect(try merge(.at(1, ["total_songs_played": 0]))["total_songs_played"] == 0)
    #expect(try merge(.at(1, ["history": []]))["total_songs_played"] == 0)
    #expect(try merge(.at(1, ["queue": []]))["total_songs_played"] == nil)
  }
}
