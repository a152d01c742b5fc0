/// What every picture has: a figure with a caption, and an SVG that says in words what it shows.
struct Picture {
  /// Unique on its page.
  let id: String
  let caption: Markup
  /// For those who do not see it.
  let title: String
  let description: String

  /// The figure around the given content.
  func figure(_ kind: String, _ content: Markup) -> Markup {
    """
    <figure class="\(kind)" aria-labelledby="\(id)-caption">
    <figcaption id="\(id)-caption">\(caption)</figcaption>
    \(content)
    </figure>
    """
  }

  /// An SVG that fills its place in both directions, so that its shapes scale and no text in it has to.
  ///
  /// - Parameter height: in CSS pixels; the width is that of the place.
  func svg(width: Double, height: Double, pixels: Double, _ shapes: Markup) -> Markup {
    """
    <svg role="img" aria-labelledby="\(id)-title \(id)-desc" viewBox="0 0 \(width) \(height)" \
    preserveAspectRatio="none" style="height:\(pixels)px"><title id="\(id)-title">\(title)</title>\
    <desc id="\(id)-desc">\(description)</desc>\(shapes)</svg>
    """
  }
}

/// A plane with a scale on the left, and words below.
struct Plane {
  /// Where the scale ends: a round number that nothing in the picture passes.
  let top: Double

  /// - Parameter largest: the greatest value to be shown.
  init(largest: Double) {
    guard largest.isFinite, largest > 0 else {
      top = 1
      return
    }
    var step = 1.0
    while step * 10 < largest { step *= 10 }
    while step > largest { step /= 10 }
    top = [1, 1.5, 2, 3, 4, 6, 8, 10].map { $0 * step }.first { $0 >= largest } ?? step * 10
  }

  /// The share of the height that a value takes, 0…1.
  func height(_ value: Double) -> Double { min(max(value / top, 0), 1) }

  /// The picture with its scale.
  ///
  /// - Parameters:
  ///   - text: a value as it stands on the scale.
  ///   - below: words and where they begin, as a share of the width.
  func frame(
    _ svg: Markup, pixels: Double, text: (Double) -> String, below: [(at: Double, text: String)]
  ) -> Markup {
    let scale = [top, top / 2, 0].map { "<span>\(text($0))</span>" as Markup }.joined()
    let words = below.map { "<span style=\"left:\($0.at * 100)%\">\($0.text)</span>" as Markup }.joined()
    return """
      <div class="plane"><div class="scale" aria-hidden="true" style="height:\(pixels)px">\(scale)</div>\
      <div class="plot">\(svg)</div><div class="below" aria-hidden="true">\(words)</div></div>
      """
  }

  /// Lines across at the top and in the middle, and the ground.
  static func grid(width: Double, height: Double) -> Markup {
    """
    <path class="grid" d="M0 0H\(width)M0 \(height / 2)H\(width)"/><path class="ground" d="M0 \(height)H\(width)"/>
    """
  }
}
