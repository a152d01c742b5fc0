import BSON
import Library
import Testing

/// The named sections of the newest dump take the place of the cloud's (docs/merge.md).
@Suite struct Replace {
  private func replaced(
    cloud: Value? = nil, _ exports: Export..., with change: (inout MergeParameters) -> Void = { _ in }
  )
    throws -> Merged
  {
    var scene = Scene(cloud: cloud, exports: exports)
    scene.parameters.mode = .replace
    change(&scene.parameters)
    let merged = try scene.merged()
    #expect(merged.fates.isBalanced, "\(merged.fates)")
    scene.exports.reverse()
    #expect(try scene.merged().bytes == merged.bytes)
    scene.cloud = merged.library
    #expect(try !scene.merged().isWritten)
    return merged
  }

  @Test func `the newest dump alone counts, section by section`() throws {
    let after = try replaced(
      cloud: [
        "favorites": [["title": "old", "addedAt": at(9)]], "queue": [["title": "old", "position": 0]],
        "preferences": ["theme": "dark"], "recent_searches": ["old"], "updated_at": at(900),
      ],
      .at(
        5,
        [
          "favorites": [["title": "new", "addedAt": at(2)], ["title": "b", "addedAt": at(1)]],
          "recent_searches": ["new"],
        ]),
      .at(4, ["queue": [["title": "older"]], "preferences": ["theme": "light"]]))
    #expect(after.each("favorites", "title") == ["b", "new"])
    #expect(after["recent_searches"] == ["new"])
    #expect(after.each("queue", "title") == ["old"])
    #expect(after["preferences"] == ["theme": "dark"])
    #expect(
      after["section_updated_at"] == [
        "as_of": ms(now), "recent_searches": at(5), "queue": at(900), "preferences": at(900),
      ])
  }

  @Test func `normal form, order and limits are as in a merge`() throws {
    let after = try replaced(
      .at(
        5,
        [
          "history": [
            ["title": "a", "playedAt": at(1)], ["title": "b", "played_at": at(2)], ["title": "A", "playedAt": at(1)],
          ],
          "queue": [["title": "a", "position": 7]], "recent_searches": [" a ", "A"], "preferences": ["volume": 7],
        ])
    ) { $0.historyLimit = 1 }
    #expect(after["history"] == [["title": "b", "playedAt": at(2)]])
    #expect(after["total_songs_played"] == 2)
    #expect(after["queue"] == [["title": "a", "position": 0]])
    #expect(after["recent_searches"] == ["a"])
    #expect(after["preferences"] == ["volume": 1.0])
  }

  private static let totals: [(Value, Value)] = [
    (["history": [["title": "a", "playedAt": at(1)]], "total_songs_played": 3], 3),
    (["history": [["title": "a", "playedAt": at(1)]]], 9), (["total_songs_played": 3], 3),
    (["queue": [["title": "a"]]], 9),
    (["history": .array((0..<12).map { ["title": "a", "playedAt": at($0)] })], 12),
  ]

  @Test(arguments: totals)
  func `the total is the dump's, else the greater of the cloud's and the plays`(_ dump: Value, _ total: Value) throws {
    let after = try replaced(
      cloud: ["total_songs_played": 9, "history": [["title": "z", "playedAt": at(1)]]], .at(5, dump))
    #expect(after["total_songs_played"] == total)
  }

  @Test func `a total that the dump says nothing of stays as it is stored`() throws {
    let after = try replaced(
      cloud: ["total_songs_played": "9", "history": "lost"], .at(5, ["queue": [["title": "a"]]]))
    #expect(after.changed == ["queue"])
    #expect(after["total_songs_played"] == "9")
  }

  @Test func `client ids of a playlist with the same id stay, and new ones get their server ids`() throws {
    let after = try replaced(
      cloud: [
        "playlists": [
          ["id": "c", "name": "Old", "songs": [["title": "a"]], "client_ids": ["pl_7"], "x": 1, "created_at": at(1)],
          ["id": "d", "name": "Named", "description": "old"], ["id": "gone"],
        ]
      ],
      .at(
        5,
        [
          "playlists": [
            ["id": "c", "name": "New"], ["id": "pl_1", "name": "Named"], ["id": "pl_2", "name": "Fresh"],
          ]
        ]))
    func bare(_ id: Value, _ name: Value, _ clients: Value) -> Value {
      [
        "id": id, "name": name, "songs": [], "song_count": 0, "cover_urls": [], "is_public": false,
        "client_ids": clients,
      ]
    }
    #expect(
      after["playlists"] == [
        bare("c", "New", ["pl_7"]), bare("d", "Named", ["pl_1"]), bare("playlist_mtdu7mhvbedu", "Fresh", ["pl_2"]),
      ])
  }

  @Test func `tombstones are neither read nor written`() throws {
    let stones: Value = ["favorites": [["title": "a", "removedAt": at(9)], ["videoId": "old", "removedAt": ms(5)]]]
    let after = try replaced(
      cloud: ["favorites": [], "removed": stones],
      .at(
        5,
        [
          "favorites": [["title": "a", "addedAt": at(1)]],
          "removed": ["favorites": [["title": "b", "removedAt": at(9)]]],
        ]))
    #expect(after.each("favorites", "title") == ["a"])
    #expect(after["removed"] == stones)
    let dump = try replaced(
      .at(5, ["favorites": [["title": "a"]], "removed": ["favorites": [["title": "a", "removedAt": at(9)]]]]))
    #expect(dump["removed"] == nil)
    #expect(dump.each("favorites", "title") == ["a"])
  }

  @Test(
    arguments: ["favorites", "history", "queue", "playlists", "recent_searches", "preferences"])
  func `a section that is not empty is emptied only when that is allowed`(_ section: String) throws {
    let isObject = section == "preferences"
    let full: Value = section == "recent_searches" ? ["a"] : [["title": "a", "id": "a", "playedAt": at(1)]]
    var scene = Scene(cloud: [section: isObject ? ["x": 1] : full])
    scene.exports = [.at(5, [section: isObject ? [:] : []])]
    scene.parameters.mode = .replace
    let refused = try scene.merged()
    #expect(refused.left == .wouldEmpty(try #require(Section(rawValue: section))))
    #expect(!refused.isWritten)
    #expect(refused.fates.isBalanced)
    for cloud in [[:], [section: scene.exports[0].library[section] ?? nil]] as [Value] {
      var other = scene
      other.cloud = cloud
      #expect(try other.merged().left == nil)
    }
    scene.parameters.allowEmpty = true
    #expect(try scene.merged()[section] == (isObject ? [:] : []))
  }

  @Test(
    arguments: [
      ["queue": []], ["total_songs_played": 3], ["preferences": [:]], ["playlists": [["id": "p"]]],
    ] as [Value])
  func `the newest dump is the newest with any section, be it one that the run decides or not`(_ other: Value) throws {
    let cloud: Value = ["favorites": [["title": "stored"]]]
    let after = try replaced(
      cloud: cloud, .at(5, other), .at(4, ["favorites": [["title": "older"]]])
    ) { $0.sections = [.favorites] }
    #expect(after.each("favorites", "title") == ["stored"])
    #expect(!after.isWritten)
  }

  @Test(
    arguments: [
      ["removed": ["favorites": [["title": "stored", "removedAt": at(9)]]]], ["queue": 5], ["queue": nil],
      ["total_songs_played": "many"], ["preferences": ["\0": 1]], ["theme": "dark"],
    ] as [Value])
  func `a dump without any section that can be used is not the newest`(_ nothing: Value) throws {
    var parameters = MergeParameters(asOf: now)
    parameters.mode = .replace
    parameters.sections = [.favorites]
    let arena = Arena()
    #expect(try !Export.at(5, nothing).replica(parameters, in: arena).saysSomething)
    #expect(try Export.at(5, ["queue": []]).replica(parameters, in: arena).saysSomething)
    parameters.mode = .merge
    #expect(try !Export.at(5, ["queue": []]).replica(parameters, in: arena).saysSomething)
  }

  @Test func `without a dump nothing is replaced`() throws {
    #expect(try !replaced(cloud: ["favorites": [["title": "a", "artist": nil]]]).isWritten)
  }
}

