import BSON
import Library
import Testing

/// Local first, key by key (docs/merge.md).
@Suite struct Preferences {
  @Test func `the newest dump that has a key wins over older dumps, and each side's own keys stay`() throws {
    let after = try merge(
      cloud: ["preferences": ["theme": "dark", "volume": 0.5], "updated_at": at(1)],
      .at(5, ["preferences": ["shuffle": true]]),
      .at(4, ["preferences": ["shuffle": false, "repeat": "all", "x": 1]]))
    #expect(
      after["preferences"] == ["theme": "dark", "volume": 0.5, "shuffle": true, "repeat": "all", "x": 1])
    #expect(after["section_updated_at"]?["preferences"] == at(5))
  }

  private static let decisions: [(Int64?, Value?, Value?, Bool, Value?)] = [
    // The dump's time, the cloud's updated_at and section_updated_at, whether the dump is accepted, the new time
    (5, nil, nil, true, at(5)), (5, at(9), nil, true, at(5)), (nil, at(9), nil, true, nil),
    (5, at(9), ["as_of": at(9), "preferences": at(5)], true, at(5)),
    (5, at(9), ["as_of": at(9), "preferences": at(6)], false, at(6)),
    (5, at(9), ["as_of": at(9)], true, at(5)), (nil, at(9), ["as_of": at(9)], true, nil),
    (5, at(9), ["as_of": at(8), "preferences": at(1)], false, at(9)),
    (9, at(9), ["as_of": at(8), "preferences": at(1)], true, at(9)),
    (5, nil, ["as_of": at(8), "preferences": at(9)], true, at(5)), (5, at(9), [:], false, at(9)),
    (nil, at(9), [:], false, at(9)), (nil, nil, [:], true, nil),
    (5, nil, ["preferences": at(9)], true, at(5)),
  ]

  @Test(arguments: decisions)
  func `a dump's key wins where the cloud never said when, or not later`(
    _ dump: Int64?, _ updatedAt: Value?, _ times: Value?, _ isAccepted: Bool, _ time: Value?
  ) throws {
    var cloud: Value = ["preferences": ["shuffle": false]]
    cloud["updated_at"] = updatedAt
    cloud["section_updated_at"] = times
    let export = Export(
      library: ["preferences": ["shuffle": true, "volume": 0.5]], time: dump.map { millis($0) }, text: nil)
    let after = try merge(cloud: cloud, export)
    #expect(after["preferences"] == ["shuffle": .bool(isAccepted), "volume": 0.5])
    #expect(after["section_updated_at"]?["preferences"] == time)
  }

  @Test func `without preferences in the cloud every dump is accepted`() throws {
    let after = try merge(
      cloud: ["updated_at": at(9), "section_updated_at": ["as_of": at(9), "preferences": at(8)]],
      .at(5, ["preferences": ["shuffle": true]]))
    #expect(after["preferences"] == ["shuffle": true])
    #expect(after["section_updated_at"]?["preferences"] == at(5))
  }

  @Test func `a dump that is not accepted does not win over an accepted one`() throws {
    let after = try merge(
      cloud: [
        "preferences": ["theme": "dark"], "updated_at": at(9),
        "section_updated_at": ["as_of": at(9), "preferences": at(5)],
      ],
      .at(4, ["preferences": ["shuffle": false, "theme": "light", "x": 4, "y": 1]]),
      .at(6, ["preferences": ["shuffle": true]]), .at(3, ["preferences": ["x": 3, "y": 2]]))
    #expect(after["preferences"] == ["shuffle": true, "theme": "dark", "x": 4, "y": 1])
    #expect(after["section_updated_at"]?["preferences"] == at(6))
  }

  @Test func `no write sets the section's time back`() throws {
    let after = try merge(
      cloud: [
        "preferences": ["theme": "dark"], "updated_at": at(9),
        "section_updated_at": ["as_of": at(9), "preferences": at(8)],
      ],
      .at(5, ["preferences": ["theme": "light"], "favorites": [["title": "a"]]]))
    #expect(after["preferences"] == ["theme": "dark"])
    #expect(after["section_updated_at"]?["preferences"] == at(8))
  }

  @Test func `empty preferences are an opinion about nothing`() throws {
    #expect(try merge(.at(5, ["preferences": [:]]))["preferences"] == [:])
    let after = try merge(cloud: ["preferences": ["x": 1], "updated_at": at(1)], .at(5, ["preferences": [:]]))
    #expect(after["preferences"] == ["x": 1])
    #expect(!after.isWritten)
  }
}
