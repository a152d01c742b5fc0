public import ArgumentParser
import Foundation
public import Jobs
import Learning
import Library
import Pages
import Stores

extension PersonStatistics.Range: ExpressibleByArgument {}

struct StatsCommand: ParsableCommand {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json, html
  }

  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show one user's listening: top lists, streaks, the clock, months, forgotten favourites.",
    discussion: """
      Shows what mixdown learn has stored. The page of --format html is one file without any other.

      mixdown stats 6f0c… --store data/store --range month
      mixdown stats 6f0c… --store data/store --format html > year.html
      """)

  @Argument(help: "The user's id.")
  var user: String

  @OptionGroup var store: StoreOptions

  @Option(help: "Which days: the last 7, 30 or 365, or all.")
  var range = PersonStatistics.Range.year

  @Option(help: "How it is printed; json is the whole document.")
  var format = Format.text

  func run() throws {
    let statistics: PersonStatistics?
    do throws(StoreError) {
      try checkStore(store.name)
      statistics = try PersonView(user, store: try openStore(store.name, locking: false, options: store.server.options))
        .statistics()
    } catch {
      throw failure(error)
    }
    guard let statistics else {
      throw failure("\(user) has no statistics in this store; mixdown learn computes them", .refused)
    }
    switch format {
    case .text: say(StatisticsTable(statistics, range).text)
    case .json: say(statistics.json)
    case .html:
      do throws(PageError) {
        say(try StatisticsPage(statistics, range).html())
      } catch {
        throw failure("\(error)", .failed)
      }
    }
  }
}

/// The figures of one user in the words that table and page share.
struct StatisticsWords {
  let statistics: PersonStatistics
  let figures: PersonStatistics.Figures
  let title: String
  /// In whose days everything is counted.
  private let zone: Zone

  init(_ statistics: PersonStatistics, _ range: PersonStatistics.Range) {
    self.statistics = statistics
    zone = Zones().zone(statistics.timezone) ?? .utc
    figures = statistics.ranges[range] ?? PersonStatistics.Figures()
    title =
      switch range {
      case .week: "The last 7 days"
      case .month: "The last 30 days"
      case .year: "The last 365 days"
      case .all: "All time"
      }
  }

  static func percent(_ share: Double) -> String { Quantity.plain(share * 100, 0) + " %" }

  func date(_ name: String) -> String {
    guard let time = statistics.times[name] else { return "never" }
    return Instant.dateText(day: zone.day(of: time))
  }

  private func count(_ name: String) -> Int { figures.counts[name] ?? 0 }

  /// Names and values, in the order in which they are shown.
  var facts: [(name: String, value: String)] {
    var facts = [
      ("plays", "\(count("plays")), of them \(count("liked")) liked, \(count("skipped")) skipped"),
      ("songs", "\(count("distinct_songs")), \(count("new_songs")) of them new"),
      ("artists", "\(count("distinct_artists"))"),
    ]
    if let repeats = figures.numbers["repeat_rate"] { facts.append(("played again", Self.percent(repeats))) }
    if let mean = figures.numbers["mean_completion"] { facts.append(("heard of a song", Self.percent(mean))) }
    if let seconds = figures.numbers["seconds_listened"], count("plays_timed") > 0 {
      facts.append(("listened", "\(Quantity.plain(seconds / 3600, 1)) hours, of \(count("plays_timed")) plays"))
    }
    facts += [
      ("days with music, ever", "\(statistics.counts["active_days"] ?? 0)"),
      ("longest streak", "\(statistics.counts["longest_streak_days"] ?? 0) days"),
      ("present streak", "\(statistics.counts["current_streak_days"] ?? 0) days"),
      ("listening sessions", "\(statistics.counts["listening_sessions"] ?? 0)"),
      ("longest session", "\(statistics.counts["longest_session_plays"] ?? 0) plays"),
      ("first play", date("first_play")), ("last play", date("last_play")),
    ]
    if let coverage = statistics.coverage { facts.append(("of all plays, known here", Self.percent(coverage))) }
    return facts
  }

  var lists: [(title: String, items: [PersonStatistics.Item])] {
    let lists = [
      ("Songs", "top_songs"), ("Artists", "top_artists"), ("Languages", "top_languages"), ("Genres", "top_genres"),
      ("Moods", "top_moods"), ("Found in", "sources"),
    ].map { (title: $0.0, items: figures.lists[$0.1] ?? []) }
    return (lists + [(title: "Forgotten favourites", items: statistics.forgotten)]).filter { !$0.items.isEmpty }
  }
}

/// One user's listening as a table.
struct StatisticsTable {
  let text: String

  init(_ statistics: PersonStatistics, _ range: PersonStatistics.Range) {
    let words = StatisticsWords(statistics, range)
    let head = "\(statistics.user) · \(words.title), as of \(words.date("as_of")), \(statistics.timezone)"
    var lines = [head.printable, ""]
    lines += aligned(words.facts.map { ["\($0.name)", $0.value] })
    for list in words.lists {
      lines += ["", list.title]
      lines += aligned(
        list.items.prefix(10).map { item in
          let name = (item.artist.map { "\(item.name) – \($0)" } ?? item.name).printable.cut(to: 50)
          return ["  " + name, "\(item.plays)", "\(item.liked) liked"]
        })
    }
    lines += ["", "The clock"] + Self.bars(words.figures.byHour.enumerated().map { ("\($0.offset):00", $0.element) })
    lines += ["", "The week"] + Self.bars(Array(zip(HeatMap.weekdays, words.figures.byWeekday)))
    lines += ["", "Months"] + Self.bars(statistics.months.suffix(12).map { ($0.month, $0.plays) })
    text = lines.joined(separator: "\n")
  }

  private static func bars(_ values: [(String, Int)]) -> [String] {
    let greatest = max(1, values.map(\.1).max() ?? 1)
    let rows = values.map { ["  " + $0.0, "\($0.1)"] }
    return zip(aligned(rows), values).map { line, value in
      // In doubles, which no stored count is too great for.
      let length = Int((40 * Double(max(0, value.1)) / Double(greatest)).rounded(.up))
      return length > 0 ? line + "  " + String(repeating: "▇", count: length) : line
    }
  }
}