/// A run may decide some sections alone (docs/merge.md).
@Suite struct Sections {
  private let everything: Value = [
    "favorites": [["title": "new"]], "history": [["title": "new", "playedAt": at(1)]], "total_songs_played": 5,
    "queue": [["title": "new"]], "playlists": [["id": "new"]], "preferences": ["x": "new"], "recent_searches": ["new"],
    "removed": [
      "favorites": [["title": "old", "removedAt": at(9)]], "playlists": [["id": "old", "removedAt": at(9)]],
      "playlist_songs": [["playlist_id": "p", "title": "a", "removedAt": at(9)]],
    ],
  ]

  @Test(
    arguments: [
      ([.favorites], ["favorites", "removed"]), ([.history], ["history", "total_songs_played"]), ([.queue], ["queue"]),
      ([.playlists], ["playlists", "removed"]), ([.preferences], ["preferences"]),
      ([.recentSearches], ["recent_searches"]), ([.queue, .preferences], ["preferences", "queue"]),
    ] as [(SectionSet, [String])], MergeParameters.Mode.allCases)
  func `a run decides the sections that it names, and total_songs_played is history's`(
    _ sections: (SectionSet, [String]), _ mode: MergeParameters.Mode
  ) throws {
    var scene = Scene(cloud: ["plan": "free"], exports: [.at(5, everything)])
    scene.parameters.sections = sections.0
    scene.parameters.mode = mode
    let after = try scene.merged()
    #expect(after.fates.isBalanced)
    #expect(after.changed == sections.1.filter { mode == .merge || $0 != "removed" })
  }

