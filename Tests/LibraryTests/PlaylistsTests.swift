import BSON
import Library
import Testing

/// A playlist as it is written without songs and covers.
private func bare(_ id: Value, _ fields: Value = [:]) -> Value {
  let bare: Value = ["id": id, "songs": [], "song_count": 0, "cover_urls": [], "is_public": false]
  return bare.with(fields)
}

/// The id that rule 4 gives.
private func made(_ local: String, for user: String = "ann") -> Value { .string(SceneMaker.made(local, for: user)) }

/// Which playlist is which (docs/merge.md).
@Suite struct PlaylistIdentity {
  @Test(
    arguments: [
      ("ann", "pl_1", "playlist_tfr7g4lqrsfj"), ("ann", "pl_2", "playlist_mtdu7mhvbedu"),
      ("ann", "pl_", "playlist_klztv5vsv35w"), ("bob", "pl_1", "playlist_3osgkz3o4t4g"),
      ("é", "pl_ü", "playlist_tuse4aqtijw4"),
    ])
  func `rule 4 makes the id of user and local id`(_ user: String, _ local: String, _ id: String) throws {
    let after = try merge(.at(5, ["playlists": [["id": .string(local)]]]), user: user)
    #expect(after["playlists"] == [bare(.string(id), ["client_ids": [.string(local)]])])
  }

