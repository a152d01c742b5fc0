import BSON
import Foundation
import Stores
import Testing

/// A run takes over what an earlier one knows of users whose dumps have nothing new to say, and leaves the same as one
/// that merges everybody.
@Suite struct SettledTests {
  private static let later = ["--as-of", "2026-01-02T03:00:00Z"]
  private static let latest = ["--as-of", "2026-01-03T03:00:00Z"]

  /// What two runs are compared by: figures of manifest and report, and the documents.
  private struct Left: Equatable {
    let figures: [String: NSObject]
    let documents: [String: [UInt8]]

    init(_ bench: Bench, _ id: String) throws {
      func file(_ name: String) throws -> [String: Any] {
        let json = try Data(contentsOf: URL(fileURLWithPath: "\(bench.state)/\(id)/\(name)"))
        return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
      }
      let (manifest, report) = (try file("manifest.json"), try file("report.json"))
      var figures: [String: NSObject] = [:]
      for name in ["counts", "users", "quarantine", "left", "changed_fields", "outcome", "exit_status"] {
        figures[name] = try #require(manifest[name] as? NSObject, "no \(name)")
      }
      figures["plays"] = try #require(report["plays"] as? NSObject)
      self.figures = figures
      documents = try bench.contents()
    }
  }

  private static func settled(_ bench: Bench, _ id: String) throws -> Int { try bench.manifest(id).settledUsers }

  private static func merge(_ bench: Bench, _ inputs: [String], _ flags: [String] = []) throws -> (Left, settled: Int) {
    let id = try bench.sync(inputs, flags)
    return (try Left(bench, id), try settled(bench, id))
  }

  /// What a run leaves that knows of no user.
  private static func afresh(_ bench: Bench, _ inputs: [String], _ flags: [String] = []) throws -> Left {
    for path in try files(of: bench) { try FileManager.default.removeItem(atPath: path) }
    let (left, settled) = try merge(bench, inputs, flags)
    #expect(settled == 0)
    return left
  }

  /// What runs have kept of users who are settled.
  private static func files(of bench: Bench) throws -> [String] {
    let paths = FileManager.default.enumerator(atPath: bench.state)?.compactMap { $0 as? String } ?? []
    return paths.filter { $0.contains("/settled-") }.map { bench.state + "/" + $0 }
  }

