import Dumps
import Foundation

/// A dump as it lies in an input.
struct Dump: Sendable {
  /// 2025-06-01T12:00:00Z: whole seconds, for a zip keeps no more.
  static let modifiedAt: Int64 = 1_748_779_200_000

  var name: String
  var text: String
  var modifiedAt = Dump.modifiedAt

  init(_ name: String, _ text: String, modifiedAt: Int64 = Dump.modifiedAt) {
    (self.name, self.text, self.modifiedAt) = (name, text, modifiedAt)
  }
}

extension Dump {
  /// The dumps that an input holds, in its order.
  static func all(in path: String) throws -> [Dump] {
    var dumps: [Dump] = []
    _ = try InputReader().read(path) { event in
      if case .dump(let found) = event {
        let text = String(decoding: found.text.prefix(found.count), as: UTF8.self)
        dumps.append(Dump(found.source.entry ?? "", text, modifiedAt: found.modifiedAt ?? 0))
      }
      return true
    }
    return dumps
  }
}

/// How dumps are put away.
enum Packing: String, CaseIterable, Sendable {
  case folder = "dumps"
  case tar = "dumps.tar"
  case tarGzip = "dumps.tar.gz"
  case tarZstd = "dumps.tar.zst"
  case zip = "dumps.zip"
  case sevenZip = "dumps.7z"
  case lines = "dumps.ndjson"

  /// Packs the dumps in `folder`; returns the path of what is there then.
  func pack(_ dumps: [Dump], in folder: TemporaryFolder, as prefix: String = "") throws -> String {
    let path = folder(prefix + rawValue)
    if self == .lines {
      let lines = dumps.map { $0.text.replacing("\n", with: " ") + "\n" }
      return try folder.write(prefix + rawValue, lines.joined())
    }
    var archive = try ArchiveWriter(path: path)
    for dump in dumps { try archive.add(name: dump.name, contents: Array(dump.text.utf8), modifiedAt: dump.modifiedAt) }
    try archive.close()
    return path
  }
}

// MARK: JSON text

/// A JSON string.
func quoted(_ text: String) -> String {
  let escaped = text.unicodeScalars.map { scalar in
    switch scalar {
    case "\"", "\\": "\\\(scalar)"
    case _ where scalar.value < 0x20: "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
    default: String(scalar)
    }
  }
  return "\"\(escaped.joined())\""
}

/// A JSON object; the values are JSON.
func object(_ fields: KeyValuePairs<String, String>) -> String {
  "{" + fields.map { "\(quoted($0.key)):\($0.value)" }.joined(separator: ",") + "}"
}

/// A JSON array of JSON.
func array(_ elements: [String]) -> String { "[" + elements.joined(separator: ",") + "]" }
