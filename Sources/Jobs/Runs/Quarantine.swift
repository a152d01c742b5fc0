internal import Foundation
internal import Glibc
internal import Stores

/// What a run has not used, by reason, and what of it can be fed in again (`mixdown quarantine`).
public struct Quarantine: Sendable {
  public struct Group: Sendable {
    public let reason: String
    public let count: Int
    /// The first of them: where it was found, whose it is, and what is wrong.
    public let examples: [String]
  }

  private static let mostExamples = 3

  private let lines: [[String: any Sendable]]

  /// Reads a file of quarantined lines: a run's own, or one in which somebody has mended `raw`.
  ///
  /// - Throws: what keeps the file from being read, or the first line that is no object.
  public init(_ path: String) throws {
    guard let text = FileManager.default.contents(atPath: path) else {
      let why = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "no such file"
      throw QuarantineFault(description: "\(path): \(why)")
    }
    var lines: [[String: any Sendable]] = []
    // Empty lines are nothing, but are counted: an editor does so too.
    let all = text.split(separator: 0x0A, omittingEmptySubsequences: false)
    for (number, line) in all.enumerated() where !line.isEmpty {
      guard let object = try? JSONSerialization.jsonObject(with: line) as? [String: any Sendable] else {
        throw QuarantineFault(description: "\(path), line \(number + 1): no JSON object")
      }
      lines.append(object)
    }
    self.lines = lines
  }

  /// The most frequent first.
  public var groups: [Group] {
    let byReason = Dictionary(grouping: lines) { $0["reason"] as? String ?? "?" }
    return byReason.map { reason, lines in
      Group(reason: reason, count: lines.count, examples: lines.prefix(Self.mostExamples).map(Self.example))
    }.sorted { $0.count != $1.count ? $0.count > $1.count : $0.reason < $1.reason }
  }

  private static func example(_ line: [String: any Sendable]) -> String {
    let source = line["source"] as? [String: any Sendable] ?? [:]
    var place = [source["input"] as? String, source["entry"] as? String].compactMap(\.self).joined(separator: ": ")
    if let number = source["line"] as? Int { place += ": line \(number)" }
    let user = (line["user_id"] as? String).map { ", \($0)" } ?? ""
    let section = (line["section"] as? String).map { section in
      ", \(section)" + ((line["index"] as? Int).map { "[\($0)]" } ?? "")
    }
    return "\(place)\(user)\(section ?? ""): \(line["detail"] as? String ?? "")"
  }

  /// Sections whose entries mean something alone: a queue or a set of preferences does so only as a whole, at its time.
  private static let replayable: Set<String> = ["favorites", "history", "playlists", "recent_searches", "removed"]

  /// Writes what can be fed in again as dumps, one a line.
  ///
  /// - Returns: how many, and of the others what they are and why they cannot.
  public func writeDumps(to path: String) throws -> (written: Int, left: [String]) {
    var text = Data()
    var written = 0
    var left: [String] = []
    for line in lines {
      do throws(QuarantineFault) {
        let dump = try Self.dump(line)
        guard let json = try? JSONSerialization.data(withJSONObject: dump) else {
          throw QuarantineFault(description: "it is no JSON")
        }
        text += json + [0x0A]
        written += 1
      } catch {
        left.append("\(Self.example(line)): \(error)")
      }
    }
    let file = try PosixFile(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600, operation: "create")
    try file.write([UInt8](text))
    return (written, left)
  }

  private static func dump(_ line: [String: any Sendable]) throws(QuarantineFault) -> [String: any Sendable] {
    guard let raw = line["raw"], !(raw is NSNull) else { throw QuarantineFault(description: "it has no raw") }
    let user = line["user_id"] as? String
    guard let section = line["section"] as? String else {
      guard var dump = raw as? [String: any Sendable] else { throw QuarantineFault(description: "raw is no object") }
      if let user, dump["user_id"] == nil { dump["user_id"] = user }
      return dump
    }
    guard let user else { throw QuarantineFault(description: "it has no user_id") }
    guard replayable.contains(section) else {
      throw QuarantineFault(description: "\(section) counts only as a whole, at the time of its export")
    }
    if line["index"] is Int { return ["user_id": user, section: try list(of: raw, in: section)] }
    // In the browser's storage a list is a string that holds its JSON.
    return ["user_id": user, section: (raw as? String).flatMap(parsed) ?? raw]
  }

  private static func parsed(_ text: String) -> (any Sendable)? {
    let value = try? JSONSerialization.jsonObject(with: Data(text.utf8))
    return value as? [any Sendable] ?? value as? [String: any Sendable]
  }

  /// A section that has an entry alone.
  private static func list(of entry: any Sendable, in section: String) throws(QuarantineFault) -> any Sendable {
    let fields = entry as? [String: any Sendable] ?? [:]
    switch section {
    case "playlists" where fields["id"] == nil:
      throw QuarantineFault(description: "raw is a song, or has no id: of which playlist is not known")
    case "removed":
      let isSong = ["videoId", "video_id", "title"].contains { fields[$0] != nil }
      let list = fields["playlist_id"] != nil ? "playlist_songs" : isSong ? "favorites" : "playlists"
      return [list: [entry]]
    default: return [entry]
    }
  }
}

/// A file that is no quarantine.
public struct QuarantineFault: Error, CustomStringConvertible {
  public let description: String
}
