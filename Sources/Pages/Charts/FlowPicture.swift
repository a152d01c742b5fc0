/// Where everything went: one stream that parts into others, which together are as broad.
///
/// A number is told by its breadth, its place and its text beside it.
public struct FlowPicture: Sendable {
  public struct Part: Sendable {
    public var label: String
    public var count: Int
    public var tone: Tone

    public init(_ label: String, _ count: Int, _ tone: Tone = .muted) {
      (self.label, self.count, self.tone) = (label, count, tone)
    }
  }

  public var id: String
  /// What flows: `dumps`.
  public var noun: String
  /// What was done with it first: `read`.
  public var verb: String
  public var parts: [Part]

  public init(id: String, noun: String, verb: String = "read", parts: [Part]) {
    (self.id, self.noun, self.verb, self.parts) = (id, noun, verb, parts)
  }

  // In CSS pixels.
  private static let breadth = 132.0
  private static let leastRow = 30.0
  private static let gap = 12.0

  public var total: Int { Quantity.sum(parts.map(\.count)) }

  public var markup: Markup {
    let total = self.total
    let breadths = parts.map { total == 0 ? 0 : Double($0.count) / Double(total) * Self.breadth }
    let rows = breadths.map { max(Self.leastRow, ($0 + Self.gap).rounded()) }
    let height = rows.reduce(0, +)
    let listed = parts.map { "\(Quantity.count($0.count)) \($0.label)" }.joined(separator: ", ")
    let picture = Picture(
      id: id, caption: "<strong>\(Quantity.count(total))</strong> \(noun) \(verb)",
      title: "What became of the \(noun)", description: "\(Quantity.count(total)) \(noun) were \(verb): \(listed).")
    return picture.figure(
      "flow",
      """
      <div class="flow-body">\(picture.svg(width: 100, height: height, pixels: height, ribbons(breadths, rows, height)))
      <ul>\(zip(parts, rows).map { row($0, $1, of: total) }.joined())</ul></div>
      """)
  }

  private func row(_ part: Part, _ height: Double, of total: Int) -> Markup {
    let share = total == 0 ? "" : Quantity.percent(Double(part.count) / Double(total))
    return """
      <li class="tone-\(part.tone.rawValue)\(part.count == 0 ? " none" : "")" style="height:\(height)px">\
      <span class="number">\(Quantity.count(part.count))</span> <span>\(part.label)</span> \
      <span class="share">\(part.count == 0 ? "" : share)</span></li>
      """
  }

  private func ribbons(_ breadths: [Double], _ rows: [Double], _ height: Double) -> Markup {
    let source = breadths.reduce(0, +)
    var left = (height - source) / 2
    var right = 0.0
    var shapes: Markup = "<rect class=\"source\" x=\"0\" y=\"\(left)\" width=\"1.2\" height=\"\(source)\"/>"
    for ((part, breadth), row) in zip(zip(parts, breadths), rows) {
      let end = right + (row - breadth) / 2
      right += row
      guard part.count > 0 else { continue }
      // A single dump among a million is to be seen as well.
      let seen = max(breadth, 1.5)
      shapes += """
        <g class="tone-\(part.tone.rawValue)"><title>\(Quantity.count(part.count)) \(part.label)</title>\
        <path d="M1.2 \(left)C50 \(left) 50 \(end) 98.8 \(end)V\(end + seen)\
        C50 \(end + seen) 50 \(left + seen) 1.2 \(left + seen)Z"/>\
        <rect x="98.8" y="\(end)" width="1.2" height="\(seen)"/></g>
        """
      left += breadth
    }
    return shapes
  }
}
