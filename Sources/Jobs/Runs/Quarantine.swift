internal import BSON
public import Dumps
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
  fileprivate struct Unusable: Error {
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

    mutating func next() throws(StepFailure) -> (line: QuarantineLine, json: [UInt8])? {
      while let text = try read() {
        // Empty lines are nothing, but are counted: an editor does so too.
        number += 1
        if text.isEmpty { continue }
        let json = Array(text)
        guard let line = try? JSONDecoder().decode(QuarantineLine.self, from: Data(json)) else {
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
  /// - Parameters:
  ///   - dumps: a path. The file names nobody and has no time, so that a dump which does not say when it was made is as old
  ///     as what is in it: it was made before it was quarantined, and beats nothing that came since.
  ///   - users: how the run told whose a dump is.
  /// - Returns: how many, and of the others what they are and why they cannot.
  /// - Throws: what keeps the lines from being read or the dumps from being written (74), or the first line that is no
  ///   object (65).
  public func writeDumps(to dumps: String, users: UserSource) throws(StepFailure) -> (written: Int, left: [String]) {
    guard isThere else { throw StepFailure(.inputOutput, "\(path): no such file") }
    var lines = try Lines(path)
    var (text, written, left) = (JSONText(), 0, [String]())
    while let (line, json) = try lines.next() {
      do throws(Unusable) {
        text.append(try Self.dump(line, json, users))
        text.put("\n")
        written += 1
      } catch {
        left.append("\(Self.example(line)): \(error.why)")
      }
    }
    do throws(StoreError) {
      try PosixFile(dumps, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600, operation: "create").write(text.bytes)
    } catch {
      throw StepFailure(error)
    }
    do {
      let none = Date(timeIntervalSince1970: 0)
      try FileManager.default.setAttributes([.modificationDate: none], ofItemAtPath: dumps)
    } catch {
      throw StepFailure(.inputOutput, "cannot set the time of \(dumps): \(error.localizedDescription)")
    }
    return (written, left)
  }

  private static func dump(_ line: QuarantineLine, _ json: [UInt8], _ users: UserSource) throws(Unusable) -> JSONText {
    guard let bytes = document(json: json, maxDepth: BSONDocument.deepest) else { throw Unusable("it is no JSON") }
    do {
      return try bytes.withView { try dump(line, BSONDocument(unchecked: $0), users) }
    } catch let error as Unusable {
      throw error
    } catch {
      throw Unusable("\(error)")
    }
  }

  private static func dump(_ line: QuarantineLine, _ document: BSONDocument, _ users: UserSource) throws -> JSONText {
    guard let raw = try document.value("raw"), !raw.isNull else { throw Unusable("it has no raw") }
    var dump = JSONText()
    dump.put("{")
    if let section = line.section {
      guard let user = line.user else { throw Unusable("it has no user_id") }
      guard replayable.contains(section) else {
        throw Unusable("\(section) counts only as a whole, at the time of its export")
      }
      dump.key("user_id")
      dump.string(user)
      dump.put(",")
      dump.string(section)
      dump.put(":")
      if line.index == nil { try dump.value(ofSection: raw) } else { try dump.value(ofSection: section, with: raw) }
    } else {
      guard let object = raw.document else { throw Unusable("raw is no object") }
      guard line.user != nil || users == .content else {
        throw Unusable("the run did not ask the dump whose it is: write the user_id beside raw")
      }
      try dump.fields(of: object, user: line.user)
    }
    dump.put("}")
    return dump
  }
}

extension JSONText {
  /// The fields of a dump, as those of this user; nil where it says itself whose it is.
  fileprivate mutating func fields(of dump: BSONDocument, user: String?) throws(BSONFault) {
    var isFirst = true
    // In front, for what an envelope says counts before all else.
    if let user {
      key("user_id")
      string(user)
      isFirst = false
    }
    var elements = dump.elements
    while let element = try elements.next() {
      if user != nil, element.key == ByteView("user_id") { continue }
      if !isFirst { put(",") }
      isFirst = false
      string(element.key)
      put(":")
      try value(element.value)
    }
  }

  /// A section as it was quarantined: in the browser's storage it is a string that holds its JSON.
  fileprivate mutating func value(ofSection raw: BSONValue) throws(BSONFault) {
    var reader = JSONReader()
    guard let text = raw.string, let json = try? reader.read(copying: text.copy(), maxDepth: BSONDocument.deepest),
      json.kind == .array || json.kind == .object
    else { return try value(raw) }
    let arena = Arena()
    try value(BSONValue(type: json.kind == .array ? .array : .document, bytes: reader.copyBSON(to: arena)))
  }

  /// A section that has an entry alone.
  fileprivate mutating func value(ofSection section: String, with entry: BSONValue) throws {
    func has(_ names: StaticString...) throws(BSONFault) -> Bool {
      for name in names where try entry.document?.value(name) != nil { return true }
      return false
    }
    if section == "playlists", try !has("id") {
      throw Quarantine.Unusable("raw is a song, or has no id: of which playlist is not known")
    }
    guard section == "removed" else {
      put("[")
      try value(entry)
      return put("]")
    }
    let isSong = try has("videoId", "video_id", "title")
    put("{")
    key(try has("playlist_id") ? "playlist_songs" : isSong ? "favorites" : "playlists")
    put("[")
    try value(entry)
    put("]}")
  }
}
