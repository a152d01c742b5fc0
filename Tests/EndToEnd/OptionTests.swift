import Foundation
import Glibc
import Testing

/// What the flags of a sync decide.
@Suite struct OptionTests {
  /// A store with one library of ann's.
  private static func sandbox() throws -> Sandbox {
    let sandbox = try Sandbox()
    try sandbox.syncWell([
      sandbox.folder.write(
        "first/ann.json",
        #"""
        {"exported_at": 1750000000000, "favorites": [{"videoId": "f1"}], "queue": [{"videoId": "q1"}],
        "history": [{"videoId": "h1", "playedAt": 1700000000000}], "recent_searches": ["old"],
        "preferences": {"shuffle": false, "volume": 0.25}, "total_songs_played": 70}
        """#)
    ])
    return sandbox
  }

  private static func later(_ sandbox: Sandbox, _ sections: String, user: String = "ann") throws -> String {
    try sandbox.folder.write("later/\(user).json", #"{"exported_at": 1767225600000, \#(sections)}"#)
  }

  // MARK: Dry runs

  @Test func `a dry run shows what would change and writes nothing to the store`() throws {
    let sandbox = try Self.sandbox()
    let before = try #require(sandbox.bytes)
    let files = sandbox.folder.files(under: "store")
    let dumps = sandbox.folder("later")
    _ = try Self.later(sandbox, #""favorites": [{"videoId": "f2"}], "queue": []"#)
    _ = try Self.later(sandbox, #""favorites": [{"videoId": "f3"}]"#, user: "zoe")
    let run = try sandbox.syncWell([dumps], ["--dry-run", "--diff"])
    let lines = run.output.split(separator: "\n")
    try #require(lines.count == 3)
    #expect(lines[0] == "ann: favorites 1 → 2, queue 1 → 0")
    #expect(lines[1] == "zoe: new: favorites 1")
    #expect(lines[2].hasPrefix("dry run, nothing written; 2 users: 1 changed, 0 unchanged, 1 new; "))
    #expect(sandbox.bytes == before && sandbox.folder.files(under: "store") == files)

    let wet = try sandbox.syncWell([dumps], ["--diff"])
    #expect(wet.output.split(separator: "\n").dropLast() == lines.dropLast())
    #expect(sandbox.bytes != before)
    #expect(try sandbox.syncWell([dumps], ["--dry-run", "--diff"]).output.split(separator: "\n").count == 1)
  }

  @Test(arguments: [
    ["learn"], ["learn", "--dry-run"], ["evaluate"], ["sessions"], ["sessions", "--dry-run"], ["forget", "ann"],
    ["runs", "prune"], ["inspect", "--user", "ann"], ["stats", "ann"], ["explain", "ann"],
  ])
  func `a store that is not there is made by no command but those that fill one`(_ command: [String]) throws {
    let sandbox = try Sandbox()
    for flags in [[], ["--state", sandbox.folder("state")]] where flags.isEmpty || !Self.isReader(command[0]) {
      let run = try mixdown(command + ["--store", sandbox.store] + flags)
      #expect(run.status == 74 && run.errors.contains("\(sandbox.store): cannot open the store"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: sandbox.store))
    }
    // An empty folder is a store without anybody.
    try FileManager.default.createDirectory(atPath: sandbox.store, withIntermediateDirectories: true)
    let run = try mixdown(command + ["--store", sandbox.store])
    #expect(run.status == (["inspect", "stats", "explain"].contains(command[0]) ? 65 : 0), "\(run.errors)")
  }

  /// Whether a command has no folder of a run.
  private static func isReader(_ command: String) -> Bool { ["inspect", "stats", "explain"].contains(command) }

  @Test(arguments: ["--store", "--state"])
  func `a name that is not UTF-8 is refused, for as a text it could be another's`(
    _ flag: String
  ) throws {
    let sandbox = try Sandbox()
    let script = "exec \"$@\" \(flag) \"$(printf 's\\377')\""
    let child = try Child(["/bin/sh", "-c", script, "sh", mixdownBinary, "runs"])
    #expect(try child.wait() == .exited(64) && child.errors.contains("not UTF-8"), "\(child.errors)")
    #expect(!FileManager.default.fileExists(atPath: sandbox.store))
  }

  @Test func `a dry run makes no store`() throws {
    let sandbox = try Sandbox()
    try sandbox.syncWell([sandbox.folder.write("ann.json", #"{"queue":[]}"#)], ["--dry-run"])
    #expect(!FileManager.default.fileExists(atPath: sandbox.store))
  }

  // MARK: Modes and sections

  @Test func `replace puts the newest dump's sections in the place of the store's`() throws {
    let sandbox = try Self.sandbox()
    let dump = try Self.later(sandbox, #""favorites": [{"videoId": "f2"}], "recent_searches": ["new"]"#)
    try sandbox.syncWell([dump], ["--mode", "replace"])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(Stored.ids(ann.favorites) == ["f2"] && ann.recentSearches == ["new"])
    #expect(Stored.ids(ann.queue) == ["q1"] && Stored.ids(ann.history) == ["h1"])
    #expect(ann.preferences?.volume == 0.25 && ann.totalSongsPlayed == 70)
  }

  @Test func `replace empties a section only when it is allowed to`() throws {
    let sandbox = try Self.sandbox()
    let before = sandbox.bytes
    let dump = try Self.later(sandbox, #""favorites": [], "queue": [{"videoId": "q2"}]"#)
    let refused = try sandbox.sync([dump], ["--mode", "replace"])
    #expect(refused.status == 3 && sandbox.bytes == before)
    #expect(refused.errors.contains("ann") && refused.errors.contains("--allow-empty"))
    #expect(refused.output.contains("1 left (1 would-empty)"))
    let manifest = try refused.manifest
    #expect(manifest.users.left == 1 && manifest.left == ["would-empty": 1])
    #expect(manifest.counts.dumps.skipped == 1 && manifest.counts.dumps.isBalanced)

    try sandbox.syncWell([dump], ["--mode", "replace", "--allow-empty"])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(ann.favorites?.isEmpty == true && Stored.ids(ann.queue) == ["q2"])
  }

  @Test(arguments: ["merge", "replace"], ["favorites", "history", "queue", "preferences", "recent-searches"])
  func `sections that are not named stay as they are`(_ mode: String, _ section: String) throws {
    let sandbox = try Self.sandbox()
    let before = try #require(try sandbox.library(of: "ann"))
    let dump = try Self.later(
      sandbox,
      #"""
      "favorites": [{"videoId": "f2"}], "queue": [{"videoId": "q2"}], "recent_searches": ["new"],
      "history": [{"videoId": "h2", "playedAt": 1760000000000}], "preferences": {"volume": 1}, "total_songs_played": 90
      """#)
    try sandbox.syncWell([dump], ["--mode", mode, "--sections", section])
    let after = try #require(try sandbox.library(of: "ann"))
    #expect((after.favorites != before.favorites) == (section == "favorites"))
    #expect((after.history != before.history) == (section == "history"))
    #expect((after.totalSongsPlayed != before.totalSongsPlayed) == (section == "history"))
    #expect((after.queue != before.queue) == (section == "queue"))
    #expect((after.preferences != before.preferences) == (section == "preferences"))
    #expect((after.recentSearches != before.recentSearches) == (section == "recent-searches"))
  }

  @Test func `several sections are named with commas`() throws {
    let sandbox = try Self.sandbox()
    let dump = try Self.later(
      sandbox, #""favorites": [{"videoId": "f2"}], "queue": [{"videoId": "q2"}], "recent_searches": ["new"]"#)
    try sandbox.syncWell([dump], ["--sections", "queue,recent_searches"])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(Stored.ids(ann.favorites) == ["f1"] && Stored.ids(ann.queue) == ["q2"])
    #expect(ann.recentSearches == ["new", "old"])
  }

  private static let newest: [(String, [String])] = [
    // The newest dump has another section alone; and ones that say nothing: no section, a removal, what cannot be read.
    (#"{"tldr-queue": "[]"}"#, ["f1"]), (#"{"tldr-shuffle": "true"}"#, ["f1"]), (#"{"local_queue": []}"#, ["f1"]),
    (#"{"total_songs_played": 3}"#, ["f1"]),
    (#"{"tldr-device-id": "phone"}"#, ["f2"]), (#"{"tldr-queue": "[}"}"#, ["f2"]), (#"{"queue": 5}"#, ["f2"]),
    (#"{"tldr-shuffle": "maybe"}"#, ["f2"]), (#"{"removed": {"favorites": []}}"#, ["f2"]),
  ]

  @Test(arguments: newest)
  func `replace takes the named sections of the newest dump that has any section`(
    _ dump: String, _ favorites: [String]
  ) throws {
    let sandbox = try Self.sandbox()
    let newest = #"{"user_id": "ann", "exported_at": 1767225600000, "data": \#(dump)}"#
    try sandbox.folder.write("later/ann/newest.json", newest)
    try sandbox.folder.write(
      "later/ann/older.json", #"{"exported_at": 1767225500000, "favorites": [{"videoId": "f2"}]}"#)
    try sandbox.syncWell([sandbox.folder("later")], ["--mode", "replace", "--sections", "favorites"])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == favorites)
  }

  // MARK: Clocks

  @Test(
    arguments: [
      "2025-10-09T08:53:20Z", "2025-10-09T10:53:20+02:00", "1760000000000", "1760000000", "1760000000.0",
      #"{"$date": "2025-10-09T08:53:20Z"}"#, #"{"$date":1760000000000}"#,
      #"{"$date": {"$numberLong": "1760000000000"}}"#,
    ])
  func `the run's clock is a time in any form that a dump may use`(_ asOf: String) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let clock = try sandbox.syncWell([input], ["--as-of", asOf]).manifest.parameters["as-of"]
    #expect(clock == "2025-10-09T08:53:20.000Z")
    try sandbox.folder.write(
      "job.yaml", "store: store\nsteps:\n  - sync:\n      inputs: [ann.json]\n      as-of: '\(asOf)'\n")
    let run = try mixdown(["run", sandbox.folder("job.yaml"), "--check"])
    #expect(run.status == 0 && run.output.contains(asOf), "\(run.output)\(run.errors)")
  }

  @Test(arguments: [
    #"{"$date": "soon"}"#, #"{"$date": 5"#, #"{"$date": 0}"#, "{}", #"{"at": 1760000000000}"#, "soon", "0x10",
  ])
  func `what is no time is no clock`(_ asOf: String) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    #expect(try sandbox.sync([input], ["--as-of", asOf]).status == 64)
  }

  // MARK: When a dump was taken

  private static let taken = [
    #"{"$date": {"$numberLong": "1767225600000"}}"#, #"{"$numberLong": "1767225600000"}"#,
    #"{"$numberInt": "1767225600"}"#, #"{"$numberDouble": "1767225600000.5"}"#,
  ]

  @Test(arguments: taken)
  func `times of a library may be wrapped as numbers of Extended JSON`(_ time: String) throws {
    for dump in [
      #"{"user_id": "ann", "exported_at": \#(time), "queue": [{"videoId": "new"}]}"#,
      #"{"user_id": "ann", "exported_at": \#(time), "data": {"queue": [{"videoId": "new"}]}}"#,
      #"{"user_id": "ann", "data": {"exported_at": \#(time), "queue": [{"videoId": "new"}]}}"#,
    ] {
      let sandbox = try Sandbox()
      try sandbox.syncWell([
        sandbox.folder.write("new.json", dump),
        sandbox.folder.write(
          "old.json", #"{"user_id": "ann", "exported_at": 1767225599000, "queue": [{"videoId": "old"}]}"#),
      ])
      let ann = try #require(try sandbox.library(of: "ann"))
      #expect(Stored.ids(ann.queue) == ["new"], "\(dump)")
    }
  }

  @Test(arguments: taken, ["updated_at", "section_updated_at"])
  func `the newest time inside a library may be wrapped, too`(_ time: String, _ field: String) throws {
    let sandbox = try Sandbox()
    let stamp = field == "updated_at" ? time : #"{"as_of": \#(time)}"#
    let old = #"{"user_id": "ann", "exported_at": 1767225599000, "queue": [{"videoId": "old"}]}"#
    // A file of 1970 has no time.
    let new = try sandbox.folder.write(
      "new.json", #"{"user_id": "ann", "\#(field)": \#(stamp), "queue": [{"videoId": "new"}]}"#, modifiedAt: 0)
    try sandbox.syncWell([new, sandbox.folder.write("old.json", old)])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.queue) == ["new"])
  }

  // MARK: Limits

  @Test(arguments: [0, 1, 3, 500])
  func `the newest plays stay`(_ limit: Int) throws {
    let sandbox = try Sandbox()
    let plays = (1...4).map { #"{"videoId": "h\#($0)", "playedAt": \#(1_700_000_000_000 + $0)}"# }
    let input = try sandbox.folder.write("ann.json", #"{"history": \#(array(plays))}"#)
    let run = try sandbox.syncWell([input], ["--history-limit", "\(limit)"])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(Stored.ids(ann.history) == Array(["h4", "h3", "h2", "h1"].prefix(limit)))
    #expect(ann.totalSongsPlayed == 4)
    #expect(try run.manifest.counts.entries.beyondLimit == max(0, 4 - limit))
  }

  @Test func `a removal counts as long as it lives`() throws {
    let dump = #"""
      {"favorites": [{"videoId": "a", "addedAt": 1}],
      "removed": {"favorites": [{"videoId": "a", "removedAt": "2025-12-30T00:00:00Z"}]}}
      """#
    for (flags, kept) in [([], []), (["--tombstone-ttl", "1d"], ["a"])] as [([String], [String])] {
      let sandbox = try Sandbox()
      try sandbox.syncWell([sandbox.folder.write("ann.json", dump)], flags)
      #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == kept)
    }
  }

  // MARK: Users

  @Test func `the path alone names the user where it is told to`() throws {
    let sandbox = try Sandbox()
    let dump = #"{"user_id": "victim", "favorites": [{"videoId": "a"}]}"#
    try sandbox.folder.write("in/ann.json", dump)
    try sandbox.folder.write("in/bob/phone.json", dump)
    try sandbox.syncWell([sandbox.folder("in")], ["--users-from", "path"])
    #expect(try sandbox.libraries.map(\.userId) == ["ann", "bob"])
  }

  @Test(arguments: ["content", "path"])
  func `whose name in the path is not UTF-8 is nobody, and two such are not one user`(_ source: String) throws {
    let sandbox = try Sandbox()
    for (name, byte) in [("a", 0xE4 as UInt8), ("b", 0xFC)] {
      try sandbox.folder.write("in/\(name)/phone.json", #"{"favorites": [{"videoId": "\#(name)"}]}"#)
      try sandbox.folder.write("in/\(name)/desk.json", #"{"user_id": "zoe", "queue": [{"videoId": "q"}]}"#)
      let raw = [UInt8](sandbox.folder("in/m").utf8) + [byte, 0]
      try #require(unsafe rename(sandbox.folder("in/\(name)"), raw.map { CChar(bitPattern: $0) }) == 0)
    }
    // A name that holds the sign itself is a name.
    try sandbox.folder.write("in/m\u{FFFD}/phone.json", #"{"favorites": [{"videoId": "own"}]}"#)
    let run = try sandbox.sync([sandbox.folder("in")], ["--users-from", source])
    #expect(run.status == 3)
    let namesZoe = source == "content"
    #expect(try sandbox.libraries.map(\.userId) == ["m\u{FFFD}"] + (namesZoe ? ["zoe"] : []))
    #expect(Stored.ids(try sandbox.library(of: "m\u{FFFD}")?.favorites) == ["own"])
    let lines = try run.quarantine
    #expect(lines.count == (namesZoe ? 2 : 4))
    for line in lines {
      #expect(line.reason == "no-user" && line.detail.contains("is not UTF-8") && line.userId == nil)
      #expect(line.source.entry?.hasPrefix("m\u{FFFD}/") == true)
    }
  }

  @Test func `dumps whose path names another user are left aside where both must agree`() throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("in/ann.json", #"{"user_id": "ann", "favorites": [{"videoId": "a"}]}"#)
    try sandbox.folder.write("in/bob.json", #"{"user_id": "ann", "favorites": [{"videoId": "b"}]}"#)
    #expect(try sandbox.sync([sandbox.folder("in")], ["--users-from", "agree"]).status == 3)
    #expect(try sandbox.libraries.map { Stored.ids($0.favorites) } == [["a"]])
  }

  @Test func `no library is made where none may be`() throws {
    let sandbox = try Self.sandbox()
    _ = try Self.later(sandbox, #""favorites": [{"videoId": "f2"}]"#)
    _ = try Self.later(sandbox, #""favorites": [{"videoId": "z"}]"#, user: "zoe")
    #expect(try sandbox.sync([sandbox.folder("later")], ["--no-create"]).status == 3)
    #expect(try sandbox.libraries.map(\.userId) == ["ann"])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites)?.sorted() == ["f1", "f2"])
  }

  @Test func `a guest's dumps and library go to the account that the guest became`() throws {
    let sandbox = try Sandbox()
    try sandbox.syncWell([
      sandbox.folder.write("guest-1.json", #"{"favorites": [{"videoId": "stored"}], "playlists": [{"id": "pl_1"}]}"#)
    ])
    let guest = try #require(try sandbox.library(of: "guest-1"))
    let map = try sandbox.folder.write("map.csv", "guest-1,ann\r\n\"guest-2\",\"ann\"\n")
    let inputs = try ["guest-1", "guest-2", "ann"].map { user in
      try sandbox.folder.write("in/\(user).json", #"{"favorites": [{"videoId": "of-\#(user)"}]}"#)
    }
    try sandbox.syncWell(inputs, ["--user-map", map])
    let ann = try #require(try sandbox.library(of: "ann"))
    #expect(Stored.ids(ann.favorites)?.sorted() == ["of-ann", "of-guest-1", "of-guest-2", "stored"])
    #expect(ann.playlists?.map(\.clientIds) == [["pl_1"]])
    #expect(ann.playlists?.first?.id != guest.playlists?.first?.id)
    #expect(try sandbox.library(of: "guest-1") == guest)
    #expect(try sandbox.library(of: "guest-2") == nil)

    let before = sandbox.bytes
    try sandbox.syncWell(inputs, ["--user-map", map])
    try sandbox.syncWell([sandbox.folder.write("empty/ann.json", #"{"user_id": "ann"}"#)], ["--user-map", map])
    #expect(sandbox.bytes == before)
  }

  @Test func `a playlist that the guest's browser knows by its server id is the account's one`() throws {
    let sandbox = try Sandbox()
    let playlist = #"{"id": "pl_1", "name": "Gym", "songs": [{"videoId": "a"}, {"videoId": "b"}]}"#
    try sandbox.syncWell(
      [sandbox.folder.write("guest.json", #"{"playlists": [\#(playlist)]}"#)],
      ["--write-back", sandbox.folder("back")])
    let id = try #require(try sandbox.library(of: "guest")?.playlists?.first?.id)
    let removal = #"{"playlist_id": "\#(id)", "videoId": "a", "removedAt": 1760000000000}"#
    let next = try sandbox.folder.write("next/guest.json", #"{"removed": {"playlist_songs": [\#(removal)]}}"#)
    let map = try sandbox.folder.write("map.csv", "guest,ann")
    try sandbox.syncWell([sandbox.folder("back"), next], ["--user-map", map])
    let playlists = try #require(try sandbox.library(of: "ann")?.playlists)
    #expect(playlists.map(\.clientIds) == [["pl_1"]])
    #expect(playlists.first?.id != id)
    #expect(Stored.ids(playlists.first?.songs) == ["b"])
    let before = sandbox.bytes
    try sandbox.syncWell([sandbox.folder("back"), next], ["--user-map", map])
    #expect(sandbox.bytes == before)
  }

  @Test func `a guest's library is read although no dump of the guest is`() throws {
    let sandbox = try Sandbox()
    try sandbox.syncWell([sandbox.folder.write("guest.json", #"{"favorites": [{"videoId": "stored"}]}"#)])
    let other = try sandbox.folder.write("other.json", #"{"favorites": [{"videoId": "o"}]}"#)
    try sandbox.syncWell([other], ["--user-map", sandbox.folder.write("map.csv", "guest,ann")])
    #expect(Stored.ids(try sandbox.library(of: "ann")?.favorites) == ["stored"])
  }

  @Test func `a user map is not followed twice`() throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("one.json", #"{"favorites": [{"videoId": "a"}]}"#)
    try sandbox.syncWell([input], ["--user-map", sandbox.folder.write("map.csv", "one,two\ntwo,three\n")])
    #expect(try sandbox.libraries.map(\.userId) == ["two"])
  }

  @Test(arguments: [("a", "line 1: 1 fields"), ("a,b\na,c\n", "line 2: "), ("\"a,b", "line 1: ")])
  func `a user map that says nothing clear is refused with its line`(_ csv: String, _ message: String) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let run = try sandbox.sync([input], ["--user-map", sandbox.folder.write("map.csv", csv)])
    #expect(run.status == 65 && run.errors.contains("map.csv: \(message)"))
    #expect(try sandbox.sync([input], ["--user-map", "/nowhere.csv"]).status == 74)
    #expect(sandbox.bytes == nil)
  }

  @Test(arguments: ["b,m?ller", "m?ller,b", "\"b\",\"m?\""])
  func `a user map that is not UTF-8 is refused with its line`(_ line: String) throws {
    let sandbox = try Sandbox()
    let input = try sandbox.folder.write("ann.json", #"{"queue":[]}"#)
    let csv = Array("ann,bob\n\(line)\n".utf8).map { $0 == UInt8(ascii: "?") ? 0xFC : $0 }
    let run = try sandbox.sync([input], ["--user-map", sandbox.folder.write("map.csv", csv)])
    #expect(run.status == 65 && run.errors.contains("map.csv: line 2: a user that is not UTF-8"), "\(run.errors)")
    #expect(sandbox.bytes == nil)
    try sandbox.syncWell([input], ["--user-map", sandbox.folder.write("map.csv", "\u{FEFF}ann,m\u{FFFD}ller\n")])
    #expect(try sandbox.libraries.map(\.userId) == ["m\u{FFFD}ller"])
  }

  @Test func `a new user's parts are shown, each with its size where it has one`() throws {
    let sandbox = try Sandbox()
    let dump = #"{"preferences": {"shuffle": true}, "queue": []}"#
    let run = try sandbox.syncWell([sandbox.folder.write("ann.json", dump)], ["--diff"])
    #expect(run.output.split(separator: "\n").first == "ann: new: preferences, queue 0")
  }
}
