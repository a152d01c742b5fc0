import BSON
import Library
import Randomness

/// Makes libraries from words so few that ties, duplicates and collisions are everywhere.
struct SceneMaker {
  private(set) var chance: SeededRandom
  /// Whether fields may be missing, of a wrong type, or written in another form.
  private var isMessy = true
  /// Whether playlists obey the conditions under which a run may be split in two.
  private var isSplittable = false
  /// Whether a local id may stand in the `client_ids` of any playlists.
  private var isHomeless = false
  /// The ids of the cloud's playlists with the `client_ids` of each.
  private var known: [(id: String, clients: Value?)] = []
  /// Local ids that no playlist of the cloud has yet.
  private var freeIDs: [String] = []

  init(seed: UInt64) { chance = SeededRandom(seed: seed) }

  /// What a law speaks of.
  enum Kind {
    /// Anything that docs/merge.md allows.
    case any
    /// A run that may be split: no playlist is renamed or removed, and dumps know the cloud's ids alone.
    case splittable
    /// Anything, and local ids of playlists that have no one home.
    case homeless
  }

  mutating func scene(_ kind: Kind) -> Scene {
    (isSplittable, isHomeless) = (kind == .splittable, kind == .homeless)
    var scene = Scene()
    isMessy = chance.percent(70)
    known = []
    if chance.percent(75) { scene.cloud = cloud() }
    known = (scene.cloud?["playlists"]?.items ?? []).compactMap { playlist in
      playlist["id"]?.text.map { ($0, playlist["client_ids"]) }
    }
    for _ in 0..<chance.number(1..<5) { scene.exports.append(export()) }
    scene.parameters.historyLimit = chance.pick([500, 500, 3, 2, 1])
    guard !isSplittable else { return scene }
    if chance.percent(10) {
      scene.parameters.sections = SectionSet(Section.allCases.filter { _ in chance.percent(60) })
    }
    if chance.percent(10) { scene.guests = [Guest(user: "guest", library: guestLibrary())] }
    return scene
  }

  /// A permutation of a list.
  mutating func shuffled<T>(_ list: [T]) -> [T] { list.shuffled(using: &chance) }

  /// A list cut in two.
  mutating func halves<T>(_ list: [T]) -> ([T], [T]) {
    let isFirst = list.map { _ in chance.percent(50) }
    let pairs = Array(zip(list, isFirst))
    return (pairs.filter(\.1).map(\.0), pairs.filter { !$0.1 }.map(\.0))
  }

  // MARK: Replicas

  private mutating func export() -> Export {
    var export = Export(library: library(isCloud: false), time: nil, text: nil)
    if chance.percent(90) { export.time = millis(Int64(chance.pick([0, 1, 2, 2, 3, 3, 4, 999, 1000, 5000]))) }
    return export
  }

  private mutating func cloud() -> Value {
    var library = library(isCloud: true)
    library["user_id"] = "ann"
    if chance.percent(30) { library["plan"] = chance.pick(["free", nil, ["until": at(9)]]) }
    let minute = Int64(chance.number(1..<4))
    if chance.percent(85) { library["updated_at"] = at(minute) }
    if chance.percent(60) {
      // Sometimes somebody else has written since.
      var times: Value = ["as_of": at(chance.percent(70) ? minute : 0)]
      for section in ["queue", "preferences", "recent_searches"] where chance.percent(70) {
        times[section] = at(Int64(chance.number(0..<5)))
      }
      if chance.percent(20) { times["affinity"] = at(1) }
      library["section_updated_at"] = times
    }
    if isMessy, chance.percent(3) { library[chance.pick(["removed", "updated_at", "section_updated_at"])] = "odd" }
    return library
  }

  /// A guest's playlists have no `client_ids` but those of rule 4.
  private mutating func guestLibrary() -> Value {
    var library = cloud()
    if let playlists = library["playlists"]?.items {
      library["playlists"] = .array(
        playlists.map { playlist in
          guard playlist.fields != nil else { return playlist }
          var playlist = playlist
          playlist["client_ids"] = nil
          if chance.percent(50) {
            let local = chance.pick(["pl_1", "pl_2"])
            playlist["id"] = .string(Self.made(local, for: "guest"))
            playlist["client_ids"] = [.string(local)]
          }
          return playlist
        })
    }
    return library
  }

