import Jobs
import Pages

/// One user's listening as a page: one file that needs no other, with the frame and the charts of a run's report.
struct StatisticsPage {
  let statistics: PersonStatistics
  private let words: StatisticsWords

  init(_ statistics: PersonStatistics, _ range: PersonStatistics.Range) {
    self.statistics = statistics
    words = StatisticsWords(statistics, range)
  }

  /// The file.
  func html() throws(PageError) -> String {
    var page = Page(title: "\(words.title) – Mixdown", kicker: "One listener", heading: words.title)
    page.facts = [
      (name: "User", value: statistics.user), (name: "As of", value: words.date("as_of")),
      (name: "Days and hours", value: statistics.timezone),
    ]
    page.figures = words.facts.map { fact in
      // A number, and what it is made of: `203, of them 180 liked`.
      let parts = fact.value.split(separator: ", ", maxSplits: 1).map(String.init)
      return Page.Figure(
        fact.name.prefix(1).uppercased() + fact.name.dropFirst(), parts.first ?? "",
        note: parts.count > 1 ? parts[1] : nil)
    }
    page.sections = [clock, months, lists].compactMap { $0 }
    page.footer = "A browser forgets a play when its song is played again: repeats are undercounted."
    return try page.html()
  }

  // MARK: Sections

  private var clock: Page.Section {
    let hours = words.figures.byHour.enumerated().map { hour, plays in
      ColumnChart.Column("\(hour):00", plays, tick: hour % 6 == 0 ? "\(hour):00" : nil)
    }
    let week = HeatMap.week(
      id: "clock-week", caption: "By weekday and hour", noun: "play", values: words.figures.byWeekdayHour)
    return Page.Section(
      id: "clock", "The clock",
      introduction: week.most.map { "The busiest hour of the week: \($0.row), \($0.column)." },
      ColumnChart(id: "clock-hours", caption: "By hour", noun: "play", columnNoun: "Hour", columns: hours).markup
        + week.markup)
  }

  private static let monthsShown = 24

  private var months: Page.Section? {
    let months = statistics.months.suffix(Self.monthsShown)
    guard months.count > 1 else { return nil }
    let columns = months.enumerated().map { place, month in
      ColumnChart.Column(
        month.month, month.plays, tick: place % max(1, months.count / 4) == 0 ? month.month : nil)
    }
    return Page.Section(
      id: "months", "Months",
      ColumnChart(
        id: "months-plays", caption: "Plays by month, whatever the range", noun: "play", columnNoun: "Month",
        columns: columns
      ).markup)
  }

  private static let itemsShown = 20

  private var lists: Page.Section? {
    guard !words.lists.isEmpty else { return nil }
    let tables = words.lists.map { list in
      BarTable(
        caption: list.title, columns: ("Name", "Plays"),
        rows: list.items.prefix(Self.itemsShown).map { item in
          let artist = item.artist.map { "<span class=\"artist\">\($0)</span>" as Markup } ?? ""
          return BarTable.Row(
            "<span class=\"song\">\(item.name)</span>\(artist)", Double(item.plays), text: Quantity.count(item.plays))
        }
      ).markup
    }
    return Page.Section(
      id: "lists", "What was played most", "<div class=\"dimensions\">\(tables.joined())</div>")
  }
}
