internal import Digests
internal import Foundation

/// A page in one file that needs nothing else: style inside, pictures inside, no request to anywhere.
///
/// ```swift
/// var page = Page(title: "A year of music", kicker: "Listener", heading: "2025")
/// page.figures = [.init("Plays", "12,345")]
/// page.sections = [.init(id: "clock", "By the clock", HeatMap.week(id: "week", …).markup)]
/// try page.html()
/// ```
public struct Page: Sendable {
  /// How something ended, in a word; its sign says it without colour.
  public struct Badge: Sendable {
    public var text: String
    public var tone: Tone

    public init(_ text: String, _ tone: Tone) { (self.text, self.tone) = (text, tone) }

    var sign: String {
      switch tone {
      case .main, .mild: "✓"
      case .muted: "●"
      case .warn: "!"
      case .bad: "✕"
      }
    }
  }

  /// One number that counts, and what it is.
  public struct Figure: Sendable {
    public var label: String
    public var value: String
    public var note: String?

    public init(_ label: String, _ value: String, note: String? = nil) {
      (self.label, self.value, self.note) = (label, value, note)
    }
  }

  /// Something that asks to be looked at.
  public struct Notice: Sendable {
    public var text: Markup
    public var tone: Tone

    public init(_ text: Markup, _ tone: Tone = .warn) { (self.text, self.tone) = (text, tone) }
  }

  public struct Section: Sendable {
    /// Unique on the page; the address of the section.
    public var id: String
    public var heading: String
    public var introduction: String?
    public var body: Markup

    public init(id: String, _ heading: String, introduction: String? = nil, _ body: Markup) {
      (self.id, self.heading, self.introduction, self.body) = (id, heading, introduction, body)
    }
  }

  /// A program of the page and the data that it reads. The page must say all but a convenience without it.
  public struct Script: Sendable {
    /// JSON.
    public var data: String
    /// The program. Nothing that varies: its digest is the leave to run it.
    public var code: StaticString

    public init(data: String, code: StaticString) { (self.data, self.code) = (data, code) }
  }

  /// Of the window.
  public var title: String
  /// What kind of page it is.
  public var kicker: String
  public var heading: String
  public var badge: Badge?
  /// The whole in a sentence.
  public var lead: String?
  public var facts: [(name: String, value: String)] = []
  public var notices: [Notice] = []
  public var figures: [Figure] = []
  public var sections: [Section] = []
  public var script: Script?
  public var footer: String?

  public init(title: String, kicker: String, heading: String) {
    (self.title, self.kicker, self.heading) = (title, kicker, heading)
  }

  /// The page as a file.
  public func html() throws(PageError) -> String {
    var context: [String: Any] = [
      "title": title, "kicker": kicker, "heading": heading, "policy": policy, "style": stylesheet,
      "facts": facts.map { ["name": $0.name, "value": $0.value] },
      "hasFacts": !facts.isEmpty,
      "notices": notices.map { ["text": $0.text.html, "tone": $0.tone.rawValue] as [String: Any] },
      "hasNotices": !notices.isEmpty,
      "figures": figures.map { ["label": $0.label, "value": $0.value, "note": $0.note ?? ""] },
      "hasFigures": !figures.isEmpty,
      "sections": sections.map { section in
        [
          "id": section.id, "heading": section.heading, "hasIntroduction": section.introduction != nil,
          "introduction": section.introduction ?? "", "body": section.body.html,
        ] as [String: Any]
      },
      "hasSections": sections.count > 1,
    ]
    if let badge { context["badge"] = ["text": badge.text, "tone": badge.tone.rawValue, "sign": badge.sign] }
    if let lead { context["lead"] = lead }
    if let footer { context["footer"] = footer }
    if let script {
      context["script"] = ["data": Self.embedded(script.data), "code": "\(script.code)"]
    }
    return try Template(pageTemplate).render(context).html + "\n"
  }

  /// What the page may do: nothing but show itself and run its own program, known by its digest.
  private var policy: String {
    var policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    if let script {
      let digest = Data(sha256(Array("\(script.code)".utf8))).base64EncodedString()
      policy += "; script-src 'sha256-\(digest)'"
    }
    return policy
  }

  /// JSON as it may stand in a script element: nothing in it can end the element or begin another.
  ///
  /// The characters stand in JSON's strings alone, where an escape means the same.
  static func embedded(_ json: String) -> String {
    var text = ""
    for scalar in json.unicodeScalars {
      switch scalar {
      case "<": text += "\\u003c"
      case ">": text += "\\u003e"
      case "&": text += "\\u0026"
      case "\u{2028}": text += "\\u2028"
      case "\u{2029}": text += "\\u2029"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}
