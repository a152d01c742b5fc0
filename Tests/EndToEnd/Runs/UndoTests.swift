import BSON
import Foundation
import Jobs
import MongodHarness
import Stores
import Testing

/// What a run has changed can be taken back, and checked.
@Suite(.serialized) struct UndoTests {
  @Test(arguments: Bench.Kind.allCases)
  func `undo gives back every document byte for byte, and an undo of it the run`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: 12, seed: 1), as: "first-"))
    let before = try bench.contents()
    let run = try bench.sync(bench.inputs(Listeners(count: 20, seed: 2), as: "second-"))
    let after = try bench.contents()
    try #require(after != before && after.count > before.count)
    let manifest = try bench.manifest(run)
    #expect(manifest.users.changed > 0 && manifest.users.created > 0)
    #expect(try bench.run("verify", [run]).output.contains("are as the run left them"))

    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
    let undo = try #require(bench.ids.last)
    let verified = try bench.run("verify", [run], expecting: 3)
    #expect(verified.output.contains("run \(undo) "))

    try bench.run("undo", [undo])
    #expect(try bench.contents() == after)
    try bench.run("verify", [run])
    // Nothing is left to be put back of the undo.
    try bench.run("undo", [undo])
    #expect(try bench.contents() == after)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a section that a library did not have is known and undone wherever the store puts it`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let history = #"{"history": [{"videoId": "a", "playedAt": 1760000000000}]}"#
    try bench.sync([bench.folder.write("first/ann.json", history)])
    let before = try bench.contents()
    let queue = #"{"queue": [{"videoId": "b"}], "preferences": {"shuffle": true}}"#
    let run = try bench.sync([bench.folder.write("second/ann.json", queue)])
    try #require(bench.contents() != before)
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a library with a field that is named as an operator is put back with the others`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: 3, seed: 1), as: "first-"))
    let user = Listeners.name(3)
    try bench.put(#"{"_id": "odd", "user_id": "\#(user)", "$x": "$user_id"}"#, key: user, into: .userLibrary)
    let before = try bench.contents()
    let run = try bench.sync(bench.inputs(Listeners(count: 5, seed: 2), as: "second-"))
    try #require(bench.contents()["user_library \(user) "] != before["user_library \(user) "])
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `who was written since is named and left, unless forced`(_ kind: Bench.Kind) throws {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: 6, seed: 1), as: "first-"))
    let before = try bench.contents()
    let run = try bench.sync(bench.inputs(Listeners(count: 6, seed: 2), as: "second-"))
    let user = Listeners.name(3)
    try bench.touch(user)
    let touched = try bench.contents()["user_library \(user) "]
    let verified = try bench.run("verify", [run], expecting: 3)
    #expect(verified.output.contains("user_library \(user): somebody else wrote it"))
    #expect(verified.output.split(separator: "\n").count == 2)

    let undo = try bench.run("undo", [run], expecting: 3)
    #expect(undo.errors.contains(user))
    var expected = before
    expected["user_library \(user) "] = touched
    #expect(try bench.contents() == expected)
    #expect(try bench.manifest(#require(bench.ids.last)).left == ["written-since": 1])

    try bench.run("undo", [run, "--force"])
    #expect(try bench.contents() == before)
  }

  @Test(arguments: Bench.Kind.allCases)
  func `a library that was removed and made anew under another _id is left, and with --force it is the old one again`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: 6, seed: 1), as: "first-"))
    let before = try bench.contents()
    let run = try bench.sync(bench.inputs(Listeners(count: 6, seed: 2), as: "second-"))
    let user = Listeners.name(3)
    try bench.remake(user)
    let after = try bench.contents()
    let undo = try bench.run("undo", [run], expecting: 3)
    #expect(undo.errors.contains(user))
    let key = "user_library \(user) "
    #expect(try bench.contents()[key] == after[key])

    try bench.run("undo", [run, "--force"])
    #expect(try bench.contents() == before)
    try bench.run("undo", [#require(bench.ids.last)])
    #expect(try bench.contents()[key] == after[key])
  }

  @Test func `a later run is named as who wrote since, even if the clock was put back before it`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 6, seed: 1), as: "first-"))
    let run = try bench.sync(bench.inputs(Listeners(count: 6, seed: 2), as: "second-"))
    let later = try bench.sync(bench.inputs(Listeners(count: 6, seed: 3), as: "third-"))
    let first = try bench.run("verify", [run], expecting: 3).output
    #expect(first.contains("run \(later) wrote it") && !first.contains("somebody else"), "\(first)")
    // An id begins with the time.
    let early = "00" + later.dropFirst(2)
    try FileManager.default.moveItem(atPath: "\(bench.state)/\(later)", toPath: "\(bench.state)/\(early)")
    #expect(try bench.run("verify", [run], expecting: 3).output == first.replacing(later, with: early))
  }

  @Test(arguments: [0, 1, 7, 30, 200])
  func `a journal with a torn end is used as far as it is whole`(_ bytes: Int) throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 10, seed: 1), as: "first-"))
    let before = try bench.contents([.userLibrary])
    let run = try bench.sync(bench.inputs(Listeners(count: 10, seed: 2), as: "second-"))
    let after = try bench.contents([.userLibrary])
    let path = "\(bench.state)/\(run)/journal.bson"
    var journal = try Data(contentsOf: URL(fileURLWithPath: path))
    journal.removeLast(bytes)
    // What a disk leaves behind a torn write may be anything.
    if bytes == 30 { journal.append(Data(repeating: 0x5A, count: 30)) }
    try journal.write(to: URL(fileURLWithPath: path))
    let undo = try bench.run("undo", [run], expecting: bytes == 0 ? 0 : 65)
    #expect(undo.errors.contains("is torn") == (bytes > 0))
    #expect(undo.errors.contains(path) == (bytes > 0))
    let now = try bench.contents([.userLibrary])
    let still = now.filter { $0.value == after[$0.key] && after[$0.key] != before[$0.key] }
    #expect(bytes == 0 ? still.isEmpty : !still.isEmpty && still.count < 5)
    #expect(now.allSatisfy { $0.value == after[$0.key] || $0.value == before[$0.key] })
  }

  @Test func `a journal that is lost or damaged is no success, and what it holds is put back`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 10, seed: 1), as: "first-"))
    let before = try bench.contents()
    let run = try bench.sync(bench.inputs(Listeners(count: 10, seed: 2), as: "second-"))
    let after = try bench.contents()
    let place = URL(fileURLWithPath: "\(bench.state)/\(run)/journal.bson")
    let whole = try Data(contentsOf: place)

    try FileManager.default.removeItem(at: place)
    let lost = try bench.run("undo", [run], expecting: 65)
    #expect(lost.errors.contains(place.path), "\(lost.errors)")
    #expect(try bench.contents() == after)

    var damaged = whole
    damaged[whole.count / 2] ^= 0xFF
    try damaged.write(to: place)
    let partly = try bench.run("undo", [run], expecting: 65)
    #expect(partly.errors.contains(place.path), "\(partly.errors)")
    let now = try bench.contents()
    #expect(now != after && now.allSatisfy { $0.value == after[$0.key] || $0.value == before[$0.key] })

    try whole.write(to: place)
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  /// The application's accounts, as a copy that was cut short left them.
  private func tearAccounts(of bench: Bench) throws -> String {
    try bench.put(#"{"_id": 1, "id": "u0"}"#, key: "u0", into: .users)
    let path = bench.store + "/users.bson"
    try Data(contentsOf: URL(fileURLWithPath: path)).dropLast(5).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func `what a step has written is known and undone although a later one failed`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 10, seed: 1), as: "first-"))
    let before = try bench.contents()
    let accounts = try tearAccounts(of: bench)
    let input = try bench.inputs(Listeners(count: 10, seed: 2), as: "second-")[0]
    let text = "job: night\nsteps:\n  - sync: {inputs: [\"${INPUT}\"]}\n  - learn:\n"
    let job = [try bench.folder.write("night.yaml", text), "--as-of", Bench.asOf]
    try bench.run("run", job, expecting: 65, environment: ["INPUT": input])
    let run = try #require(bench.ids.last)
    let after = try bench.contents()
    let written = try #require(try bench.manifest(run).written)
    try #require(after != before)
    #expect(written.documents == Set(after.filter { before[$0.key] != $0.value }.keys).count)
    try bench.run("verify", [run])

    let place = URL(fileURLWithPath: "\(bench.state)/\(run)/journal.bson")
    let whole = try Data(contentsOf: place)
    try whole.prefix(whole.count / 2).write(to: place)
    try bench.run("verify", [run], expecting: 65)
    try FileManager.default.removeItem(at: place)
    try bench.run("verify", [run], expecting: 65)
    #expect(try bench.run("undo", [run], expecting: 65).errors.contains(place.path))
    #expect(try bench.contents() == after)
    try whole.write(to: place)

    // An attempt that has nothing more to write does not forget what the first has written.
    try FileManager.default.removeItem(atPath: accounts)
    try bench.run("run", job + ["--resume"], environment: ["INPUT": input])
    let manifest = try bench.manifest(run)
    #expect(manifest.attempts == 2 && manifest.written?.documents == written.documents)
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  @Test func `a step that failed before it put files in place leaves nothing to undo`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 10, seed: 1), as: "first-"))
    let before = try bench.contents()
    let input = try bench.inputs(Listeners(count: 10, seed: 2), as: "second-")
    // The signal is ignored, so that the store's new file cannot be written, as on a full disk.
    let script = "trap '' XFSZ; ulimit -f 40; exec \"$@\""
    try bench.run(
      "sync", input + ["--as-of", Bench.asOf], expecting: 74, through: ["/bin/sh", "-c", script, "sh"])
    let run = try #require(bench.ids.last)
    let left = try FileManager.default.contentsOfDirectory(atPath: "\(bench.state)/\(run)")
    #expect(try bench.manifest(run).written == nil && !left.contains("journal.bson"), "\(left)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(bench.state)/\(run)/before") == [])
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  @Test func `a collection that two steps of a run write is put back as it was before the first`() throws {
    let bench = try Bench(.directory)
    func dump(_ user: String, _ plays: [(song: String, time: String)]) -> Dump {
      let history = plays.map { #"{"videoId":"\#($0.song)","title":"\#($0.song)","playedAt":"\#($0.time)"}"# }
      return Dump("\(user).json", #"{"user_id":"\#(user)","history":[\#(history.joined(separator: ","))]}"#)
    }
    let plays = [(song: "old", time: "2024-01-05T10:00:00Z"), (song: "new", time: "2025-12-05T10:00:00Z")]
    let first = ["ann", "bob", "cid"].map { dump($0, plays) }
    try bench.sync([Packing.tarZstd.pack(first, in: bench.folder, as: "first-")])
    let before = try bench.contents()
    // Documents behind ann's lie elsewhere in the file that the second step finds.
    let second = [dump("ann", [(song: "another", time: "2024-01-06T10:00:00Z")])]
    let input = try Packing.tarZstd.pack(second, in: bench.folder, as: "second-")
    let steps = "  - sync: {inputs: [\"${INPUT}\"]}\n  - learn: {archive-months: 6}\n"
    let job = try bench.folder.write("night.yaml", "job: night\nsteps:\n" + steps)
    try bench.run("run", [job, "--as-of", Bench.asOf], environment: ["INPUT": input])
    let run = try #require(bench.ids.last)
    try #require(try !bench.contents([.playArchive]).keys.contains { $0.contains("2024-01") })
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents() == before)
  }

  @Test func `an old file that another program has changed is refused`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 4, seed: 1), as: "first-"))
    let run = try bench.sync(bench.inputs(Listeners(count: 4, seed: 2), as: "second-"))
    let after = try bench.contents()
    let old = "\(bench.state)/\(run)/before/user_library.bson"
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: old))
    try handle.write(contentsOf: Data([9]))
    try handle.close()
    #expect(try bench.run("undo", [run], expecting: 65).errors.contains(old))
    #expect(try bench.contents() == after)
  }

  @Test func `a journal on another volume holds the documents themselves`() throws {
    let bench = try Bench(.directory)
    try bench.sync(bench.inputs(Listeners(count: 6, seed: 1), as: "first-"))
    let before = try bench.contents()
    let other = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let state = "\(other)/mixdown-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: state) }
    let input = try bench.inputs(Listeners(count: 9, seed: 2), as: "second-")
    let arguments = input + ["--store", bench.store, "--state", state]
    #expect(try mixdown(["sync"] + arguments + ["--as-of", Bench.asOf]).status == 0)
    let run = try #require(try RunArchive(state: state).ids().first)
    #expect(try bench.contents() != before)
    #expect(try mixdown(["undo", run, "--store", bench.store, "--state", state]).status == 0)
    #expect(try bench.contents() == before)
  }

  // MARK: Accounts

  /// A store whose listeners have accounts, as the application makes them.
  private func withAccounts(_ kind: Bench.Kind) throws -> Bench {
    let bench = try Bench(kind)
    try bench.sync(bench.inputs(Listeners(count: 6, seed: 1)))
    for number in 0..<6 {
      let user = Listeners.name(number)
      try bench.put(#"{"_id": \#(number), "id": "\#(user)", "plan": "free"}"#, key: user, into: .users)
    }
    if kind == .server {
      let database = try MongoDatabase(MongoAddress(bench.store), MongoOptions())
      try database.run(json: #"{"createIndexes": "users", "indexes": [{"key": {"id": 1}, "name": "id_1"}]}"#)
    }
    return bench
  }

  @Test(arguments: Bench.Kind.allCases)
  func `accounts get back the scores that they had, or none, and by an undo of that those of the run`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try withAccounts(kind)
    var states = [try bench.contents([.users])]
    for flags in [[], ["--half-life-days", "5"]] {
      try bench.run("learn", ["--mirror-users", "--as-of", Bench.asOf] + flags)
      states.append(try bench.contents([.users]))
    }
    try #require(states[0] != states[1] && states[1] != states[2])
    let runs = Array(bench.ids.suffix(2))
    try bench.run("verify", [runs[1]])
    try bench.run("undo", [runs[1]])
    #expect(try bench.contents([.users]) == states[1])
    let undo = try #require(bench.ids.last)
    try bench.run("undo", [runs[0]])
    #expect(try bench.contents([.users]) == states[0])
    try bench.run("undo", [#require(bench.ids.last)])
    #expect(try bench.contents([.users]) == states[1])
    try bench.run("undo", [undo])
    #expect(try bench.contents([.users]) == states[2])
  }

  @Test(arguments: Bench.Kind.allCases)
  func `of an account only its scores are put back, and what else the application has written stays`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try withAccounts(kind)
    try bench.run("learn", ["--mirror-users", "--as-of", Bench.asOf])
    let run = try #require(bench.ids.last)
    let (other, own, gone) = (Listeners.name(1), Listeners.name(2), Listeners.name(3))
    func fields(_ user: String) throws -> [String]? {
      try bench.contents([.users])["users \(user) "]?.withView { bytes in
        var elements = try BSONDocument(bytes).elements
        var fields: [String] = []
        while let element = try elements.next() { fields.append(element.key.string) }
        return fields
      }
    }
    try bench.touch(other, in: .users)
    try #require(fields(other) == ["_id", "id", "plan", "scores", "touched"])
    try bench.run("verify", [run])
    // What it has written is there, and can be taken back.
    #expect(try bench.run("runs", ["prune", "--keep", "0"]).output.contains("\(run) stays: it can still be undone"))
    try bench.run("undo", [run])
    #expect(try fields(other) == ["_id", "id", "plan", "touched"] && fields(own) == ["_id", "id", "plan"])

    try bench.run("undo", [#require(bench.ids.last)])
    try bench.touch(own, "scores", in: .users)
    try bench.touch(own, in: .users)
    try bench.remove(gone, from: .users)
    for force in [[], ["--force"]] {
      let verified = try bench.run("verify", [run], expecting: 3).output
      #expect(verified.contains("users \(own): somebody else wrote it") || !force.isEmpty, "\(verified)")
      #expect(!verified.contains("users \(other):") || !force.isEmpty, "\(verified)")
      // An account that the application has removed is not brought back.
      let undo = try bench.run("undo", [run] + force, expecting: 3)
      #expect(undo.errors.contains(gone) && undo.errors.contains(own) == force.isEmpty, "\(undo.errors)")
      #expect(try fields(other) == ["_id", "id", "plan", "touched"] && fields(gone) == nil)
      let left = ["_id", "id", "plan"] + (force.isEmpty ? ["scores"] : []) + ["touched"]
      #expect(try fields(own) == left)
    }
  }

  @Test func `a link in the place of the accounts is refused before anything is put back`() throws {
    let bench = try withAccounts(.directory)
    let input = try bench.inputs(Listeners(count: 9, seed: 2), as: "second-")[0]
    let text = "job: night\nsteps:\n  - sync: {inputs: [\"${INPUT}\"]}\n  - learn: {mirror-users: true}\n"
    let job = try bench.folder.write("night.yaml", text)
    try bench.run("run", [job, "--as-of", Bench.asOf], environment: ["INPUT": input])
    let run = try #require(bench.ids.last)
    let after = try bench.contents([.userLibrary, .playArchive, .users])
    let path = bench.store + "/users.bson"
    try FileManager.default.moveItem(atPath: path, toPath: bench.folder("elsewhere.bson"))
    try bench.folder.link("store/users.bson", to: bench.folder("elsewhere.bson"))
    let refused = try bench.run("undo", [run], expecting: 65)
    #expect(refused.errors.contains("\(path): ") && refused.errors.contains("a symbolic link"), "\(refused.errors)")
    #expect(try bench.contents([.userLibrary, .playArchive, .users]) == after)
  }
}
