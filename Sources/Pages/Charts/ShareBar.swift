/// Parts of one whole side by side, with their names and figures below: the time of a run by phase.
public struct ShareBar: Sendable {
  public var id: String
  public var caption: String
  public var parts: [(label: String, value: Double, text: String)]

  public init(id: String, caption: String, parts: [(label: String, value: Double, text: String)]) {
    (self.id, self.caption, self.parts) = (id, caption, parts)
  }

  public var markup: Markup {
    let total = parts.reduce(0) { $0 + $1.value }
    let words = parts.map { "\($0.label) \($0.text)" }.joined(separator: ", ") + "."
    let picture = Picture(id: id, caption: Markup(text: caption), title: caption, description: words)
    var left = 0.0
    var shapes = Markup()
    var legend = Markup()
    for (position, part) in parts.enumerated() {
      let width = total > 0 ? part.value / total * 1000 : 0
      let shade = position % 5
      shapes += """
        <rect class="shade-\(shade)" x="\(left)" y="0" width="\(max(width - 2, 0.5))" height="10">\
        <title>\(part.label): \(part.text)</title></rect>
        """
      legend += """
        <li><svg class="swatch" aria-hidden="true" viewBox="0 0 10 10"><rect class="shade-\(shade)" width="10" \
        height="10"/></svg> \(part.label) <span class="number">\(part.text)</span></li>
        """
      left += width
    }
    return picture.figure(
      "shares", "\(picture.svg(width: 1000, height: 10, pixels: 20, shapes))<ul class=\"legend\">\(legend)</ul>")
  }
}
