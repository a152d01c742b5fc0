/// Numbers in two directions, the greater the darker: weekdays by hours.
public struct HeatMap: Sendable {
  public var id: String
  public var caption: String
  /// What is counted: `play`; its plural has an s.
  public var noun: String
  /// Long names of the rows, and short ones where there is little room.
  public var rows: [(name: String, short: String)]
  public var columns: [String]
  /// Row by row.
  public var values: [Int]

  /// - Parameter values: as many as rows times columns; what is missing is zero, and what is more is left out.
  public init(
    id: String, caption: String, noun: String, rows: [(name: String, short: String)], columns: [String], values: [Int]
  ) {
    (self.id, self.caption, self.noun, self.rows, self.columns) = (id, caption, noun, rows, columns)
    let cells = rows.count * columns.count
    self.values = values.prefix(cells) + [Int](repeating: 0, count: max(0, cells - values.count))
  }

  public static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

  /// A week of hours, Monday first; 168 values.
  public static func week(id: String, caption: String, noun: String, values: [Int]) -> HeatMap {
    HeatMap(
      id: id, caption: caption, noun: noun, rows: weekdays.map { ($0, String($0.prefix(3))) },
      columns: (0..<24).map { $0 < 10 ? "0\($0):00" : "\($0):00" }, values: values)
  }

  private static let rowHeight = 22.0
  private static let steps = 6

  /// The greatest value's row and column; nil when all are zero.
  public var most: (row: String, column: String, value: Int)? {
    guard let value = values.max(), value > 0, let place = values.firstIndex(of: value) else { return nil }
    return (rows[place / columns.count].name, columns[place % columns.count], value)
  }

  public var markup: Markup {
    let largest = values.max() ?? 0
    let words = most.map { "The most, \(Quantity.count($0.value, noun)): \($0.row), \($0.column)." } ?? "Nothing."
    let picture = Picture(id: id, caption: Markup(text: caption), title: caption, description: words)
    let pixels = Double(rows.count) * Self.rowHeight
    let svg = picture.svg(
      width: Double(columns.count) * 10, height: Double(rows.count) * 10, pixels: pixels, cells(largest))
    let names = rows.map { "<span>\($0.short)</span>" as Markup }.joined()
    let ticks = stride(from: 0, to: columns.count, by: max(1, columns.count / 4)).map { column in
      let left = Double(column) / Double(columns.count) * 100
      return "<span style=\"left:\(left)%\">\(columns[column])</span>" as Markup
    }
    return picture.figure(
      "heat",
      """
      <div class="plane"><div class="rows" aria-hidden="true" style="height:\(pixels)px">\(names)</div>\
      <div class="plot">\(svg)</div><div class="below" aria-hidden="true">\(ticks.joined())</div></div>
      \(legend(largest))\(disclosure("The figures of this chart", table.scrolling))
      """)
  }

  private func step(_ value: Int, _ largest: Int) -> Int {
    value <= 0 ? 0 : max(1, Int((Double(value) / Double(largest) * Double(Self.steps)).rounded(.up)))
  }

  private func cells(_ largest: Int) -> Markup {
    values.enumerated().map { place, value in
      let (row, column) = (place / columns.count, place % columns.count)
      return """
        <rect class="heat-\(step(value, largest))" x="\(Double(column) * 10 + 0.5)" y="\(Double(row) * 10 + 0.5)" \
        width="9" height="9"><title>\(rows[row].name), \(columns[column]): \(Quantity.count(value, noun))</title></rect>
        """ as Markup
    }.joined()
  }

  private func legend(_ largest: Int) -> Markup {
    let swatches = (0...Self.steps).map { step in
      "<rect class=\"heat-\(step)\" x=\"\(Double(step) * 10 + 0.5)\" y=\"0.5\" width=\"9\" height=\"9\"/>" as Markup
    }
    return """
      <p class="legend">None <svg class="swatches" aria-hidden="true" viewBox="0 0 70 10">\(swatches.joined())</svg> \
      \(Quantity.count(largest, noun))</p>
      """
  }

  private var table: DataTable {
    DataTable(
      caption: caption, columns: [.text("")] + columns.map { .number(String($0.prefix(2))) },
      rows: rows.enumerated().map { row, name in
        [Markup(text: name.name)]
          + columns.indices.map { Markup(text: Quantity.count(values[row * columns.count + $0])) }
      })
  }
}
