import BSON
import Library
import Testing

/// Union by song key, newer `addedAt` wins (docs/merge.md).
@Suite struct Favorites {
  @Test func `a favourite of either side is a favourite`() throws {
    let after = try merge(
      cloud: ["favorites": [["title": "a", "addedAt": at(1)]]],
      .at(5, ["favorites": [["title": "b", "addedAt": at(2)]]]),
      .at(6, ["favorites": []]))
    #expect(after["favorites"] == [["title": "a", "addedAt": at(1)], ["title": "b", "addedAt": at(2)]])
  }

  @Test func `a newer favourite keeps the language that the cloud knew`() throws {
    let after = try merge(
      cloud: ["favorites": [["title": "A", "language": "de", "genres": ["pop"], "duration": 180, "addedAt": at(1)]]],
      .at(5, ["favorites": [["title": "a", "addedAt": at(2), "genres": ["jazz"]]]]))
    #expect(
      after["favorites"] == [
        ["title": "a", "language": "de", "genres": ["jazz"], "duration": 180, "addedAt": at(2)]
      ])
  }

  @Test func `the newest entry wins, not the newest dump`() throws {
    let after = try merge(
      .at(5, ["favorites": [["title": "a", "artwork": "old", "addedAt": at(1)]]]),
      .at(4, ["favorites": [["title": "a", "artwork": "new", "addedAt": at(2)]]]))
    #expect(after["favorites"] == [["title": "a", "artwork": "new", "addedAt": at(2)]])
  }

  @Test func `a favourite without addedAt is older than any that has one`() throws {
    let after = try merge(
      .at(5, ["favorites": [["title": "a", "artwork": "undated", "language": "de"]]]),
      .at(4, ["favorites": [["title": "a", "artwork": "dated", "addedAt": ms(1)]]]))
    #expect(after["favorites"] == [["title": "a", "artwork": "dated", "language": "de", "addedAt": ms(1)]])
  }

  private static let greaterAndLess: [(Value, Value)] = [
    ("q", "p"), ("pp", "p"), ("aa", "b"), (2, "p"), (long(1), 2), (ms(1), "z"), (3, .double(9)), (true, "x"), (2, 1),
    // The encoding of numbers begins with the lowest byte.
    (255, 256), (1, 0), (-1, 5),
  ]

  @Test(arguments: greaterAndLess)
  func `at equal addedAt the greater bytes of each field win`(_ greater: Value, _ less: Value) throws {
    let after = try merge(
      cloud: ["favorites": [["title": "a", "x": greater, "y": less, "addedAt": at(1)]]],
      .at(5, ["favorites": [["title": "a", "x": less, "y": greater, "addedAt": at(1)]]]))
    #expect(after["favorites"] == [["title": "a", "x": greater, "y": greater, "addedAt": at(1)]])
  }

  @Test func `order is addedAt ascending, entries without one first, ties by song key`() throws {
    let after = try merge(
      .at(
        5,
        [
          "favorites": [
            ["videoId": "z", "addedAt": at(2)], ["title": "b", "addedAt": at(1)], ["videoId": "a", "addedAt": at(2)],
            ["title": "z"], ["title": "Z", "artist": "A", "addedAt": at(2)], ["videoId": "y"],
            ["title": "é", "addedAt": at(2)],
          ]
        ]))
    // t: stands before v:, and é after every ASCII letter.
    #expect(
      after.each("favorites", "title") == ["z", nil, "b", "Z", "é", nil, nil])
    #expect(after.each("favorites", "videoId") == [nil, "y", nil, nil, nil, "a", "z"])
  }

  @Test func `a favourite that gained a videoId is another song`() throws {
    let after = try merge(
      .at(5, ["favorites": [["title": "a"], ["title": "a", "videoId": "v"], ["title": "b", "videoId": "v"]]]))
    #expect(after["favorites"] == [["title": "a"], ["title": "b", "videoId": "v"]])
    #expect(after.fates.merged == 1)
  }
}

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

/// The most recent whole queue (docs/merge.md).
@Suite struct Queue {
  private func queue(_ titles: String...) -> Value {
    .array(titles.map { ["title": .string($0)] })
  }

  private static let winners: [(Int64, Int64, Value)] = [
    (5, 4, "dump"), (4, 5, "cloud"), (5, 5, "cloud"),
  ]

  @Test(arguments: winners)
  func `the greatest queue time wins whole, at equal times the cloud's`(
    _ dump: Int64, _ cloud: Int64, _ winner: Value
  ) throws {
    let after = try merge(
      cloud: ["queue": queue("cloud", "more"), "updated_at": at(cloud)], .at(dump, ["queue": queue("dump")]))
    #expect(after["queue"]?[0]?["title"] == winner)
    #expect(after["queue"]?.items?.count == (winner == "dump" ? 1 : 2))
    #expect(after["section_updated_at"]?["queue"] == at(max(dump, cloud)))
  }

  @Test func `between dumps of the same time the greater text wins`() throws {
    let after = try merge(
      .at(5, ["queue": queue("a")], text: "{\"a\"}"), .at(5, ["queue": queue("b")], text: "{\"a\":1}"),
      .at(5, ["queue": queue("c")], text: "{}"))
    // `}` is greater than `"`, whatever the length.
    #expect(after.each("queue", "title") == ["c"])
  }

  @Test func `an unknown time is older than any, and the cloud's wins over a dump's`() throws {
    #expect(
      try merge(.undated(["queue": queue("a")]), .at(-1_000_000, ["queue": queue("b")])).each("queue", "title") == ["b"]
    )
    let cloud = try merge(cloud: ["queue": queue("cloud")], .undated(["queue": queue("a")]))
    #expect(cloud.each("queue", "title") == ["cloud"])
    #expect(cloud["section_updated_at"]?["queue"] == nil)
  }

  @Test func `the cloud's time is the section's only while nobody else has written`() throws {
    let ours: Value = ["as_of": at(5), "queue": at(1)]
    let after = try merge(
      cloud: ["queue": queue("cloud"), "updated_at": at(5), "section_updated_at": ours],
      .at(3, ["queue": queue("dump")]))
    #expect(after.each("queue", "title") == ["dump"])
    #expect(after["section_updated_at"]?["queue"] == at(3))

    let theirs = try merge(
      cloud: ["queue": queue("cloud"), "updated_at": at(6), "section_updated_at": ours],
      .at(3, ["queue": queue("dump")]))
    #expect(theirs.each("queue", "title") == ["cloud"])
  }

  @Test func `an empty queue is an opinion and an absent one is none`() throws {
    #expect(try merge(cloud: ["queue": queue("a"), "updated_at": at(1)], .at(5, ["queue": []]))["queue"] == [])
    #expect(
      try merge(cloud: ["queue": queue("a"), "updated_at": at(1)], .at(5, ["favorites": []])).each("queue", "title")
        == ["a"])
  }

  @Test func `position is renumbered from 0, and songs may repeat`() throws {
    let item: Value = ["title": "a", "id": 7]
    let after = try merge(
      .at(5, ["queue": [item.with(["position": 9]), item.with(["position": "x"]), item, item.with(["position": nil])]]))
    #expect(after["queue"] == .array((0..<4).map { item.with(["position": .int32($0)]) }))
  }

  @Test func `a time in the future is the run's`() throws {
    let after = try merge(
      cloud: ["queue": queue("cloud"), "updated_at": at(1000)], .at(90_000, ["queue": queue("dump")]))
    #expect(after.each("queue", "title") == ["cloud"])
  }
}