  private mutating func library(isCloud: Bool) -> Value {
    var library: Value = [:]
    if chance.percent(60) { library["favorites"] = list(6) { $0.song() } }
    if chance.percent(60) { library["history"] = list(6) { $0.play() } }
    if chance.percent(25) { library["total_songs_played"] = messy(long(Int64(chance.number(0..<9))), "7", 3.5, -1) }
    if chance.percent(50) { library["queue"] = list(4) { $0.queueItem() } }
    if chance.percent(65) { library["playlists"] = playlists(isCloud: isCloud) }
    if chance.percent(50) { library["preferences"] = preferences() }
    if chance.percent(50) { library["recent_searches"] = searches() }
    if chance.percent(45) { library["removed"] = removed() }
    if isMessy, chance.percent(4) {
      let section = chance.pick(["favorites", "history", "queue", "playlists", "preferences", "recent_searches"])
      library[section] = chance.pick([nil, "text", 5, ["a": 1], []])
    }
    return library
  }

  private mutating func list(_ most: Int, _ make: (inout SceneMaker) -> Value) -> Value {
    var items: [Value] = []
    for _ in 0..<chance.number(0..<most) {
      if let earlier = items.last, chance.percent(10) { items.append(earlier) } else { items.append(make(&self)) }
    }
    if isMessy, chance.percent(5) { items.append(chance.pick([nil, 5, "text", [], [:]])) }
    return .array(shuffled(items))
  }

  /// A value, or now and then one of its odd companions.
  private mutating func messy(_ value: Value, _ odd: Value...) -> Value {
    isMessy && chance.percent(12) ? chance.pick(odd) : value
  }

  // MARK: Entries

  private mutating func song() -> Value {
    var song: Value = [:]
    if chance.percent(50) {
      let name = isMessy ? chance.pick(["videoId", "videoId", "videoId", "youtube_video_id", "video_id"]) : "videoId"
      song[name] = messy(.string(chance.pick(["v1", "v2"])), nil, "", 5)
    }
    if chance.percent(85) {
      song["title"] = messy(.string(chance.pick(["a", "A", "b", "Σ", "σ"])), nil, "", 5, "İ", "i\u{307}")
    }
    if chance.percent(50) {
      song[isMessy && chance.percent(20) ? "artist_name" : "artist"] = messy(
        .string(chance.pick(["x", "X", "y"])), nil, "", true)
    }
    if chance.percent(30) { song["language"] = messy(.string(chance.pick(["de", "en"])), nil, "", 5) }
    if chance.percent(20) { song["genres"] = messy(["pop"], ["rock", "", nil, 5], "jazz", [], nil, 5) }
    if chance.percent(20) {
      song[chance.pick(["artwork", "artwork", "image_url", "artwork_url"])] = messy(
        .string(chance.pick(["p", "q", "r"])), nil, "")
    }
    if chance.percent(15) { song["duration"] = messy(180, 181.5, long(180), -1, "180", 180.0) }
    if chance.percent(15) { song["x"] = chance.pick([1, 2, long(1), 1.0, "1", nil, ["y": 1], ["z": [nil, [:]]]]) }
    addTime("addedAt", "added_at", to: &song, likelihood: 80)
    return .document(shuffled(song.fields ?? []))
  }

  private mutating func play() -> Value {
    var play = song()
    play["addedAt"] = nil
    addTime("playedAt", "played_at", to: &play, likelihood: isMessy ? 92 : 100)
    if chance.percent(60) {
      play["completionRate"] = messy(.double(chance.pick([0, 0.5, 1])), 2, -3, 1, nil, "1", -0.0, .double(.nan))
    }
    if chance.percent(20) { play["source"] = messy(.string(chance.pick(["search", "queue"])), nil, 5) }
    return play
  }

