internal import Foundation
internal import Glibc
internal import Stores
internal import Sync

/// What a run has not used, by reason, and what of it can be fed in again (`mixdown quarantine`).
public struct Quarantine: Sendable {
  public struct Group: Sendable {
    public let reason: String
    public fileprivate(set) var count = 0
    /// The first of them: where it was found, whose it is, and what is wrong.
    public fileprivate(set) var examples: [String] = []
  }

  /// Why a line cannot be fed in.
  private struct Unusable: Error {
    let why: String
    init(_ why: String) { self.why = why }
  }

  private let path: String

  /// - Parameter path: of a file of quarantined lines: a run's own, or one in which somebody has mended `raw`.
  public init(_ path: String) { self.path = path }

  private var isThere: Bool { FileManager.default.fileExists(atPath: path) }

  /// The lines of the file, one after another.
  private struct Lines: ~Copyable {
    private let path: String
    private var reader: LineReader
    private var number = 0

    init(_ path: String) throws(StepFailure) {
      self.path = path
      do throws(StoreError) { reader = try LineReader(path) } catch { throw StepFailure(error) }
    }

    mutating func next() throws(StepFailure) -> (line: QuarantineLine, json: Data)? {
      while let text = try read() {
        // Empty lines are nothing, but are counted: an editor does so too.
        number += 1
        if text.isEmpty { continue }
        let json = Data(text)
        guard let line = try? JSONDecoder().decode(QuarantineLine.self, from: json) else {
          throw StepFailure(.refused, "\(path), line \(number): no JSON object")
        }
        return (line, json)
      }
      return nil
    }

    private mutating func read() throws(StepFailure) -> ArraySlice<UInt8>? {
      do throws(StoreError) { return try reader.next() } catch { throw StepFailure(error) }
    }
  }

  /// The most frequent first; none where there is no file, for only `sync` and `sessions` leave one.
  ///
  /// - Throws: what keeps the file from being read (74), or the first line that is no object (65).
  public func groups() throws(StepFailure) -> [Group] {
    guard isThere else { return [] }
    var byReason: [String: Group] = [:]
    var lines = try Lines(path)
    while let (line, _) = try lines.next() {
      let reason = line.reason ?? "?"
      var group = byReason.removeValue(forKey: reason) ?? Group(reason: reason)
      group.count += 1
      if group.examples.count < QuarantineLine.mostExamples { group.examples.append(Self.example(line)) }
      byReason[reason] = group
    }
    return byReason.values.sorted { $0.count != $1.count ? $0.count > $1.count : $0.reason < $1.reason }
  }

  private static func example(_ line: QuarantineLine) -> String {
    let user = line.user.map { ", \($0)" } ?? ""
    let section = line.section.map { section in ", \(section)" + (line.index.map { "[\($0)]" } ?? "") } ?? ""
    return "\(line.place)\(user)\(section): \(line.detail ?? "")"
  }

  /// Sections whose entries mean something alone: a queue or a set of preferences does so only as a whole, at its time.
  private static let replayable: Set<String> = ["favorites", "history", "playlists", "recent_searches", "removed"]

  /// Writes what can be fed in again as dumps, one a line.
  ///
  /// - Returns: how many, and of the others what they are and why they cannot.
  /// - Throws: what keeps the lines from being read or the dumps from being written (74), or the first line that is no
  ///   object (65).
  public func writeDumps(to dumps: String) throws(StepFailure) -> (written: Int, left: [String]) {
    guard isThere else { throw StepFailure(.inputOutput, "\(path): no such file") }
    var lines = try Lines(path)
    var (text, written, left): ([UInt8], Int, [String]) = ([], 0, [])
    while let (line, json) = try lines.next() {
      do throws(Unusable) {
        let dump = try Self.dump(line, json)
        guard let dump = try? JSONSerialization.data(withJSONObject: dump) else { throw Unusable("it is no JSON") }
        text += dump + [0x0A]
        written += 1
      } catch {
        left.append("\(Self.example(line)): \(error.why)")
      }
    }
    do throws(StoreError) {
      try PosixFile(dumps, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600, operation: "create").write(text)
    } catch {
      throw StepFailure(error)
    }
    return (written, left)
  }

  private static func dump(_ line: QuarantineLine, _ json: Data) throws(Unusable) -> [String: any Sendable] {
    let object = try? JSONSerialization.jsonObject(with: json) as? [String: any Sendable]
    guard let raw = object?["raw"], !(raw is NSNull) else { throw Unusable("it has no raw") }
    let user = line.user
    guard let section = line.section else {
      guard var dump = raw as? [String: any Sendable] else { throw Unusable("raw is no object") }
      if let user, dump["user_id"] == nil { dump["user_id"] = user }
      return dump
    }
    guard let user else { throw Unusable("it has no user_id") }
    guard replayable.contains(section) else {
      throw Unusable("\(section) counts only as a whole, at the time of its export")
    }
    if line.index != nil { return ["user_id": user, section: try list(of: raw, in: section)] }
    // In the browser's storage a list is a string that holds its JSON.
    return ["user_id": user, section: (raw as? String).flatMap(parsed) ?? raw]
  }

  private static func parsed(_ text: String) -> (any Sendable)? {
    let value = try? JSONSerialization.jsonObject(with: Data(text.utf8))
    return value as? [any Sendable] ?? value as? [String: any Sendable]
  }

  /// A section that has an entry alone.
  private static func list(of entry: any Sendable, in section: String) throws(Unusable) -> any Sendable {
    let fields = entry as? [String: any Sendable] ?? [:]
    switch section {
    case "playlists" where fields["id"] == nil:
      throw Unusable("raw is a song, or has no id: of which playlist is not known")
    case "removed":
      let isSong = ["videoId", "video_id", "title"].contains { fields[$0] != nil }
      let list = fields["playlist_id"] != nil ? "playlist_songs" : isSong ? "favorites" : "playlists"
      return [list: [entry]]
    default: return [entry]
    }
  }
}
