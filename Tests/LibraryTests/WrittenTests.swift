import BSON
import Digests
import Library
import Testing

/// What is written, and when (docs/merge.md).
@Suite struct WhatIsWritten {
  @Test func `a new document has the id that its user makes, and only the sections that somebody has`() throws {
    let after = try merge(.at(5, ["favorites": [], "x": 1]))
    let id = sha256(Array("ann".utf8)).prefix(12)
    #expect(
      after.library == [
        "_id": .other(0x07, Array(id)), "user_id": "ann", "favorites": [], "updated_at": ms(now),
        "section_updated_at": ["as_of": ms(now)],
      ])
    #expect(after.changed == ["favorites"])
  }

  @Test func `a section that no replica has stays absent`() throws {
    let after = try merge(cloud: ["history": []], .at(5, ["queue": []]))
    #expect(
      Set((after.library?.fields ?? []).map(\.name)) == [
        "history", "queue", "total_songs_played", "updated_at", "section_updated_at",
      ])
  }

  @Test(
    arguments: [
      // Numbers by value, NaN by being none, fields in any order
      ["favorites": [["title": "a", "x": long(5), "duration": 180.0]]],
      ["favorites": [["x": 5.0, "duration": 180, "title": "a"]]],
    ] as [Value])
  func `the same value in another form is no change`(_ cloud: Value) throws {
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["title": "a", "x": 5]]]))
    #expect(after["favorites"]?.items?.count == 1)
    let same = try merge(cloud: cloud)
    #expect(!same.isWritten)
    #expect(same.changed == [])
  }

  /// Were each level compared once more for each order, this would take years.
  @Test(.timeLimit(.minutes(1))) func `fields in another order are no change however deep they are nested`() throws {
    func nested(_ others: Value) -> Value { (0..<60).reduce(1) { inner, _ in (["a": inner] as Value).with(others) } }
    let cloud: Value = ["favorites": [["title": "a", "x": nested(["y": 1, "z": 1])]]]
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["title": "a", "x": nested(["z": 1, "y": 1])]]]))
    // Of the two the bytes of the dump's are the greater.
    #expect(after["favorites"]?.items?.count == 1 && !after.isWritten)
  }

  @Test func `numbers are equal when numerically equal, and NaN equals NaN`() throws {
    // The dump's int64 is the greater, the stored double says the same.
    let cloud: Value = [
      "favorites": [["title": "a", "x": 5.0, "y": ["z": .double(.nan)]]], "total_songs_played": 7.0, "history": [],
      "queue": [["title": "a", "position": 0, "x": .double(.nan)]], "updated_at": at(9),
    ]
    let after = try merge(
      cloud: cloud, .at(5, ["favorites": [["title": "a", "x": long(5)]], "total_songs_played": long(7)]))
    #expect(!after.isWritten)
    // Of the many NaN that there are.
    let other = Value.double(Double(bitPattern: Double.nan.bitPattern | 1))
    #expect(try !merge(cloud: cloud, .at(10, ["queue": [["title": "a", "x": other]]])).isWritten)
    let large: Value = ["favorites": [["title": "a", "x": 9_007_199_254_740_992.0]]]
    #expect(try merge(cloud: large, .at(5, ["favorites": [["title": "a", "x": 9_007_199_254_740_993]]])).isWritten)
  }

  @Test func `positions in the stored queue may be any numbers of the right value`() throws {
    let cloud: Value = ["queue": [["position": 0.0, "title": "a"], ["title": "b", "position": long(1)]]]
    #expect(try !merge(cloud: cloud).isWritten)
    #expect(try merge(cloud: ["queue": [["title": "a", "position": "0"]]]).changed == ["queue"])
  }

  private static let oddities: [(String, Value)] = [
    ("favorites", nil), ("favorites", "text"), ("favorites", [["title": "a", "artist": nil]]), ("favorites", [nil]),
    ("history", nil), ("queue", nil), ("queue", 5), ("playlists", [nil]), ("preferences", nil), ("preferences", []),
    ("preferences", ["shuffle": nil]), ("recent_searches", nil), ("recent_searches", [nil]), ("removed", nil),
    ("removed", [:]), ("total_songs_played", nil), ("total_songs_played", "7"),
  ]

  @Test(arguments: oddities)
  func `what is stored in another than the normal form is written`(_ field: String, _ value: Value) throws {
    let after = try merge(cloud: [field: value])
    #expect(after.changed.contains(field))
  }

  @Test func `nothing changed: nothing is written, whatever the times`() throws {
    let cloud: Value = [
      "user_id": "ann", "favorites": [["title": "a", "addedAt": at(1)]], "plan": ["free": nil], "updated_at": at(3),
    ]
    let after = try merge(cloud: cloud, .at(900, ["favorites": [["title": "a", "addedAt": at(1)]]]))
    #expect(!after.isWritten)
    #expect(after.library == cloud)
  }

  @Test func `only the sections that changed are sent, and all other fields stay where they are`() throws {
    let cloud: Value = [
      "_id": .other(0x07, Array(0..<12)), "plan": "free", "queue": [["title": "a", "position": 0.0]], "user_id": "ann",
      "favorites": [["title": "a"]], "x": nil, "updated_at": at(3),
    ]
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["title": "b"]]]))
    #expect(after.changed == ["favorites"])
    #expect(
      after.library
        == cloud.with([
          "favorites": [["title": "a"], ["title": "b"]], "updated_at": ms(now),
          "section_updated_at": ["as_of": ms(now), "queue": at(3)],
        ]))
    #expect(
      after.library?.fields?.map(\.name).prefix(6) == ["_id", "plan", "queue", "user_id", "favorites", "x"])
  }

  private static let clocks: [(Value, Int64)] = [
    (at(999), now), (ms(now), now + 1), (ms(now - 1), now), (ms(now + 5), now + 6), (ms(.max - 1), .max),
    ("soon", now),
    (nil, now),
  ]

  @Test(arguments: clocks)
  func `the clock of a document never goes back`(_ stored: Value, _ time: Int64) throws {
    let after = try merge(cloud: ["updated_at": stored], .at(5, ["favorites": [["title": "a"]]]))
    #expect(after["updated_at"] == ms(time))
    #expect(after["section_updated_at"]?["as_of"] == ms(time))
  }

  @Test func `section times that the run does not decide are kept, unknown ones too`() throws {
    let after = try merge(
      cloud: [
        "queue": [], "preferences": ["x": 1], "updated_at": at(5),
        "section_updated_at": [
          "as_of": at(5), "queue": at(1), "preferences": at(2), "recent_searches": at(3), "affinity": at(4),
        ],
      ],
      .at(4, ["favorites": [["title": "a"]]]))
    #expect(
      after["section_updated_at"]
        == ["as_of": ms(now), "queue": at(1), "preferences": at(2), "affinity": at(4)])
  }

  @Test(arguments: [nil, "lost", ["title": "a"]] as [Value?])
  func `a section that the run does not decide has a time only where it is one`(_ queue: Value?) throws {
    var cloud: Value = ["preferences": [], "recent_searches": [], "updated_at": at(5)]
    cloud["queue"] = queue
    let after = try merge(cloud: cloud, .at(4, ["favorites": [["title": "a"]]])) { $0.sections = [.favorites] }
    #expect(after["section_updated_at"] == ["as_of": ms(now), "recent_searches": at(5)])
  }

  @Test func `a section of the cloud with a wrong type is quarantined when the document is written`() throws {
    let cloud: Value = ["favorites": "lost", "history": [["title": "a"], 5], "queue": [], "removed": ["playlists": 5]]
    let after = try merge(cloud: cloud)
    #expect(after["favorites"] == nil)
    #expect(after["history"] == [])
    #expect(
      Set(after.quarantinedOfCloud) == [
        "favorites invalid-section", "history 0 no-time", "history 1 invalid-field", "removed invalid-section",
      ])
  }

  @Test func `of a section that is stored twice the last counts, in the first's place`() throws {
    let cloud: Value = ["favorites": [["title": "a"]], "x": 1, "favorites": [["title": "b"]]]
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["title": "c"]]]))
    #expect(after.fates.isBalanced)
    #expect(after["favorites"]?.items?.compactMap { $0["title"] } == ["b", "c"])
    #expect(after.library?.fields?.map(\.name).prefix(2) == ["favorites", "x"])
    #expect(after.library?.fields?.filter { $0.name == "favorites" }.count == 1)
  }

  @Test func `of a field that an entry has twice the last counts, in the first's place`() throws {
    let cloud: Value = [
      "favorites": [["title": "a", "x": 1, "title": "b"], ["title": "c", "title": "d", "added_at": at(1)]],
      "queue": [["position": 3, "title": "a", "position": 4]],
    ]
    let after = try merge(cloud: cloud)
    #expect(after["favorites"] == [["title": "b", "x": 1], ["title": "d", "addedAt": at(1)]])
    #expect(after["favorites"]?[0]?.fields?.map(\.name) == ["title", "x"])
    #expect(after["queue"] == [["position": 0, "title": "a"]])
  }

  private static let repetitions: [(Export, Bool)] = [
    (.at(999, ["queue": [["title": "a"]]]), true), (.at(1000, ["queue": [["title": "a"]]]), false),
    (.at(5, ["playlists": [["id": "p", "updated_at": at(2440)]]]), true),
    (.at(5, ["playlists": [["id": "p", "updated_at": at(2441)]]]), false),
    (.at(5, ["playlists": [["id": "p", "created_at": at(2441)]]]), false),
  ]

  @Test(arguments: repetitions)
  func `of a later run on the same input nothing is said where the clock may decide`(_ dump: Export, _ isSaid: Bool)
    throws
  {
    #expect(try (merge(dump).again != nil) == isSaid)
  }

  @Test func `the cloud's own entries stay, however far in the future`() throws {
    let cloud: Value = [
      "favorites": [["title": "a", "addedAt": ms(.max)]], "history": [["title": "a", "playedAt": at(90_000)]],
      "total_songs_played": 1,
    ]
    #expect(try !merge(cloud: cloud).isWritten)
  }

  @Test func `a document past 16 MiB is not written`() throws {
    let long = Value.string(String(repeating: "x", count: 1 << 20))
    let favorites = (0..<17).map {
      Value.document([.init(name: "title", value: .string("\($0)")), .init(name: "x", value: long)])
    }
    let after = try merge(cloud: ["queue": []], .at(5, ["favorites": .array(favorites)]))
    guard case .documentTooLarge(let size) = after.left else {
      Issue.record("\(String(describing: after.left))")
      return
    }
    #expect(size > 16 << 20)
    #expect(!after.isWritten)
    #expect(after.library == ["queue": []])
    let smaller = Array(favorites.dropLast(2))
    let written = try merge(.at(5, ["favorites": .array(smaller)]))
    #expect(written.isWritten)
    // As much as there is room for, and a byte more.
    let room = (16 << 20) - (written.bytes?.count ?? 0) - "\u{2}y\0".utf8.count - 5
    for (more, isWritten) in [(0, true), (1, false)] {
      let y = Value.string(String(repeating: "y", count: room + more))
      let full = try merge(.at(5, ["favorites": .array([smaller[0].with(["y": y])] + smaller.dropFirst())]))
      #expect(full.isWritten == isWritten && (full.again != nil) == isWritten)
      #expect(isWritten ? full.bytes?.count == 16 << 20 : full.left == .documentTooLarge((16 << 20) + 1))
    }
  }
}

