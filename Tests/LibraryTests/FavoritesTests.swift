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
