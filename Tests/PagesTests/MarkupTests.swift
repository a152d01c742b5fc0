import Pages
import Testing

/// Text that comes from outside stays text.
@Suite struct MarkupTests {
  /// What HTML acts upon, also where it shares a character of Swift with other scalars.
  private static let texts: [(text: String, html: String)] = [
    ("plain", "plain"),
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("\u{600}<script>", "\u{600}&lt;script&gt;"),
    ("\"\u{301} onload=\"x", "&quot;\u{301} onload=&quot;x"),
    ("'&<>\"", "&#39;&amp;&lt;&gt;&quot;"),
    ("a\u{0}b\u{202E}c\u{FFFF}d\u{85}", "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}"),
    ("two\r\nlines\t", "two\r\nlines\t"),
    ("{{title}}", "{{title}}"),
    ("音楽 ♫ שלום", "音楽 ♫ שלום"),
  ]

  @Test(arguments: texts) func `an interpolated string is escaped scalar by scalar`(text: String, html: String) {
    let cell: Markup = "<td title=\"\(text)\">\(text)</td>"
    #expect(Array(cell.html.unicodeScalars) == Array("<td title=\"\(html)\">\(html)</td>".unicodeScalars))
  }

  @Test func `markup in markup is not escaped again, and numbers have at most two decimals`() {
    let inner: Markup = "<b>\("&")</b>"
    let outer: Markup = "<p>\(inner)\(12)\(0.5)\(-0.05)\(100.0)\(1.0 / 3)\(Double.nan)</p>"
    #expect(outer.html == "<p><b>&amp;</b>120.5-0.051000.330</p>")
  }

  @Test(arguments: texts) func `a string in any place of a page stays text`(text: String, html: String) throws {
    var page = Page(title: text, kicker: text, heading: text)
    page.badge = Page.Badge(text, .warn)
    page.lead = text
    page.facts = [(text, text)]
    page.figures = [Page.Figure(text, text, note: text)]
    page.notices = [Page.Notice(Markup(text: text))]
    page.footer = text
    let row = BarTable.Row(Markup(text: text), 1, text: text)
    page.sections = [
      Page.Section(
        id: "a", text, introduction: text, BarTable(caption: text, columns: (text, text), rows: [row]).markup),
      Page.Section(
        id: "b", text,
        ColumnChart(
          id: "c", caption: text, noun: text, columnNoun: text, columns: [.init(text, 1, tick: text), .init(text, 0)]
        ).markup),
      Page.Section(
        id: "d", text,
        FlowPicture(id: "e", noun: text, parts: [.init(text, 1, .main)]).markup
          + ShareBar(id: "f", caption: text, parts: [(text, 1, text)]).markup
          + LineChart(id: "g", caption: text, unit: text, points: [(0, 1), (1, 2)]).markup
          + HeatMap(id: "h", caption: text, noun: text, rows: [(text, text)], columns: [text], values: [1]).markup
          + DataTable(caption: text, columns: [.text(text)], rows: [[Markup(text: text)]]).scrolling
          + disclosure(text, Markup(text: text))),
    ]
    let made = try page.html()
    #expect(made.components(of: "<script").isEmpty)
    // Whatever follows a mark of the text is the escaped form of it.
    if text != html { #expect(made.components(of: text).isEmpty) }
    #expect(made.components(of: html).count > 30)
  }

  @Test func `data of a page cannot end its element`() throws {
    var page = Page(title: "t", kicker: "k", heading: "h")
    page.script = Page.Script(data: #"{"a":"</script><!--&\u2028"}"# + "\u{2028}", code: "1")
    let made = try page.html()
    #expect(made.components(of: "</script>").count == 2)
    #expect(made.components(of: #"{"a":"\u003c/script\u003e\u003c!--\u0026\u2028"}\u2028"#).count == 1)
  }

  @Test func `a page may do nothing but run its own program`() throws {
    var page = Page(title: "t", kicker: "k", heading: "h")
    #expect(try page.html().components(of: "script-src").isEmpty)
    page.script = Page.Script(data: "{}", code: "document.title = 'x'")
    let made = try page.html()
    // printf "document.title = 'x'" | openssl dgst -sha256 -binary | base64
    #expect(made.components(of: "script-src 'sha256-mmhVSKBJ6xXBfMjZf5Xb9hgbmvnACikXD1UfhbYox3M='").count == 1)
    #expect(made.components(of: "default-src 'none'").count == 1)
    #expect(try made == page.html())
  }
}

extension String {
  /// The places where a text begins, compared by scalars.
  func components(of text: String) -> [Int] {
    let (whole, part) = (Array(utf8), Array(text.utf8))
    guard !part.isEmpty, whole.count >= part.count else { return [] }
    return (0...whole.count - part.count).filter { whole[$0] == part[0] && whole[$0...].starts(with: part) }
  }
}
