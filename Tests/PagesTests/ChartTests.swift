import Pages
import Testing

@Suite struct ChartTests {
  @Test func `the streams of a flow are together as broad as their source`() {
    let flow = FlowPicture(
      id: "f", noun: "dumps", parts: [.init("used", 75, .main), .init("skipped", 0), .init("quarantined", 25, .warn)])
    let html = flow.markup.html
    #expect(flow.total == 100)
    #expect(html.components(of: "height=\"132\"").count == 1)
    #expect(html.components(of: "height=\"99\"").count == 1)
    #expect(html.components(of: "height=\"33\"").count == 1)
    #expect(html.components(of: "100 dumps were read: 75 used, 0 skipped, 25 quarantined.").count == 1)
    // What is nothing is listed, and has no stream.
    #expect(html.components(of: "<path").count == 2 && html.components(of: "<li").count == 3)
  }

  @Test func `a flow of nothing is a picture as well`() {
    let html = FlowPicture(id: "f", noun: "dumps", parts: [.init("used", 0, .main)]).markup.html
    #expect(html.components(of: "<path").isEmpty && html.components(of: "nan").isEmpty)
  }

  @Test func `what is there is seen, be it one of a million`() {
    let html = FlowPicture(
      id: "f", noun: "dumps", parts: [.init("used", 1_000_000, .main), .init("quarantined", 1, .warn)]
    ).markup.html
    #expect(html.components(of: "height=\"1.5\"").count == 1)
  }

  @Test(arguments: [(0, "1"), (1, "1"), (7, "8"), (12_600, "15,000"), (90, "100"), (101, "150"), (2001, "3,000")])
  func `a scale ends at a round number that nothing passes`(largest: Int, top: String) {
    let html = ColumnChart(
      id: "c", caption: "c", noun: "play", columnNoun: "Day", columns: [.init("a", largest), .init("b", 0)]
    ).markup.html
    #expect(html.components(of: "px\"><span>\(top)</span>").count == 1, "\(html)")
  }

  @Test func `numbers of the end of what is stored make a picture as well`() {
    let numbers = [Int.max, 9_000_000_000_000_000_000, 0, -1, .min]
    let columns = ColumnChart(
      id: "c", caption: "c", noun: "play", columnNoun: "Hour", columns: numbers.prefix(3).map { .init("a", $0) }
    ).markup.html
    #expect(columns.components(of: "9,223,372,036,854,775,807 plays in 3 columns.").count == 1)
    // The scale ends at 10¹⁹, which is no Int, and its middle is.
    #expect(columns.components(of: "px\"><span></span><span>5,000,000,000,000,000,000</span>").count == 1, "\(columns)")
    let line = LineChart(id: "l", caption: "l", unit: "users a second", points: [(0, 1), (1, 9.3e18)]).markup.html
    #expect(line.components(of: "px\"><span>–</span><span>5,000,000,000,000,000,000</span>").count == 1, "\(line)")
    let flow = FlowPicture(id: "f", noun: "dumps", parts: numbers.prefix(3).map { .init("used", $0) })
    #expect(flow.total == .max && flow.markup.html.components(of: "<path").count == 2)
    for least in [1, Int.max] {
      let map = HeatMap(
        id: "m", caption: "m", noun: "play", rows: [("a", "a")], columns: ["1", "2", "3"], values: [.min, least, -1])
      let html = map.markup.html
      // Swatches of the legend, and the cells.
      #expect(html.components(of: "heat-6").count == 2 && html.components(of: "heat-0").count == 3)
    }
  }

  @Test func `every picture says in words what it shows`() {
    var week = [Int](repeating: 0, count: 168)
    week[4 * 24 + 20] = 7
    let map = HeatMap.week(id: "w", caption: "Plays", noun: "play", values: week)
    #expect(map.most?.row == "Friday" && map.most?.column == "20:00")
    let pictures = [
      map.markup, LineChart(id: "l", caption: "Speed", unit: "users a second", points: [(0, 1), (2, 3)]).markup,
      ShareBar(id: "s", caption: "Time", parts: [("read", 1, "1 s"), ("merge", 3, "3 s")]).markup,
      ColumnChart(id: "c", caption: "Days", noun: "play", columnNoun: "Day", columns: [.init("Monday", 2)]).markup,
    ]
    for picture in pictures {
      let html = picture.html
      #expect(html.components(of: "role=\"img\"").count == 1)
      #expect(html.components(of: "<desc").count == 1 && html.components(of: "<figcaption").count == 1)
    }
    #expect(map.markup.html.components(of: "The most, 7 plays: Friday, 20:00.").count == 1)
    #expect(pictures[3].html.components(of: "2 plays in 1 columns. The most, 2: Monday.").count == 1)
  }

  @Test func `a heat map with values that lack reads them as zero`() {
    let map = HeatMap(id: "m", caption: "m", noun: "play", rows: [("a", "a")], columns: ["1", "2", "3"], values: [5])
    #expect(map.values == [5, 0, 0] && map.markup.html.components(of: "heat-6").count == 2)
  }

  @Test func `a heat map leaves out values that it has no place for`() {
    let week = HeatMap.week(id: "w", caption: "w", noun: "play", values: Array(1...200))
    #expect(week.values == Array(1...168) && week.most?.row == "Sunday" && week.most?.column == "23:00")
    #expect(!week.markup.html.isEmpty)
  }
}
