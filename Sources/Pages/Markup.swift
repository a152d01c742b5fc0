/// Text that is HTML already, SVG included.
///
/// Made from literals, in which whatever is interpolated is escaped unless it is markup itself: a string from a dump
/// cannot become an element or leave its attribute.
///
/// ```swift
/// let title = "<script>"
/// let cell: Markup = "<td title=\"\(title)\">\(title)</td>"    // &lt;script&gt; twice
/// ```
public struct Markup: Sendable, Equatable, ExpressibleByStringInterpolation {
  public private(set) var html: String

  /// Nothing.
  public init() { html = "" }

  /// A text with its special characters escaped.
  public init(text: String) { html = escaped(text) }

  public init(stringLiteral html: String) { self.html = html }

  public init(stringInterpolation interpolation: StringInterpolation) { html = interpolation.html }

  public static func += (a: inout Markup, b: Markup) { a.html += b.html }

  public static func + (a: Markup, b: Markup) -> Markup {
    var sum = a
    sum += b
    return sum
  }

  public struct StringInterpolation: StringInterpolationProtocol {
    var html = ""

    public init(literalCapacity: Int, interpolationCount: Int) {
      html.reserveCapacity(literalCapacity + interpolationCount * 8)
    }

    public mutating func appendLiteral(_ literal: String) { html += literal }
    public mutating func appendInterpolation(_ text: String) { html += escaped(text) }
    public mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    public mutating func appendInterpolation(_ number: Int) { html += String(number) }
    /// A length or a share: at most two decimals.
    public mutating func appendInterpolation(_ number: Double) { html += Quantity.coordinate(number) }
  }
}

extension Sequence<Markup> {
  /// All of them, one after another.
  public func joined() -> Markup { reduce(into: Markup()) { $0 += $1 } }
}

/// A text as it stands in an element or in an attribute with quotation marks.
///
/// Scalar by scalar: a character of Swift can hold more than the scalar that HTML acts upon, such as U+0600 and the
/// less-than sign that follows it. Scalars that HTML has no place for become U+FFFD.
func escaped(_ text: String) -> String {
  guard text.utf8.contains(where: needsEscape) || text.unicodeScalars.contains(where: isForbidden) else { return text }
  var html = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "<": html += "&lt;"
    case ">": html += "&gt;"
    case "&": html += "&amp;"
    case "\"": html += "&quot;"
    case "'": html += "&#39;"
    case _ where isForbidden(scalar): html.unicodeScalars.append("\u{FFFD}")
    default: html.unicodeScalars.append(scalar)
    }
  }
  return html
}

private func needsEscape(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
  default: false
  }
}

/// Controls, the overrides of writing direction that reach past their text, and noncharacters.
private func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0A, 0x0D: false
  case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0xFDD0...0xFDEF: true
  default: scalar.value & 0xFFFE == 0xFFFE
  }
}
