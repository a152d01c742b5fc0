import BSON
import Library
import Testing

/// What the user removed stays removed (docs/merge.md).
@Suite struct Tombstones {
  private func made(_ local: String) -> Value { .string(SceneMaker.made(local, for: "ann")) }

  // MARK: Favourites

  @Test(arguments: [(1, 2, false), (2, 2, false), (3, 2, true)] as [(Int64, Int64, Bool)])
  func `a favourite is dropped when removedAt is not before its addedAt`(
    _ added: Int64, _ removed: Int64, _ stays: Bool
  )
    throws
  {
    let after = try merge(
      cloud: ["favorites": [["title": "a", "artist": "X", "addedAt": at(added)], ["title": "b", "addedAt": at(1)]]],
      .at(5, ["removed": ["favorites": [["title": "A", "artist": "x", "removedAt": at(removed)]]]]))
    #expect(after.each("favorites", "title") == (stays ? ["b", "a"] : ["b"]))
    #expect(after["removed"] == ["favorites": [["title": "A", "artist": "x", "removedAt": at(removed)]]])
    #expect(after.fates.removed == (stays ? 0 : 1))
  }

  @Test func `a favourite without addedAt counts as oldest`() throws {
    let after = try merge(
      cloud: ["favorites": [["videoId": "v"]]],
      .at(5, ["removed": ["favorites": [["videoId": "v", "removedAt": at(1)]]]]))
    #expect(after["favorites"] == [])
  }

  @Test func `the favourite of all replicas is held against the tombstone, so a newer one brings it back`() throws {
    let after = try merge(
      cloud: ["favorites": [["videoId": "v", "language": "de", "addedAt": at(1)]]],
      .at(5, ["removed": ["favorites": [["videoId": "v", "removedAt": at(2)]]]]),
      .at(4, ["favorites": [["videoId": "v", "addedAt": at(3)]]]))
    #expect(after["favorites"] == [["videoId": "v", "language": "de", "addedAt": at(3)]])
  }

  @Test func `of a key the newest removal counts, at equal times the greater bytes field by field`() throws {
    let after = try merge(
      cloud: ["removed": ["favorites": [["videoId": "v", "removedAt": at(1), "by": "z"]]]],
      .at(5, ["removed": ["favorites": [["videoId": "v", "removedAt": at(2), "by": "a", "x": 1]]]]),
      .at(4, ["removed": ["favorites": [["videoId": "v", "removedAt": at(2), "by": "b", "y": 1]]]]))
    #expect(after["removed"] == ["favorites": [["videoId": "v", "removedAt": at(2), "by": "b", "x": 1, "y": 1]]])
  }

