/// A table with a bar for each number: `favorites ▇▇▇▇ 28`.
public struct BarTable: Sendable {
  public struct Row: Sendable {
    public var label: Markup
    public var value: Double
    /// The value as it is read.
    public var text: String
    /// Beside it, such as a change since some earlier time.
    public var note: Markup?
    public var tone: Tone

    public init(_ label: Markup, _ value: Double, text: String, note: Markup? = nil, tone: Tone = .main) {
      (self.label, self.value, self.text, self.note, self.tone) = (label, value, text, note, tone)
    }
  }

  public var caption: String
  /// What the rows are and what their numbers count.
  public var columns: (label: String, value: String)
  public var rows: [Row]
  /// What a full bar stands for; nil: the greatest value.
  public var full: Double?

  public init(caption: String, columns: (label: String, value: String), rows: [Row], full: Double? = nil) {
    (self.caption, self.columns, self.rows, self.full) = (caption, columns, rows, full)
  }

  public var markup: Markup {
    let full = full ?? rows.map(\.value).max() ?? 0
    return """
      <table class="bars"><caption>\(caption)</caption>
      <thead><tr><th scope="col">\(columns.label)</th><th scope="col" class="number">\(columns.value)</th></tr></thead>
      <tbody>\(rows.map { row($0, full: full) }.joined())</tbody></table>
      """
  }

  private func row(_ row: Row, full: Double) -> Markup {
    """
    <tr><th scope="row">\(row.label)</th><td class="tone-\(row.tone.rawValue)"><div>\(Self.bar(row.value, of: full))\
    <span class="number">\(row.text)</span>\(row.note ?? "")</div></td></tr>
    """
  }

  /// One bar; the number that it shows stands beside it as text.
  public static func bar(_ value: Double, of full: Double) -> Markup {
    let length = full > 0 ? min(max(value / full, 0), 1) * 100 : 0
    return """
      <svg class="bar" aria-hidden="true" viewBox="0 0 100 8" preserveAspectRatio="none">\
      <rect class="rest" width="100" height="8"/><rect width="\(length)" height="8"/></svg>
      """
  }
}
