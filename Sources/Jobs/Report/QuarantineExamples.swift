internal import Foundation
internal import Glibc
internal import Stores

/// Some lines of a run's `quarantine.ndjson` for each reason: those whose place comes first, whatever the order in
/// which they were written.
struct QuarantineExamples {
  /// One line, as far as a report may show it.
  struct Example: Equatable {
    /// Where it was found. Without leave to name users, the input alone: paths in it are made of users' names.
    var place: String
    /// `favorites, entry 3`
    var part: String?
    var detail: String
    var user: String?
  }

  private(set) var byReason: [String: [Example]] = [:]

  static let mostExamples = 3
  /// Beyond this a file is not read: an example is as good as another.
  private static let mostBytes = 64 << 20

  /// - Parameter namedUsers: how many different users may be named.
  init(_ path: String, namedUsers: Int) throws(StoreError) {
    var first: [String: [[UInt8]]] = [:]
    guard unsafe access(path, F_OK) == 0 else { return }
    var lines = try LineReader(path)
    while lines.offset < Self.mostBytes, let line = try lines.next() {
      guard let reason = Self.reason(in: line) else { continue }
      var kept = first[reason] ?? []
      let place = kept.firstIndex { line.lexicographicallyPrecedes($0) } ?? kept.count
      guard place < Self.mostExamples else { continue }
      kept.insert([UInt8](line), at: place)
      first[reason] = [[UInt8]](kept.prefix(Self.mostExamples))
    }
    var named: Set<[UInt8]> = []
    for reason in first.keys.sorted() {
      for line in first[reason] ?? [] {
        guard let line = try? JSONDecoder().decode(Line.self, from: Data(line)) else { continue }
        var mayName = false
        if let user = line.user.map({ [UInt8]($0.utf8) }) {
          mayName = named.contains(user) || named.count < namedUsers
          if mayName { named.insert(user) }
        }
        byReason[reason, default: []].append(Example(line, naming: mayName))
      }
    }
  }

  fileprivate struct Line: Decodable {
    struct Place: Decodable {
      var input: String
      var entry: String?
      var line: Int?
    }

    var source: Place
    var user: String?
    var section: String?
    var index: Int?
    var detail: String
    var offset: Int?

    enum CodingKeys: String, CodingKey {
      case source, section, index, detail, offset
      case user = "user_id"
    }
  }

  /// The reason that a line gives, without parsing it: `raw`, which may be long, comes after it, and in the strings
  /// before it a quotation mark has a backslash.
  private static func reason(in line: ArraySlice<UInt8>) -> String? {
    let key = Array(#","reason":""#.utf8)
    var start = line.startIndex
    while let comma = line[start...].firstIndex(of: key[0]) {
      if line[comma...].starts(with: key) {
        let value = line[(comma + key.count)...]
        guard let end = value.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return String(decoding: value[..<end], as: UTF8.self)
      }
      start = comma + 1
    }
    return nil
  }
}

extension QuarantineExamples.Example {
  fileprivate init(_ line: QuarantineExamples.Line, naming: Bool) {
    let source = line.source
    place = naming ? ([source.input, source.entry].compactMap { $0 }).joined(separator: ": ") : unnamed(source.input)
    if let number = source.line { place += ", line \(number)" }
    if let section = line.section { part = section + (line.index.map { ", entry \($0 + 1)" } ?? "") }
    detail = line.detail
    if let offset = line.offset, offset > 0 { detail += " (byte \(offset))" }
    user = naming ? line.user : nil
    guard !naming else { return }
    // What a library says of a damaged file may repeat its name.
    let names = (source.entry.map { $0.split(separator: "/").map(String.init) } ?? []) + [line.user ?? ""]
    for name in names where name.utf8.count > 2 { detail = detail.replacingOccurrences(of: name, with: "…") }
  }
}

/// A path of an input as it may be shown where nobody is named: a dump may be called by its user's name.
func unnamed(_ path: String) -> String {
  let name = path.split(separator: "/").last.map(String.init) ?? path
  var stem = name
  var ending = ""
  for suffix in [".gz", ".zst", ".json", ".ndjson", ".jsonl"] where stem.hasSuffix(suffix) {
    stem.removeLast(suffix.count)
    ending = suffix + ending
  }
  let isDump = [".json", ".ndjson", ".jsonl"].contains { ending.hasPrefix($0) }
  return isDump ? String(path.dropLast(name.count)) + "…" + ending : path
}
