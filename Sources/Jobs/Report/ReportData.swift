public import Library

/// What a run's report shows beyond its manifest: `report.json` in the run's folder, from which `report.html` can be
/// made again.
///
/// Every part may be missing: a run notes what it computed. Users are named nowhere but in ``users``.
public struct ReportData: Codable, Sendable, Equatable {
  /// Counted up when a reader of older data would misread newer.
  public var reportVersion = 1
  /// How many users the report may name: `--report-users`.
  public var namedUsers = 0
  public var throughput: Throughput?
  public var plays: Plays?
  /// What learning did, in its own words: `user statistics written`, `1,234`.
  public var learned: [Fact] = []
  /// What the population likes, dimension by dimension.
  public var population: [Shares] = []
  /// Affinities of users who may be named, at most ``namedUsers``.
  public var users: [User] = []
  /// What other steps have to show, such as an evaluation.
  public var tables: [Table] = []

  enum CodingKeys: String, CodingKey {
    case throughput, plays, learned, population, users, tables
    case reportVersion = "report_version"
    case namedUsers = "named_users"
  }

  public init() {}

  /// What is not there has its default, so that an earlier version's data can be read.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    reportVersion = try values.decodeIfPresent(Int.self, forKey: .reportVersion) ?? 1
    namedUsers = try values.decodeIfPresent(Int.self, forKey: .namedUsers) ?? 0
    throughput = try values.decodeIfPresent(Throughput.self, forKey: .throughput)
    plays = try values.decodeIfPresent(Plays.self, forKey: .plays)
    learned = try values.decodeIfPresent([Fact].self, forKey: .learned) ?? []
    population = try values.decodeIfPresent([Shares].self, forKey: .population) ?? []
    users = try values.decodeIfPresent([User].self, forKey: .users) ?? []
    tables = try values.decodeIfPresent([Table].self, forKey: .tables) ?? []
  }

  // MARK: Parts

  /// How fast a run went, as samples in order of time.
  public struct Throughput: Codable, Sendable, Equatable {
    /// Since the run began to read.
    public var seconds: [Double]
    /// Users that were done by then.
    public var users: [Int]

    public init(seconds: [Double], users: [Int]) { (self.seconds, self.users) = (seconds, users) }
  }

  /// Plays of the users that the run saw.
  public struct Plays: Codable, Sendable, Equatable {
    public struct Song: Codable, Sendable, Equatable {
      public var title: String
      public var artist: String
      public var plays: Int
      public var listeners: Int
    }

    /// Days since 1970 of the first of ``byDay``.
    public var firstDay: Int
    public var byDay: [Int]
    /// Weekday · 24 + hour, Monday first, UTC.
    public var byWeekdayHour: [Int]
    public var listeners: Int
    public var topSongs: [Song]

    enum CodingKeys: String, CodingKey {
      case listeners
      case firstDay = "first_day"
      case byDay = "by_day"
      case byWeekdayHour = "by_weekday_hour"
      case topSongs = "top_songs"
    }

    /// A song must have this many listeners to be named: a title that is one person's alone betrays them.
    public static let leastListeners = 3

    public init(_ tally: PlayTally, songs: Int = 25) {
      firstDay = Int(tally.firstDay)
      byDay = tally.byDay
      byWeekdayHour = tally.byWeekdayHour
      listeners = tally.listeners
      topSongs = tally.topSongs(songs, listenedToBy: Self.leastListeners).map {
        Song(title: $0.title, artist: $0.artist, plays: $0.plays, listeners: $0.listeners)
      }
    }
  }

  /// A name and a figure, ready to be read.
  public struct Fact: Codable, Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// How the values of one dimension share the whole.
  public struct Shares: Codable, Sendable, Equatable {
    public struct Value: Codable, Sendable, Equatable {
      public var name: String
      /// 0…1
      public var share: Double
      /// The share at the full run before; nil when there was none, and in a run that did not count everything.
      public var before: Double?

      public init(_ name: String, _ share: Double, before: Double? = nil) {
        (self.name, self.share, self.before) = (name, share, before)
      }

      /// By how much the share has moved, 0…1, in whole tenths of a percentage point as they are shown.
      fileprivate var movement: Double { before.map { (abs(share - $0) * 1000).rounded() / 1000 } ?? 0 }

      /// Greatest first; of several that are as great, by the bytes of their names.
      static func precedes(_ a: Value, _ b: Value) -> Bool {
        a.share != b.share ? a.share > b.share : a.name.utf8.lexicographicallyPrecedes(b.name.utf8)
      }
    }

    /// `language`, `genre`, `mood`
    public var dimension: String
    /// In any order: the report sorts them.
    public var values: [Value]
    /// Users with evidence; nil when it is not known.
    public var users: Int?

    public init(dimension: String, values: [Value], users: Int? = nil) {
      (self.dimension, self.values, self.users) = (dimension, values, users)
    }

    /// Of those that a report names, so many are there for having moved, and not for being great.
    private static let mostMoved = 3

    /// The greatest, and of the others those that have moved most since the full run before; greatest first.
    ///
    /// - Parameter count: how many there may be, at least ``mostMoved``; by default as many as a report keeps, which are
    ///   more than it shows, and no more than fit into it however many there are.
    static func foremost(_ count: Int = 50, of values: [Value]) -> [Value] {
      let sorted = values.sorted(by: Value.precedes)
      let great = sorted.prefix(count - mostMoved)
      let others = sorted.dropFirst(great.count).sorted {
        $0.movement != $1.movement ? $0.movement > $1.movement : Value.precedes($0, $1)
      }
      return (great + others.prefix(mostMoved)).sorted(by: Value.precedes)
    }
  }

  /// A user by name.
  public struct User: Codable, Sendable, Equatable {
    public var id: String
    public var affinities: [Shares]
    /// 0…1 by dimension.
    public var confidence: [String: Double]

    public init(id: String, affinities: [Shares], confidence: [String: Double] = [:]) {
      (self.id, self.affinities, self.confidence) = (id, affinities, confidence)
    }
  }

  /// A table as another step wants it shown.
  public struct Table: Codable, Sendable, Equatable {
    /// Of the section in which it stands; tables of one heading stand together.
    public var heading: String
    public var introduction: String?
    public var caption: String
    public var columns: [String]
    /// Columns from this one on are numbers.
    public var firstNumber: Int
    public var rows: [[String]]

    enum CodingKeys: String, CodingKey {
      case heading, introduction, caption, columns, rows
      case firstNumber = "first_number"
    }

    public init(
      heading: String, introduction: String? = nil, caption: String, columns: [String], firstNumber: Int = 1,
      rows: [[String]]
    ) {
      (self.heading, self.introduction, self.caption) = (heading, introduction, caption)
      (self.columns, self.firstNumber, self.rows) = (columns, firstNumber, rows)
    }
  }

  // MARK: Changes

  /// Without a user who wants to be forgotten.
  ///
  /// Everything else in a report is a figure about many.
  public mutating func forget(_ user: String) {
    users.removeAll { $0.id.utf8.elementsEqual(user.utf8) }
  }

  /// The texts that come from libraries: titles, artists, genres and the like.
  var texts: [String] {
    let songs = plays?.topSongs.flatMap { [$0.title, $0.artist] } ?? []
    let shares = population + users.flatMap(\.affinities)
    return songs + shares.flatMap { $0.values.map(\.name) }
  }
}