/// What of a dump is not used, and why (docs/dumps.md, *Quarantine*).
@Suite struct Quarantine {
  private static let badEntries: [(String, Value, String)] = [
    ("favorites", ["title": "a", "addedAt": at(2441)], "future-time"), ("favorites", ["title": 5], "invalid-field"),
    ("favorites", ["artist": "x"], "no-identity"), ("favorites", "a", "invalid-field"),
    ("history", ["title": "a", "playedAt": at(2441)], "future-time"), ("history", ["title": "a"], "no-time"),
    ("history", ["playedAt": at(1)], "no-identity"), ("history", ["title": "a", "playedAt": "soon"], "no-time"),
    ("history", ["title": "a", "playedAt": 0], "no-time"),
    ("queue", ["title": "a", "addedAt": at(2441)], "future-time"),
    ("queue", ["position": 1], "no-identity"), ("playlists", ["name": "Mix"], "no-identity"),
    ("playlists", ["id": "p", "songs": [["title": "a", "addedAt": at(2441)]]], "future-time"),
    ("playlists", ["id": "p", "songs": [[:]]], "no-identity"),
    ("playlists", ["id": "p", "songs": [7]], "invalid-field"),
  ]

  @Test(arguments: badEntries)
  func `an entry that cannot be used costs itself alone`(_ section: String, _ entry: Value, _ reason: String) throws {
    let good: Value = ["title": "good", "id": "good", "playedAt": at(1)]
    let after = try merge(
      .at(5, [section: [good, entry, good.with(["title": "too", "id": "too", "playedAt": at(0)])]]))
    #expect(after.quarantined == ["\(section) 1 \(reason)"])
    let isSong = entry["songs"] != nil
    #expect(after[section]?.items?.count == (isSong ? 3 : 2))
    #expect(after.fates.quarantined == 1)
  }