  @Test func `rule 1: an equal id is the same playlist`() throws {
    let after = try merge(
      cloud: ["playlists": [bare("c1", ["name": "One"]), bare("pl_1", ["name": "Two"])]],
      .at(5, ["playlists": [["id": "c1", "description": "d"], ["id": "pl_1", "description": "e"]]]))
    #expect(
      after["playlists"] == [
        bare("c1", ["name": "One", "description": "d"]), bare("pl_1", ["name": "Two", "description": "e"]),
      ])
  }

  @Test func `rule 2: a local id among the client ids of a cloud playlist is that playlist`() throws {
    let after = try merge(
      cloud: [
        "playlists": [bare("c1", ["name": "One", "client_ids": ["pl_9", "pl_1"]]), bare("c2", ["name": "Mix"])]
      ],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix", "updated_at": at(1)]]]))
    #expect(
      after["playlists"] == [
        bare("c1", ["name": "Mix", "client_ids": ["pl_1", "pl_9"], "updated_at": at(1)]), bare("c2", ["name": "Mix"]),
      ])
  }

  @Test func `rule 2: of several the least id is meant`() throws {
    let after = try merge(
      cloud: [
        "playlists": [bare("c3", ["client_ids": ["pl_1"]]), bare("c10", ["client_ids": ["pl_1"]]), bare("c2")]
      ],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix"]]]))
    #expect(after["playlists"]?[0] == bare("c10", ["name": "Mix", "client_ids": ["pl_1"]]))
  }

  @Test func `rule 2 is for ids of browsers alone`() throws {
    let after = try merge(
      cloud: ["playlists": [bare("c1", ["client_ids": ["x1"]])]], .at(5, ["playlists": [["id": "x1"]]]))
    #expect(after.each("playlists", "id") == ["c1", "x1"])
  }

  @Test(arguments: [("Mix", "Mix"), (" Mix\t", "Mix"), ("Mix", "\u{3000}Mix\u{A0}"), ("é", "é")])
  func `rule 3: the trimmed name of exactly one playlist of the cloud`(_ cloud: String, _ local: String) throws {
    let after = try merge(
      cloud: ["playlists": [bare("c1", ["name": .string(cloud)]), bare("c2", ["name": "Other"])]],
      .at(5, ["playlists": [["id": "pl_1", "name": .string(local)]]]))
    #expect(after["playlists"]?[0]?["client_ids"] == ["pl_1"])
    #expect(after.each("playlists", "id") == ["c1", "c2"])
  }

  private static let strangers: [(Value, Value)] = [
    // Two of the name, another case, other bytes, or no name at all
    ([["id": "c1", "name": "Mix"], ["id": "c2", "name": " Mix"]], "Mix"), ([["id": "c1", "name": "mix"]], "Mix"),
    ([["id": "c1", "name": "e\u{301}"]], "é"), ([["id": "c1", "name": ""]], ""), ([["id": "c1"]], nil),
    ([["id": "c1", "name": " "]], " "), ([], "Mix"), ([["id": "c1", "name": 5]], 5),
    // Made by rule 4 from another local id
    ([["id": "playlist_mtdu7mhvbedu", "name": "Mix", "client_ids": ["pl_2"]]], "Mix"),
    ([["id": "playlist_mtdu7mhvbedu", "name": "Mix", "client_ids": ["pl_8", "pl_2"]]], "Mix"),
  ]

  @Test(arguments: strangers)
  func `rule 3 needs one name and an id that the API made`(_ cloud: Value, _ name: Value) throws {
    let after = try merge(cloud: ["playlists": cloud], .at(5, ["playlists": [["id": "pl_1", "name": name]]]))
    #expect(after.each("playlists", "id").contains(made("pl_1")))
    #expect(after["playlists"]?.items?.count == (cloud.items?.count ?? 0) + 1)
  }

  @Test func `rule 3 does not count the playlists of the name that rule 4 made`() throws {
    let after = try merge(
      cloud: [
        "playlists": [["id": made("pl_2"), "name": "Mix", "client_ids": ["pl_2"]], ["id": "c1", "name": "Mix"]]
      ],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix"]]]))
    #expect(after["playlists"]?[0] == bare("c1", ["name": "Mix", "client_ids": ["pl_1"]]))
  }

  @Test func `rule 3 takes an id that looks made for the API's where no client id makes it`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": made("pl_2"), "name": "Mix", "client_ids": ["pl_7"]]]],
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix"]]]))
    #expect(after["playlists"] == [bare(made("pl_2"), ["name": "Mix", "client_ids": ["pl_1", "pl_7"]])])
  }

  @Test func `rule 3 uses the name of the newest version that matches`() throws {
    let cloud: Value = ["playlists": [["id": "c1", "name": "One"], ["id": "c2", "name": "Two"]]]
    let after = try merge(
      cloud: cloud,
      .at(5, ["playlists": [["id": "pl_1", "name": "One", "updated_at": at(1)]]]),
      .at(4, ["playlists": [["id": "pl_1", "name": "Two", "updated_at": at(2)]]]),
      .at(3, ["playlists": [["id": "pl_1", "name": "Three", "updated_at": at(3)]]]))
    #expect(after["playlists"]?[1]?["client_ids"] == ["pl_1"])
    #expect(after["playlists"]?[1]?["name"] == "Three")
    #expect(after["playlists"]?[0] == bare("c1", ["name": "One"]))
  }

  @Test func `two local ids of one name are both the cloud's playlist`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c1", "name": "Mix"]]],
      .at(5, ["playlists": [["id": "pl_2", "name": "Mix"]]]), .at(4, ["playlists": [["id": "pl_1", "name": "Mix"]]]))
    #expect(after["playlists"] == [bare("c1", ["name": "Mix", "client_ids": ["pl_1", "pl_2"]])])
  }

  @Test func `versions of one local id are one playlist, also beside its server's id`() throws {
    let after = try merge(
      .at(5, ["playlists": [["id": "pl_1", "name": "Mix"]]]),
      .at(4, ["playlists": [["id": "pl_1", "description": "d"]]]),
      .at(3, ["playlists": [["id": made("pl_1"), "x": 1]]]))
    #expect(
      after["playlists"] == [bare(made("pl_1"), ["name": "Mix", "description": "d", "x": 1, "client_ids": ["pl_1"]])])
  }

  @Test(arguments: ["c1", "playlist_abc", "0123456789abcdef01234567", "PL_1", "pl", "é"])
  func `an id of no browser is kept as it is`(_ id: String) throws {
    let after = try merge(
      cloud: ["playlists": [["id": "other", "name": "Mix"]]],
      .at(5, ["playlists": [["id": .string(id), "name": "Mix"]]]))
    #expect(Set(after.each("playlists", "id").map { $0?.text }) == ["other", id])
  }

  @Test(arguments: [nil, "", 5, ["$oid": "0123456789abcdef01234567"], []] as [Value])
  func `a playlist whose id is no non-empty string is quarantined`(_ id: Value) throws {
    let after = try merge(.at(5, ["playlists": [["id": id, "name": "Mix", "songs": [["title": "a"]]]]]))
    #expect(after["playlists"] == [])
    #expect(after.quarantined == ["playlists 0 no-identity"])
  }
}

