internal import BSON
internal import Library

/// One person's stored statistics, as values that a page or a table shows.
public struct PersonStatistics: Sendable {
  public enum Range: String, CaseIterable, Sendable {
    case week, month, year, all

    /// The name in `user_stats`.
    var field: String { self == .all ? "all_time" : rawValue }
  }

  /// A line of a list.
  public struct Item: Sendable {
    /// The title of a song, or the name.
    public var name: String
    public var artist: String?
    public var plays: Int
    public var liked: Int
    public var lastPlayed: Int64?
  }

  /// Figures of a range; absent ones are nil.
  public struct Figures: Sendable {
    public var counts: [String: Int] = [:]
    public var numbers: [String: Double] = [:]
    public var lists: [String: [Item]] = [:]
    public var byHour: [Int] = []
    public var byWeekday: [Int] = []
    /// Weekday · 24 + hour, Monday first.
    public var byWeekdayHour: [Int] = []

    public init() {}
  }

  public var user = ""
  public var timezone = ""
  /// Milliseconds since 1970.
  public var times: [String: Int64] = [:]
  public var counts: [String: Int] = [:]
  public var coverage: Double?
  public var ranges: [Range: Figures] = [:]
  public var days: [(day: String, plays: Int, liked: Int)] = []
  public var months: [(month: String, plays: Int, liked: Int)] = []
  public var forgotten: [Item] = []
  /// The whole document as JSON.
  public var json = ""

  init(_ document: BSONDocument) throws(BSONFault) {
    var elements = document.elements
    while let element = try elements.next() {
      let name = element.key.string
      if let time = element.value.date { times[name] = time }
      if let count = element.value.integer { counts[name] = Int(count) }
      switch name {
      case "user_id": user = element.value.string?.string ?? ""
      case "timezone": timezone = element.value.string?.string ?? ""
      case "coverage": coverage = element.value.double
      case "plays_by_day": days = try Self.calendar(element.value, "day").map { (day: $0.0, plays: $0.1, liked: $0.2) }
      case "plays_by_month":
        months = try Self.calendar(element.value, "month").map { (month: $0.0, plays: $0.1, liked: $0.2) }
      case "forgotten_favorites": forgotten = try Self.items(element.value)
      default: break
      }
      if let range = Range.allCases.first(where: { $0.field == name }), let figures = element.value.document {
        ranges[range] = try Figures(figures)
      }
    }
    var text = ReadableJSON { Instant.text($0) }
    json = try text.text(document)
  }

  fileprivate static func items(_ value: BSONValue) throws(BSONFault) -> [Item] {
    var items: [Item] = []
    guard var list = value.array?.elements else { return items }
    while let element = try list.next() {
      guard let item = element.value.document else { continue }
      let (given, title, key) = (try item.value("name"), try item.value("title"), try item.value("key"))
      let name = given?.string ?? title?.string ?? key?.string
      items.append(
        Item(
          name: name?.string ?? "", artist: try item.value("artist")?.string?.string,
          plays: Int(try item.value("plays")?.integer ?? 0), liked: Int(try item.value("liked")?.integer ?? 0),
          lastPlayed: try item.value("last_played")?.date))
    }
    return items
  }

  private static func calendar(_ value: BSONValue, _ key: StaticString) throws(BSONFault) -> [(String, Int, Int)] {
    var days: [(String, Int, Int)] = []
    guard var list = value.array?.elements else { return days }
    while let element = try list.next() {
      guard let day = element.value.document, let name = try day.value(key)?.string?.string else { continue }
      days.append(
        (name, Int(try day.value("plays")?.integer ?? 0), Int(try day.value("liked")?.integer ?? 0)))
    }
    return days
  }
}

extension PersonStatistics.Figures {
  fileprivate init(_ document: BSONDocument) throws(BSONFault) {
    func numbers(_ value: BSONValue) throws(BSONFault) -> [Int] {
      var numbers: [Int] = []
      guard var list = value.array?.elements else { return numbers }
      while let element = try list.next() { numbers.append(Int(element.value.integer ?? 0)) }
      return numbers
    }
    var elements = document.elements
    while let element = try elements.next() {
      let name = element.key.string
      if let count = element.value.integer { counts[name] = Int(count) }
      if let number = element.value.double { self.numbers[name] = number }
      switch name {
      case "by_hour": byHour = try numbers(element.value)
      case "by_weekday": byWeekday = try numbers(element.value)
      case "by_weekday_hour": byWeekdayHour = try numbers(element.value)
      default:
        if element.value.array != nil { lists[name] = try PersonStatistics.items(element.value) }
      }
    }
  }
}
