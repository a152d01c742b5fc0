import BSON
import Foundation
import Jobs
import MongodHarness
import Stores
import Testing

/// `mixdown learn` on a store of invented listeners.
@Suite(.serialized) struct LearnTests {
  private static let derived = ["songs", "user_stats", "user_scores", "service_stats", "population", "play_archive"]

  /// A store with libraries, accounts and an archive, as sync leaves it.
  private func store(users: Int, seed: Int = 3) throws -> Sandbox {
    let sandbox = try Sandbox()
    let made = sandbox.folder("made")
    try #require(mixdown(["generate", "--users", "\(users)", "--seed", "\(seed)", "--out", made]).status == 0)
    try FileManager.default.moveItem(atPath: made + "/cloud", toPath: sandbox.store)
    try #require([0, 3].contains(sandbox.sync([made + "/exports"]).status))
    return sandbox
  }

  private func learn(_ sandbox: Sandbox, asOf: String = Sandbox.asOf, _ flags: [String] = []) throws -> Run {
    try mixdown(
      ["learn", "--store", sandbox.store, "--state", sandbox.folder("state"), "--as-of", asOf] + flags)
  }

  private func bytes(_ sandbox: Sandbox) -> [String: Data] {
    var files: [String: Data] = [:]
    for name in Self.derived {
      files[name] = FileManager.default.contents(atPath: sandbox.store + "/\(name).bson") ?? Data()
    }
    return files
  }

  /// A collection's documents by key, as JSON without the fields that tell when they were computed.
  private func timeless(_ sandbox: Sandbox, _ schema: CollectionSchema) throws -> [String: String] {
    let collection = try DirectoryStore.open(sandbox.store, locking: false).collection(schema)
    var documents: [String: String] = [:]
    for position in 0..<collection.count {
      let document = try collection.document(at: position)
      documents[try document.value(schema.key)?.string?.string ?? ""] = try timeless(document)
    }
    return documents
  }

  private func timeless(_ document: BSONDocument) throws -> String {
    var text = JSONText()
    var elements = document.elements
    while let element = try elements.next() {
      switch element.key {
      case "as_of", "computed_at", "last_computed", "stale_after": continue
      default:
        text.string(element.key)
        try text.value(element.value)
      }
    }
    return text.string
  }

  private func removeDerived(_ sandbox: Sandbox) throws {
    for name in Self.derived where name != "play_archive" {
      try? FileManager.default.removeItem(atPath: sandbox.store + "/\(name).bson")
    }
    try? FileManager.default.removeItem(atPath: sandbox.folder("state"))
  }

  @Test func `a second run writes nothing, however it counts`() throws {
    let sandbox = try store(users: 40)
    let first = try learn(sandbox)
    try #require(first.status == 0, "\(first.errors)")
    let learned = bytes(sandbox)
    #expect(learned.values.allSatisfy { !$0.isEmpty })
    let run = try #require(sandbox.folder.files(under: "state").first { $0.hasSuffix("/report.html") })
    let report = try String(contentsOfFile: run, encoding: .utf8)
    #expect(report.contains("No library changed") && !report.contains("libraries changed"))
    for flags in [[], ["--full"]] {
      let again = try learn(sandbox, flags)
      #expect(again.status == 0 && again.output.contains("nothing written"), "\(again.output)\(again.errors)")
      #expect(bytes(sandbox) == learned)
    }
  }

  /// Figures hold a title several times, and those of a day the titles of many.
  @Test func `figures that would be too large cost their user, or their day, and no other`() throws {
    let sandbox = try Sandbox()
    func dump(_ user: String, title: Int, day: Int64 = 1_766_000_000_000) -> Dump {
      let play = #"{"videoId":"\#(user)","title":\#(quoted(String(repeating: "t", count: title))),"playedAt":\#(day)}"#
      return Dump("\(user).json", object(["user_id": quoted(user), "history": "[\(play)]"]))
    }
    let many = (0..<6).map { dump("many-\($0)", title: 3_500_000, day: 1_767_200_000_000) }
    let input = try Packing.folder.pack(
      [dump("ann", title: 5), dump("ti", title: 6_000_000)] + many, in: sandbox.folder)
    try sandbox.syncWell([input])
    for flags in [[], [], ["--full"]] {
      let run = try learn(sandbox, flags)
      #expect(run.status == 3, "\(run.errors)")
      #expect(run.errors.contains("its document of user_stats would have"), "\(run.errors)")
      let users = try timeless(sandbox, .userStats)
      #expect(users["ann"] != nil && users["ti"] == nil)
      let days = try timeless(sandbox, .serviceStats)
      #expect(!days.isEmpty && days["2025-12-31"] == nil)
      // An incremental run counts the last days alone.
      #expect(run.errors.contains("subject=2025-12-31") == (flags == ["--full"]) || flags.isEmpty, "\(run.errors)")
    }
  }

  @Test func `a title of any length stands whole in no message and no manifest`() throws {
    let sandbox = try Sandbox()
    for user in ["a", "b"] {
      let title = quoted(user + String(repeating: "t", count: 8_500_000))
      let play = object(["title": title, "playedAt": "1767200000000"])
      try sandbox.folder.write("in/\(user).json", object(["user_id": quoted(user), "history": array([play])]))
    }
    try sandbox.syncWell([sandbox.folder("in")])
    let run = try learn(sandbox)
    #expect(run.status == 3 && run.errors.utf8.count < 4096, "\(run.errors.prefix(4096))")
    let files = try sandbox.folder.files(under: "state").filter { $0.hasSuffix(".json") || $0.hasSuffix(".ndjson") }
      .map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
    let cut = Data(("t:a" + String(repeating: "t", count: 252) + "…").utf8)
    #expect(files.count { $0.range(of: cut) != nil } == 2 && files.allSatisfy { $0.count < 1 << 16 })
  }

