import BSON
import Library
import Testing

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
