/// Numbers as a person reads them. The same everywhere, whatever the locale of the machine.
public enum Quantity {
  /// `1,234,567`
  public static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var text = number < 0 ? "−" : ""
    for (position, digit) in digits.enumerated() {
      if position > 0, (digits.utf8.count - position) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  /// `1 user`, `2 users`
  public static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
    "\(count(number)) \(number == 1 ? noun : plural ?? noun + "s")"
  }

  /// `943 B`, `921 KiB`, `1.4 GiB`
  public static func bytes(_ number: Int) -> String {
    var value = Double(number)
    var unit = 0
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while value.magnitude >= 1000, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(unit == 0 ? count(number) : threeFigures(value)) \(units[unit])"
  }

  /// `16 ms`, `8.2 s`, `3 min 20 s`, `2 h 5 min`
  public static func seconds(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "–" }
    if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 59.95 { return "\(fixed(seconds, seconds < 9.995 ? 2 : 1)) s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60) min" + (whole % 60 == 0 ? "" : " \(whole % 60) s") }
    let minutes = (whole + 30) / 60
    return "\(count(minutes / 60)) h" + (minutes % 60 == 0 ? "" : " \(minutes % 60) min")
  }

  /// `12.3 %` of a share between 0 and 1.
  public static func percent(_ share: Double) -> String {
    guard share.isFinite else { return "–" }
    let percent = share * 100
    if share > 0, percent < 0.1 { return "< 0.1 %" }
    return "\(fixed(percent, 1)) %"
  }

  /// With three significant figures where it is below a thousand: `1.23`, `12.3`, `123`, `1,234`.
  public static func threeFigures(_ number: Double) -> String {
    guard number.isFinite, number.magnitude < 1e15 else { return "–" }
    if number.magnitude < 9.995 { return fixed(number, 2) }
    if number.magnitude < 99.95 { return fixed(number, 1) }
    return count(Int(number.rounded()))
  }

  /// With this many decimals; a dash for what has more than eighteen digits then, which nobody reads.
  public static func fixed(_ number: Double, _ decimals: Int) -> String {
    guard let parts = parts(of: number, decimals) else { return "–" }
    return parts.sign + count(parts.whole) + parts.fraction
  }

  /// The same without separators, `1234.50`; what has more than eighteen digits then as Swift writes it.
  public static func plain(_ number: Double, _ decimals: Int) -> String {
    guard let parts = parts(of: number, decimals) else { return "\(number)" }
    return parts.sign + String(parts.whole) + parts.fraction
  }

  /// A number's sign, the whole of it, and so many decimals with their point; nil for more than eighteen digits.
  private static func parts(of number: Double, _ decimals: Int) -> (sign: String, whole: Int, fraction: String)? {
    var scale = 1
    for _ in 0..<decimals { scale *= 10 }
    let rounded = (number.magnitude * Double(scale)).rounded()
    guard rounded < 1e18 else { return nil }
    let scaled = Int(rounded)
    let sign = number < 0 && scaled > 0 ? "−" : ""
    guard decimals > 0 else { return (sign, scaled, "") }
    let fraction = String(scaled % scale)
    return (sign, scaled / scale, "." + String(repeating: "0", count: decimals - fraction.utf8.count) + fraction)
  }

  /// The sum of counts that were stored, which nobody has checked: no more than a number holds, nor less.
  static func sum(_ numbers: [Int]) -> Int {
    numbers.reduce(0) { sum, number in
      let (next, isPastEnd) = sum.addingReportingOverflow(number)
      return isPastEnd ? (number > 0 ? .max : .min) : next
    }
  }

  /// For SVG: at most two decimals, a full stop, no separators.
  static func coordinate(_ number: Double) -> String {
    guard number.isFinite, number.magnitude < 1e12 else { return "0" }
    let hundredths = Int((number * 100).rounded())
    let magnitude = hundredths.magnitude
    var text = (hundredths < 0 ? "-" : "") + String(magnitude / 100)
    if magnitude % 100 != 0 {
      text += magnitude % 100 < 10 ? ".0" : "."
      text += String(magnitude % 10 == 0 ? magnitude % 100 / 10 : magnitude % 100)
    }
    return text
  }
}