/// What versions of one playlist make (docs/merge.md).
@Suite struct Playlists {
  private func songs(_ titles: String...) -> Value { .array(titles.map { ["title": .string($0)] }) }

  @Test func `each field is the newest version's that has it, by updated_at and not by the dump's time`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "name": "cloud", "description": "cloud", "x": 1, "updated_at": at(1)]]],
      .at(5, ["playlists": [["id": "c", "name": "older", "description": "older", "updated_at": at(2)]]]),
      .at(4, ["playlists": [["id": "c", "name": "newer", "updated_at": at(3)]]]),
      .at(6, ["playlists": [["id": "c", "name": "undated", "x": 2, "y": 2]]]))
    #expect(
      after["playlists"] == [
        bare("c", ["name": "newer", "description": "older", "x": 1, "y": 2, "updated_at": at(3)])
      ])
  }

  @Test func `at equal updated_at replica order decides, with the cloud last`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "name": "cloud", "x": "cloud", "y": "cloud"]], "updated_at": at(900)],
      .at(5, ["playlists": [["id": "c", "name": "newer"]]]),
      .at(4, ["playlists": [["id": "c", "name": "older", "x": "older"]]]))
    #expect(after["playlists"] == [bare("c", ["name": "newer", "x": "older", "y": "cloud"])])
  }

  @Test func `songs are the newest list's in its order, then older ones by addedAt and song key`() throws {
    func song(_ title: Value, _ time: Value?) -> Value {
      var song: Value = ["title": title]
      song["addedAt"] = time
      return song
    }
    let after = try merge(
      cloud: [
        "playlists": [["id": "c", "songs": [song("k", at(1)), song("b", at(9)), song("j", nil)], "updated_at": at(1)]]
      ],
      .at(5, ["playlists": [["id": "c", "updated_at": at(4)]]]),
      .at(5, ["playlists": [["id": "c", "songs": [song("z", at(2)), song("b", at(1))], "updated_at": at(3)]]]),
      .at(
        5,
        [
          "playlists": [
            ["id": "c", "songs": [song("a", at(1)), song("i", nil), song("y", at(0))], "updated_at": at(2)]
          ]
        ]))
    #expect(after["playlists"]?[0]?["songs"]?.each("title") == ["z", "b", "i", "j", "y", "a", "k"])
    #expect(after.each("playlists", "song_count") == [7])
    #expect(after["playlists"]?[0]?["songs"]?[1] == song("b", at(9)))
  }

  @Test func `within one version the first song of a key counts`() throws {
    let after = try merge(
      .at(
        5,
        [
          "playlists": [
            ["id": "c", "songs": [["title": "a", "artwork": "p"], ["title": "b"], ["title": "A", "language": "de"]]]
          ]
        ]))
    #expect(after["playlists"]?[0]?["songs"] == [["title": "a", "artwork": "p"], ["title": "b"]])
    #expect(after.fates.merged == 1)
  }

  @Test func `a song's fields are the newest version's, but its addedAt is the greatest`() throws {
    let after = try merge(
      .at(
        5,
        [
          "playlists": [
            [
              "id": "c", "songs": [["title": "A", "artwork": "new", "addedAt": at(1)], ["title": "b"]],
              "updated_at": at(3),
            ]
          ]
        ]),
      .at(
        5,
        [
          "playlists": [
            [
              "id": "c", "updated_at": at(2),
              "songs": [
                ["title": "a", "artwork": "old", "x": 1, "addedAt": at(2)], ["title": "b", "addedAt": at(1)],
              ],
            ]
          ]
        ]))
    #expect(
      after["playlists"]?[0]?["songs"] == [
        ["title": "A", "artwork": "new", "x": 1, "addedAt": at(2)], ["title": "b", "addedAt": at(1)],
      ])
  }

  @Test func `an empty list of songs does not take songs away`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "songs": songs("a"), "updated_at": at(1)]]],
      .at(5, ["playlists": [["id": "c", "songs": [], "updated_at": at(2)]]]))
    #expect(after["playlists"]?[0]?["songs"] == songs("a"))
  }

  @Test func `song_count is counted, not believed`() throws {
    #expect(
      try merge(.at(5, ["playlists": [["id": "c", "songs": songs("a", "b"), "song_count": 99]]])).each(
        "playlists", "song_count") == [2])
  }

  private static let covers: [(Value, Value, Value)] = [
    (["new"], ["old"], ["new"]), ([], ["old"], ["old"]), (nil, ["old"], ["old"]), ([nil], ["old"], ["old"]),
    ([nil, "new"], ["old"], ["new"]), ("new", ["old"], ["old"]), ([], [], ["p", "q", "r", "s"]),
    (nil, nil, ["p", "q", "r", "s"]),
  ]

  @Test(arguments: covers)
  func `cover_urls are the newest that are not empty, else the first four artworks`(
    _ newer: Value, _ older: Value, _ covers: Value
  ) throws {
    let songs: [Value] = ["p", nil, "q", "r", "", "s", "t"].enumerated().map { index, artwork in
      ["videoId": .string("v\(index)"), "artwork": artwork]
    }
    let after = try merge(
      cloud: ["playlists": [["id": "c", "cover_urls": older, "updated_at": at(1)]]],
      .at(5, ["playlists": [["id": "c", "cover_urls": newer, "songs": .array(songs), "updated_at": at(2)]]]))
    #expect(after.each("playlists", "cover_urls") == [covers])
  }

  @Test func `created_at is the least, updated_at the greatest, is_public the newest that is there`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "created_at": at(2), "updated_at": at(4), "is_public": true]]],
      .at(5, ["playlists": [["id": "c", "created_at": at(1), "updated_at": at(5)]]]),
      .at(6, ["playlists": [["id": "c", "created_at": at(3), "updated_at": at(3), "is_public": false]]]))
    #expect(
      after["playlists"] == [bare("c", ["created_at": at(1), "updated_at": at(5), "is_public": true])])
  }

  @Test func `client ids are the union of all versions', ascending`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "client_ids": ["pl_2", "pl_1", "", nil, 5, "pl_2"]]]],
      .at(5, ["playlists": [["id": "c", "client_ids": ["pl_10"]], ["id": "pl_2"]]]))
    #expect(after.each("playlists", "client_ids") == [["pl_1", "pl_10", "pl_2"]])
  }

  @Test func `order is created_at descending, those without one last, ties by id`() throws {
    let after = try merge(
      .at(
        5,
        [
          "playlists": [
            ["id": "z"], ["id": "b", "created_at": at(1)], ["id": "y"], ["id": "d", "created_at": at(2)],
            ["id": "c", "created_at": at(2)], ["id": "é", "created_at": at(2)],
          ]
        ]))
    #expect(after.each("playlists", "id") == ["c", "d", "é", "b", "y", "z"])
  }

  @Test func `a time of a dump that lies in the future is none, and the cloud's own stays`() throws {
    let after = try merge(
      cloud: ["playlists": [["id": "c", "name": "cloud", "updated_at": at(9000)]]],
      .at(5, ["playlists": [["id": "d", "name": "future", "created_at": at(2441), "updated_at": at(2441)]]]),
      .at(4, ["playlists": [["id": "d", "name": "now", "created_at": at(2440), "updated_at": at(2440)]]]))
    #expect(after["playlists"]?[0] == bare("d", ["name": "now", "created_at": at(2440), "updated_at": at(2440)]))
    #expect(after["playlists"]?[1] == bare("c", ["name": "cloud", "updated_at": at(9000)]))
    #expect(after.quarantined == [])
  }
}
