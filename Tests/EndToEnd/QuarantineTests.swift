import BSON
import Foundation
import Library
import Testing

/// Every reason of the quarantine, with what a user is told.
@Suite struct QuarantineTests {
  /// A line that is expected.
  struct Line: Equatable {
    var reason: String
    var detail: String
    var user: String?
    var section: String?
    var index: Int?

    init(_ reason: String, _ detail: String, user: String? = nil, section: String? = nil, index: Int? = nil) {
      (self.reason, self.detail, self.user, self.section, self.index) = (reason, detail, user, section, index)
    }

    /// An entry of ann's.
    init(_ reason: String, _ section: String, _ index: Int, _ detail: String) {
      self.init(reason, detail, user: "ann", section: section, index: index)
    }

    /// A section of ann's.
    init(_ reason: String, _ section: String, _ detail: String) {
      self.init(reason, detail, user: "ann", section: section)
    }
  }

  /// A folder with one file, and what becomes of it.
  struct Fixture: Sendable, CustomTestStringConvertible {
    var name: String
    var file = "ann.json"
    var text: String
    var flags: [String] = []
    var lines: [Line]
    var testDescription: String { name }

    init(_ name: String, file: String = "ann.json", _ text: String, flags: [String] = [], _ lines: Line...) {
      (self.name, self.file, self.text, self.flags, self.lines) = (name, file, text, flags, lines)
    }
  }

