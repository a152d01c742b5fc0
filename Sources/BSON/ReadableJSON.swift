/// Writes a document as JSON for a person: indented, dates as text.
public struct ReadableJSON {
  private var lines = ""
  private let date: (Int64) -> String

  /// - Parameter date: how milliseconds since 1970 are shown.
  public init(date: @escaping (Int64) -> String) { self.date = date }

  public mutating func text(_ document: BSONDocument) throws(BSONFault) -> String {
    lines = ""
    try container(document, open: "{", close: "}", hasKeys: true, depth: 0)
    return lines
  }

  private mutating func container(
    _ document: BSONDocument, open: String, close: String, hasKeys: Bool, depth: Int
  ) throws(BSONFault) {
    try BSONDocument.check(depth: depth)
    guard !document.isEmpty else {
      lines += open + close
      return
    }
    lines += open
    let indent = String(repeating: "  ", count: depth)
    var separator = "\n"
    var elements = document.elements
    while let element = try elements.next() {
      lines += separator + indent + "  "
      separator = ",\n"
      if hasKeys {
        var key = JSONText()
        key.string(element.key)
        lines += key.string + ": "
      }
      try value(element.value, depth: depth + 1)
    }
    lines += "\n" + indent + close
  }

  private mutating func value(_ value: BSONValue, depth: Int) throws(BSONFault) {
    if let nested = value.document {
      try container(nested, open: "{", close: "}", hasKeys: true, depth: depth)
    } else if let nested = value.array {
      try container(nested, open: "[", close: "]", hasKeys: false, depth: depth)
    } else if let time = value.date {
      lines += "\"\(date(time))\""
    } else {
      var json = JSONText()
      try json.value(value)
      lines += json.string
    }
  }
}
