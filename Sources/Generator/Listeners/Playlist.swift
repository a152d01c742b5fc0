/// A playlist of a listener, with the ids that different places know it by.
struct Playlist {
  let kind: Kind
  /// `pl_<ms in base 36><random>`, or `pl_<ms>_<random>` where it was generated.
  let localID: String
  /// 24 hexadecimal digits, the same on all devices.
  let syncedID: String
  /// What the API, or an earlier run of the merge, made of the local id.
  let cloudID: String
  /// Whether the cloud remembers the local id.
  let remembersLocalID: Bool
  let name: StaticString
  /// Whether the name was cut in the middle of an emoji, and ends with half of a surrogate pair.
  let isCutName: Bool
  let description: StaticString
  let isPublic: Bool
  let browser: Int
  let createdAt: Int64
  let thousandths: Int64
  /// In the order in which they were added.
  let songs: [Item]

  struct Item {
    let mention: Mention
    let addedAt: Int64
  }

  enum Kind {
    /// `created_at`, `updated_at`, `is_public`.
    case local
    /// `createdAt`, `updatedAt`, `isPublic` beside some of the newer names.
    case older
    /// Made from a prompt: the older names, songs without times.
    case generated
    /// Shared between devices: `owner_id`, `artwork_url`.
    case synced
  }

  /// A playlist made on this browser at that time, filled with songs of the plays that followed.
  init(madeAt: Int64, on browser: Int, from plays: ArraySlice<Play>, _ random: inout Random) {
    let part = random.unit()
    kind = part < 0.5 ? .local : part < 0.58 ? .older : part < 0.72 ? .generated : .synced
    self.browser = browser
    createdAt = madeAt
    thousandths = kind == .synced && random.chance(0.25) ? Int64(random.within(1...999)) : 0
    localID =
      kind == .generated
      ? "pl_\(madeAt)_\(random.alphanumeric(9))" : "pl_\(String(madeAt, radix: 36))\(random.alphanumeric(9))"
    syncedID = random.hexadecimal(24)
    remembersLocalID = random.chance(0.3)
    cloudID = "playlist_" + random.alphanumeric(remembersLocalID ? 12 : 9)
    name = random.pick(kind == .generated ? generatedNames : playlistNames)
    isCutName = random.chance(0.02)
    description = kind == .generated ? "AI mix" : random.chance(0.4) ? "made by me" : ""
    isPublic = random.chance(0.1)
    var songs: [Item] = []
    for play in plays where random.chance(0.7) {
      let addedAt = max(madeAt, play.playedAt) + Int64(random.within(900...90_000))
      songs.append(Item(mention: play.mention, addedAt: addedAt))
    }
    self.songs = songs.sorted { $0.addedAt < $1.addedAt }
  }

  /// What was in it at that time.
  func songs(until time: Int64) -> ArraySlice<Item> { songs.prefix { $0.addedAt <= time } }
}

private let playlistNames: [StaticString] = [
  "Road trip 🚗", "Gym", "Focus", "Late night", "Sleep", "Untitled", "mom ❤️", "90s", "Party!!", "बारिश", "காலை", "ليل",
  "비 오는 날", "ਸਵੇਰ", "Düğün", "Otoño", "lo-fi \"beats\"", "Sunday / slow", "  spaces  ", "ΟΔΟΣ",
]

private let generatedNames: [StaticString] = [
  "Focus AI", "Late night AI", "My Mix AI", "बारिश AI", "Road trip 🚗 AI", "Old favourites AI",
]
