/// What to invent, and how much of it. The same options give the same bytes on every machine.
///
/// ```swift
/// var options = GeneratorOptions(users: 40, seed: 7, out: "data/demo")
/// options.damaged = 0.05
/// let summary = try generate(options)
/// ```
public struct GeneratorOptions: Sendable {
  /// Listeners, accounts and guests together.
  public var users: Int
  public var seed: UInt64
  /// A new or empty folder; `exports/` and `cloud/` are made in it.
  public var out: String
  /// The share of dumps that are damaged, 0…1; above 0 a torn archive is added too.
  public var damaged = 0.0
  /// The moment after which nothing happens, in ms since 1970; never the clock of the machine.
  public var asOf: Int64 = 1_767_225_600_000  // 2026-01-01T00:00:00Z
  /// Songs in the invented catalogue.
  public var songs = 5000

  /// Plays in a listener's cloud document.
  public var playsPerUser: ClosedRange<Int> = 0...500
  /// Whether small histories are more frequent than great ones.
  public var skewsPlays = true
  public var favoritesPerUser: ClosedRange<Int> = 0...40
  public var playlistsPerUser: ClosedRange<Int> = 0...5
  public var browsersPerUser: ClosedRange<Int> = 1...4
  /// How many days before the end a listener may have played their last song.
  public var longestQuiet = 40

  /// The share of listeners without an account.
  public var guests = 0.12
  /// The share of listeners whom the cloud does not know yet.
  public var newcomers = 0.1
  /// The share of listeners of whom there is no dump.
  public var absent = 0.04
  /// The share of browsers that were exported twice.
  public var repeatedExports = 0.25
  /// How the dumps are packed.
  public var packing = Packing.everyKind

  /// How the dumps are packed.
  public enum Packing: Sendable, Equatable {
    /// Every shape of a dump, in archives, folders and line files of every kind.
    case everyKind
    /// The browsers' own shape alone, all dumps in each of these archives (`dumps.tar.zst`, …) in `exports/`.
    case browserArchives([String])
  }

  public init(users: Int, seed: UInt64, out: String) {
    self.users = users
    self.seed = seed
    self.out = out
  }

  /// The figures of the benchmark: per user one dump of about 23 KB of JSON, a cloud document of about 99 KB of BSON
  /// with 100 to 500 plays, and all dumps in one archive.
  public static func benchmark(
    users: Int, seed: UInt64, out: String, archives: [String] = ["dumps.tar.zst"]
  ) -> GeneratorOptions {
    var options = GeneratorOptions(users: users, seed: seed, out: out)
    options.playsPerUser = 100...500
    options.skewsPlays = false
    options.favoritesPerUser = 2...11
    options.playlistsPerUser = 1...3
    options.browsersPerUser = 1...1
    options.guests = 0
    options.newcomers = 0
    options.absent = 0
    options.repeatedExports = 0
    options.packing = .browserArchives(archives)
    return options
  }

  /// Listeners to judge predictions by: all of them go on listening to the end, long enough for their tastes to have
  /// drifted, and few of them seldom enough to be told by little.
  public static func listening(users: Int, seed: UInt64, out: String) -> GeneratorOptions {
    var options = GeneratorOptions(users: users, seed: seed, out: out)
    options.playsPerUser = 20...500
    options.skewsPlays = false
    options.favoritesPerUser = 0...20
    options.playlistsPerUser = 0...1
    options.browsersPerUser = 1...2
    options.longestQuiet = 4
    options.guests = 0
    options.newcomers = 0
    options.absent = 0
    options.repeatedExports = 0
    options.packing = .browserArchives(["dumps.tar.zst"])
    return options
  }

  /// Refuses what cannot be generated, before anything is written.
  func validate() throws(GeneratorError) {
    func require(_ holds: Bool, _ name: String, _ value: some CustomStringConvertible, _ allowed: String)
      throws(GeneratorError)
    {
      if !holds { throw .invalidOption(name: name, value: value.description, allowed: allowed) }
    }
    try require((0...100_000_000).contains(users), "users", users, "0 to 100 000 000")
    try require((100...1_000_000).contains(songs), "songs", songs, "100 to 1 000 000")
    // Two years of listening come before it, and every time must be positive.
    try require((100_000_000_000...253_402_300_799_999).contains(asOf), "as-of", asOf, "between 1973 and 9999")
    try require((0...500).contains(playsPerUser), "plays per user", playsPerUser, "in 0...500")
    try require((0...500).contains(favoritesPerUser), "favourites per user", favoritesPerUser, "in 0...500")
    try require((0...50).contains(playlistsPerUser), "playlists per user", playlistsPerUser, "in 0...50")
    try require((0...365).contains(longestQuiet), "longest quiet", longestQuiet, "0 to 365 days")
    try require((1...16).contains(browsersPerUser), "browsers per user", browsersPerUser, "in 1...16")
    for (name, share) in [
      ("damaged", damaged), ("guests", guests), ("newcomers", newcomers), ("absent", absent),
      ("repeated exports", repeatedExports),
    ] {
      try require((0...1).contains(share), name, share, "a share in 0...1")
    }
    if case .browserArchives(let names) = packing {
      try require(!names.isEmpty && !names.contains(""), "archives", "empty", "at least one file name")
      for name in names {
        let isPath = name.contains("/") || name == "." || name == ".."
        try require(!isPath, "archives", name, "a name in exports, not a path")
        try checkDestination(name)
      }
      try require(Set(names).count == names.count, "archives", names.joined(separator: " "), "different names")
    }
  }
}

extension ClosedRange<Int> {
  fileprivate func contains(_ other: ClosedRange<Int>) -> Bool {
    contains(other.lowerBound) && contains(other.upperBound)
  }
}
