/// Numbers in a row, one column each: plays by day, or by hour.
public struct ColumnChart: Sendable {
  public struct Column: Sendable {
    /// In full: `Friday, 2025-12-05`.
    public var label: String
    public var value: Int
    /// A word below the chart that begins at this column.
    public var tick: String?

    public init(_ label: String, _ value: Int, tick: String? = nil) {
      (self.label, self.value, self.tick) = (label, value, tick)
    }
  }

  public var id: String
  public var caption: String
  /// What is counted: `play`; its plural has an s.
  public var noun: String
  /// What the columns are: `Day`.
  public var columnNoun: String
  public var columns: [Column]

  public init(id: String, caption: String, noun: String, columnNoun: String, columns: [Column]) {
    (self.id, self.caption, self.noun, self.columnNoun, self.columns) = (id, caption, noun, columnNoun, columns)
  }

  private static let pixels = 176.0

  public var markup: Markup {
    let plane = Plane(largest: Double(columns.map(\.value).max() ?? 0))
    let total = Quantity.sum(columns.map(\.value))
    var words = "\(Quantity.count(total, noun)) in \(columns.count) columns."
    if let most = columns.max(by: { $0.value < $1.value }), most.value > 0 {
      words += " The most, \(Quantity.count(most.value)): \(most.label)."
    }
    let picture = Picture(id: id, caption: Markup(text: caption), title: caption, description: words)
    let ticks = columns.enumerated().compactMap { position, column in
      column.tick.map { (at: Double(position) / Double(columns.count), text: $0) }
    }
    let svg = picture.svg(width: Double(columns.count) * 10, height: 100, pixels: Self.pixels, shapes(plane))
    let table = DataTable(
      caption: caption, columns: [.text(columnNoun), .number(noun + "s")],
      rows: columns.map { [Markup(text: $0.label), Markup(text: Quantity.count($0.value))] })
    return picture.figure(
      "columns",
      plane.frame(svg, pixels: Self.pixels, text: Self.scale, below: ticks)
        + disclosure("The figures of this chart", table.scrolling))
  }

  private static func scale(_ value: Double) -> String {
    Int(exactly: value).map { Quantity.count($0) } ?? ""
  }

  private func shapes(_ plane: Plane) -> Markup {
    var shapes = Plane.grid(width: Double(columns.count) * 10, height: 100)
    for (position, column) in columns.enumerated() where column.value > 0 {
      // What is there is to be seen, be it ever so little.
      let height = max(plane.height(Double(column.value)) * 100, 0.6)
      shapes += """
        <rect class="column" x="\(position * 10 + 1)" y="\(100 - height)" width="8" height="\(height)">\
        <title>\(column.label): \(Quantity.count(column.value, noun))</title></rect>
        """
    }
    return shapes
  }
}