  @Test func `tombstones are kept in ascending order of key, and empty lists are not written`() throws {
    func stone(_ videoID: Value) -> Value { ["videoId": videoID, "removedAt": at(1)] }
    let after = try merge(
      .at(
        5,
        [
          "removed": [
            "favorites": [stone("b"), ["title": "z", "removedAt": at(1)], stone("a"), stone("é")], "playlists": [],
            "playlist_songs": [stone("b").with(["playlist_id": "q"]), stone("c").with(["playlist_id": "p"])],
          ]
        ]))
    #expect(
      after["removed"] == [
        "favorites": [["title": "z", "removedAt": at(1)], stone("a"), stone("b"), stone("é")],
        "playlist_songs": [stone("c").with(["playlist_id": "p"]), stone("b").with(["playlist_id": "q"])],
      ])
    #expect(try merge(.at(5, ["removed": ["favorites": []], "queue": []]))["removed"] == nil)
  }

  @Test func `a tombstone without a key or a time is quarantined`() throws {
    let after = try merge(
      .at(
        5,
        [
          "removed": [
            "favorites": [["removedAt": at(1)], ["videoId": "v"], ["videoId": 5, "removedAt": at(1)], 5, nil],
            "playlists": [["removedAt": at(1)], ["id": "p", "removedAt": "soon"], ["id": "", "removedAt": at(1)]],
            "playlist_songs": [
              ["videoId": "v", "removedAt": at(1)], ["playlist_id": "p", "removedAt": at(1)],
              ["playlist_id": "p", "videoId": "v"],
            ],
          ]
        ]))
    #expect(after["removed"] == nil)
    #expect(
      Set(after.quarantined) == [
        "removed 0 no-identity", "removed 1 no-time", "removed 2 invalid-field", "removed 3 invalid-field",
        "removed 2 no-identity", "removed 1 no-identity", "removed 2 no-time",
      ])
    #expect(after.quarantined.count == 10)
  }

  @Test func `a removal in the future is quarantined, the cloud's own stays`() throws {
    let stone: Value = ["videoId": "v", "removedAt": at(2441)]
    let dump = try merge(cloud: ["favorites": [["videoId": "v"]]], .at(5, ["removed": ["favorites": [stone]]]))
    #expect(dump.quarantined == ["removed 0 future-time"])
    #expect(dump["favorites"] == [["videoId": "v"]])
    let cloud = try merge(cloud: ["favorites": [["videoId": "v"]], "removed": ["favorites": [stone]]])
    #expect(cloud["favorites"] == [])
  }

  // MARK: How long they count

  @Test(arguments: [(0, true), (-1, false)] as [(Int64, Bool)])
  func `a tombstone counts for 180 days`(_ past: Int64, _ counts: Bool) throws {
    let removedAt = ms(now - 180 * 86_400_000 + past)
    let after = try merge(
      cloud: ["favorites": [["videoId": "v", "addedAt": ms(5)]], "queue": []],
      .at(5, ["removed": ["favorites": [["videoId": "v", "removedAt": removedAt]]], "queue": [["title": "a"]]]))
    #expect(after["favorites"]?.items?.isEmpty == counts)
    #expect((after["removed"] != nil) == counts)
  }

  @Test func `an expired tombstone is left out of the next document, but causes no write`() throws {
    let cloud: Value = [
      "favorites": [["videoId": "w", "addedAt": at(1)]],
      "removed": ["favorites": [["videoId": "v", "removedAt": ms(5)], ["videoId": "x", "removedAt": at(1)]]],
    ]
    let quiet = try merge(cloud: cloud, .at(5, ["favorites": []]))
    #expect(!quiet.isWritten)
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["videoId": "v", "addedAt": ms(2)]]]))
    #expect(after.each("favorites", "videoId") == ["v", "w"])
    #expect(after["removed"] == ["favorites": [["videoId": "x", "removedAt": at(1)]]])
  }

  private static let expired: [Value] = [
    // One that still counts for the same song, before or behind it; others, out of order; the only one.
    [["videoId": "v", "removedAt": ms(5)], ["videoId": "v", "removedAt": at(1)]],
    [["videoId": "v", "removedAt": at(1)], ["videoId": "v", "removedAt": ms(5)]],
    [["videoId": "z", "removedAt": ms(5)], ["videoId": "v", "removedAt": at(1)]],
    [["videoId": "z", "removedAt": ms(5)], ["title": "y", "removedAt": ms(4)]],
  ]

  @Test(arguments: expired)
  func `an expired tombstone causes no write, whatever stands beside it`(_ stones: Value) throws {
    let cloud: Value = [
      "favorites": [["videoId": "w", "addedAt": at(1)]], "removed": ["favorites": stones, "x": 1],
    ]
    #expect(try !merge(cloud: cloud, .at(5, ["favorites": []])).isWritten)
    let after = try merge(cloud: cloud, .at(5, ["favorites": [["videoId": "u", "addedAt": at(2)]]]))
    #expect(after["removed"]?["x"] == 1)
    #expect(after["removed"]?["favorites"]?.items?.allSatisfy { $0["removedAt"] == at(1) } ?? true)
  }

  @Test func `an expired tombstone of a dump takes none of the stored ones along`() throws {
    let stones: Value = [["videoId": "v", "removedAt": at(1)], ["videoId": "x", "removedAt": ms(5)]]
    let cloud: Value = ["favorites": [], "removed": ["favorites": stones]]
    let dump = Export.at(5, ["removed": ["favorites": [["videoId": "z", "removedAt": ms(5)]]]])
    #expect(try !merge(cloud: cloud, dump).isWritten)
  }

  // MARK: Playlists

  @Test(arguments: [(1, 2, false), (2, 2, false), (3, 2, true)] as [(Int64, Int64, Bool)])
  func `a playlist is dropped when removedAt is not before its updated_at`(
    _ updated: Int64, _ removed: Int64, _ stays: Bool
  ) throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "updated_at": at(updated), "songs": [["title": "a"]]]]],
      .at(5, ["removed": ["playlists": [["id": "c", "removedAt": at(removed)]]]]))
    #expect(after.each("playlists", "id") == (stays ? ["c"] : []))
    #expect(after.fates.removed == (stays ? 0 : 2))
  }

  @Test func `a playlist without updated_at counts as oldest`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c"]]], .at(5, ["removed": ["playlists": [["id": "c", "removedAt": at(1)]]]]))
    #expect(after["playlists"] == [])
  }

  @Test func `a removal by the browser's id holds for the server's and for its brothers, and is kept under each`()
    throws
  {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["pl_2", "pl_1"]]]],
      .at(5, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(1)]]]]),
      .at(4, ["playlists": [["id": "pl_2"]]]))
    #expect(after["playlists"] == [])
    let stones = (["c", "pl_1", "pl_2"] as [Value]).map { ["id": $0, "removedAt": at(1)] as Value }
    #expect(after["removed"] == ["playlists": .array(stones)])
  }

  /// With a look at the playlist for each of its ids this would take hours.
  @Test(.timeLimit(.minutes(5))) func `a removal is kept under twenty thousand ids`() throws {
    let ids = (0..<20_000).map { Value.string("pl_\($0)") }
    let after = try merge(
      cloud: ["playlists": [["id": "c", "updated_at": at(2), "client_ids": .array(ids)]]],
      .at(5, ["removed": ["playlists": [["id": "pl_0", "removedAt": at(1)]]]]))
    #expect(after["removed"]?["playlists"]?.items?.count == ids.count + 1)
  }

  @Test func `a removal by the server's id is kept under the client ids`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["pl_1"]]]],
      .at(5, ["removed": ["playlists": [["id": "c", "removedAt": at(1), "by": "web"]]]]))
    #expect(
      after["removed"] == [
        "playlists": [["id": "c", "removedAt": at(1), "by": "web"], ["id": "pl_1", "removedAt": at(1), "by": "web"]]
      ])
  }

  @Test func `a removal of a local id holds for what rule 4 makes of it, and is not kept under that`() throws {
    let after = try merge(
      .at(5, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(2)]]]]),
      .at(4, ["playlists": [["id": "pl_1", "updated_at": at(1)]]]),
      .at(3, ["playlists": [["id": made("pl_1"), "updated_at": at(1)]]]))
    #expect(after["playlists"] == [])
    #expect(after["removed"] == ["playlists": [["id": "pl_1", "removedAt": at(2)]]])
  }

  @Test func `a playlist that was changed after its removal stays, and the removal is known under all its ids`() throws
  {
    let after = try merge(
      .at(5, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(1)]]]]),
      .at(4, ["playlists": [["id": "pl_1", "updated_at": at(2)]]]))
    #expect(after.each("playlists", "id") == [made("pl_1")])
    #expect(
      after["removed"] == [
        "playlists": [["id": "pl_1", "removedAt": at(1)], ["id": made("pl_1"), "removedAt": at(1)]]
      ])
  }

  @Test func `a removal of a local id is kept under all ids of the playlist whose id rule 4 makes of it`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": made("pl_1"), "client_ids": ["pl_7"], "updated_at": at(3)]]],
      .at(5, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(2)]]]]))
    #expect(after.each("playlists", "id") == [made("pl_1")])
    let ids = ["pl_1", "pl_7", made("pl_1")]
    #expect(after["removed"] == ["playlists": .array(ids.map { ["id": $0, "removedAt": at(2)] })])
  }

  @Test func `a removal that spreads to a local id holds for what rule 4 makes of that`() throws {
    let after = try merge(
      cloud: [
        "playlists": [
          ["id": made("pl_1"), "client_ids": ["pl_7"], "updated_at": at(1)],
          ["id": "c", "client_ids": ["pl_1"], "updated_at": at(1)],
        ]
      ],
      .at(5, ["removed": ["playlists": [["id": "c", "removedAt": at(2)]]]]))
    #expect(after["playlists"] == [])
    let ids = ["c", "pl_1", "pl_7", made("pl_1")]
    #expect(after["removed"] == ["playlists": .array(ids.map { ["id": $0, "removedAt": at(2)] })])
  }

  @Test func `of removals of one playlist by several ids the newest counts`() throws {
    func stones(_ id: Value) -> Value {
      ["playlists": [["id": id, "removedAt": at(1)], ["id": "pl_1", "removedAt": at(3)]]]
    }
    let id = made("pl_1")
    let dump = try merge(.at(5, ["playlists": [["id": id, "updated_at": at(2)]], "removed": stones(id)]))
    #expect(dump["playlists"] == [])
    let cloud = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["pl_1"], "updated_at": at(2)]]], .at(5, ["removed": stones("c")])
    )
    #expect(cloud["playlists"] == [])
    #expect(cloud["removed"]?["playlists"]?.each("removedAt") == [at(3), at(3)])
  }

  @Test func `of removals of one time by several ids each has the greater bytes field by field`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["pl_1"]]]],
      .at(
        5,
        [
          "removed": [
            "playlists": [
              ["id": "c", "removedAt": at(1), "by": "a", "x": 1], ["id": "pl_1", "removedAt": at(1), "by": "b"],
            ]
          ]
        ]))
    let ids: [Value] = ["c", "pl_1"]
    #expect(
      after["removed"] == ["playlists": .array(ids.map { ["id": $0, "removedAt": at(1), "by": "b", "x": 1] })])
  }

  @Test func `a removed playlist does not come back by its name`() throws {
    // Neither is the removed local id joined to the cloud's playlist of that name …
    let local = try merge(
      cloud: ["playlists": [["id": "c", "name": "Mix"]]],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix", "updated_at": at(1)]]]),
      .at(4, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(2)]]]]))
    #expect(local.each("playlists", "id") == ["c"])
    #expect(local.each("playlists", "client_ids") == [nil])
    // … nor a living one to the removed playlist.
    let cloud = try merge(
      cloud: ["playlists": [["id": "c", "name": "Mix"]]],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix", "updated_at": at(1)]]]),
      .at(4, ["removed": ["playlists": [["id": "c", "removedAt": at(2)]]]]))
    #expect(cloud.each("playlists", "id") == [made("pl_1")])
  }

  @Test func `of two playlists of one name the removed one is not counted`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "name": "Mix", "updated_at": at(3)], ["id": "d", "name": "Mix"]]],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix", "x": 1]]]),
      .at(4, ["removed": ["playlists": [["id": "d", "removedAt": at(2)]]]]))
    #expect(after.each("playlists", "id") == ["c"])
    #expect(after.each("playlists", "client_ids") == [["pl_1"]])
  }

  @Test func `the removal outlives the playlist`() throws {
    let after = try merge(
      cloud: ["playlists": [], "removed": ["playlists": [["id": "c", "removedAt": at(5)]]]],
      .at(9, ["playlists": [["id": "c", "updated_at": at(4)]]]))
    #expect(after["playlists"] == [])
    #expect(!after.isWritten)
  }

  // MARK: Songs of playlists

  @Test(arguments: [(1, false), (2, false), (3, true)] as [(Int64, Bool)])
  func `a playlist's song is dropped when removedAt is not before its addedAt`(_ added: Int64, _ stays: Bool) throws {
    let after = try merge(
      cloud: [
        "playlists": [
          ["id": "c", "songs": [["videoId": "v", "artwork": "p", "addedAt": at(added)], ["videoId": "w"]]]
        ]
      ],
      .at(5, ["removed": ["playlist_songs": [["playlist_id": "c", "videoId": "v", "removedAt": at(2)]]]]))
    #expect(after["playlists"]?[0]?["songs"]?.each("videoId") == (stays ? ["v", "w"] : ["w"]))
    #expect(after.each("playlists", "song_count") == [stays ? 2 : 1])
    #expect(after.each("playlists", "cover_urls") == [stays ? ["p"] : []])
  }

  @Test func `a song is removed from its playlist alone`() throws {
    let songs: Value = [["title": "a"]]
    let after = try merge(
      cloud: ["playlists": [["id": "c", "songs": songs], ["id": "d", "songs": songs]], "favorites": songs],
      .at(5, ["removed": ["playlist_songs": [["playlist_id": "c", "title": "A", "removedAt": at(2)]]]]))
    #expect(after.each("playlists", "song_count") == [0, 1])
    #expect(after["favorites"] == songs)
  }

  private static let homes: [(Value, Value)] = [
    // By rules 2, 3 and 4
    (["id": "c", "client_ids": ["pl_1"]], "c"), (["id": "c", "name": "Mix"], "c"),
    (["id": "c", "name": "Other"], "playlist_tfr7g4lqrsfj"),
  ]

  @Test(arguments: homes)
  func `a playlist_id is resolved as a playlist's id, and kept under the server's too`(_ cloud: Value, _ id: Value)
    throws
  {
    let stone: Value = ["playlist_id": "pl_1", "title": "a", "removedAt": at(2)]
    let after = try merge(
      cloud: ["playlists": [cloud.with(["songs": [["title": "a"]]])]],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix", "songs": [["title": "a"], ["title": "b"]]]]]),
      .at(4, ["removed": ["playlist_songs": [stone]]]))
    let playlist = try #require(after["playlists"]?.items?.first { $0["id"] == id })
    #expect(playlist["songs"] == [["title": "b"]])
    let kept = after["removed"]?["playlist_songs"]
    #expect(kept?.items?.count == 2)
    #expect(kept?.items?.contains(stone) == true)
    #expect(kept?.items?.contains(stone.with(["playlist_id": id])) == true)
  }

  @Test func `a song's removal is kept under the id of a playlist of the cloud that is removed as well`() throws {
    let stone: Value = ["playlist_id": "pl_1", "title": "a", "removedAt": at(2)]
    let after = try merge(
      cloud: ["playlists": [["id": made("pl_1"), "updated_at": at(1), "songs": [["title": "a"]]]]],
      .at(5, ["removed": ["playlists": [["id": "pl_1", "removedAt": at(2)]], "playlist_songs": [stone]]]))
    #expect(after["playlists"] == [])
    #expect(after["removed"]?["playlist_songs"] == [stone, stone.with(["playlist_id": made("pl_1")])])
  }

  @Test func `a playlist_id that no browser made is nobody's client id`() throws {
    let stone: Value = ["playlist_id": "x1", "title": "a", "removedAt": at(2)]
    let after = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["x1"], "songs": [["title": "a"]]]]],
      .at(5, ["removed": ["playlist_songs": [stone]]]))
    #expect(after.each("playlists", "song_count") == [1])
    #expect(after["removed"] == ["playlist_songs": [stone]])
  }

  @Test func `the song with the greatest addedAt is held against the tombstone`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "updated_at": at(1), "songs": [["title": "a", "addedAt": at(3)]]]]],
      .at(
        5,
        [
          "playlists": [
            ["id": "c", "updated_at": at(2), "songs": [["title": "a", "addedAt": at(1)], ["title": "b"]]]
          ],
          "removed": ["playlist_songs": [["playlist_id": "c", "title": "a", "removedAt": at(2)]]],
        ]))
    #expect(after["playlists"]?[0]?["songs"] == [["title": "a", "addedAt": at(3)], ["title": "b"]])
  }
}