  @Test func `removals go with the sections that they are about`() throws {
    let favorites = try merge(.at(5, everything)) { $0.sections = [.favorites] }
    #expect(favorites["removed"] == ["favorites": [["title": "old", "removedAt": at(9)]]])
    let playlists = try merge(
      cloud: ["removed": ["favorites": [["title": "kept", "removedAt": at(1)]]]], .at(5, everything)
    ) { $0.sections = [.playlists] }
    #expect(playlists["removed"]?["favorites"] == [["title": "kept", "removedAt": at(1)]])
    #expect(playlists["removed"]?["playlists"] == [["id": "old", "removedAt": at(9)]])
  }

  @Test func `what the run does not decide stays as it is stored, wrong as it may be`() throws {
    let cloud: Value = ["history": "lost", "queue": [nil], "updated_at": at(3)]
    let after = try merge(cloud: cloud, .at(5, everything)) { $0.sections = [.favorites] }
    #expect(after["history"] == "lost")
    #expect(after["queue"] == [nil])
    #expect(after.quarantinedOfCloud == [])
    #expect(after.changed == ["favorites", "removed"])
  }
}

/// A guest who became the account (docs/dumps.md).
@Suite struct Guests {
  private func made(_ local: String, for user: String) -> Value { .string(SceneMaker.made(local, for: user)) }

  @Test func `the guest's own library is a replica too`() throws {
    let after = try merge(
      cloud: ["favorites": [["title": "a", "language": "de", "addedAt": at(1)]], "updated_at": at(3)],
      guests: [
        Guest(
          user: "guest", library: ["favorites": [["title": "a", "addedAt": at(2)], ["title": "b", "addedAt": at(3)]]])
      ])
    #expect(
      after["favorites"] == [["title": "a", "language": "de", "addedAt": at(2)], ["title": "b", "addedAt": at(3)]])
  }

  @Test(arguments: [(6, "guest"), (5, "dump"), (4, "dump")] as [(Int64, Value)])
  func `its time is its updated_at, after dumps of the same time`(_ minute: Int64, _ winner: Value) throws {
    let after = try merge(
      .at(5, ["queue": [["title": "dump"]]]),
      guests: [
        Guest(
          user: "guest",
          library: [
            "queue": [["title": "guest"]], "updated_at": at(minute),
            "section_updated_at": ["as_of": at(minute), "queue": at(900)],
          ])
      ])
    #expect(after.each("queue", "title") == [winner])
  }

  @Test func `the order of guests changes nothing`() throws {
    let guests = ["a", "b"].map { name in
      Guest(user: name, library: ["queue": [["title": .string(name)]], "updated_at": at(5)])
    }
    let after = try merge(guests: guests)
    #expect(after["queue"]?.items?.count == 1)
    #expect(try merge(guests: guests.reversed()).bytes == after.bytes)
  }

  @Test func `a playlist that rule 4 made for the guest takes the account's id`() throws {
    let guest: Value = [
      "playlists": [
        ["id": made("pl_1", for: "guest"), "client_ids": ["pl_1"], "name": "Mix", "songs": [["title": "a"]]],
        ["id": "c9", "client_ids": ["pl_8"]],
      ]
    ]
    let after = try merge(
      .at(5, ["playlists": [["id": "pl_1", "songs": [["title": "b"]]]]]), guests: [Guest(user: "guest", library: guest)]
    )
    #expect(Set(after.each("playlists", "id").map { $0?.text }) == [made("pl_1", for: "ann").text, "c9"])
    let mix = try #require(after["playlists"]?.items?.first { $0["name"] == "Mix" })
    #expect(mix["id"] == made("pl_1", for: "ann"))
    #expect(mix["client_ids"] == ["pl_1"])
    #expect(mix["songs"] == [["title": "b"], ["title": "a"]])
  }

  @Test func `what the guest removed of such a playlist, and the playlist, is removed under the account's id`() throws {
    let id = made("pl_1", for: "guest")
    let guest: Value = [
      "playlists": [
        ["id": id, "client_ids": ["pl_1"], "updated_at": at(3), "songs": [["title": "a"], ["title": "b"]]]
      ],
      "removed": [
        "playlists": [["id": id, "removedAt": at(2)]],
        "playlist_songs": [["playlist_id": id, "title": "a", "removedAt": at(2)]],
      ],
    ]
    let after = try merge(guests: [Guest(user: "guest", library: guest)])
    #expect(after.each("playlists", "id") == [made("pl_1", for: "ann")])
    #expect(after["playlists"]?[0]?["songs"] == [["title": "b"]])
    #expect(
      after["removed"] == [
        "playlists": [
          ["id": "pl_1", "removedAt": at(2)], ["id": made("pl_1", for: "ann"), "removedAt": at(2)],
        ],
        "playlist_songs": [["playlist_id": made("pl_1", for: "ann"), "title": "a", "removedAt": at(2)]],
      ])
  }

  @Test func `what the guest removed is removed from the account`() throws {
    let after = try merge(
      cloud: ["favorites": [["title": "a", "addedAt": at(1)]]],
      guests: [Guest(user: "guest", library: ["removed": ["favorites": [["title": "a", "removedAt": at(2)]]]])])
    #expect(after["favorites"] == [])
  }
}

