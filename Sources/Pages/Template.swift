internal import Mustache

/// A Mustache template whose variables are escaped by ``Markup``'s rule.
///
/// Mustache's own rule looks at whole characters, and lets a special one pass that shares a character with others.
struct Template: Sendable {
  private let template: MustacheTemplate

  init(_ text: String) throws(PageError) {
    MustacheContentTypes.register(Escaped(), named: Self.rule)
    do {
      template = try MustacheTemplate(string: "{{% CONTENT_TYPE:\(Self.rule)}}\(text)")
    } catch {
      throw .template("\(error)")
    }
  }

  private static let rule = "MIXDOWN"

  func render(_ context: [String: Any]) -> Markup {
    Markup(stringLiteral: template.render(context))
  }

  private struct Escaped: MustacheContentType {
    func escapeText(_ text: String) -> String { escaped(text) }
  }
}

/// Why a page could not be made.
public enum PageError: Error, Sendable, CustomStringConvertible {
  /// One of the program's own templates does not parse.
  case template(String)

  public var description: String {
    switch self {
    case .template(let why): "a template of the page does not parse: \(why)"
    }
  }
}
