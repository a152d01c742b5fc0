import Randomness

/// Invented listeners and the dumps of their devices. The same seed gives the same dumps.
struct Listeners {
  var count = 24
  var devices = 2
  /// Plays of one dump.
  var plays = 12
  var seed: UInt64 = 1

  /// The dumps of all devices, each in one of the three shapes, with ties and repetitions among them.
  var dumps: [Dump] {
    var random = SeededRandom(seed: seed)
    var dumps: [Dump] = []
    for user in 0..<count {
      for device in 0..<devices {
        let name = Self.name(user)
        dumps.append(
          Dump("\(name)/device-\(device).json", dump(name, shape: user + device, &random)))
      }
    }
    return dumps
  }

  static func name(_ user: Int) -> String { "listener-" + String(1000 + user) }

  private func dump(_ user: String, shape: Int, _ random: inout SeededRandom) -> String {
    let now = 1_760_000_000_000 + Int64(random.below(4)) * 86_400_000
    func songs(_ count: Int, _ extra: (inout SeededRandom) -> String) -> String {
      array(
        (0..<count).map { _ in
          let song = random.below(40)
          let title = #""title":"Song \#(song)","artist":"Artist \#(song % 7)""#
          return #"{"videoId":"v\#(song)",\#(title)\#(extra(&random))}"#
        })
    }
    let favorites = songs(plays / 3) { ",\"addedAt\":\(now - Int64($0.below(9)) * 1000),\"mood\($0.below(2))\":1" }
    let history = songs(plays) {
      ",\"playedAt\":\(now - Int64($0.below(1000)) * 60_000),\"completionRate\":0.\($0.below(9)),\"genres\":[\"g\"]"
    }
    let queue = songs(3) { _ in "" }
    let list = object([
      "id": quoted("pl_\(random.below(5))"), "name": quoted("Mix"), "created_at": "\(now - 9000)",
      "updated_at": "\(now - Int64(random.below(5)))", "songs": songs(4) { _ in "" },
    ])
    let searches = array((0..<4).map { _ in quoted("search \(random.below(9))") })
    let taken = "\(now)"
    switch shape % 3 {
    case 0:
      return object([
        "user_id": quoted(user), "exported_at": taken, "tldr-favorites": quoted(favorites),
        "tldr-history": quoted(history), "tldr-queue": quoted(queue), "tldr-playlists": quoted(array([list])),
        "tldr-recent-searches": quoted(searches), "tldr-shuffle": quoted("true"), "tldr-repeat": quoted("all"),
        "tldr-total-songs-played": quoted("\(random.below(100))"),
      ])
    case 1:
      return object([
        "user_id": quoted(user), "exported_at": taken,
        "data": object([
          "local_favorites": favorites, "local_history": history, "local_queue": queue,
          "local_playlists": array([list]), "local_recent_searches": searches,
          "local_preferences": object(["volume": "0.5", "repeat": quoted("off")]),
        ]),
      ])
    default:
      return object([
        "user_id": quoted(user), "exported_at": object(["$date": object(["$numberLong": quoted(taken)])]),
        "favorites": favorites, "history": history, "queue": queue, "playlists": array([list]),
        "recent_searches": searches, "total_songs_played": "\(random.below(100))",
      ])
    }
  }
}
