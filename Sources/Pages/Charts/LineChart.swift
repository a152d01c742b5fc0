/// A figure that changes with time, as a line over its area.
public struct LineChart: Sendable {
  public var id: String
  public var caption: String
  /// `users a second`
  public var unit: String
  /// In seconds and in the unit, in order of time.
  public var points: [(time: Double, value: Double)]

  public init(id: String, caption: String, unit: String, points: [(time: Double, value: Double)]) {
    (self.id, self.caption, self.unit, self.points) = (id, caption, unit, points)
  }

  private static let pixels = 132.0

  private static func scale(_ value: Double) -> String {
    Int(exactly: value).map { Quantity.count($0) } ?? Quantity.threeFigures(value)
  }

  public var markup: Markup {
    let plane = Plane(largest: points.map(\.value).max() ?? 0)
    let (start, end) = (points.first?.time ?? 0, points.last?.time ?? 0)
    var words = "From \(Quantity.seconds(start)) to \(Quantity.seconds(end)) of the run."
    if let most = points.max(by: { $0.value < $1.value }), let least = points.min(by: { $0.value < $1.value }) {
      words += " Between \(Quantity.threeFigures(least.value)) and \(Quantity.threeFigures(most.value)) \(unit)."
    }
    let picture = Picture(
      id: id, caption: Markup(text: caption), title: caption, description: words)
    let width = 1000.0
    let scaled = points.map { point in
      let x = end > start ? (point.time - start) / (end - start) * width : 0
      return "\(Quantity.coordinate(x)) \(Quantity.coordinate(100 - plane.height(point.value) * 100))"
    }
    let line = "M" + scaled.joined(separator: "L")
    let shapes: Markup = """
      \(Plane.grid(width: width, height: 100))<path class="area" d="\(line)V100H0Z"/><path class="line" d="\(line)"/>
      """
    let middle = (start + end) / 2
    return picture.figure(
      "line",
      plane.frame(
        picture.svg(width: width, height: 100, pixels: Self.pixels, points.count > 1 ? shapes : Markup()),
        pixels: Self.pixels, text: Self.scale,
        below: [
          (0, Quantity.seconds(start)), (0.5, Quantity.seconds(middle)), (1, Quantity.seconds(end)),
        ]))
  }
}
