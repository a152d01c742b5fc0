import BSON
import Dumps
import Foundation
import Jobs
import Stores
import Testing

/// Forgotten users are nowhere, and stay away.
@Suite(.serialized) struct ForgetTests {
  @Test(arguments: Bench.Kind.allCases)
  func `no undo brings back who was forgotten where its run was not known`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    func inputs(_ song: String) throws -> [String] {
      try ["ann", "bob"].map { user in
        let dump =
          #"{"user_id":"\#(user)","favorites":[{"videoId":"\#(song)"}],"history":[{"videoId":"\#(song)","playedAt":1}]}"#
        return try bench.folder.write("\(song)-\(user).json", dump)
      }
    }
    try bench.sync(inputs("one"))
    let run = try bench.sync(inputs("two"))
    let other = bench.folder("another-state")
    try #require(mixdown(["forget", "ann", "--store", bench.store, "--state", other]).status == 0)
    let undone = try bench.run("undo", [run, "--force"], expecting: 3)
    #expect(undone.errors.contains("ann") && undone.errors.contains("forgotten"), "\(undone.errors)")
    let left = try bench.contents().keys
    #expect(left.contains { $0.contains("bob") } && !left.contains { $0.contains("ann") })
    let undo = try #require(bench.ids.last)
    #expect(try bench.manifest(undo).left["forgotten"] ?? 0 > 0)
  }

  @Test func `what only the forgotten user's documents name is gone when a run that failed is run again`() throws {
    let bench = try Bench(.directory)
    let title = "A Title of Theirs Alone"
    let dumps = ["ann", "bob", "zoe"].map { user in
      let own = user == "ann" ? #",{"title":"\#(title)","artist":"X","playedAt":1767200000000}"# : ""
      return Dump(
        "\(user).json",
        #"{"user_id":"\#(user)","history":[{"title":"Common","artist":"X","playedAt":1767100000000}\#(own)]}"#)
    }
    try bench.sync([Packing.tarZstd.pack(dumps, in: bench.folder)])
    try bench.run("learn", ["--as-of", Bench.asOf])
    let schemas = CollectionSchema.all
    func holdsTitle() throws -> Bool {
      try bench.contents(schemas).values.contains { String(decoding: $0, as: UTF8.self).contains(title) }
    }
    try #require(try holdsTitle())
    // Wherever it stops, for here the next file cannot be made,
    for name in ["songs", "service_stats", "user_library", "play_archive"] {
      let obstacle = bench.store + "/\(name).bson.partial"
      try FileManager.default.createDirectory(atPath: obstacle + "/x", withIntermediateDirectories: true)
      try bench.run("forget", ["ann"], expecting: 74)
      try FileManager.default.removeItem(atPath: obstacle)
    }
    // it is done in the end.
    try bench.run("forget", ["ann"])
    #expect(try !holdsTitle())
  }

  @Test(arguments: Bench.Kind.allCases)
  func `forget leaves no byte of a user, and no dump and no undo brings them back`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let secret = "a-search-of-theirs-alone"
    let title = "A Title of Theirs Alone"
    let user = "zoe-" + UUID().uuidString
    let play = #"{"videoId":"own-video","title":"\#(title)","artist":"X","playedAt":1750000000000}"#
    // By its title, so that what learning knows of such songs names them.
    let plain = #"{"title":"\#(title), too","artist":"X","playedAt":1740000000000}"#
    let bad = #"{"title":"no time \#(title)"}"#
    let dump = Dump(
      "\(user)/phone.json",
      #"{"user_id":"\#(user)","history":[\#(play),\#(plain),\#(bad)],"recent_searches":["\#(secret)"]}"#)
    // Somebody else has a playlist of theirs.
    func follower(_ searches: String) -> Dump {
      let list = #"{"id":"64b0c0ffee64b0c0ffee64b0","name":"Shared","owner_id":"\#(user)","songs":[],"updated_at":1}"#
      return Dump(
        "follower/phone.json", #"{"user_id":"follower","playlists":[\#(list)],"recent_searches":["\#(searches)"]}"#)
    }
    let account = #"{"id":"\#(user)","email":"zoe@example.org","timezone":"Asia/Kolkata"}"#
    try bench.put(account, key: user, into: .users)
    try bench.put(#"{"id":"follower"}"#, key: "follower", into: .users)
    let other = Listeners(count: 8, seed: 1).dumps + [follower("one")]
    let first = try Packing.tarZstd.pack(other + [dump], in: bench.folder, as: "first-")
    let folder = bench.folder("written-back")
    let archive = bench.folder("written-back.tar.zst")
    let run = try bench.sync([first], ["--write-back", folder, "--report-users", "50"], expecting: 3)
    let again = Dump(
      "\(user)/desk.json", #"{"user_id":"\#(user)","recent_searches":["another \#(secret)"]}"#)
    let second = try Packing.tarZstd.pack(
      Listeners(count: 8, seed: 2).dumps + [again, follower("two")], in: bench.folder, as: "second-")
    let later = try bench.sync([second], ["--write-back", archive])
    try bench.run("learn", ["--as-of", Bench.asOf])
    for id in [run, later] { try bench.run("report", [id, "--report-users", "50"]) }
    let before = try bench.contents()
    try #require(before.keys.contains { $0.contains(user) })
    try #require(!Self.traces([user, secret, title], bench, [folder]).isEmpty)
    try #require(Self.traces([user], bench, []).contains { $0.contains("/titles-") })
    let writtenBack = try Dump.all(in: archive).map(\.name)
    try #require(writtenBack.count == 10 && writtenBack.contains("\(user).json"))
    // As an older version named the file that is now each store's own.
    try bench.folder.write("state/learned", user)

    try bench.run("forget", [user])
    #expect(Self.traces([user, secret, title], bench, [folder]) == [])
    // What else is in the archive stays. Of the follower: see ``traces(_:_:_:)``.
    let left = try Dump.all(in: archive)
    #expect(left.map(\.name) == writtenBack.filter { $0 != "\(user).json" })
    #expect(
      !left.contains { dump in
        dump.name != "follower.json" && [user, secret, title].contains { dump.text.contains($0) }
      })
    let all = try bench.contents(CollectionSchema.all + [.users])
    #expect(all.keys.contains("users follower ") && all.keys.contains("user_stats follower "))
    for (name, document) in all {
      let text = String(decoding: document, as: UTF8.self)
      #expect(!name.contains(user) && !text.contains(user) && !text.contains(secret) && !text.contains(title))
    }
    // Of others nothing changes but the name of who shared a playlist with them.
    let others = try bench.contents()
    let touched = others.filter { before[$0.key] != $0.value }
    #expect(Set(others.keys) == Set(before.keys.filter { !$0.contains(user) }))
    #expect(Array(touched.keys) == ["user_library follower "])
    let length = try #require(before["user_library follower "]).count - user.utf8.count + "forgotten".utf8.count
    #expect(touched.values.allSatisfy { $0.count == length })

    // What was computed of everybody is computed again without them.
    try bench.run("learn", ["--as-of", "2026-01-02T00:00:00Z"])
    #expect(Self.traces([user, secret, title], bench, [folder]) == [])
    #expect(try bench.contents([.songs]).count > 0 && bench.contents() == others)

    // No dump brings them back,
    let refused = try bench.sync([second], expecting: 3)
    #expect(try bench.manifest(refused).quarantine == ["forgotten": 1])
    #expect(Self.traces([user, secret], bench, [folder]) == [])
    #expect(try bench.contents() == others)
    // and no undo: of the others everything is given back.
    try bench.run("undo", [later])
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(Self.traces([user, secret, title], bench, [folder]) == [])
    #expect(try bench.contents().isEmpty)
  }

  @Test func `a short or numeric id takes nothing of others along`() throws {
    let bench = try Bench(.directory)
    let bad = #"[{"videoId":"1","title":"500","addedAt":1},{"addedAt":1}]"#
    let list = #"{"id":"1","name":"500","owner_id":"500","songs":[],"updated_at":1}"#
    let ann = #"{"user_id":"ann","favorites":\#(bad),"playlists":[\#(list)],"recent_searches":["1"]}"#
    let hidden = #"{"user_id":17,"tldr-user":"{\"id\":\"500\"}","tldr-queue":"[]"}"#
    try bench.folder.write("exports/ann/phone.json", ann)
    try bench.folder.write("exports/1/phone.json", #"{"user_id":"1","favorites":\#(bad)}"#)
    try bench.folder.write("exports/500.json", #"{"favorites":\#(bad)}"#)
    try bench.folder.write("exports/500/broken.json", "{")
    try bench.folder.write("exports/1.ndjson", #"{"user_id":17}"# + "\n")
    try bench.folder.write("exports/bob/phone.json", hidden)
    // Alone and as inputs themselves.
    try bench.folder.write("uploads/500/desk.json", "{")
    try bench.folder.write("uploads/ann.json", "{")
    let inputs = [bench.folder("exports"), bench.folder("uploads/500/desk.json"), bench.folder("uploads/ann.json")]
    let run = try bench.sync(inputs, ["--report-users", "50"], expecting: 3)
    let path = "\(bench.state)/\(run)"
    let metrics = try Data(contentsOf: URL(fileURLWithPath: path + "/metrics.prom"))
    func lines() throws -> [QuarantineLine] {
      let text = try String(contentsOfFile: path + "/quarantine.ndjson", encoding: .utf8)
      return try text.split(separator: "\n").map { try .read(Data($0.utf8)) }
    }
    // A line of a run that was killed may be torn, and may be deeper than anything.
    let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
    let torn = [#"{"user_id":"ann","raw":\#(deep)}"#, #"{"user_id":"500","raw":\#(deep)}"#, #"{"user_id":"1","ra"#]
    let said = try #require(FileHandle(forWritingAtPath: path + "/log.ndjson"))
    try said.seekToEnd()
    try said.write(contentsOf: Data(torn.joined(separator: "\n").utf8))
    try said.close()
    let before = try lines()
    try #require(before.filter { $0.index == 1 }.count == 3 && before.contains { $0.source.entry == "500/broken.json" })
    try #require(before.contains { $0.source.entry == "bob/phone.json" && $0.reason == "no-user" })
    let libraries = try bench.contents()

    let forgot = try bench.run("forget", ["1", "500"])
    #expect(forgot.errors.isEmpty, "\(forgot.errors)")
    #expect(forgot.output.hasPrefix("forgotten: 2 users, ") && forgot.output.hasSuffix(" documents removed\n"))
    let left = try lines()
    #expect(
      Set(left.map { "\($0.userId ?? "?") \($0.source.entry ?? "-")" }) == ["ann ann/phone.json", "? -"], "\(left)")
    #expect(left.contains { $0.userId == "ann" && $0.index == 1 })
    #expect(left.contains { $0.source.input == bench.folder("uploads/ann.json") })
    #expect(try Data(contentsOf: URL(fileURLWithPath: path + "/metrics.prom")) == metrics)
    let log = try String(contentsOfFile: path + "/log.ndjson", encoding: .utf8)
    #expect(log.hasSuffix(torn[0]))
    let manifest = try bench.manifest(run)
    #expect(manifest.parameters["history-limit"] == "500" && manifest.parameters["report-users"] == "50")
    let paths = [
      bench.folder("exports"), bench.folder("uploads/forgotten/desk.json"), bench.folder("uploads/ann.json"),
    ]
    #expect(manifest.parameters["inputs"] == paths.joined(separator: "\n"))
    #expect(manifest.inputs.map(\.path) == paths)
    let report = try String(contentsOfFile: path + "/report.html", encoding: .utf8)
    #expect(report.contains("user ann") && !report.contains("user 1 ") && !report.contains("user 500"))
    #expect(!report.contains("500/broken.json") && !report.contains("500/desk.json"))

    // Of ann's library nothing changes but whose playlist it is.
    let now = try bench.contents()
    #expect(Set(now.keys.map { $0.split(separator: " ")[1] }) == ["ann"])
    let changed = now.filter { libraries[$0.key] != $0.value }
    #expect(Array(changed.keys) == ["user_library ann "])
    #expect(
      changed.values.first?.count == (libraries["user_library ann "]?.count ?? 0) + "forgotten".count - "500".count)
    let document = try bench.contents([.jobRuns])["job_runs \(run) "] ?? []
    let text = String(decoding: document, as: UTF8.self)
    #expect(text.contains("uploads/forgotten/desk.json") && !text.contains("uploads/500"))
  }

  @Test func `no user map brings back a guest or an account that was forgotten`() throws {
    let bench = try Bench(.directory)
    func inputs(_ users: [String]) throws -> [String] {
      try users.map { try bench.folder.write("\($0).json", #"{"favorites":[{"videoId":"of-\#($0)"}]}"#) }
    }
    try bench.sync(inputs(["bob"]))
    try bench.run("forget", ["guest", "gone"])
    let map = try bench.folder.write("map.csv", "guest,ann\nother,gone\n")
    let run = try bench.sync(inputs(["guest", "other"]), ["--user-map", map], expecting: 3)
    let text = try String(contentsOfFile: "\(bench.state)/\(run)/quarantine.ndjson", encoding: .utf8)
    let lines = try text.split(separator: "\n").map { try QuarantineLine.read(Data($0.utf8)) }
    #expect(lines.map(\.reason) == ["forgotten", "forgotten"])
    #expect(Set(try bench.contents().keys.map { $0.split(separator: " ")[1] }) == ["bob"])
  }

  @Test(arguments: Bench.Kind.allCases, ["guest", "ann"])
  func `a guest's library in the store brings back no account, and counts for none where the guest was forgotten`(
    _ kind: Bench.Kind, _ forgotten: String
  ) throws {
    let bench = try Bench(kind)
    func library(_ user: String) -> String { #"{"user_id":"\#(user)","favorites":[{"videoId":"of-\#(user)"}]}"# }
    func input(_ user: String) throws -> String { try bench.folder.write("\(user).json", library(user)) }
    try bench.sync(["guest", "ann", "bob"].map(input))
    try bench.run("forget", [forgotten])
    // As the live API may do.
    if forgotten == "guest" { try bench.put(library("guest"), key: "guest", into: .userLibrary) }
    let before = try bench.contents()
    try #require(before.keys.contains("user_library guest "))
    let map = try bench.folder.write("map.csv", "guest,ann\n")
    for user in ["bob", "guest", "ann"] {
      let isRefused = user == "guest" || user == forgotten
      let back = bench.folder("back-of-\(user)")
      let run = try bench.sync(
        [input(user)], ["--user-map", map, "--write-back", back], expecting: isRefused ? 3 : 0)
      #expect(try bench.manifest(run).quarantine == (isRefused ? ["forgotten": 1] : [:]))
      #expect(try bench.contents() == before)
      let written = (try? FileManager.default.contentsOfDirectory(atPath: back)) ?? []
      #expect(written == (isRefused ? [] : ["\(user).json"]))
    }
  }

  @Test(arguments: ["guest", "ann"])
  func `what a run has kept of a guest or an account that was forgotten meanwhile is not brought back`(
    _ forgotten: String
  ) throws {
    let bench = try Bench(.directory)
    let inputs = try ["guest", "bob"].map { user in
      try bench.folder.write("\(user).json", #"{"favorites":[{"videoId":"of-\#(user)"}]}"#)
    }
    let map = try bench.folder.write("map.csv", "guest,ann\n")
    let arguments = inputs + ["--user-map", map, "--as-of", Bench.asOf]
    try bench.run("sync", arguments + ["--resumable"], expecting: 1, environment: ["MIXDOWN_FAULT": "unbalanced"])
    // Where the state folder of that run is not known.
    let elsewhere = ["--store", bench.store, "--state", bench.folder("elsewhere")]
    try #require(try mixdown(["forget", forgotten] + elsewhere).status == 0)
    try bench.run("sync", arguments + ["--resume"], expecting: 3)
    let manifest = try bench.manifest(#require(bench.ids.last))
    #expect(manifest.attempts == 2 && manifest.inputs.allSatisfy { $0.resumed == true })
    #expect(manifest.quarantine == ["forgotten": 1])
    #expect(Set(try bench.contents().keys.map { $0.split(separator: " ")[1] }) == ["bob"])
  }

  @Test func `who is not found is said, and a name that cannot be is refused`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 3)))
    #expect(
      try bench.run("forget", ["lisener-1000"]).output.contains("0 documents removed; nothing of them was found")
    )
    let some = try bench.run("forget", [Listeners.name(0), "lisener-1000", "x"]).output
    #expect(some.hasPrefix("forgotten: 3 users, ") && some.contains("; of 2 of them nothing was found"), "\(some)")
    #expect(try !bench.run("forget", [Listeners.name(1)]).output.contains("found"))
    try bench.run("forget", [""], expecting: 64)
    try bench.run("forget", ["ann", ""], expecting: 64)
    try bench.run("forget", ["--file", bench.folder.write("nobody", "\n\n")], expecting: 64)
  }

  @Test func `a list of users that is not UTF-8 is refused with its line, and a mark before it is nobody's`() throws {
    let bench = try Bench(.directory)
    let users = (Listeners.name(0), "m\u{FFFD}ller")
    try bench.sync(bench.inputs(Listeners(count: 3)))
    try bench.sync([bench.folder.write("\(users.1).json", #"{"favorites":[{"videoId":"a"}]}"#)])
    let before = try bench.contents()
    let latin = Array("\(users.0)\n\nm".utf8) + [0xFC] + Array("ller\n".utf8)
    let refused = try bench.run("forget", ["--file", bench.folder.write("latin", latin)], expecting: 65)
    #expect(refused.errors.contains("latin: line 3: not UTF-8"), "\(refused.errors)")
    #expect(try bench.contents() == before)
    let marked = try bench.folder.write("marked", "\u{FEFF}\(users.0)\r\n\(users.1)\r\n")
    let done = try bench.run("forget", ["--file", marked]).output
    #expect(done.hasPrefix("forgotten: 2 users, ") && !done.contains("found"), "\(done)")
  }

  @Test func `a line of a list ends with LF or CR LF, and with nothing that an id may hold`() throws {
    let bench = try Bench(.directory)
    let ids = ["\u{B}", "\u{C}", "\r", "\u{85}", "\u{2028}", "\u{2029}"].map { "ann\($0)bob" }
    let inputs = try (ids + ["ann", "bob"]).enumerated().map { place, user in
      let dump = ["user_id": user, "favorites": [["videoId": "a"]]] as [String: Any]
      return try bench.folder.write("\(place).json", [UInt8](JSONSerialization.data(withJSONObject: dump)))
    }
    try bench.sync(inputs)
    try #require(try bench.contents([.userLibrary]).count == inputs.count)
    let list = try bench.folder.write("list", ids.joined(separator: "\r\n") + "\n")
    let forgot = try bench.run("forget", ["--file", list]).output
    #expect(forgot.hasPrefix("forgotten: 6 users, ") && !forgot.contains("found"), "\(forgot)")
    #expect(try Set(bench.contents([.userLibrary]).keys) == ["user_library ann ", "user_library bob "])
  }

  @Test(arguments: Bench.Kind.allCases, [65, 130])
  func `a list of many is forgotten at once`(_ kind: Bench.Kind, _ count: Int) throws {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: count + 1)))
    let list = (0..<count).map { Listeners.name($0) }.joined(separator: "\n")
    let forgot = try bench.run("forget", ["--file", bench.folder.write("list", list)]).output
    #expect(forgot.hasPrefix("forgotten: \(count) users, ") && !forgot.contains("found"), "\(forgot)")
    let left = try bench.contents().keys
    #expect(Set(left.map { $0.split(separator: " ")[1] }) == [Listeners.name(count)[...]])
  }

  /// Two runs over the same people, and one person whom only the first has met.
  private static func twoRuns(_ bench: Bench, _ flags: [String] = []) throws -> (user: String, second: String) {
    let user = "zoe-\(UUID().uuidString)"
    let dump = try bench.folder.write("zoe.json", #"{"user_id":"\#(user)","favorites":[{"videoId":"a"}]}"#)
    try bench.sync(bench.inputs(Listeners(count: 10, seed: 1), as: "first-") + [dump])
    return (user, try bench.sync(bench.inputs(Listeners(count: 10, seed: 2), as: "second-"), flags))
  }

  @Test(arguments: [0, 7, 200])
  func `a damaged journal is not whole because somebody was forgotten`(_ cut: Int) throws {
    let bench = try Bench(.directory)
    let (user, run) = try Self.twoRuns(bench)
    let path = "state/\(run)/journal.bson"
    try bench.folder.write(path, Array(bench.folder.bytes(of: path).dropLast(cut)))
    // Some other one, who is in no run, afterwards.
    for user in [user, "nobody-of-theirs"] {
      let forgot = try bench.run("forget", [user])
      #expect(forgot.errors.contains("journal.bson") == (cut > 0), "\(forgot.errors)")
      #expect(Self.traces([user], bench, []) == [])
    }
    try bench.run("verify", [run], expecting: cut == 0 ? 0 : 65)
    try bench.run("undo", [run], expecting: cut == 0 ? 0 : 65)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a journal that names nobody of them stays the file that it was`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let (user, run) = try Self.twoRuns(bench)
    let before = try bench.contents([.userLibrary]).filter { !$0.key.contains(user) }
    func files() throws -> [String: [Int]] {
      var files: [String: [Int]] = [:]
      for path in bench.folder.files(under: "state") where path.hasSuffix(".bson") {
        let status = try FileManager.default.attributesOfItem(atPath: path)
        files[path] = [status[.systemFileNumber], status[.size]].compactMap { ($0 as? NSNumber)?.intValue }
      }
      return files
    }
    let (journal, old) = ("\(bench.state)/\(run)/journal.bson", try files())
    try bench.run("forget", [user])
    let cleaned = try files()
    // The store's old files have people whom the journal does not name; on a server there are none.
    #expect((cleaned[journal] == old[journal]) == (kind == .server))
    try bench.run("forget", ["nobody-of-theirs"])
    #expect(try files() == cleaned)
    #expect(try bench.contents([.userLibrary]) == before)
    try bench.run("verify", [run])
    try bench.run("undo", [run])
  }

  @Test func `where it failed on the way, the journal is whole when it is run again`() throws {
    let bench = try Bench(.directory)
    let back = bench.folder("w.zip")
    let (_, run) = try Self.twoRuns(bench, ["--write-back", back])
    let archive = try bench.folder.bytes(of: "w.zip")
    try bench.folder.write("w.zip", Array(archive.prefix(archive.count / 2)))
    try bench.run("forget", [Listeners.name(3)], expecting: 65)
    try bench.folder.write("w.zip", archive)
    let forgot = try bench.run("forget", [Listeners.name(3)])
    #expect(forgot.errors.isEmpty, "\(forgot.errors)")
    try bench.run("verify", [run])
    try bench.run("undo", [run])
  }

  @Test func `a journal that was not yet replaced when it was killed is no damaged one`() throws {
    let bench = try Bench(.directory)
    let run = try bench.sync(bench.inputs(Listeners(count: 5)))
    let path = "state/\(run)/journal.bson"
    let old = try bench.folder.bytes(of: path)
    try bench.run("forget", [Listeners.name(3)])
    let cleaned = try bench.folder.bytes(of: path)
    try #require(cleaned != old)
    // The manifest says by then what the next one holds.
    try bench.folder.write(path, old)
    let forgot = try bench.run("forget", [Listeners.name(3)])
    #expect(forgot.errors.isEmpty, "\(forgot.errors)")
    #expect(try bench.folder.bytes(of: path) == cleaned)
    try bench.run("undo", [run])
  }

  /// A document that names somebody below so many others.
  private static func deep(_ key: StaticString, _ name: String, _ user: String, levels: Int) -> [UInt8] {
    var writer = BSONWriter()
    let start = writer.open()
    writer.append(key, string: name)
    var starts: [Int] = []
    for _ in 0..<levels {
      writer.key("error", .document)
      starts.append(writer.open())
    }
    writer.append("owner_id", string: user)
    for start in starts.reversed() { writer.close(start) }
    writer.close(start)
    return writer.view.copy()
  }

  @Test func `a document of any depth forgets, and one of another's that cannot be read is told of`() throws {
    let bench = try Bench(.directory)
    let user = "zoe-" + UUID().uuidString
    try bench.put(Self.deep("user_id", "deep", user, levels: 300), key: "deep", into: .userLibrary)
    // A field of a type that there is none of, and behind it somebody who is to be forgotten.
    var torn = Self.deep("user_id", "torn", user, levels: 3)
    let place = try #require(torn.lastIndex(of: BSONType.string.rawValue))
    torn[place] = 0x6E
    try bench.put(torn, key: "torn", into: .userStats)
    // The journal keeps what the library was.
    let run = try bench.sync([
      bench.folder.write("deep.json", #"{"user_id":"deep","queue":[{"videoId":"q"}]}"#)
    ])
    let forgot = try bench.run("forget", [user])
    let warning = "the user_stats document of torn in \(bench.store) cannot be read"
    #expect(forgot.errors.contains(warning) && !forgot.errors.contains("of deep"), "\(forgot.errors)")
    let libraries = try bench.contents([.userLibrary])
    let library = String(decoding: try #require(libraries["user_library deep "]), as: UTF8.self)
    #expect(library.contains("forgotten") && !library.contains(user))
    #expect(Self.traces([user], bench, []).allSatisfy { $0.hasSuffix("user_stats.bson") })
    try bench.run("undo", [run])
    #expect(Self.traces([user], bench, []).allSatisfy { $0.hasSuffix("user_stats.bson") })
  }

  @Test func `a document of a run that cannot be read is told of, and the others forget`() throws {
    let bench = try Bench(.directory)
    let user = "zoe-" + UUID().uuidString
    try bench.put(Self.deep("run_id", "foreign", user, levels: 300), key: "foreign", into: .jobRuns)
    try bench.put(#"{"run_id":"known","error":"of \#(user) nothing"}"#, key: "known", into: .jobRuns)
    let forgot = try bench.run("forget", [user])
    #expect(forgot.errors.contains("the job_runs document of foreign in "), "\(forgot.errors)")
    #expect(forgot.errors.contains("look yourself whether it names a user who is forgotten: nested deeper than"))
    let known = try bench.contents([.jobRuns])["job_runs known "] ?? []
    #expect(String(decoding: known, as: UTF8.self).contains("of forgotten nothing"))
  }

  @Test func `a state directory that cannot be read is no empty one`() throws {
    let bench = try Bench(.directory)
    let runs = try bench.folder.write("state", "a file")
    #expect(throws: StoreError.self) { try RunArchive(state: runs).ids() }
    #expect(try RunArchive(state: bench.folder("none")).ids() == [])
    #expect(try mixdown(["runs", "--state", runs]).status == 74)
  }

  @Test func `what was written back is found from any folder, and nothing else is touched`() throws {
    let bench = try Bench(.directory)
    let user = Listeners.name(1)
    let inputs = try bench.inputs(Listeners(count: 3))
    func from(_ folder: String) -> [String] { ["/bin/sh", "-c", "cd \(bench.folder(folder)) && exec \"$@\"", "sh"] }
    for folder in ["there", "here"] {
      var archive = try ArchiveWriter(path: bench.folder.write("\(folder)/empty", "").replacing("empty", with: "w.zip"))
      try archive.add(name: "\(user).json", contents: Array("{}".utf8), modifiedAt: Dump.modifiedAt)
      try archive.close()
    }
    let unrelated = try bench.folder.bytes(of: "here/w.zip")
    let arguments = inputs + ["--as-of", Bench.asOf, "--write-back"]
    try bench.run("sync", arguments + ["w.zip"], through: from("there"))
    try bench.run("sync", arguments + ["dry.zip", "--dry-run"], through: from("there"))
    try bench.folder.write("there/.w.zip.1-2.part", user)
    try bench.folder.write("there/.w.zip.1-2.part2", "somebody else's")
    let forgot = try bench.run("forget", [user], through: from("here"))
    #expect(forgot.errors.isEmpty, "\(forgot.errors)")
    #expect(try bench.folder.bytes(of: "here/w.zip") == unrelated)
    let inspected = try mixdown(["inspect", bench.folder("there/w.zip")]).output
    #expect(inspected.contains("2 users, ") && !inspected.contains(user))
    let names = try FileManager.default.contentsOfDirectory(atPath: bench.folder("there")).sorted()
    #expect(names == [".w.zip.1-2.part2", "empty", "w.zip"])

    // One that cannot be read to its end may hold anybody, and is no success.
    let whole = try bench.folder.bytes(of: "there/w.zip")
    try bench.folder.write("there/w.zip", Array(whole.prefix(whole.count / 2)))
    #expect(try bench.run("forget", [Listeners.name(2)], expecting: 65).errors.contains("there/w.zip"))
  }

  @Test(arguments: Bench.Kind.allCases)
  func `what runs without a folder have written back is found by the store, of this host and of each place once`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let user = "zoe-" + UUID().uuidString
    let own = try bench.folder.write("zoe.json", #"{"user_id":"\#(user)","favorites":[{"videoId":"a"}]}"#)
    let inputs = try bench.inputs(Listeners(count: 2)) + [own]
    // The first has a name by which nobody finds it once the documents of the runs are cleaned.
    let (folder, archive, gone) = (bench.folder("of-\(user)"), bench.folder("w.tar.zst"), bench.folder("gone.zip"))
    for place in [folder, archive, archive, gone] { try bench.sync(inputs, ["--write-back", place]) }
    let (inJob, untouched) = (bench.folder("of-a-job"), bench.folder("elsewhere"))
    let job = try bench.folder.write(
      "night.yaml",
      "store: \(bench.store)\nstate: \(bench.state)\nsteps:\n"
        + "  - sync: {inputs: [\(own)], write-back: \(inJob)}\n")
    let ran = try mixdown(["run", job, "--as-of", Bench.asOf])
    try #require(ran.status == 0, "\(ran.errors)")
    try bench.run("runs", ["prune", "--keep", "0", "--force"])
    try #require(bench.ids.isEmpty)
    try FileManager.default.removeItem(atPath: gone)
    // Of another host, of a dry run, and of a version that this one cannot read.
    for name in ["other", "dry"] { try bench.folder.write("elsewhere/\(name)/\(user).json", "{}") }
    let runs = [
      (#""host":"far-away""#, #"{"write-back":"\#(untouched)/other"}"#),
      (#""host":"far-away""#, #"{"sync.write-back":"\#(untouched)/other","learn.full":"false"}"#),
      (#""host":"far-away""#, #"{"write-back":"\#(untouched)/dry","dry-run":"true"}"#),
      (#""manifest_version":99"#, #"{"write-back":"\#(untouched)/other"}"#),
    ]
    for (number, run) in runs.enumerated() {
      let id = "01M89TR7EBMW1QV46YT6B2R51\(number)"
      let fields = #""store":"s","job":"sync","outcome":"done","started_at":{"$date":1},\#(run.0)"#
      let document = #"{"_id":"\#(id)","run_id":"\#(id)",\#(fields),"parameters":\#(run.1)}"#
      try bench.put(document, key: id, into: .jobRuns)
    }

    let forgot = try bench.run("forget", [user])
    for place in [folder, inJob] {
      #expect(!FileManager.default.fileExists(atPath: "\(place)/\(user).json"))
      #expect(FileManager.default.fileExists(atPath: place))
    }
    let inspected = try mixdown(["inspect", archive])
    #expect(inspected.status == 0 && inspected.output.contains("2 users, ") && !inspected.output.contains(user))
    for name in ["other", "dry"] {
      #expect(FileManager.default.fileExists(atPath: "\(untouched)/\(name)/\(user).json"))
    }
    let warnings = forgot.errors.split(separator: "\n")
    #expect(warnings.count == 3, "\(forgot.errors)")
    #expect(warnings.contains { $0.contains("\(gone), to which run ") && $0.contains("is not there") })
    #expect(warnings.contains { $0.contains("was to write back to \(untouched)/other on far-away: forget them there") })
    #expect(warnings.contains { $0.contains("the job_runs document of 01M89TR7EBMW1QV46YT6B2R513 in ") })
    let documents = try bench.contents([.jobRuns]).values.map { String(decoding: $0, as: UTF8.self) }
    #expect(documents.contains { $0.contains("of-forgotten") } && !documents.contains { $0.contains(user) })
  }

  @Test func `what cannot be cleaned is named with the cause that the system gives`() throws {
    let bench = try Bench(.directory)
    let back = bench.folder("w.zip")
    let run = try bench.sync(bench.inputs(Listeners(count: 3)), ["--write-back", back])
    // It points to itself.
    try bench.folder.link("state/\(run)/notes", to: "notes")
    let looped = try bench.run("forget", [Listeners.name(1)], expecting: 74)
    #expect(looped.errors.contains("\(run)/notes: cannot open: Too many levels of symbolic links"), "\(looped.errors)")
    try FileManager.default.removeItem(atPath: "\(bench.state)/\(run)/notes")

    try FileManager.default.removeItem(atPath: back)
    try #require(unsafe mkfifo(back, 0o600) == 0)
    let refused = try bench.run("forget", [Listeners.name(1)], expecting: 65)
    #expect(refused.errors.contains("\(back): neither a regular file nor a directory"), "\(refused.errors)")
  }

  /// Files of the store, the runs and what was written back that hold any of these texts.
  private static func traces(_ texts: [String], _ bench: Bench, _ more: [String]) -> [String] {
    var found: [String] = []
    for root in [bench.state] + more + (bench.kind == .directory ? [bench.store] : []) {
      let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
      for name in names {
        let path = "\(root)/\(name)"
        // What was written back for somebody else is theirs, and a copy: it goes on to say whose playlist they have.
        if name == "follower.json" { continue }
        if texts.contains(where: { name.contains($0) }) { found.append(path) }
        guard let data = FileManager.default.contents(atPath: path) else { continue }
        if texts.contains(where: { data.range(of: Data($0.utf8)) != nil }) { found.append(path) }
      }
    }
    return found
  }
}