  static let dumps = [
    Fixture(
      "invalid-json-damaged", #"{"favorites": [}"#, Line("invalid-json", "no JSON from byte 15 on")),
    Fixture(
      "invalid-json-cut", #"{"favorites": [{"videoId": "a""#, Line("invalid-json", "no JSON from byte 30 on")),
    Fixture(
      "invalid-json-something-behind", #"{"favorites": []} x"#, Line("invalid-json", "no JSON from byte 18 on")),
    Fixture(
      "invalid-json-behind-its-user", #"{"user_id": "bob", "favorites": [], "x": 01}"#,
      Line("invalid-json", "no JSON from byte 41 on")),
    Fixture("invalid-json-no-object", "42", Line("invalid-json", "JSON, but no object")),
    Fixture("invalid-json-empty", "", Line("invalid-json", "the file is empty")),
    Fixture(
      "unknown-shape", #"{"hello": 1}"#,
      Line("unknown-shape", "no key of any shape: tldr-…, local_…, a section, or an envelope")),
    Fixture(
      "no-user-an-object", #"{"user_id": {"$ne": null}, "favorites": []}"#,
      Line("no-user", "the user is no string of 1 to 256 bytes")),
    Fixture(
      "no-user-empty", #"{"user_id": "", "favorites": []}"#,
      Line("no-user", "the user is no string of 1 to 256 bytes")),
    Fixture(
      "no-user-too-long", #"{"user_id": "\#(String(repeating: "x", count: 257))", "favorites": []}"#,
      Line("no-user", "the user is no string of 1 to 256 bytes")),
    Fixture(
      "no-user-nowhere", file: ".json", #"{"favorites": []}"#, Line("no-user", "neither file nor folder names a user")),
    Fixture(
      "user-mismatch", #"{"user_id": "bob", "favorites": []}"#, flags: ["--users-from", "agree"],
      Line("user-mismatch", "the dump and its path name different users")),
    Fixture(
      "user-mismatch-unnamed", #"{"favorites": []}"#, flags: ["--users-from", "agree"],
      Line("user-mismatch", "only the path names a user")),
    Fixture(
      "unknown-user", #"{"favorites": []}"#, flags: ["--no-create"],
      Line("unknown-user", "no library of this user is in the store", user: "ann")),
    Fixture(
      "too-large", #"{"favorites": [{"videoId": "a"}]}"#, flags: ["--max-dump-size", "20"],
      Line("too-large", "a dump of 33 bytes")),
    Fixture(
      "too-deep", #"{"favorites": [[[[]]]]}"#, flags: ["--max-depth", "4"],
      Line("too-deep", "nested deeper than 4", user: "ann")),
  ]

  static let sections = [
    Fixture(
      "invalid-section-no-list", #"{"favorites": 5}"#,
      Line("invalid-section", "favorites", "a number where a list is expected")),
    Fixture(
      "invalid-section-no-object", #"{"preferences": []}"#,
      Line("invalid-section", "preferences", "an array where an object is expected")),
    Fixture(
      "invalid-section-string-does-not-parse", #"{"tldr-history": "[{]"}"#,
      Line("invalid-section", "history", "no JSON from byte 2 of the section on")),
    Fixture(
      "invalid-section-string-of-a-scalar", #"{"tldr-queue": "7"}"#,
      Line("invalid-section", "queue", "the JSON of the section is neither list nor object")),
    Fixture(
      "invalid-section-shuffle", #"{"tldr-shuffle": "True"}"#,
      Line("invalid-section", "preferences", "tldr-shuffle is neither true nor false")),
    Fixture(
      "invalid-section-repeat", #"{"tldr-repeat": "twice"}"#,
      Line("invalid-section", "preferences", "tldr-repeat is none of off, all, one")),
    Fixture(
      "invalid-section-preferences-with-nul", #"{"preferences": {"a\u0000": 1}}"#,
      Line("invalid-section", "preferences", "a key holds U+0000")),
    Fixture(
      "invalid-section-removed", #"{"removed": {"favorites": 1}}"#,
      Line("invalid-section", "removed", "removed.favorites is no list")),
    Fixture(
      "too-deep-section", #"{"tldr-favorites": "[[[[[]]]]]", "tldr-queue": "[]"}"#, flags: ["--max-depth", "4"],
      Line("too-deep", "favorites", "nested deeper than 4")),
  ]

  static let entries = [
    Fixture(
      "invalid-field-no-object", #"{"favorites": [{"videoId": "a"}, 5]}"#,
      Line("invalid-field", "favorites", 1, "a number, not an object")),
    Fixture(
      "invalid-field-video", #"{"queue": [null, {"videoId": 5}]}"#,
      Line("invalid-field", "queue", 1, "videoId is a number, not a string")),
    Fixture(
      "invalid-field-title", #"{"history": [{"title": [], "playedAt": 1}]}"#,
      Line("invalid-field", "history", 0, "title is an array, not a string")),
    Fixture(
      "invalid-field-nul", #"{"favorites": [{"videoId": "a", "b\u0000": 1}]}"#,
      Line("invalid-field", "favorites", 0, "a key holds U+0000")),
    Fixture(
      "invalid-field-search", #"{"recent_searches": ["a", {}]}"#,
      Line("invalid-field", "recent_searches", 1, "an object, not a string")),
    Fixture(
      "invalid-field-playlist-song", #"{"playlists": [{"id": "p", "songs": [{"videoId": "a"}, true]}]}"#,
      Line("invalid-field", "playlists", 0, "song 1: a boolean, not an object")),
    Fixture(
      "invalid-field-playlist-songs", #"{"playlists": [{"id": "p", "songs": null}, {"id": "q", "songs": "[]"}]}"#,
      Line("invalid-field", "playlists", 1, "songs is a string, not a list")),
    Fixture(
      "no-identity", #"{"favorites": [{"artist": "x", "videoId": "", "title": null}]}"#,
      Line("no-identity", "favorites", 0, "neither videoId nor title")),
    Fixture(
      "no-identity-playlist", #"{"playlists": [{"name": "x"}]}"#, Line("no-identity", "playlists", 0, "no id")),
    Fixture(
      "no-identity-removed", #"{"removed": {"playlist_songs": [{"videoId": "x", "removedAt": 1}]}}"#,
      Line("no-identity", "removed", 0, "removed.playlist_songs 0: no playlist_id")),
    Fixture("no-time", #"{"history": [{"videoId": "a"}]}"#, Line("no-time", "history", 0, "no playedAt")),
    Fixture(
      "no-time-removed", #"{"removed": {"favorites": [{"videoId": "a"}]}}"#,
      Line("no-time", "removed", 0, "removed.favorites 0: no removedAt")),
    Fixture(
      "future-time", #"{"history": [{"videoId": "a", "playedAt": "2026-01-02T00:00:00.001Z"}]}"#,
      Line("future-time", "history", 0, "2026-01-02T00:00:00.001Z lies in the future of this run")),
    Fixture(
      "future-time-with-less-skew", #"{"favorites": [{"videoId": "a", "addedAt": "2026-01-01T00:00:01Z"}]}"#,
      flags: ["--max-clock-skew", "0"],
      Line("future-time", "favorites", 0, "2026-01-01T00:00:01.000Z lies in the future of this run")),
  ]

  @Test(arguments: dumps + sections + entries)
  func `what is not used is kept with its reason, and the run goes on and ends with 3`(_ fixture: Fixture) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/\(fixture.file)", fixture.text)
    let run = try sandbox.sync([sandbox.folder("in")], fixture.flags)
    let lines = try run.quarantine
    #expect(run.status == 3)
    #expect(run.output.contains("quarantined: \(lines.count) "))
    #expect(lines.map { Line($0) } == fixture.lines)
    let manifest = try run.manifest
    for line in lines {
      #expect(line.source.input == sandbox.folder("in") && line.source.entry == fixture.file)
      #expect(line.runId == manifest.runId)
    }
    #expect(manifest.quarantine.values.reduce(0, +) == lines.count)
    #expect(manifest.counts.dumps.isBalanced && manifest.counts.entries.isBalanced)
    #expect(manifest.exitStatus == 3 && manifest.outcome == "done")
    #expect(try sandbox.sync([sandbox.folder("in")], fixture.flags + ["--allow-quarantine"]).status == 0)
  }

  /// Reasons that the text of one dump is never given, and the suites that show them.
  static let elsewhere: [QuarantineReason: String] = [
    .tooMany: "InputFaultTests", .bomb: "InputFaultTests", .truncated: "InputFaultTests", .forgotten: "ForgetTests",
  ]

  @Test(arguments: QuarantineReason.allCases)
  func `every reason has a fixture, or another suite shows it`(_ reason: QuarantineReason) {
    let isShown = (Self.dumps + Self.sections + Self.entries).contains { fixture in
      fixture.lines.contains { $0.reason == reason.rawValue }
    }
    #expect(isShown == (Self.elsewhere[reason] == nil))
  }

  @Test(arguments: [(70, true), (200, false)])
  func `a dump that is too deep is kept without its tokens, unless it is far too deep`(
    _ depth: Int, _ isKept: Bool
  ) throws {
    let sandbox = try Sandbox()
    let deep = String(repeating: "[", count: depth) + #"{"tldr-access-token":"secret"}"#
    let text = #"{"tldr-refresh-token":"secret","x":"# + deep + String(repeating: "]", count: depth) + "}"
    let run = try sandbox.sync([sandbox.folder.write("ann.json", text)])
    #expect(run.status == 3)
    let line = try run.quarantineText
    #expect(line.contains("too-deep") && !line.contains("secret"))
    #expect(line.contains("<redacted>") == isKept && line.contains("\"raw\":null") != isKept)
  }

  @Test func `a dump that does not parse is described by its size and the place of the fault alone`() throws {
    let sandbox = try Sandbox()
    let text = "{\"user_id\": \"ann\"}\n{\"tldr-history\": \"secret\", oops}\n"
    let run = try sandbox.sync([sandbox.folder.write("lines.ndjson", text)])
    let line = try #require(try run.quarantine.first)
    #expect(line.source.entry == nil && line.source.line == 2)
    #expect(line.size == 32 && line.offset == 27)
    #expect(line.detail == "no JSON from byte 27 on")
    let raw = try run.quarantineText
    #expect(raw.contains("\"raw\":null") && !raw.contains("secret"))
  }

  @Test func `a good entry beside a bad one is used, and the bad one can be read back`() throws {
    let sandbox = try Sandbox()
    let dump = #"{"favorites": [{"artist": "only", "x": [1, {"y": "é"}]}, {"videoId": "good"}]}"#
    let run = try sandbox.sync([sandbox.folder.write("ann.json", dump)])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == ["good"])
    let raw = try run.quarantineText
    #expect(raw.contains(#""raw":{"artist":"only","x":[1,{"y":"é"}]}"#))
  }

  @Test func `what the store itself holds and cannot be used is kept when the document is written`() throws {
    let sandbox = try Sandbox()
    var writer = BSONWriter()
    let root = writer.open()
    writer.append("user_id", string: "ann")
    writer.append("queue", string: "no list")
    writer.close(root)
    try sandbox.restore(Data(writer.view.copy()))
    let same = try sandbox.sync([sandbox.folder.write("same/ann.json", #"{"user_id": "ann"}"#)])
    #expect(same.status == 0)
    let run = try sandbox.sync([sandbox.folder.write("ann.json", #"{"queue": [{"videoId": "a"}]}"#)])
    #expect(run.status == 3)
    let line = try #require(try run.quarantine.first)
    #expect(Line(line) == Line("invalid-section", "queue", "a string where a list is expected"))
    #expect(line.source.input == sandbox.store && line.source.entry == "ann")
    #expect(Stored.ids(try sandbox.library(of: "ann")?.queue) == ["a"])
  }
}

extension QuarantineTests.Line {
  init(_ line: QuarantineLine) {
    self.init(line.reason, line.detail, user: line.userId, section: line.section, index: line.index)
  }
}
