import BSON
import Foundation
import Stores
import Testing

/// Forgotten users are nowhere, and stay away.
@Suite(.serialized) struct ForgetTests {
  @Test(arguments: Bench.Kind.allCases)
  func `forget leaves no byte of a user, and no dump and no undo brings them back`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    let secret = "a-search-of-theirs-alone"
    let title = "A Title of Theirs Alone"
    let user = "zoe-" + UUID().uuidString
    let play = #"{"videoId":"own-video","title":"\#(title)","artist":"X","playedAt":1750000000000}"#
    let bad = #"{"title":"no time \#(title)"}"#
    let dump = Dump(
      "\(user)/phone.json",
      #"{"user_id":"\#(user)","history":[\#(play),\#(bad)],"recent_searches":["\#(secret)"]}"#)
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

    try bench.run("forget", [user])
    #expect(Self.traces([user, secret, title], bench, [folder]) == [])
    let unpacked = try mixdown(["inspect", archive])
    #expect(unpacked.status == 0 && !unpacked.output.contains(user))
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