  @Test(arguments: [2440, 1001, 0] as [Int64])
  func `a day of clock skew is believed`(_ minute: Int64) throws {
    let after = try merge(
      .at(
        5,
        ["favorites": [["title": "a", "addedAt": at(minute)]], "history": [["title": "a", "playedAt": at(minute)]]]))
    #expect(after.quarantined == [])
  }

  @Test func `how much skew is believed can be said`() throws {
    let dump = Export.at(5, ["favorites": [["title": "a", "addedAt": at(1001)]]])
    #expect(try merge(dump) { $0.maxClockSkew = 60_000 }.quarantined == [])
    #expect(try merge(dump) { $0.maxClockSkew = 59_999 }.quarantined == ["favorites 0 future-time"])
  }

  @Test(
    arguments: ["favorites", "history", "queue", "playlists", "recent_searches", "preferences", "removed"],
    ["text", 5, true, 1.5, at(1)] as [Value])
  func `a section of the wrong type costs itself alone`(_ section: String, _ value: Value) throws {
    let after = try merge(
      cloud: ["favorites": [["title": "a"]]], .at(5, [section: value, "queue2": 1, "total_songs_played": 3]))
    #expect(after.quarantined == ["\(section) invalid-section"])
    #expect(after["total_songs_played"] == 3)
    #expect(after["favorites"] == [["title": "a"]])
    if section != "favorites" { #expect(after[section] == nil) }
  }

  @Test func `a list where an object is expected, and an object where a list is`() throws {
    let after = try merge(.at(5, ["preferences": [], "removed": [], "favorites": [:], "recent_searches": [:]]))
    #expect(after.quarantined.allSatisfy { $0.hasSuffix("invalid-section") })
    #expect(after.quarantined.count == 4)
  }

  @Test(arguments: ["favorites", "history", "queue", "playlists", "recent_searches", "preferences", "removed"])
  func `null is no opinion`(_ section: String) throws {
    let after = try merge(.at(5, [section: nil, "total_songs_played": 1]))
    #expect(after.quarantined == [])
    #expect(after[section] == nil)
  }

  @Test func `of removals one list of the wrong type costs itself alone`() throws {
    let after = try merge(
      .at(5, ["removed": ["favorites": 5, "playlists": [["id": "c", "removedAt": at(1)]], "playlist_songs": nil]]))
    #expect(after.quarantined == ["removed invalid-section"])
    #expect(after["removed"] == ["playlists": [["id": "c", "removedAt": at(1)]]])
  }
}