/// A library for those who can read nothing but the normal form (docs: runs).
@Suite struct NormalLibrary {
  private func normal(_ library: Value, except decided: SectionSet = []) throws -> Value {
    let arena = Arena()
    var merge = Merge(parameters: MergeParameters(asOf: now), arena: arena)
    let document = library.document(in: arena)
    return try Value(merge.normalForm(of: document, user: ByteView("ann"), except: decided))
  }

  @Test func `what lies under other names and types comes under its own`() throws {
    let library: Value = [
      "history": [["video_id": "a", "played_at": .double(Double(millis(3))), "mood": "x"], 5, ["artist": "nobody"]],
      "total_songs_played": "7", "recent_searches": [" a ", "", 4],
      "playlists": [
        [
          "songs": [["youtube_video_id": "s", "added_at": at(1)], nil], "id": "p", "createdAt": long(millis(1)),
          "cover_urls": [nil, "u"], "isPublic": true, "name": "", "newer": [1], "song_count": 2,
        ], ["name": "no id"],
      ],
      "queue": "lost", "updated_at": at(9),
    ]
    let after = try normal(library)
    #expect(after["history"] == [["videoId": "a", "playedAt": at(3), "mood": "x"]])
    #expect(after["total_songs_played"] == 7)
    #expect(after["recent_searches"] == ["a"])
    #expect(
      after["playlists"] == [
        [
          "songs": [["videoId": "s", "addedAt": at(1)]], "id": "p", "created_at": at(1), "cover_urls": ["u"],
          "is_public": true, "newer": [1], "song_count": 1,
        ]
      ])
    #expect(after["queue"] == nil)
    #expect(try normal(after.with(["updated_at": at(9)]))["history"] == after["history"])
  }

  @Test func `a library in normal form is given as it is: no order, limit or removal is applied`() throws {
    let library: Value = [
      "favorites": [["title": "b", "addedAt": at(2)], ["title": "a", "addedAt": at(1)], ["title": "a"]],
      "playlists": [["id": "p", "songs": [], "cover_urls": [], "song_count": 0], ["id": "p"]],
      "removed": ["favorites": [["title": "a", "removedAt": at(3)]]], "updated_at": at(9), "newer": nil,
    ]
    #expect(try normal(library) == library)
  }

  @Test func `a section that was decided is not looked at`() throws {
    let library: Value = ["history": [["video_id": "a"]], "queue": [["video_id": "a"]]]
    let after = try normal(library, except: [.history])
    #expect(after["history"] == library["history"])
    #expect(after["queue"] == [["videoId": "a"]])
  }
}
