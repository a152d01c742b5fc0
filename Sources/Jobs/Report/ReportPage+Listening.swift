internal import Library
internal import Pages

/// What the report says of listening, where the run counted plays or learned.
extension ReportPage {
  private static let daysShown = 91
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  var plays: Page.Section? {
    guard let plays = data.plays, plays.byDay.contains(where: { $0 > 0 }) else { return nil }
    let first = max(0, plays.byDay.count - Self.daysShown)
    let days = plays.byDay[first...]
    let columns = days.indices.map { position in
      let number = Int64(plays.firstDay &+ position)
      let (day, weekday) = (CivilDay(number), HeatMap.weekdays[CivilDay.weekday(number)].prefix(3))
      return ColumnChart.Column(
        "\(weekday) \(Instant.dateText(day: number))", plays.byDay[position],
        tick: day.day == 1 || position == first ? Self.months[Int(day.month) - 1] : nil)
    }
    let total = plays.byDay.reduce(0, +)
    let week = HeatMap.week(
      id: "plays-week", caption: "By weekday and hour, all \(plays.byDay.count) days", noun: "play",
      values: plays.byWeekdayHour)
    var introduction =
      "\(Quantity.count(total, "play")) of \(Quantity.count(plays.listeners, "listener")) in the "
      + "\(plays.byDay.count) days before the clock of the run, among the users that it saw. Days and hours are UTC."
    if let most = week.most { introduction += " The busiest hour of the week: \(most.row), \(most.column)." }
    return Page.Section(
      id: "plays", "Plays", introduction: introduction,
      ColumnChart(
        id: "plays-days", caption: "By day, the last \(days.count) days", noun: "play", columnNoun: "Day",
        columns: Self.readable(columns)
      ).markup + week.markup)
  }

  /// The first word below a chart goes where the next would stand too close to it.
  private static func readable(_ columns: [ColumnChart.Column]) -> [ColumnChart.Column] {
    var columns = columns
    if let next = columns.dropFirst().firstIndex(where: { $0.tick != nil }), next < columns.count / 7 {
      columns[0].tick = nil
    }
    if let last = columns.indices.last(where: { columns[$0].tick != nil }), last > columns.count * 12 / 13 {
      columns[last].tick = nil
    }
    return columns
  }

  var songs: Page.Section? {
    guard let plays = data.plays, !plays.topSongs.isEmpty else { return nil }
    let most = Double(plays.topSongs.map(\.plays).max() ?? 0)
    let rows = plays.topSongs.enumerated().map { place, song in
      """
      <tr><td class="rank">\(place + 1)</td><th scope="row"><span class="song">\(song.title.isEmpty ? "No title" : song.title)</span>\
      <span class="artist">\(song.artist)</span></th>\
      <td class="wide" aria-hidden="true">\(BarTable.bar(Double(song.plays), of: most))</td>\
      <td class="number">\(Quantity.count(song.plays))</td><td class="number">\(Quantity.count(song.listeners))</td></tr>
      """ as Markup
    }
    return Page.Section(
      id: "songs", "Top songs",
      introduction: "Of the last \(PlayTally.songDays) days. A song with fewer than "
        + "\(ReportData.Plays.leastListeners) listeners is not named, for it may be one person's alone.",
      """
      <table class="songs"><caption>Songs by plays</caption><thead><tr><td></td><th scope="col">Song</th>\
      <td class="wide" aria-hidden="true"></td><th scope="col" class="number">Plays</th>\
      <th scope="col" class="number">Listeners</th></tr></thead><tbody>\(rows.joined())</tbody></table>
      """)
  }

  // MARK: Learning

  private static let valuesShown = 10

  var learned: Page.Section? {
    guard !data.learned.isEmpty || !data.population.isEmpty else { return nil }
    var body = Markup()
    if !data.learned.isEmpty {
      let figures = data.learned.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as Markup }
      body += "<dl class=\"figures\">\(figures.joined())</dl>"
    }
    if !data.population.isEmpty {
      body +=
        "<h3>What the population likes</h3><div class=\"dimensions\">\(data.population.map(Self.shares).joined())</div>"
      if data.population.contains(where: { $0.values.contains { $0.before != nil } }) {
        body += "<p class=\"note\">▲ and ▼: percentage points since the last full run.</p>"
      }
    }
    return Page.Section(id: "learned", "What was learned", body)
  }

  private static func shares(_ shares: ReportData.Shares) -> Markup {
    let values = ReportData.Shares.foremost(valuesShown, of: shares.values)
    let users = shares.users.map { ", \(Quantity.count($0, "user")) with evidence" } ?? ""
    return BarTable(
      caption: "By \(shares.dimension)\(users)", columns: (capitalized(shares.dimension), "Share"),
      rows: values.map { value in
        .init(Markup(text: value.name), value.share, text: Quantity.percent(value.share), note: change(value))
      }
    ).markup
  }

  static func capitalized(_ word: String) -> String { word.prefix(1).uppercased() + word.dropFirst() }

  private static func change(_ value: ReportData.Shares.Value) -> Markup? {
    guard let before = value.before else { return nil }
    let points = (value.share - before) * 100
    let text = Quantity.fixed(points.magnitude, 1)
    guard text != "0.0" else { return "<span class=\"change\">±0.0</span>" }
    let isUp = points > 0
    return """
      <span class="change"><span aria-hidden="true">\(isUp ? "▲" : "▼")</span><span class="unseen">\
      \(isUp ? "up" : "down")</span> \(text)</span>
      """
  }

  var listeners: Page.Section? {
    data.users.isEmpty ? nil : UserPicker(users: data.users).section
  }

  // MARK: Other steps

  /// Tables of other steps, those of one heading together.
  var tables: [Page.Section] {
    var headings: [String] = []
    for table in data.tables where !headings.contains(table.heading) { headings.append(table.heading) }
    return headings.enumerated().map { number, heading in
      let tables = data.tables.filter { $0.heading == heading }
      let body = tables.map { table in
        DataTable(
          caption: table.caption,
          columns: table.columns.enumerated().map { $0 >= table.firstNumber ? .number($1) : .text($1) },
          rows: table.rows.map { $0.map { Markup(text: $0) } }
        ).scrolling
      }
      return Page.Section(
        id: "step-\(number + 1)", heading, introduction: tables.lazy.compactMap(\.introduction).first, body.joined())
    }
  }
}
