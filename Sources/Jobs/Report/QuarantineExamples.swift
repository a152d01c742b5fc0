internal import Foundation
internal import Glibc
internal import Stores
internal import Sync

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

  /// Beyond this a file is not read: an example is as good as another.
  private static let mostBytes = 64 << 20

  /// - Parameter namedUsers: how many different users may be named.
  init(_ path: String, namedUsers: Int) throws(StoreError) {
    var first: [String: [[UInt8]]] = [:]
    guard unsafe access(path, F_OK) == 0 else { return }
    var lines = try LineReader(path)
    while lines.offset < Self.mostBytes, let line = try lines.next() {
      guard let reason = QuarantineLine.reason(in: line) else { continue }
      var kept = first[reason] ?? []
      let place = kept.firstIndex { line.lexicographicallyPrecedes($0) } ?? kept.count
      guard place < QuarantineLine.mostExamples else { continue }
      kept.insert([UInt8](line), at: place)
      first[reason] = [[UInt8]](kept.prefix(QuarantineLine.mostExamples))
    }
    var named: Set<[UInt8]> = []
    for reason in first.keys.sorted() {
      for line in first[reason] ?? [] {
        guard let line = try? JSONDecoder().decode(QuarantineLine.self, from: Data(line)) else { continue }
        var mayName = false
        if let user = line.user.map({ [UInt8]($0.utf8) }) {
          mayName = named.contains(user) || named.count < namedUsers
          if mayName { named.insert(user) }
        }
        byReason[reason, default: []].append(Example(line, naming: mayName))
      }
    }
  }
}

extension QuarantineExamples.Example {
  fileprivate init(_ line: QuarantineLine, naming: Bool) {
    var shown = line
    if !naming { (shown.input, shown.entry) = (line.input.map(unnamed), nil) }
    place = shown.place
    if let section = line.section { part = section + (line.index.map { ", entry \($0 + 1)" } ?? "") }
    detail = line.detail ?? ""
    if let offset = line.offset, offset > 0 { detail += " (byte \(offset))" }
    user = naming ? line.user : nil
    guard !naming else { return }
    // What a library says of a damaged file may repeat its name.
    let names = (line.entry.map { $0.split(separator: "/").map(String.init) } ?? []) + [line.user ?? ""]
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
