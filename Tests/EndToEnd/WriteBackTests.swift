import BSON
import Foundation
import Stores
import Testing

/// The files for the browser.
@Suite struct WriteBackTests {
  @Test(arguments: ["back", "back.tar", "back.tar.zst", "back.tar.gz", "back.tgz", "back.tbz2", "back.zip", "back.7z"])
  func `written-back files that are fed in again change nothing`(_ name: String) throws {
    let sandbox = try Sandbox()
    let dumps = Listeners().dumps + [Self.odd]
    let back = sandbox.folder(name)
    try sandbox.syncWell([Packing.folder.pack(dumps, in: sandbox.folder)], ["--write-back", back])
    let before = try #require(sandbox.bytes)
    for asOf in [Sandbox.asOf, "2026-01-02T00:00:00Z"] {
      let run = try sandbox.syncWell([back], ["--as-of", asOf])
      #expect(try run.manifest.users.unchanged == 25)
      #expect(sandbox.bytes == before)
    }
  }

  @Test(arguments: ["back", "back.zip"])
  func `a store that is made of written-back files has the same songs`(_ name: String) throws {
    let sandbox = try Sandbox()
    let back = sandbox.folder(name)
    try sandbox.syncWell(
      [Packing.folder.pack(Listeners().dumps + [Self.odd], in: sandbox.folder)], ["--write-back", back])
    let before = try sandbox.libraries
    try sandbox.restore(nil)
    try sandbox.syncWell([back])
    let after = try sandbox.libraries
    #expect(after.map(\.userId) == before.map(\.userId))
    for (old, new) in zip(before, after) {
      #expect(new.favorites == old.favorites && new.history == old.history && new.queue == old.queue)
      #expect(new.playlists?.map(\.id) == old.playlists?.map(\.id))
      #expect(new.recentSearches == old.recentSearches && new.totalSongsPlayed == old.totalSongsPlayed)
    }
  }

