/// What the name of a file says: whether it is a dump, of which kind, and of whom (docs/dumps.md).
///
/// Names are bytes: two that are not UTF-8 would be one as texts, and so would the users that they name.
package enum DumpName {
  enum Kind: Equatable {
    /// `.json`: one value, unless the content shows lines or an array.
    case value
    /// `.ndjson`, `.jsonl`: a value a line, unless the content shows one value.
    case lines
  }

  /// Why a file or entry is skipped whose name does not end as a dump's.
  static let isMissing = "not named like a dump"

  private static let kinds: [(suffix: String, kind: Kind)] = [
    (".json", .value), (".ndjson", .lines), (".jsonl", .lines),
  ]
  private static let compressions = [".gz", ".zst"]

  /// The kind of dumps that a file of this name or path holds; nil when it is no name of a dump.
  static func kind(of name: [UInt8]) -> Kind? {
    let name = withoutCompression(name)
    return kinds.first { name.ends(with: $0.suffix) }?.kind
  }

  /// The user that a path names: the file's name without its suffixes when it has no folder, else the name of
  /// its folder.
  ///
  /// - Parameter components: the parts of the path relative to the input.
  /// - Returns: nil when the name is empty without its suffixes, or the path leaves the input. It need not be UTF-8.
  package static func user(of components: [[UInt8]]) -> [UInt8]? {
    guard let file = components.last, components.first != parent else { return nil }
    guard components.count == 1 else { return components[components.count - 2] }
    let name = withoutCompression(file)
    let suffix = kinds.first { name.ends(with: $0.suffix) }?.suffix ?? ""
    let user = name.dropLast(suffix.utf8.count)
    return user.isEmpty ? nil : Array(user)
  }

  /// The parts of a path of an archive or a directory, without the "." and the empty ones, and without those that a ".."
  /// behind them takes back. A ".." with which the path leaves the input stays.
  package static func components(of path: [UInt8]) -> [[UInt8]] {
    path.split(separator: UInt8(ascii: "/")).reduce(into: []) { parts, part in
      if part == [UInt8(ascii: ".")] { return }
      if Array(part) == parent, let last = parts.last, last != parent {
        parts.removeLast()
      } else {
        parts.append(Array(part))
      }
    }
  }

  private static let parent = Array("..".utf8)

  private static func withoutCompression(_ name: [UInt8]) -> [UInt8] {
    let suffix = compressions.first { name.ends(with: $0) } ?? ""
    return Array(name.dropLast(suffix.utf8.count))
  }
}

extension [UInt8] {
  /// Whether the bytes end with those of `suffix`: names are equal when their bytes are.
  fileprivate func ends(with suffix: String) -> Bool {
    self.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}

extension [[UInt8]] {
  /// The parts of a path as it is shown: what is not UTF-8 becomes U+FFFD.
  func joined(separator: String) -> String {
    map { String(decoding: $0, as: UTF8.self) }.joined(separator: separator)
  }
}