  @Test(arguments: Bench.Kind.allCases)
  func `users whom a run has merged are not merged again, and nothing else differs`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let inputs = try bench.inputs(Listeners(), over: 2)
    #expect(try Self.merge(bench, inputs).settled == 0)
    #expect(try Self.merge(bench, inputs, Self.later).settled == 24)
    let known = try Self.merge(bench, inputs, Self.latest)
    #expect(known.settled == 24)
    // Others pack the same dumps otherwise, and name the inputs in another order.
    let packed = try bench.inputs(Listeners(), over: 3, as: "again-")
    for (inputs, workers) in [(inputs.reversed(), "1"), (packed, "8")] {
      let (left, settled) = try Self.merge(bench, inputs, Self.latest + ["--workers", workers])
      #expect(settled == 24 && left == known.0)
    }
    #expect(try Self.afresh(bench, inputs, Self.latest) == known.0)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `new dumps are merged beside users who are settled, and the others stay settled`(_ kind: Bench.Kind) throws {
    let (bench, other) = (try Bench(kind), try Bench(kind))
    let listeners = Listeners()
    for bench in [bench, other] { try bench.sync(bench.inputs(listeners, as: "all-")) }
    // Half of the users, with other dumps.
    let new = Listeners(count: 12, seed: 2)
    let (left, settled) = try Self.merge(bench, bench.inputs(new, as: "new-"), Self.later)
    #expect(settled == 0)
    #expect(try Self.afresh(other, other.inputs(new, as: "new-"), Self.later) == left)
    let (both, half) = try Self.merge(bench, bench.inputs(listeners, as: "all-"), Self.latest)
    #expect(half == 12)
    #expect(try Self.afresh(other, other.inputs(listeners, as: "all-"), Self.latest) == both)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a library that somebody else has written is merged again`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let inputs = try bench.inputs(Listeners())
    try bench.sync(inputs)
    try bench.touch(Listeners.name(3))
    let (left, settled) = try Self.merge(bench, inputs, Self.later)
    // Of a directory's users nobody can tell which.
    #expect(settled == (kind == .server ? 23 : 0))
    #expect(try Self.afresh(bench, inputs, Self.later) == left)
  }

  @Test func `a run with other parameters, or an earlier clock, knows nothing`() throws {
    let bench = try Bench(.directory)
    let inputs = try bench.inputs(Listeners())
    try bench.sync(inputs, Self.later)
    for flags in [["--history-limit", "400"], ["--mode", "replace"], ["--max-clock-skew", "2d"], ["--no-archive"]] {
      #expect(try Self.merge(bench, inputs, Self.latest + ["--dry-run"] + flags).settled == 0)
    }
    #expect(try Self.merge(bench, inputs).settled == 0)
    #expect(try Self.merge(bench, inputs, Self.latest).settled == 24)
    // Whoever wants the libraries has to have them read.
    let back = bench.folder("back")
    #expect(try Self.merge(bench, inputs, Self.latest + ["--write-back", back]).settled == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: back).count == 24)
  }

  @Test func `a file that is torn, changed or cut counts for nothing`() throws {
    let bench = try Bench(.directory)
    let inputs = try bench.inputs(Listeners(count: 6))
    try bench.sync(inputs)
    let whole = try Data(contentsOf: URL(fileURLWithPath: #require(Self.files(of: bench).first)))
    let expected = try Self.merge(bench, inputs, Self.later)
    try #require(expected.settled == 6)
    var spoilt: [Data] = [Data(), whole.dropLast(1), whole.prefix(whole.count / 2), whole + whole]
    for place in stride(from: 0, to: whole.count, by: 97) {
      var bytes = whole
      bytes[place] ^= 1
      spoilt.append(bytes)
    }
    for bytes in spoilt {
      // Each run takes over the file of the one before it.
      let files = try Self.files(of: bench)
      try #require(files.count == 1)
      try bytes.write(to: URL(fileURLWithPath: files[0]))
      let (left, settled) = try Self.merge(bench, inputs, Self.later)
      #expect(settled == 0 && left == expected.0)
    }
  }

  @Test func `a run whose file cannot be written ends well all the same`() throws {
    let bench = try Bench(.directory)
    let inputs = try bench.inputs(Listeners(count: 6))
    for _ in 0..<2 {
      #expect(
        try bench.run(
          "sync", inputs + Self.later, environment: ["MIXDOWN_FAULT": "settled"]
        ).errors.isEmpty)
      #expect(try Self.files(of: bench).isEmpty)
    }
    for settled in [0, 6] { #expect(try Self.merge(bench, inputs, Self.later).settled == settled) }
  }

  /// Dumps of whom a later run could make something else.
  enum Open: String, CaseIterable {
    case future, futurePlaylist, quarantined, tombstone

    var dump: String {
      switch self {
      case .future: #"{"user_id":"ann","exported_at":"2026-01-01T05:00:00Z","tldr-repeat":"one"}"#
      case .futurePlaylist:
        #"{"user_id":"ann","exported_at":1760000000000,"playlists":[{"id":"c1","created_at":"2027-01-01T05:00:00Z"}]}"#
      case .quarantined: #"{"user_id":"ann","exported_at":1760000000000,"tldr-history":[{"playedAt":1}]}"#
      case .tombstone:
        #"{"user_id":"ann","exported_at":1760000000000,"removed":{"playlists":[{"id":"pl_1","removedAt":1760000000000}]}}"#
      }
    }
  }

  @Test(arguments: Open.allCases)
  func `a user of whom a later clock may make something else is merged every time`(_ open: Open) throws {
    let bench = try Bench(.directory)
    let dumps = [Dump("ann.json", open.dump), Dump("bob.json", #"{"user_id":"bob","tldr-repeat":"one"}"#)]
    let inputs = [try Packing.folder.pack(dumps, in: bench.folder)]
    for settled in [0, 1, 1] {
      #expect(try Self.merge(bench, inputs, ["--allow-quarantine"]).settled == settled)
    }
  }

  @Test func `when a dump does not say when it was made, its file's time counts`() throws {
    let bench = try Bench(.directory)
    let texts = [
      ("ann.json", #"{"user_id":"ann","exported_at":1760000000000,"tldr-repeat":"one"}"#),
      ("bob.json", #"{"user_id":"bob","tldr-repeat":"one"}"#),
    ]
    func inputs(_ modifiedAt: Int64) throws -> [String] {
      let dumps = texts.map { Dump($0.0, $0.1, modifiedAt: modifiedAt) }
      return [try Packing.tar.pack(dumps, in: bench.folder, as: "\(modifiedAt)-")]
    }
    try bench.sync(inputs(Dump.modifiedAt))
    #expect(try Self.merge(bench, inputs(Dump.modifiedAt)).settled == 2)
    #expect(try Self.merge(bench, inputs(Dump.modifiedAt + 60_000)).settled == 1)
  }

  @Test func `a user who has taken over a guest's library is merged again`() throws {
    let bench = try Bench(.directory)
    func input(_ user: String, _ song: String) throws -> String {
      let dump = #"{"user_id":"\#(user)","exported_at":1760000000000,"favorites":[{"videoId":"\#(song)","addedAt":5}]}"#
      return try Packing.folder.pack([Dump("\(user).json", dump)], in: bench.folder, as: "\(user)-")
    }
    let ann = [try input("ann", "a")]
    try bench.sync([input("guest", "g")])
    try bench.sync(ann)
    #expect(try Self.merge(bench, ann).settled == 1)
    let map = try bench.folder.write("map.csv", "guest,ann")
    #expect(try Self.merge(bench, ann, ["--user-map", map]).settled == 0)
    for settled in [0, 1] { #expect(try Self.merge(bench, ann).settled == settled) }
  }

  /// Runs that write a library and leave its plays out of the archive, after one that archives nothing.
  enum Unarchived: String, CaseIterable {
    case noArchive, otherSections, replace

    var flags: [String] {
      switch self {
      case .noArchive: ["--no-archive"]
      case .otherSections: ["--sections", "favorites"]
      case .replace: ["--mode", "replace"]
      }
    }
  }

  @Test(arguments: Bench.Kind.allCases, Unarchived.allCases)
  func `plays that no run has archived are archived by the next, before its limit cuts them off`(
    _ kind: Bench.Kind, _ unarchived: Unarchived
  ) throws {
    let bench = try Bench(kind)
    func input(_ name: String, _ sections: String) throws -> [String] {
      [try bench.folder.write("\(name).json", #"{"user_id":"ann","exported_at":1767225600000,\#(sections)}"#)]
    }
    func plays(_ songs: String...) -> String {
      let plays = songs.map { song in
        #"{"videoId":"\#(song)","playedAt":\#(1_767_000_000_000 + Int(song.utf8.first ?? 0) * 1000)}"#
      }
      return #""local_history":[\#(plays.joined(separator: ","))]"#
    }
    try bench.sync(input("first", plays("x")))
    try bench.sync(input("second", plays("a", "b")), ["--no-archive"])
    try bench.sync(input("third", #""local_favorites":[{"title":"f"}]"#), unarchived.flags)
    try bench.sync(input("fourth", plays("c")), Self.later + ["--history-limit", "1"])
    let month = try #require(try bench.contents([.playArchive]).values.first)
    var archived: [String] = []
    try month.withView { month in
      var plays = try BSONDocument(month).value("plays")?.array?.elements
      while let play = try plays?.next() {
        archived.append(try play.value.document?.value("videoId")?.string?.string ?? "")
      }
    }
    #expect(archived == ["x", "c", "b", "a"])
  }

  @Test(arguments: Bench.Kind.allCases)
  func `once a run is taken back, nothing is known of what it wrote`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let inputs = try bench.inputs(Listeners())
    let run = try bench.sync(inputs)
    let merged = try bench.contents()
    try bench.run("undo", [run])
    let (left, settled) = try Self.merge(bench, inputs)
    #expect(settled == 0 && left.documents == merged)
  }

  @Test func `a user who is forgotten leaves nothing in what is known`() throws {
    let bench = try Bench(.directory)
    let inputs = try bench.inputs(Listeners())
    try bench.sync(inputs)
    #expect(try Self.files(of: bench).count == 1)
    try bench.run("forget", [Listeners.name(1)])
    #expect(try Self.files(of: bench).isEmpty)
    let (_, settled) = try Self.merge(bench, inputs, Self.later + ["--allow-quarantine"])
    #expect(settled == 0)
  }
}
