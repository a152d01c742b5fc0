/// A table of texts and numbers; the first column names the row.
public struct DataTable: Sendable {
  public struct Column: Sendable {
    public var title: String
    public var isNumber: Bool

    public static func text(_ title: String) -> Column { Column(title: title, isNumber: false) }
    /// Set to the right, in figures of one width.
    public static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  public var caption: String
  public var columns: [Column]
  public var rows: [[Markup]]

  public init(caption: String, columns: [Column], rows: [[Markup]]) {
    (self.caption, self.columns, self.rows) = (caption, columns, rows)
  }

  public var markup: Markup {
    let titles = columns.map { column in
      column.title.isEmpty
        ? "<td></td>" : "<th scope=\"col\"\(Self.kind(column))>\(column.title)</th>" as Markup
    }
    let body = rows.map { row in
      let cells = zip(columns, row).enumerated().map { position, cell in
        position == 0
          ? "<th scope=\"row\"\(Self.kind(cell.0))>\(cell.1)</th>" : "<td\(Self.kind(cell.0))>\(cell.1)</td>" as Markup
      }
      return "<tr>\(cells.joined())</tr>" as Markup
    }
    return """
      <table><caption>\(caption)</caption>
      <thead><tr>\(titles.joined())</tr></thead><tbody>\(body.joined())</tbody></table>
      """
  }

  /// For a table that may be wider or longer than its place: it scrolls there, also by keyboard.
  public var scrolling: Markup {
    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\(caption)\">\(markup)</div>"
  }

  private static func kind(_ column: Column) -> Markup { column.isNumber ? " class=\"number\"" : "" }
}

/// What is shown when asked for; works without script.
public func disclosure(_ title: String, _ content: Markup) -> Markup {
  "<details><summary>\(title)</summary>\(content)</details>"
}