  @Test func `users of zones that nobody knows are counted, and the zones named`() throws {
    let sandbox = try Sandbox()
    let zones = ["Mars/Olympus", "Mars/Olympus", "Asia/Kolkata", "Nowhere"]
    for user in zones.indices {
      let play = object(["videoId": quoted("v"), "playedAt": "1767200000000"])
      try sandbox.folder.write("in/\(user).json", object(["user_id": quoted("\(user)"), "history": array([play])]))
    }
    try sandbox.syncWell([sandbox.folder("in")])
    let accounts = try zones.enumerated().map { try Data(bson(#"{"id": "\#($0)", "timezone": "\#($1)"}"#)) }
    try Data(accounts.joined()).write(to: URL(fileURLWithPath: sandbox.store + "/users.bson"))
    let run = try learn(sandbox)
    #expect(run.output.contains("; 3 users of unknown zones; "), "\(run.output)\(run.errors)")
    let path = try #require(sandbox.folder.files(under: "state").first { $0.hasSuffix("/manifest.json") })
    let json = try Data(contentsOf: URL(fileURLWithPath: path))
    let learning = try JSONDecoder().decode(Jobs.Manifest.self, from: json).learning
    #expect(learning?.usersOfUnknownZones == 3 && learning?.unknownZones == ["Mars/Olympus": 2, "Nowhere": 1])
  }

  @Test func `any number of workers and any memory leave the same bytes`() throws {
    let sandbox = try store(users: 60)
    try #require(learn(sandbox).status == 0)
    let learned = bytes(sandbox)
    for flags in [["--workers", "1"], ["--workers", "7"], ["--workers", "3", "--memory", "16MiB"]] {
      try removeDerived(sandbox)
      try #require(learn(sandbox, flags).status == 0)
      #expect(bytes(sandbox) == learned, "\(flags)")
    }
  }

  @Test func `an incremental run leaves the statistics that a full one leaves`() throws {
    let sandbox = try store(users: 60)
    try #require(learn(sandbox, asOf: "2025-12-20T00:00:00Z").status == 0)
    for asOf in ["2025-12-21T02:00:00Z", "2025-12-25T02:00:00Z", "2026-01-20T02:00:00Z"] {
      let night = try learn(sandbox, asOf: asOf)
      #expect(night.status == 0 && !night.output.contains("(all)"), "\(night.output)\(night.errors)")
      let incremental = try timeless(sandbox, .userStats)
      // The catalogue and the population are those of the first run: plays of after it belong to songs that are new.
      let known = bytes(sandbox)["songs"]
      try #require(learn(sandbox, asOf: asOf, ["--full"]).status == 0)
      if bytes(sandbox)["songs"] == known { #expect(try timeless(sandbox, .userStats) == incremental, "\(asOf)") }
      try #require(!incremental.isEmpty)
    }
  }

  @Test func `stores that share a state folder learn at the same time, and each goes on from where it was`() throws {
    let sandbox = try store(users: 40)
    let other = sandbox.folder("other")
    try FileManager.default.copyItem(atPath: sandbox.store, toPath: other)
    for night in 0..<3 {
      let runs = try [sandbox.store, other].map { store in
        try Child([
          mixdownBinary, "learn", "--store", store, "--state", sandbox.folder("state"), "--as-of", Sandbox.asOf,
        ])
      }
      for run in runs {
        guard case .exited(0) = try run.wait() else {
          Issue.record("\(run.errors)")
          continue
        }
        #expect(run.output.contains("(all)") == (night == 0), "\(run.output)")
      }
    }
  }

  @Test func `a run that was killed and one that follows leave what one run leaves`() throws {
    let sandbox = try store(users: 60)
    try #require(learn(sandbox).status == 0)
    let learned = bytes(sandbox)
    for number in 0..<8 {
      try removeDerived(sandbox)
      let child = try Child([
        mixdownBinary, "learn", "--store", sandbox.store, "--state", sandbox.folder("state"), "--as-of", Sandbox.asOf,
      ])
      Thread.sleep(forTimeInterval: 0.1 + Double(number) * 0.15)
      child.send(SIGKILL)
      _ = try child.wait()
      let next = try learn(sandbox)
      #expect(next.status == 0, "\(next.errors)")
      #expect(bytes(sandbox) == learned, "killed at instant \(number)")
    }
  }

  @Test func `a document with a foreign shape costs its user and nobody else`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox).status == 0)
    let learned = try timeless(sandbox, .userStats)
    try removeDerived(sandbox)
    let library = sandbox.library
    var bytes = try #require(FileManager.default.contents(atPath: library))
    var writer = BSONWriter()
    let document = writer.open()
    writer.append("user_id", string: "zz-foreign")
    writer.append("history", string: "no list")
    writer.append("updated_at", date: 1_760_000_000_000)
    writer.close(document)
    bytes.append(contentsOf: writer.view.copy())
    try bytes.write(to: URL(fileURLWithPath: library))
    let run = try learn(sandbox)
    #expect(run.status == 3 && run.errors.contains("zz-foreign"), "\(run.output)\(run.errors)")
    #expect(try timeless(sandbox, .userStats) == learned)
  }

  @Test func `a later document is left unless it is forced`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox, asOf: "2026-01-10T00:00:00Z").status == 0)
    let later = bytes(sandbox)
    let earlier = try learn(sandbox, asOf: "2026-01-03T00:00:00Z")
    #expect(earlier.status == 3, "\(earlier.output)")
    #expect(bytes(sandbox) == later)
    #expect(try learn(sandbox, asOf: "2026-01-03T00:00:00Z", ["--full", "--force"]).status == 0)
    #expect(bytes(sandbox) != later)
  }

  /// A clock that was put back: what it leaves in the catalogue says something else than what users' figures are made of.
  @Test func `beside a catalogue of a later run everything is counted again by the next`() throws {
    let sandbox = try Sandbox()
    func sync(_ user: String, language: String?) throws {
      let field = language.map { #","language":"\#($0)""# } ?? ""
      let history = #"[{"videoId":"b","title":"B","playedAt":1766000000000,"completionRate":0.9\#(field)}]"#
      let dump = Dump("\(user).json", object(["user_id": quoted(user), "history": history]))
      try sandbox.syncWell([Packing.folder.pack([dump], in: sandbox.folder, as: "\(user)-")])
    }
    try sync("one", language: nil)
    try #require(learn(sandbox, asOf: "2026-01-03T00:00:00Z").status == 0)
    try sync("two", language: nil)
    try sync("three", language: "ta")
    let back = try learn(sandbox, asOf: "2026-01-02T12:00:00Z")
    #expect(back.status == 3 && back.errors.contains("subject=songs"), "\(back.errors)")
    let next = try learn(sandbox, asOf: "2026-01-04T00:00:00Z")
    #expect(next.status == 0 && next.output.contains("(all)"), "\(next.output)\(next.errors)")
    #expect(try timeless(sandbox, .songs)["v:b"]?.contains(#""ta""#) == true)
    let night = try learn(sandbox, asOf: "2026-01-05T00:00:00Z")
    #expect(night.status == 0 && !night.output.contains("(all)"), "\(night.output)")
    let users = try timeless(sandbox, .userStats)
    #expect(users["two"]?.contains(#""ta""#) == true)
    try #require(learn(sandbox, asOf: "2026-01-05T00:00:00Z", ["--full"]).status == 0)
    #expect(try timeless(sandbox, .userStats) == users)
  }

  @Test func `everything is counted after as many days as were asked for`() throws {
    let sandbox = try store(users: 10)
    let nights = [("2026-01-01", true), ("2026-01-02", false), ("2026-01-07", false), ("2026-01-08", true)]
    for (day, isFull) in nights + [("2026-01-09", false)] {
      // As a timer is late now and then: days count, and not hours.
      let run = try learn(sandbox, asOf: "\(day)T0\(isFull ? 1 : 3):00:00Z", ["--full-every", "7"])
      #expect(run.status == 0 && run.output.contains("(all)") == isFull, "\(day) \(run.output)")
    }
  }

  @Test(arguments: [(["NaN"], "shares"), (["0.5", "Infinity"], "shares"), (["-0.5"], "shares")])
  func `shares of the population that are none are counted again`(_ shares: [String], _ field: String) throws {
    let sandbox = try store(users: 10)
    try #require(learn(sandbox).status == 0)
    let learned = bytes(sandbox)
    let stored = shares.enumerated().map { #""v\#($0.offset)": {"$numberDouble": "\#($0.element)"}"# }
    try sandbox.folder.write(
      "store/population.bson",
      bson(#"{"dimension": "language", "shares": {\#(stored.joined(separator: ","))}, "users": 3}"#))
    let run = try learn(sandbox, asOf: "2026-01-02T02:00:00Z")
    #expect(run.output.contains("(all)") && run.errors.contains("population: \(field)"), "\(run.output)\(run.errors)")
    #expect(try timeless(sandbox, .population).count == 3)
    try removeDerived(sandbox)
    try #require(learn(sandbox).status == 0)
    #expect(bytes(sandbox)["population"] == learned["population"])
  }

  @Test(arguments: ["1e7", "1e308", "inf", "nan", "-1"])
  func `a weight that sums of plays cannot bear is refused`(_ weight: String) throws {
    for name in [
      "prior-weight-language", "prior-weight-genre", "prior-weight-mood", "favorite-weight", "unknown-weight",
    ] {
      let run = try mixdown(["learn", "--store", "nowhere", "--\(name)=\(weight)"])
      #expect(run.status == 64 && run.errors.contains("--\(name)"), "\(run.errors)")
    }
  }

  @Test func `a count that somebody made greater than any is shown`() throws {
    let sandbox = try store(users: 3)
    try #require(learn(sandbox).status == 0)
    let figures = #"{"by_hour": [1, {"$numberLong": "1152921504606846976"}], "by_weekday": [], "plays": 1}"#
    try sandbox.folder.write(
      "store/user_stats.bson", bson(#"{"user_id": "ann", "year": \#(figures), "all_time": \#(figures)}"#))
    let run = try mixdown(["stats", "ann", "--store", sandbox.store])
    #expect(run.status == 0 && run.output.contains("1152921504606846976"), "\(run.status) \(run.output)\(run.errors)")
  }

  @Test func `an account with choices and no library has scores alone`() throws {
    let sandbox = try store(users: 20)
    var writer = BSONWriter()
    let document = writer.open()
    writer.append("id", string: "zz-newcomer")
    writer.key("onboarding", .document)
    let onboarding = writer.open()
    writer.key("languages", .array)
    let languages = writer.open()
    writer.index(0, .string)
    Array("hi".utf8).withView { writer.put(string: $0) }
    writer.close(languages)
    writer.close(onboarding)
    writer.close(document)
    let path = sandbox.store + "/users.bson"
    var bytes = try #require(FileManager.default.contents(atPath: path))
    bytes.append(contentsOf: writer.view.copy())
    try bytes.write(to: URL(fileURLWithPath: path))
    try #require(learn(sandbox).status == 0)
    #expect(try timeless(sandbox, .userStats)["zz-newcomer"] == nil)
    #expect(try timeless(sandbox, .userScores)["zz-newcomer"]?.contains("\"hi\"") == true)
  }

  @Test func `the report tells what was learned, what people like and how that moved, and of users who may be named`()
    throws
  {
    let sandbox = try store(users: 20)
    func report(_ flags: [String]) throws -> ReportData {
      let state = sandbox.newState()
      let run = try mixdown(
        ["learn", "--store", sandbox.store, "--state", state, "--as-of", Sandbox.asOf] + flags)
      try #require(run.status == 0, "\(run.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: state)
      // A run's id has 26 characters.
      let folder = try #require(names.first { $0.utf8.count == 26 })
      return try RunReport(folder: state + "/" + folder).data()
    }
    let first = try report(["--full"])
    #expect(first.learned.contains { $0.name == "Users' scores written" })
    #expect(first.population.map(\.dimension) == ["language", "genre", "mood"] && first.users.isEmpty)
    #expect(first.population.allSatisfy { !$0.values.isEmpty && $0.values.allSatisfy { $0.before == nil } })
    let second = try report(["--full", "--report-users", "3"])
    #expect(second.population.map(\.dimension) == first.population.map(\.dimension))
    #expect(second.population.allSatisfy { !$0.values.isEmpty && $0.values.allSatisfy { $0.before == $0.share } })
    #expect(second.users.count == 3 && second.users.allSatisfy { $0.affinities.count == 3 && $0.confidence.count == 3 })
  }

  @Test func `what nobody likes any more is among what has moved`() throws {
    let sandbox = try Sandbox()
    func sync(_ user: String, _ language: String) throws {
      let play = #"{"videoId":"\#(language)","language":"\#(language)","playedAt":"2025-12-31T10:00:00Z"}"#
      try sandbox.syncWell([
        sandbox.folder.write("\(user).json", object(["user_id": quoted(user), "history": array([play])]))
      ])
    }
    try sync("ann", "hi")
    let before = try #require(sandbox.bytes)
    try sync("bob", "ta")
    try #require(learn(sandbox, ["--full"]).status == 0)
    try before.write(to: URL(fileURLWithPath: sandbox.library))
    try FileManager.default.removeItem(atPath: sandbox.store + "/play_archive.bson")
    let state = sandbox.newState()
    let run = try mixdown(
      ["learn", "--full", "--store", sandbox.store, "--state", state, "--as-of", Sandbox.asOf])
    try #require(run.status == 0, "\(run.errors)")
    let folder = try Run(status: 0, output: "", errors: "", state: state).folder
    let languages = try RunReport(folder: folder).data().population.first { $0.dimension == "language" }
    #expect(languages?.values == [.init("hi", 1, before: 0.5), .init("ta", 0, before: 0.5)])
    #expect(try String(contentsOfFile: folder + "/report.html", encoding: .utf8).contains("▼</span>"))
  }

  @Test func `a full run removes songs that nobody has any more`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox).status == 0)
    let songs = try timeless(sandbox, .songs)
    // The first two libraries alone, and nothing in the archive.
    let bytes = [UInt8](try #require(FileManager.default.contents(atPath: sandbox.library)))
    var end = 0
    for _ in 0..<2 { end += Int(bytes.withView { $0.load(end, as: Int32.self) }) }
    try Data(bytes[..<end]).write(to: URL(fileURLWithPath: sandbox.library))
    try FileManager.default.removeItem(atPath: sandbox.store + "/play_archive.bson")
    let run = try learn(sandbox, ["--full"])
    #expect(run.status == 0 && run.output.contains("removed: "), "\(run.output)\(run.errors)")
    let left = try timeless(sandbox, .songs)
    #expect(left.count < songs.count && !left.isEmpty)
  }

  @Test func `scores are mirrored into accounts, once`() throws {
    let sandbox = try store(users: 20)
    let first = try learn(sandbox, ["--mirror-users"])
    #expect(first.status == 0, "\(first.output)\(first.errors)")
    let accounts = try timeless(sandbox, .users)
    #expect(accounts.values.contains { $0.contains("implicit_affinities") })
    let second = try learn(sandbox, ["--mirror-users", "--full"])
    #expect(second.output.contains("nothing written"), "\(second.output)")
    #expect(try timeless(sandbox, .users) == accounts)
  }

  @Test func `scores are mirrored on a server only where an index finds the accounts`() throws {
    let database = try TestDatabase()
    let sandbox = try store(users: 5)
    try #require(mixdown(["setup", "--store", database.address]).status == 0)
    // An index that is not told otherwise compares as its collection does, and finds no account by its bytes.
    try database.run(#"{"create": "users", "collation": {"locale": "en", "strength": 2}}"#)
    try #require(mixdown(["copy", sandbox.store, database.address]).status == 0)
    func learn(_ flags: [String] = []) throws -> Run {
      try mixdown(
        [
          "learn", "--store", database.address, "--state", sandbox.newState(), "--as-of", Sandbox.asOf,
          "--mirror-users",
        ] + flags)
    }
    let advice = #"createIndex({id: 1}, {collation: {locale: "simple"}})"#
    for index in [#""name": "collated""#, #""name": "id_1", "collation": {"locale": "simple"}"#] {
      let refused = try learn()
      #expect(refused.status == 65 && refused.errors.contains(advice), "\(refused.errors)")
      try database.run(#"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, \#(index)}]}"#)
    }
    let mirrored = try learn()
    #expect(mirrored.status == 0, "\(mirrored.output)\(mirrored.errors)")
    func accountsWithScores() throws -> Int {
      try database.documents(of: "users").count { $0.field("scores")?.type == .document }
    }
    let accounts = try accountsWithScores()
    #expect(accounts > 0)
    // Somebody takes them away again, and nothing else changes.
    try database.run(#"{"update": "users", "updates": [{"q": {}, "u": {"$unset": {"scores": 1}}, "multi": true}]}"#)
    try #require(accountsWithScores() == 0)
    let night = try learn()
    #expect(night.status == 0 && !night.output.contains("(all)"), "\(night.output)\(night.errors)")
    #expect(try accountsWithScores() == accounts)
    #expect(try learn().output.contains("; 0 computed from"))
    // Other scores of the same clock, which accounts get a run later.
    func accountsNow() throws -> [String] { try database.documents(of: "users").map { "\($0)" }.sorted() }
    let known = try accountsNow()
    try #require(
      mixdown([
        "learn", "--store", database.address, "--state", sandbox.newState(), "--as-of", Sandbox.asOf,
        "--half-life-days", "5",
      ]).status == 0)
    #expect(try accountsNow() == known)
    let later = try learn(["--half-life-days", "5"])
    #expect(later.status == 0 && !later.output.contains("(all)"), "\(later.output)\(later.errors)")
    #expect(try accountsNow() != known)
    #expect(try learn(["--half-life-days", "5"]).output.contains("; 0 computed from"))
  }

  @Test func `a night on a server counts those of whom something changed, wherever the state folder is`() throws {
    let database = try TestDatabase()
    let sandbox = try store(users: 20)
    try #require(mixdown(["setup", "--store", database.address]).status == 0)
    try #require(mixdown(["copy", sandbox.store, database.address]).status == 0)
    func learn(_ flags: [String] = []) throws -> String {
      let run = try mixdown(
        ["learn", "--store", database.address, "--state", sandbox.newState(), "--as-of", Sandbox.asOf] + flags)
      try #require(run.status == 0, "\(run.output)\(run.errors)")
      return run.output
    }
    func change(_ collection: String, _ filter: String, _ fields: String) throws {
      try database.run(
        #"{"update": "\#(collection)", "updates": [{"q": \#(filter), "u": {"$set": \#(fields)}}]}"#)
    }
    #expect(try learn().contains("(all)"))
    let quiet = try learn()
    #expect(quiet.contains("; 0 computed from") && quiet.contains("nothing written"), "\(quiet)")

    let libraries = try database.documents(of: "user_library").compactMap { $0.field("user_id")?.string }
    let accounts = try database.documents(of: "users").compactMap { $0.field("id")?.string }
      .filter(libraries.contains).sorted()
    let users = try database.documents(of: "play_archive").compactMap { $0.field("user_id")?.string }
      .filter { !accounts.prefix(2).contains($0) }
    try #require(accounts.count >= 2 && Set(users).count >= 2)
    let (first, last) = (try #require(users.min()), try #require(users.max()))
    let now = #"{"$date": {"$numberLong": "\#(Int64(Date().timeIntervalSince1970 * 1000))"}}"#
    try change("user_library", #"{"user_id": "\#(first)"}"#, #"{"updated_at": \#(now)}"#)
    try change("play_archive", #"{"user_id": "\#(last)"}"#, #"{"updated_at": \#(now)}"#)
    try change(
      "users", #"{"id": "\#(accounts[0])"}"#,
      #"{"explicit_preferences": {"languages": ["xx"], "genres": [], "moods": []}}"#)
    try change("users", #"{"id": "\#(accounts[1])"}"#, #"{"timezone": "Pacific/Kiritimati"}"#)
    let night = try learn()
    #expect(night.contains("; 4 computed from"), "\(night)")
    #expect(try learn(["--full"]).contains("nothing written"))

    // What is taken away changes figures as well: a zone for one that there is not, a zone, an account with choices.
    // The two whose documents bear a time of just now are counted each time.
    try change("users", #"{"id": "\#(accounts[1])"}"#, #"{"timezone": "No/Such"}"#)
    #expect(try learn().contains("; 3 computed from"))
    try change("users", #"{"id": "\#(accounts[1])"}"#, #"{"timezone": "Pacific/Kiritimati"}"#)
    #expect(try learn().contains("; 3 computed from"))
    try change("users", #"{"id": "\#(accounts[1])"}"#, #"{"timezone": null}"#)
    try database.run(#"{"delete": "users", "deletes": [{"q": {"id": "\#(accounts[0])"}, "limit": 1}]}"#)
    #expect(try learn().contains("; 4 computed from"))
    #expect(try learn(["--full"]).contains("nothing written"))
  }

  /// What a server holds of a derived collection, without the fields that tell when it was computed.
  private func timeless(_ database: TestDatabase, _ name: String) throws -> [String] {
    try database.documents(of: name).map { document in
      try document.withView { bytes in try timeless(BSONDocument(bytes)) }
    }.sorted()
  }

  @Test func `users without a library are computed again on a server, wherever their ids stand`() throws {
    let (database, sandbox) = (try TestDatabase(), try Sandbox())
    try #require(mixdown(["setup", "--store", database.address]).status == 0)
    let play = #"{"videoId": "a", "playedAt": {"$date": "2025-12-01T12:00:00Z"}, "completionRate": 0.9}"#
    try database.run(
      #"{"insert": "user_library", "documents": [{"user_id": "m", "history": [\#(play)]}, {"user_id": "z"}]}"#)
    try database.run(
      #"{"insert": "users", "documents": [{"id": "a", "onboarding": {"languages": ["en"]}}]}"#)
    try database.run(
      #"{"insert": "play_archive", "documents": [{"user_id": "g", "month": "2025-12", "plays": [\#(play)]}]}"#)
    for day in 2...4 {
      let run = try mixdown([
        "learn", "--store", database.address, "--state", sandbox.newState(), "--as-of", "2026-01-0\(day)T00:00:00Z",
        "--full",
      ])
      #expect(run.status == 0, "\(run.output)\(run.errors)")
    }
    let scored = try database.documents(of: "user_scores").compactMap { $0.field("user_id")?.string }.sorted()
    #expect(Set(scored).isSuperset(of: ["a", "g", "m"]))
  }

  @Test func `a night on a server finds what runs with a clock of the past have written`() throws {
    let database = try TestDatabase()
    try #require(mixdown(["setup", "--store", database.address]).status == 0)
    let sandbox = try Sandbox()
    func run(_ command: [String], asOf: String) throws -> Run {
      let run = try mixdown(
        command + ["--store", database.address, "--state", sandbox.folder("state"), "--as-of", asOf])
      try #require(run.status == 0, "\(run.output)\(run.errors)")
      return run
    }
    func sync(_ song: String, _ time: String) throws {
      let play = #"{"videoId":"\#(song)","title":"T","playedAt":"\#(time)","completionRate":0.9}"#
      let dump = #"{"user_id":"ann","exported_at":"\#(time)","history":[\#(play)]}"#
      _ = try run(["sync", sandbox.folder.write("\(song).json", dump)], asOf: time)
    }
    try sync("one", "2025-12-01T12:00:00Z")
    #expect(try run(["learn"], asOf: "2025-12-02T02:00:00Z").output.contains("(all)"))
    try sync("two", "2025-12-02T12:00:00Z")
    let night = try run(["learn"], asOf: "2025-12-03T02:00:00Z")
    #expect(night.output.contains("; 1 computed from"), "\(night.output)")
    let (statistics, songs) = (try timeless(database, "user_stats"), try timeless(database, "songs"))
    #expect(songs.count == 2 && statistics.contains { $0.contains("v:two") })
    _ = try run(["learn", "--full"], asOf: "2025-12-03T02:00:00Z")
    #expect(try timeless(database, "user_stats") == statistics)
  }

  @Test func `a night on a server after an undo counts everybody, for nothing tells whom it was about`() throws {
    let database = try TestDatabase()
    let sandbox = try store(users: 6)
    try #require(mixdown(["setup", "--store", database.address]).status == 0)
    try #require(mixdown(["copy", sandbox.store, database.address]).status == 0)
    let state = sandbox.folder("server-state")
    func run(_ command: String, _ arguments: [String]) throws -> Run {
      let run = try mixdown([command] + arguments + ["--store", database.address, "--state", state])
      try #require(run.status == 0, "\(run.output)\(run.errors)")
      return run
    }
    func statistics() throws -> [String] { try database.documents(of: "user_stats").map { "\($0)" }.sorted() }
    let user = try #require(try database.documents(of: "play_archive").first?.field("user_id")?.string)
    let play = #"{"videoId":"new","playedAt":"2025-12-31T23:00:00Z"}"#
    let dump = #"{"user_id":"\#(user)","exported_at":"2025-12-31T23:30:00Z","history":[\#(play)]}"#
    let input = try sandbox.folder.write("new.json", dump)
    let learn = ["--as-of", Sandbox.asOf]
    #expect(try run("learn", learn).output.contains("(all)"))
    let before = try statistics()
    // By the clock of now, for by that the server tells what has changed.
    _ = try run("sync", [input])
    #expect(try run("learn", learn).output.contains("; 1 computed from"))
    #expect(try statistics() != before)
    // The newest run is the learning.
    _ = try run("undo", [try RunArchive(state: state, store: database.address).ids()[1]])
    #expect(try run("learn", learn).output.contains("(all)"))
    #expect(try statistics() == before)
  }

  /// Puts plays into the store, as the browser exported them at this time.
  private func add(_ plays: [(user: String, song: String, when: String)], to sandbox: Sandbox, at time: String) throws {
    var dumps = ""
    for (user, song, when) in plays {
      let play = #"{"videoId":"\#(song)","playedAt":"\#(when)","completionRate":0.9}"#
      dumps += #"{"user_id":"\#(user)","exported_at":"\#(time)","history":[\#(play)]}"# + "\n"
    }
    let input = try sandbox.folder.write("plays.ndjson", dumps)
    let run = try mixdown([
      "sync", input, "--store", sandbox.store, "--state", sandbox.newState(), "--as-of", time,
    ])
    try #require(run.status == 0, "\(run.errors)")
  }

  @Test func `a day on which a full run's clock stands keeps what only a full run counts`() throws {
    let sandbox = try Sandbox()
    try add(
      [("ann", "a", "2025-12-31T23:00:00Z"), ("bob", "b", "2025-12-28T12:00:00Z")], to: sandbox, at: Sandbox.asOf)
    try #require(learn(sandbox, asOf: "2025-12-31T23:30:00Z").status == 0)
    let learned = bytes(sandbox)
    let day = try timeless(sandbox, .serviceStats)["2025-12-31"]
    #expect(day?.contains(#""active_users"{"day":1,"week":2,"month":2}"#) == true, "\(day ?? "")")
    #expect(try learn(sandbox, asOf: "2025-12-31T23:30:00Z").output.contains("nothing written"))
    #expect(bytes(sandbox) == learned)
  }

  @Test func `a night finds songs new that are new, whoever played them before`() throws {
    let sandbox = try Sandbox()
    let evening = "2025-12-30T18:00:00Z"
    try add(
      [("ann", "a", "2025-12-30T12:00:00Z"), ("bob", "known", "2025-03-01T12:00:00Z")], to: sandbox, at: evening)
    try #require(learn(sandbox, asOf: evening).status == 0)
    // One that somebody played long ago, one that is new, and one more of the day before.
    try add(
      [
        ("ann", "known", "2025-12-31T09:00:00Z"), ("cid", "new", "2025-12-31T10:00:00Z"),
        ("dot", "late", "2025-12-30T19:00:00Z"), ("eve", "a", "2025-12-30T19:00:00Z"),
      ], to: sandbox, at: "2025-12-31T18:00:00Z")
    func newSongs() throws -> [String?] {
      try ["2025-12-30", "2025-12-31"].map { day in
        try timeless(sandbox, .serviceStats)[day].flatMap { $0.firstMatch(of: /"new_songs"(\d+)/).map { String($0.1) } }
      }
    }
    try #require(learn(sandbox).output.contains("(all)") == false)
    #expect(try newSongs() == ["2", "1"])
    try #require(learn(sandbox, ["--full"]).status == 0)
    #expect(try newSongs() == ["2", "1"])
  }

  @Test func `what is newer is replaced by force, also after a run that left it`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox, asOf: "2026-01-10T00:00:00Z").status == 0)
    let earlier = "2026-01-03T00:00:00Z"
    #expect(try learn(sandbox, asOf: earlier).status == 3)
    #expect(try learn(sandbox, asOf: earlier, ["--force"]).status == 0)
    #expect(try learn(sandbox, asOf: earlier).output.contains("nothing written"))
  }

  @Test func `scores are mirrored into accounts that lack them, whether or not anything else has changed`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox).status == 0)
    let before = try timeless(sandbox, .users)
    let scores = try timeless(sandbox, .userScores)
    let night = try learn(sandbox, asOf: "2026-01-01T00:00:01Z", ["--mirror-users"])
    #expect(night.status == 0 && !night.output.contains("(all)"), "\(night.output)\(night.errors)")
    let accounts = try timeless(sandbox, .users)
    let mirrored = accounts.filter { $0.value.contains("implicit_affinities") }
    #expect(Set(mirrored.keys) == Set(before.keys).intersection(scores.keys) && !mirrored.isEmpty)
    let again = try learn(sandbox, asOf: "2026-01-01T00:00:01Z", ["--mirror-users"])
    #expect(again.output.contains("; 0 computed from") && again.output.contains("nothing written"), "\(again.output)")
  }

  @Test(arguments: ["localtime", "posixrules", "Factory", "posix/UTC"])
  func `a job's zone is one that means the same on every machine`(name: String) throws {
    let run = try mixdown(["learn", "--store", Sandbox().store, "--timezone", name])
    #expect(run.status == 64 && run.errors.contains("--timezone \(name) is no time zone"), "\(run.errors)")
  }

  @Test func `accounts get scores that changed under one clock`() throws {
    let sandbox = try store(users: 20)
    try #require(learn(sandbox, ["--mirror-users"]).status == 0)
    let before = try timeless(sandbox, .users)
    try #require(learn(sandbox, ["--half-life-days", "5"]).status == 0)
    #expect(try timeless(sandbox, .users) == before)
    let mirroring = try learn(sandbox, ["--half-life-days", "5", "--mirror-users"])
    #expect(mirroring.status == 0 && !mirroring.output.contains("(all)"), "\(mirroring.output)\(mirroring.errors)")
    let accounts = try timeless(sandbox, .users)
    #expect(accounts != before)
    #expect(try learn(sandbox, ["--half-life-days", "5", "--mirror-users"]).output.contains("; 0 computed from"))
    try #require(learn(sandbox, ["--half-life-days", "5", "--mirror-users", "--full"]).status == 0)
    #expect(try timeless(sandbox, .users) == accounts)
  }

  @Test func `a library that was changed in its place is seen, whatever its clock says`() throws {
    let sandbox = try Sandbox()
    try add([("ann", "aaaa", "2025-12-31T12:00:00Z")], to: sandbox, at: Sandbox.asOf)
    try #require(learn(sandbox).status == 0)
    let library = try #require(FileManager.default.contents(atPath: sandbox.library))
    try replacing(library).write(to: URL(fileURLWithPath: sandbox.library))
    #expect(try learn(sandbox).output.contains("; 1 computed from"))
    #expect(try timeless(sandbox, .userStats)["ann"]?.contains("v:bbbb") == true)
  }

  @Test func `a full run that knows whose plays the archive has leaves what one leaves that does not`() throws {
    let sandbox = try store(users: 30)
    var writer = BSONWriter()
    let document = writer.open()
    writer.append("user_id", string: "zz-timeless")
    writer.key("history", .array)
    let history = writer.open()
    writer.index(0, .document)
    let play = writer.open()
    writer.append("videoId", string: "a")
    writer.close(play)
    writer.close(history)
    writer.append("updated_at", date: 1_760_000_000_000)
    writer.close(document)
    var library = try #require(FileManager.default.contents(atPath: sandbox.library))
    library.append(contentsOf: writer.view.copy())
    try library.write(to: URL(fileURLWithPath: sandbox.library))
    func unusable() throws -> Int? {
      let runs = try FileManager.default.contentsOfDirectory(atPath: sandbox.folder("state"))
      // A run's id has 26 characters, and later ones are greater.
      let run = try #require(runs.filter { $0.utf8.count == 26 }.max())
      let manifest = URL(fileURLWithPath: sandbox.folder("state") + "/" + run + "/manifest.json")
      return try Manifest.read(Data(contentsOf: manifest)).learning?.unusable
    }
    let first = try learn(sandbox)
    try #require(first.status == 0, "\(first.errors)")
    let learned = bytes(sandbox)
    #expect(try unusable() == 1)
    for keepsState in [true, false] {
      for name in Self.derived where name != "play_archive" {
        try FileManager.default.removeItem(atPath: sandbox.store + "/\(name).bson")
      }
      if !keepsState { try FileManager.default.removeItem(atPath: sandbox.folder("state")) }
      let again = try learn(sandbox, ["--full"])
      #expect(again.status == 0, "\(again.errors)")
      #expect(try bytes(sandbox) == learned && unusable() == 1)
    }
  }

  /// The file with another song of the same length.
  private func replacing(_ library: Data) -> Data {
    var bytes = library
    while let found = bytes.range(of: Data("aaaa".utf8)) { bytes.replaceSubrange(found, with: Data("bbbb".utf8)) }
    return bytes
  }

  @Test(arguments: ["songs", "user_stats", "user_scores", "population"])
  func `a collection that somebody has emptied is computed again`(name: String) throws {
    let sandbox = try store(users: 10)
    try #require(learn(sandbox).status == 0)
    let learned = bytes(sandbox)
    try FileManager.default.removeItem(atPath: sandbox.store + "/\(name).bson")
    try #require(learn(sandbox).status == 0)
    #expect(bytes(sandbox) == learned)
  }

  @Test func `after a store was put back from its backup everything is counted, and the run says why`() throws {
    let sandbox = try Sandbox()
    let time = "2025-12-29T12:00:00Z"
    try add([("ann", "a", time), ("bob", "a", time)], to: sandbox, at: Sandbox.asOf)
    try #require(learn(sandbox).status == 0)
    let backup = try FileManager.default.contentsOfDirectory(atPath: sandbox.store).filter { $0.hasSuffix(".bson") }
      .map { URL(fileURLWithPath: sandbox.store + "/" + $0) }.map { ($0, try Data(contentsOf: $0)) }
    try add([("ann", "b", "2026-01-20T12:00:00Z")], to: sandbox, at: "2026-01-20T13:00:00Z")
    let later = "2026-03-01T00:00:00Z"
    let night = try learn(sandbox, asOf: later)
    try #require(night.status == 0 && !night.output.contains("(all)"), "\(night.output)")
    let (users, days) = try (timeless(sandbox, .userStats), timeless(sandbox, .serviceStats))
    for (file, bytes) in backup { try bytes.write(to: file) }
    try add([("ann", "b", "2026-01-20T12:00:00Z")], to: sandbox, at: "2026-01-20T13:00:00Z")
    let restored = try learn(sandbox, asOf: later)
    #expect(restored.status == 0 && restored.output.contains("(all)"), "\(restored.output)")
    let lines = restored.errors.split(separator: "\n")
    #expect(lines.count == 1 && lines[0].contains("everything is counted, for what was learned is not as"), "\(lines)")
    #expect(try timeless(sandbox, .userStats) == users)
    #expect(try Set(timeless(sandbox, .serviceStats).keys) == Set(days.keys))
    let next = try learn(sandbox, asOf: later)
    #expect(next.errors.isEmpty && next.output.contains("nothing written"), "\(next.output)\(next.errors)")
  }

  @Test func `months before those that are kept leave the archive, and stay out of it`() throws {
    let sandbox = try store(users: 20)
    let run = try learn(sandbox, ["--archive-months", "1"])
    #expect(run.status == 0 && run.output.contains("removed"), "\(run.output)\(run.errors)")
    let plays = try DirectoryStore.open(sandbox.store, locking: false).collection(.playArchive)
    for position in 0..<plays.count {
      let month = try plays.document(at: position).value("month")?.string?.string ?? ""
      #expect(month >= "2025-12")
    }
    #expect(try learn(sandbox, ["--archive-months", "1", "--full"]).output.contains("nothing written"))
  }

  @Test func `in the first night of a month the archive's oldest leaves, whoever listens still`() throws {
    let sandbox = try store(users: 20)
    let months = ["--archive-months", "0"]
    try #require(learn(sandbox, asOf: "2025-12-31T12:00:00Z", months).status == 0)
    let before = try DirectoryStore.open(sandbox.store, locking: false).collection(.playArchive).count
    try #require(before > 0)
    try #require(learn(sandbox, asOf: "2026-01-01T02:00:00Z", months).status == 0)
    let after = try DirectoryStore.open(sandbox.store, locking: false).collection(.playArchive)
    for position in 0..<after.count {
      #expect(try after.document(at: position).value("month")?.string?.string == "2026-01")
    }
  }
}

/// `mixdown explain`, `stats` and `evaluate`.
@Suite(.serialized) struct LearnedTests {
  private func learned() throws -> (sandbox: Sandbox, user: String) {
    let sandbox = try Sandbox()
    let made = sandbox.folder("made")
    try #require(
      mixdown(["generate", "--users", "60", "--seed", "4", "--out", made, "--profile", "listening"]).status == 0)
    try FileManager.default.moveItem(atPath: made + "/cloud", toPath: sandbox.store)
    try #require(sandbox.sync([made + "/exports"]).status == 0)
    let state = sandbox.folder("learn")
    try #require(
      mixdown(["learn", "--store", sandbox.store, "--state", state, "--as-of", Sandbox.asOf]).status == 0)
    return (sandbox, try #require(sandbox.libraries.first?.userId))
  }

  @Test func `first and last play are days of the user's own`() throws {
    let sandbox = try Sandbox()
    let plays = ["2025-11-30T20:00:00Z", "2025-12-30T20:00:00Z"].map { #"{"videoId":"a","playedAt":"\#($0)"}"# }
    let dump = object(["user_id": quoted("ann"), "history": array(plays)])
    try sandbox.syncWell([sandbox.folder.write("ann.json", dump)])
    let names = ["--store", sandbox.store]
    try #require(
      mixdown(["learn", "--timezone", "Asia/Kolkata", "--as-of", "2025-12-31T19:00:00Z"] + names).status == 0)
    let shown = try mixdown(["stats", "ann", "--range", "all"] + names).output
    #expect(
      shown.contains("as of 2026-01-01") && shown.contains("2025-12-01") && shown.contains("2025-12-31"), "\(shown)")
    #expect(!shown.contains("2025-11-30") && !shown.contains("2025-12-30"))
  }

  @Test func `a score is explained by terms that add up to it`() throws {
    struct Explanation: Decodable {
      struct Term: Decodable { let weight, without: Double }
      struct Value: Decodable {
        let dimension, value: String
        let affinity, weight, evidence, prior, priorWeight: Double
        let terms: [Term]
      }
      let values: [Value]
    }
    let (sandbox, user) = try learned()
    let run = try mixdown(["explain", user, "--store", sandbox.store, "--format", "json"])
    try #require(run.status == 0, "\(run.errors)")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let explanation = try decoder.decode(Explanation.self, from: Data(run.output.utf8))
    #expect(!explanation.values.isEmpty)
    for value in explanation.values {
      #expect(abs(value.terms.reduce(0) { $0 + $1.weight } - value.weight) < 1e-9, "\(value.dimension) \(value.value)")
      let score = (value.weight + value.priorWeight * value.prior) / (value.evidence + value.priorWeight)
      #expect(abs(score - value.affinity) < 1e-9)
    }
    let one = try #require(explanation.values.first { $0.dimension == "language" })
    let text = try mixdown(["explain", user, "--store", sandbox.store, "--value", one.value])
    #expect(text.status == 0 && text.output.contains("confidence") && text.output.contains("score without it"))
    let forever = ["learn", "--store", sandbox.store, "--as-of", Sandbox.asOf, "--half-life-days", "inf"]
    try #require(mixdown(forever + ["--state", sandbox.newState()]).status == 0)
    let undecayed = try mixdown(["explain", user, "--store", sandbox.store, "--format", "json"])
    #expect(undecayed.status == 0 && undecayed.output.contains(#""half_life_days" : "inf""#), "\(undecayed.errors)")
    #expect(try mixdown(["explain", "nobody", "--store", sandbox.store]).status == 65)
    #expect(try mixdown(["explain", user, "--store", sandbox.store, "--value", "Klingon"]).status == 65)
  }

  /// What `explain` says as JSON, of its values alone.
  private struct Explanation: Decodable {
    struct Value: Decodable {
      let value: String
      let affinity: Double
      let storedAffinity: Double?
    }
    struct Stored: Decodable {
      let dimension, value: String
      let storedAffinity: Double
    }
    let values: [Value]
    let storedAlone: [Stored]?
  }

  @Test func `a score that is not the stored one any more is shown beside it`() throws {
    let sandbox = try Sandbox()
    func sync(_ languages: String..., at hour: Int) throws {
      let time = "2025-12-31T\(hour):00:00Z"
      let plays = languages.map {
        #"{"videoId":"\#($0)","language":"\#($0)","playedAt":"\#(time)","completionRate":1}"#
      }
      let dump = object(["user_id": quoted("ann"), "exported_at": quoted(time), "history": array(plays)])
      try sandbox.syncWell([sandbox.folder.write("\(hour).json", dump)])
    }
    let learn = ["learn", "--store", sandbox.store, "--state", sandbox.folder("learn"), "--as-of", Sandbox.asOf]
    func explain(_ flags: String...) throws -> String {
      let run = try mixdown(["explain", "ann", "--store", sandbox.store] + flags)
      #expect(run.status == 0, "\(run.errors)")
      return run.output
    }
    func values(_ flags: String...) throws -> Explanation {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let json = try mixdown(["explain", "ann", "--store", sandbox.store, "--format", "json"] + flags).output
      return try decoder.decode(Explanation.self, from: Data(json.utf8))
    }
    try sync("hi", "en", at: 10)
    let choice = try bson(#"{"id": "ann", "explicit_preferences": {"languages": ["pa"]}}"#)
    try sandbox.folder.write("store/users.bson", choice)
    try #require(mixdown(learn).status == 0)
    #expect(try !explain().contains("stored"))
    let before = try values()
    #expect(before.values.count == 3 && before.values.allSatisfy { $0.storedAffinity == $0.affinity })
    #expect(before.storedAlone?.isEmpty == true)

    try sync("hi", "de", at: 11)
    try FileManager.default.removeItem(atPath: sandbox.store + "/users.bson")
    let text = try explain()
    #expect(text.components(separatedBy: "; facts have changed since learn computed").count == 5, "\(text)")
    #expect(text.contains("language pa, which is kept no more: the stored score is 0."), "\(text)")
    let now = try values()
    for value in now.values {
      let known = before.values.first { $0.value == value.value }
      #expect(value.storedAffinity == known?.affinity && value.affinity != known?.affinity)
      let one = try explain("--value", value.value)
      let line = known == nil ? "  no score of it is stored; facts" : "  the stored score is 0."
      #expect(one.contains(line) && !one.contains(" pa,"), "\(one)")
    }
    #expect(now.values.map(\.value).sorted() == ["de", "en", "hi"] && now.storedAlone?.map(\.value) == ["pa"])
    #expect(try explain("--value", "pa").contains("which is kept no more"))
    // With another clock they are other scores.
    #expect(try !explain("--as-of", "2026-02-01T00:00:00Z").contains("stored"))
    #expect(try values("--as-of", "2026-02-01T00:00:00Z").storedAlone == nil)
    try #require(mixdown(learn).status == 0)
    #expect(try !explain().contains("stored"))
  }

  @Test func `values that differ only in their normal form are explained each for itself`() throws {
    let sandbox = try Sandbox()
    let languages = ["caf\u{E9}", "caf\u{E9}", "cafe\u{301}"]
    let plays = languages.enumerated().map { place, language in
      #"{"videoId":"v\#(place)","language":"\#(language)","playedAt":"2025-12-31T1\#(place):00:00Z","completionRate":1}"#
    }
    let dump = object(["user_id": quoted("ann"), "history": array(plays)])
    try sandbox.syncWell([sandbox.folder.write("ann.json", dump)])
    let learn = ["learn", "--store", sandbox.store, "--state", sandbox.folder("learn"), "--as-of", Sandbox.asOf]
    try #require(mixdown(learn).status == 0)
    let explain = ["explain", "ann", "--store", sandbox.store]
    #expect(try !mixdown(explain).output.contains("stored"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    for value in Set(languages.map { Array($0.utf8) }) {
      let text = String(decoding: value, as: UTF8.self)
      let json = try mixdown(explain + ["--value", text, "--format", "json"]).output
      let explanation = try decoder.decode(Explanation.self, from: Data(json.utf8))
      #expect(explanation.values.map { Array($0.value.utf8) } == [value] && explanation.storedAlone?.isEmpty == true)
      #expect(explanation.values.allSatisfy { $0.storedAffinity == $0.affinity })
    }
  }

  @Test(arguments: ["stats", "explain"])
  func `a title of any length makes no column wider than a line`(_ command: String) throws {
    let sandbox = try Sandbox()
    let long = String(repeating: "t", count: 100_000)
    let plays = [long, "Short"].enumerated().map { place, title in
      #"{"videoId":"v\#(place)","title":"\#(title)","artist":"\#(title)","language":"hi","completionRate":1,"#
        + #""playedAt":"2025-12-31T1\#(place):00:00Z"}"#
    }
    try sandbox.syncWell([
      sandbox.folder.write("ann.json", object(["user_id": quoted("ann"), "history": array(plays)]))
    ])
    let learn = ["learn", "--store", sandbox.store, "--state", sandbox.folder("learn"), "--as-of", Sandbox.asOf]
    try #require(mixdown(learn).status == 0)
    let run = try mixdown([command, "ann", "--store", sandbox.store])
    #expect(run.status == 0 && run.output.contains("Short – Short") && run.output.contains("ttt…"), "\(run.errors)")
    #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 130 })
  }

  @Test(arguments: ["week", "month", "year", "all"])
  func `a user's listening is shown as text, JSON and a page that needs no other`(range: String) throws {
    let (sandbox, user) = try learned()
    let arguments = ["stats", user, "--store", sandbox.store, "--range", range]
    let text = try mixdown(arguments)
    #expect(text.status == 0 && text.output.contains("plays") && text.output.contains("The clock"), "\(text.errors)")
    let json = try mixdown(arguments + ["--format", "json"])
    #expect(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) is [String: Any])
    let page = try mixdown(arguments + ["--format", "html"])
    #expect(page.output.hasPrefix("<!doctype html>"))
    for outside in ["http://", "https://", "<script", "src=", "@import"] { #expect(!page.output.contains(outside)) }
    #expect(try mixdown(["stats", "nobody", "--store", sandbox.store]).status == 65)
  }

  @Test func `titles, names and ids steer no terminal`() throws {
    let sandbox = try Sandbox()
    let plays = (0..<20).map { day in
      #"""
      {"videoId":"v\#(day % 2)","title":"One\u001b[2J\nTwo\u0007\u202e","artist":"Ann\u2066\u009b",
      "language":"hi\u001b[31m","playedAt":\#(1_767_000_000_000 - day * 86_400_000),"completionRate":1,"source":"a\rb"}
      """#
    }
    let dump = #"{"user_id":"ann\u001b[1A","history":[\#(plays.joined(separator: ","))]}"#
    try sandbox.syncWell([sandbox.folder.write("dump.json", dump)])
    let state = sandbox.folder("learn")
    let learned = try mixdown(["learn", "--store", sandbox.store, "--state", state, "--as-of", Sandbox.asOf])
    try #require(learned.status == 0, "\(learned.errors)")
    for command in ["stats", "explain"] {
      let run = try mixdown([command, "ann\u{1B}[1A", "--store", sandbox.store])
      try #require(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("ann\u{FFFD}[1A"), "\(run.output)")
      #expect(run.output.contains("One\u{FFFD}[2J\u{FFFD}Two"), "\(run.output)")
      let isClean = run.output.unicodeScalars.allSatisfy { scalar in
        scalar == "\n"
          || scalar.properties.generalCategory != .control && !(0x202A...0x202E ~= scalar.value)
            && !(0x2066...0x2069 ~= scalar.value)
      }
      #expect(isClean, "\(run.output.debugDescription)")
    }
    let nobody = try mixdown(["stats", "bob\u{1B}[1A", "--store", sandbox.store])
    #expect(nobody.status == 65 && nobody.errors.hasPrefix("mixdown: error: bob\u{FFFD}[1A has no statistics"))
  }

  @Test(arguments: [("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")])
  func `a cut that leaves no time to test on is refused`(_ cut: String, _ asOf: String) throws {
    let sandbox = try Sandbox()
    try sandbox.syncWell([sandbox.folder.write("ann.json", #"{"queue":[]}"#)])
    let state = sandbox.folder("evaluate")
    let run = try mixdown(
      ["evaluate", "--store", sandbox.store, "--state", state, "--cut", cut, "--as-of", asOf])
    #expect(run.status == 64 && run.errors.contains("name an earlier --cut"), "\(run.errors)")
    #expect(!FileManager.default.fileExists(atPath: state))
    let step = "  - evaluate: {cut: \(cut), as-of: \(asOf)}\n"
    let text = "job: judge\nstore: \(sandbox.store)\nstate: \(state)\nsteps:\n\(step)"
    let job = try sandbox.folder.write("judge.yaml", text)
    let refused = try mixdown(["run", job])
    #expect(refused.status == 78 && refused.errors.contains("name an earlier --cut"), "\(refused.errors)")
    let late = try mixdown(["run", job, "--as-of", "2026-01-03T00:00:00Z"])
    #expect(late.status == 0, "\(late.errors)")
    // Without --as-of the clock is now.
    let future = try mixdown(["evaluate", "--store", sandbox.store, "--state", state, "--cut", "9999-01-01T00:00:00Z"])
    #expect(future.status == 64)
  }

  @Test func `an evaluation repeats, whatever the workers, and writes nothing into the store`() throws {
    let (sandbox, _) = try learned()
    func files() throws -> [String: Data] {
      var files: [String: Data] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: sandbox.store) where name.hasSuffix(".bson") {
        files[name] = FileManager.default.contents(atPath: sandbox.store + "/" + name)
      }
      return files
    }
    func evaluated(_ workers: String) throws -> Run {
      try mixdown([
        "evaluate", "--store", sandbox.store, "--state", sandbox.folder("evaluate"), "--as-of", Sandbox.asOf,
        "--workers",
        workers, "--resamples", "200", "--format", "json",
      ])
    }
    let before = try files()
    let one = try evaluated("1")
    #expect([0, 4].contains(one.status), "\(one.errors)")
    #expect(try evaluated("5").output == one.output)
    #expect(try files() == before)
    let text = try mixdown([
      "evaluate", "--store", sandbox.store, "--state", sandbox.folder("evaluate"), "--as-of", Sandbox.asOf,
      "--resamples",
      "200", "--tune",
    ])
    #expect(text.output.contains("last 50 plays") && text.output.contains("--half-life-days"), "\(text.errors)")
  }

  @Test func `an evaluation of nobody chooses no parameters, and is printed where JSON is asked for`() throws {
    struct Evaluation: Decodable { let tuning: [String: Int] }
    let sandbox = try Sandbox()
    try sandbox.syncWell([sandbox.folder.write("ann.json", #"{"user_id":"ann","queue":[]}"#)])
    let judge = [
      "evaluate", "--store", sandbox.store, "--state", sandbox.folder("evaluate"), "--as-of", Sandbox.asOf, "--tune",
    ]
    let text = try mixdown(judge)
    #expect(text.status == 0 && text.output.contains("it chooses no parameters"), "\(text.output)\(text.errors)")
    let quiet = try mixdown(judge + ["--quiet"])
    #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.output)\(quiet.errors)")
    let json = try mixdown(judge + ["--quiet", "--format", "json"])
    #expect(json.status == 0 && json.errors.isEmpty, "\(json.errors)")
    #expect(try JSONDecoder().decode(Evaluation.self, from: Data(json.output.utf8)).tuning == ["users": 0])
    #expect(try mixdown(judge + ["--format", "json"]).output == json.output)
  }
}