  /// Loaded before the system's library, writes down which files are brought to the disk and which get their names.
  private static let watcher = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <unistd.h>
    static void note(const char *call, const char *path) {
      FILE *calls = fopen(getenv("CALLS"), "a");
      if (!calls) abort();
      fprintf(calls, "%s %s\n", call, path);
      fclose(calls);
    }
    static int synchronize(const char *call, int file) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", file);
      ssize_t length = readlink(link, path, sizeof path - 1);
      path[length < 0 ? 0 : length] = 0;
      note(call, path);
      return ((int (*)(int))dlsym(RTLD_NEXT, call))(file);
    }
    int fsync(int file) { return synchronize("fsync", file); }
    int syncfs(int file) { return synchronize("syncfs", file); }
    int rename(const char *from, const char *to) {
      note("rename", to);
      return ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
    }
    """#

  @Test(arguments: [("back", "syncfs"), ("back.tar", "fsync")])
  func `what is written back is on the disk before it has its name, and then the name is`(
    _ name: String, _ call: String
  ) throws {
    let sandbox = try Sandbox()
    let (back, calls, library) = (sandbox.folder("out/\(name)"), sandbox.folder("calls"), sandbox.folder("watcher.so"))
    try FileManager.default.createDirectory(atPath: sandbox.folder("out"), withIntermediateDirectories: true)
    let source = try sandbox.folder.write("watcher.c", Self.watcher)
    // The compiler is the one that comes with Swift's.
    let compiler = try Child(["/usr/bin/env", "clang", "-shared", "-fPIC", "-o", library, source])
    try #require(try compiler.wait() == .exited(0), "\(compiler.errors)")
    let input = try Packing.folder.pack(Listeners().dumps, in: sandbox.folder)
    let run = try sandbox.sync(
      [input], ["--write-back", back], through: ["/usr/bin/env", "LD_PRELOAD=\(library)", "CALLS=\(calls)"])
    try #require(run.status == 0, "\(run.errors)")
    let lines = try String(contentsOfFile: calls, encoding: .utf8).split(separator: "\n")
    let named = try #require(lines.firstIndex { $0 == "rename \(back)" })
    #expect(lines[..<named].contains { $0.hasPrefix("\(call) ") && $0.hasSuffix(".part") })
    #expect(lines[named...].contains { $0.hasPrefix("fsync ") && $0.hasSuffix("/out") })
  }

  @Test func `a section that the run does not decide is written back in normal form`() throws {
    let sandbox = try Sandbox()
    var writer = BSONWriter()
    let library = writer.open()
    writer.append("user_id", string: ByteView("ann"))
    writer.key("history", .array)
    let history = writer.open()
    writer.key("0", .document)
    let play = writer.open()
    writer.append("video_id", string: ByteView("a"))
    writer.append("played_at", date: 1_700_000_000_000)
    writer.append("completion_rate", double: 0.5)
    writer.close(play)
    writer.close(history)
    // As JavaScript writes a whole number.
    writer.append("total_songs_played", double: 12)
    writer.append("updated_at", date: 1_700_000_000_000)
    writer.close(library)
    try sandbox.restore(Data(writer.view.copy()))
    let dumps = [#"{"favorites":[{"videoId":"f"}]}"#, #"{"user_id":"ann"}"#]
    for (number, dump) in dumps.enumerated() {
      let input = try sandbox.folder.write("in-\(number)/ann.json", dump)
      try sandbox.syncWell([input], ["--sections", "favorites", "--write-back", sandbox.folder("back-\(number)")])
      let file = try Data(contentsOf: URL(fileURLWithPath: sandbox.folder("back-\(number)/ann.json")))
      let storage = try JSONDecoder().decode([String: String].self, from: file)
      #expect(
        storage["tldr-history"] == #"[{"videoId":"a","playedAt":1700000000000,"completionRate":0.5}]"#)
      #expect(storage["tldr-total-songs-played"] == "12")
    }
  }

  /// A user whose name is no name of a file, and content that JSON has to escape.
  private static let odd = Dump(
    "odd.json",
    object([
      "user_id": quoted("../ödd/\"user\""), "exported_at": "1760000000000",
      "favorites": #"[{"title":"quote \" backslash \\ line \n é 🎧 \u2028","addedAt":1,"duration":1e300}]"#,
      "history": #"[{"title":"Σ","playedAt":1700000000.5,"x":{"$numberLong":"9007199254740993"}}]"#,
      "recent_searches": #"["\ud800 lone"]"#,
    ]))

  @Test func `every file is an object of strings that hold well-formed JSON`() throws {
    let sandbox = try Sandbox()
    let back = sandbox.folder("back")
    try sandbox.syncWell(
      [Packing.folder.pack(Listeners(count: 6).dumps + [Self.odd], in: sandbox.folder)], ["--write-back", back])
    let files = sandbox.folder.files(under: "back")
    #expect(files.count == 7)
    for file in files {
      let storage = try JSONDecoder().decode([String: String].self, from: Data(contentsOf: URL(fileURLWithPath: file)))
      for key in ["tldr-favorites", "tldr-history", "tldr-queue", "tldr-playlists", "tldr-recent-searches"] {
        guard let list = storage[key] else { continue }
        let value = try JSONSerialization.jsonObject(with: Data(list.utf8))
        #expect(value is [Any])
      }
      #expect(storage["tldr-shuffle"].map { ["true", "false"].contains($0) } ?? true)
      #expect(storage.keys.allSatisfy { $0.hasPrefix("tldr-") || $0 == "user_id" })
      #expect(storage["tldr-user"] == nil)
    }
  }

  /// JSON cannot carry a date and give it back as one, and a queue is taken as a whole.
  @Test(arguments: ["back", "back.tar.zst", "back.zip"])
  func `a queue that is fed in again takes nothing from the store's`(_ place: String) throws {
    let bench = try Bench(.directory)
    let times = [
      #""updated_at":{"$date":1760000000000}"#,
      #""updated_at":{"$date":1760000000000},"section_updated_at":{"queue":{"$date":1750000000000}}"#,
    ]
    for (number, time) in times.enumerated() {
      let queue = #"[{"videoId":"a","title":"One","position":0,"queuedAt":{"$date":1740000000000}}]"#
      try bench.put(#"{"user_id":"ann\#(number)","queue":\#(queue),\#(time)}"#, key: "ann\(number)", into: .userLibrary)
    }
    let dumps = try times.indices.map { number in
      try bench.folder.write("in/ann\(number).json", #"{"exported_at":1700000000000,"favorites":[{"videoId":"b"}]}"#)
    }
    let back = bench.folder(place)
    try bench.sync(dumps, ["--write-back", back])
    let before = try bench.contents()
    try #require(before.values.contains { String(decoding: $0, as: UTF8.self).contains("queuedAt") })
    try bench.sync([back])
    #expect(try bench.contents() == before)
  }

  @Test(arguments: ["back.rar", "back.tar.lz4"])
  func `a name that says no format is refused before anything is read`(_ name: String) throws {
    let sandbox = try Sandbox()
    let run = try sandbox.sync([sandbox.folder("none.json")], ["--write-back", sandbox.folder(name)])
    #expect(run.status == 64 && run.errors.contains("cannot tell the format of \(sandbox.folder(name))"))
    #expect(run.errors.contains(".tar.gz, .tgz, ") && sandbox.bytes == nil)
    #expect(!FileManager.default.fileExists(atPath: run.state))
  }

  @Test(arguments: Bench.Kind.allCases)
  func `what cannot be put in its place at the end costs the run, and the manifest tells what the store has got`(
    _ kind: Bench.Kind
  ) throws {
    let bench = try Bench(kind)
    let input = try bench.inputs(Listeners(count: 400, plays: 40))[0]
    let back = bench.folder("back")
    let child = try bench.begin(
      "sync", [input, "--workers", "1", "--as-of", Bench.asOf, "--write-back", back])
    let run = try waitFor { bench.ids.first }
    try InterruptTests.waitUntilMerging(bench, run)
    // A folder that is not empty is nobody's to replace.
    child.send(SIGSTOP)
    try bench.folder.write("back/x", "")
    child.send(SIGCONT)
    try #require(try child.wait() == .exited(74), "\(child.errors)")
    #expect(child.errors.contains("\(back): "), "\(child.errors)")
    let manifest = try bench.manifest(run)
    let users = try bench.contents([.userLibrary]).count
    #expect(manifest.outcome == "failed" && manifest.users.created == users && users > 0)
    #expect(manifest.counts.dumps.isBalanced && manifest.inputs.map(\.path) == [input])
    // What it says to be there can be checked, and taken back.
    try bench.run("verify", [run])
    try bench.run("undo", [run])
    #expect(try bench.contents().isEmpty)
  }

  @Test(arguments: [("none/back.zip", "back.zip"), ("taken", "taken")])
  func `what cannot be written is refused before anything is changed`(_ name: String, _ shown: String) throws {
    let sandbox = try Sandbox()
    try sandbox.folder.write("taken", "a file")
    let input = try Packing.folder.pack(Listeners(count: 2).dumps, in: sandbox.folder)
    let run = try sandbox.sync([input], ["--write-back", sandbox.folder(name)])
    #expect(run.status == 74)
    #expect(run.errors.contains(shown))
    #expect(sandbox.bytes == nil)
  }

  @Test func `libraries are not written back over inputs, nor into an input or the store`() throws {
    let sandbox = try Sandbox()
    let dumps = try Packing.folder.pack(Listeners(count: 2).dumps, in: sandbox.folder)
    let archive = try Packing.tar.pack(Listeners(count: 2).dumps, in: sandbox.folder)
    try sandbox.folder.link("other.tar", to: archive)
    try sandbox.folder.link("linked", to: dumps)
    let before = try sandbox.folder.bytes(of: "dumps.tar")
    let refused = [
      (archive, "is the input"), (sandbox.folder("other.tar"), "is the input"),
      (dumps + "/back.zip", "lies in the input"),
      (dumps + "/deep/er/back", "lies in the input"), (sandbox.folder("linked") + "/back", "lies in the input"),
      (sandbox.store + "/back.tar", "lies in the store"),
    ]
    for (place, why) in refused {
      let run = try sandbox.sync([archive, dumps], ["--write-back", place])
      #expect(run.status == 64 && run.errors.contains(why), "\(place): \(run.errors)")
    }
    #expect(sandbox.bytes == nil && !FileManager.default.fileExists(atPath: sandbox.store))
    #expect(try sandbox.folder.bytes(of: "dumps.tar") == before)
    // Beside them is as good as anywhere.
    try sandbox.syncWell([archive, dumps], ["--write-back", dumps + "-back"])
  }

  @Test func `a dry run writes no files for the browser`() throws {
    let sandbox = try Sandbox()
    let input = try Packing.folder.pack(Listeners(count: 2).dumps, in: sandbox.folder)
    try sandbox.syncWell([input], ["--write-back", sandbox.folder("back"), "--dry-run"])
    #expect(!FileManager.default.fileExists(atPath: sandbox.folder("back")))
  }
}