  private mutating func queueItem() -> Value {
    var item = song()
    if chance.percent(50) { item["position"] = messy(.int32(Int32(chance.number(0..<4))), long(9), nil, "0", 0.0) }
    return item
  }

  private mutating func addTime(_ name: String, _ alias: String, to entry: inout Value, likelihood: Int) {
    guard chance.percent(likelihood) else { return }
    entry[isMessy && chance.percent(8) ? alias : name] = time()
  }

  private mutating func time() -> Value {
    let minute = Int64(chance.number(1..<5))
    guard isMessy, chance.percent(35) else { return at(minute) }
    return chance.pick([
      long(millis(minute)), .double(Double(millis(minute)) + 0.5), .int32(Int32(millis(minute) / 1000)),
      .string("2025-01-01T00:0\(minute):00.000Z"), .string("2025-01-01T01:0\(minute):00+0100"),
      ["$date": long(millis(minute))], ["$date": .string("2025-01-01T00:0\(minute):00Z")],
      nil, "yesterday", -5, 0, true, at(2440), at(2441), at(90_000),
    ])
  }

  // MARK: Playlists

  private static let made = ["pl_1", "pl_2", "pl_3"].map { made($0, for: "ann") }

  /// The id that rule 4 gives.
  static func made(_ local: String, for user: String) -> String {
    Array(user.utf8).withView { user in
      Array(local.utf8).withView { String(decoding: PlaylistID.server(user: user, local: $0), as: UTF8.self) }
    }
  }

  /// The name that a playlist keeps where none may be renamed.
  static func steadyName(_ id: String) -> Value { ["pl_2", "c3", made[1]].contains(id) ? "Two" : "One" }

  private mutating func playlists(isCloud: Bool) -> Value {
    guard isSplittable || isCloud else { return list(5) { $0.playlist(isCloud: isCloud) } }
    var taken = isCloud ? shuffled(["c1", "c2", "c3", "pl_1"] + Self.made).filter { _ in chance.percent(40) } : []
    freeIDs = ["pl_1", "pl_2", "pl_3"].filter { local in
      !taken.contains(local) && !taken.contains(Self.made(local, for: "ann"))
    }
    // The cloud has every id that dumps speak of; dumps speak of these and of local ones.
    if !isCloud {
      taken = shuffled(["pl_1", "pl_2", "pl_3", "pl_4"] + known.map(\.id)).filter { _ in chance.percent(50) }
    }
    if isCloud, isSplittable || taken.contains(Self.made[0]) { taken.removeAll { $0 == "pl_1" } }
    return .array(taken.map { playlist(isCloud: isCloud, id: $0) })
  }

