internal import Mustache

/// A Mustache template whose variables are escaped by ``Markup``'s rule.
///
/// Mustache's own rule looks at whole characters, and lets a special one pass that shares a character with others. A
/// partial does not take over the rule of the template that names it: each gets the line of its own.
struct Template: Sendable {
  private let template: MustacheTemplate
  private let library: MustacheLibrary

  /// - Parameter partials: templates that this one names.
  init(_ text: String, partials: [String: String] = [:]) throws(PageError) {
    MustacheContentTypes.register(Escaped(), named: Self.rule)
    do {
      template = try MustacheTemplate(string: Self.escaping(text))
      var library = MustacheLibrary()
      for (name, text) in partials { try library.register(Self.escaping(text), named: name) }
      self.library = library
    } catch {
      throw .template("\(error)")
    }
  }

  private static let rule = "MIXDOWN"

  private static func escaping(_ text: String) -> String { "{{% CONTENT_TYPE:\(rule)}}\(text)" }

  func render(_ context: [String: Any]) -> Markup {
    Markup(stringLiteral: template.render(context, library: library))
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