  private mutating func playlist(isCloud: Bool, id given: String? = nil) -> Value {
    let local = ["pl_1", "pl_2", "pl_3"]
    let id = given ?? chance.pick(local + local + ["c1", "c2"] + Self.made)
    var playlist: Value = given == nil ? ["id": messy(.string(id), nil, "", 5)] : ["id": .string(id)]
    if isSplittable {
      playlist["name"] = Self.steadyName(id)
    } else if chance.percent(85) {
      playlist["name"] = messy(.string(chance.pick(["One", "One", " One\u{A0}", "Two"])), nil, "", " ", 5)
    }
    if chance.percent(20) { playlist["description"] = chance.pick(["d", nil, "", 5]) }
    if chance.percent(80) { playlist["songs"] = list(5) { $0.song() } }
    if isMessy, chance.percent(3) { playlist["songs"] = chance.pick([nil, "text"]) }
    if chance.percent(20) { playlist["song_count"] = chance.pick([0, 7, "many"]) }
    if chance.percent(25) { playlist["cover_urls"] = chance.pick([["u"], [], [nil], [nil, "w", 5], nil, "u"]) }
    if chance.percent(30) {
      playlist[chance.pick(["is_public", "isPublic"])] = messy(.bool(chance.percent(50)), nil, "true", 1)
    }
    if chance.percent(70) { playlist[isMessy && chance.percent(20) ? "createdAt" : "created_at"] = time() }
    if chance.percent(80) { playlist[isMessy && chance.percent(20) ? "updatedAt" : "updated_at"] = time() }
    if isHomeless {
      let clients = shuffled(local + ["pl_4"]).prefix(chance.number(0..<3))
      if chance.percent(60) { playlist["client_ids"] = .array(clients.map { .string($0) }) }
    } else if !isCloud {
      // A dump says of `client_ids` what the cloud says: rule 2 looks at no others, so others settle in a second run.
      playlist["client_ids"] = known.first { $0.id == id }?.clients
    } else if chance.percent(70) {
      // A local id belongs to one playlist of the cloud, and to the one that rule 4 made of it before any other.
      // Otherwise a second run may take another for it, once a removal has emptied the place.
      let free = isSplittable ? freeIDs.filter { Self.steadyName($0) == Self.steadyName(id) } : freeIDs
      let clients = shuffled(free).prefix(chance.number(0..<3))
      freeIDs.removeAll { clients.contains($0) }
      playlist["client_ids"] = .array(clients.map { .string($0) })
    }
    if isCloud, !isHomeless || chance.percent(50), let place = Self.made.firstIndex(of: id) {
      let others = playlist["client_ids"]?.items ?? []
      playlist["client_ids"] = .array([.string(local[place])] + others)
    }
    if chance.percent(10) { playlist["artwork_url"] = chance.pick(["p", nil]) }
    return playlist
  }

  // MARK: The rest

  private mutating func preferences() -> Value {
    var preferences: Value = [:]
    if chance.percent(60) { preferences["shuffle"] = messy(.bool(chance.percent(50)), nil, "true", 1) }
    if chance.percent(60) {
      preferences["repeat"] = messy(.string(chance.pick(["off", "all", "one"])), "some", nil, 5)
    }
    if chance.percent(60) { preferences["volume"] = messy(.double(chance.pick([0, 0.5, 1])), 1, 7, -1, "1", nil) }
    if chance.percent(30) { preferences["theme"] = chance.pick(["dark", "light", nil, 5]) }
    return preferences
  }

  private mutating func searches() -> Value {
    let many = chance.percent(20)
    return .array(
      (0..<chance.number(0..<(many ? 40 : 5))).map { _ in
        many
          ? .string("s\(chance.number(0..<30))")
          : messy(.string(chance.pick(["a", "A ", " b", "Σ", "ς", "\u{2003}b"])), nil, "", " ", 5, "İ")
      })
  }

  private mutating func removed() -> Value {
    var removed: Value = [:]
    if chance.percent(60) { removed["favorites"] = list(4) { $0.removedSong() } }
    if !isSplittable, chance.percent(60) {
      removed["playlists"] = list(4) { maker in
        var stone: Value = ["removedAt": maker.removalTime()]
        if maker.chance.percent(95) { stone["id"] = .string(maker.playlistID()) }
        if maker.chance.percent(20) { stone["by"] = .string(maker.chance.pick(["web", "app"])) }
        return stone
      }
    }
    if !isSplittable, chance.percent(60) {
      removed["playlist_songs"] = list(4) { maker in
        var stone = maker.removedSong()
        if maker.chance.percent(95) { stone["playlist_id"] = .string(maker.playlistID()) }
        return stone
      }
    }
    if chance.percent(5) { removed["albums"] = [["id": "b1"]] }
    return removed
  }

  private mutating func playlistID() -> String {
    chance.pick(["pl_1", "pl_2", "pl_3", "c1", "c2"] + Self.made)
  }

  private mutating func removedSong() -> Value {
    var stone = song()
    for field in ["addedAt", "added_at", "genres", "x"] { stone[field] = nil }
    stone["removedAt"] = removalTime()
    return stone
  }

  /// Also long ago: such a removal counts no more.
  private mutating func removalTime() -> Value {
    isMessy && chance.percent(20) ? chance.pick([at(-300_000), time(), nil]) : at(Int64(chance.number(1..<5)))
  }
}
