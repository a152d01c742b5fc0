import Foundation
import Testing

/// A disk that is full, a volume that cannot be written: the old store stays, and the next run completes.
@Suite struct DiskTests {
  // Kilobytes, in order.
  private static let limits = [1, 2, 4, 8, 16, 40, 80, 160, 4000]
  private static let volumes = [12, 40, 110, 200, 300, 4000]
  private static let states = [0, 4, 40, 120, 280, 320, 400, 4000]

  /// How a run may end with so much room: with the least in one way, with the most in the other, or nothing limits it.
  private static func ends(_ kilobytes: Int, of all: [Int]) -> [Int32] {
    kilobytes == all.first ? [74] : kilobytes == all.last ? [0] : [0, 74]
  }

  @Test(arguments: limits)
  func `a limit on files' sizes leaves the old store or the new one`(_ kilobytes: Int) throws {
    let sandbox = try Sandbox()
    let (old, new, input) = try Self.stores(sandbox)
    try sandbox.restore(old)
    // The signal is ignored, so that the write fails as on a full disk.
    let script = "trap '' XFSZ; ulimit -f \(kilobytes * 2); exec \"$@\""
    let run = try sandbox.sync([input], through: ["/bin/sh", "-c", script, "sh"])
    #expect(Self.ends(kilobytes, of: Self.limits).contains(run.status), "\(run.errors)")
    #expect(sandbox.bytes == (run.status == 0 ? new : old))
    if run.status == 74 { #expect(run.errors.contains("File too large")) }
    try Self.completes(sandbox, input, new)
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"), arguments: volumes)
  func `a full volume leaves the old store or the new one`(_ kilobytesFree: Int) throws {
    let sandbox = try Sandbox()
    let (old, new, input) = try Self.stores(sandbox)
    try sandbox.restore(old)
    // The volume lies over the store's folder for this process alone; what is on it at the end is copied out.
    let script = """
      cp -r "$STORE" "$STORE.old" && mount -t tmpfs -o size=\(old.count / 1024 + kilobytesFree)k tmpfs "$STORE" || exit 99
      cp -r "$STORE.old/." "$STORE" || exit 99
      "$@"; status=$?; cp -r "$STORE" "$STORE.seen"; exit $status
      """
    let run = try sandbox.sync([input], through: Namespace.wrapper(script, store: sandbox.store))
    #expect(Self.ends(kilobytesFree, of: Self.volumes).contains(run.status), "\(run.errors)")
    let seen = FileManager.default.contents(atPath: sandbox.store + ".seen/user_library.bson")
    #expect(seen == (run.status == 0 ? new : old))
    if run.status == 74 {
      #expect(run.errors.contains("free. Nothing of it was written") || run.errors.contains("No space left on device"))
      let names = try FileManager.default.contentsOfDirectory(atPath: sandbox.store + ".seen")
      #expect(!names.contains { $0.hasSuffix(".partial") }, "what was begun takes room")
    }
    try Self.completes(sandbox, input, new)
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"), arguments: states)
  func `a full state folder costs the run, and not the word of how it ended`(_ kilobytesFree: Int) throws {
    let sandbox = try Sandbox()
    let (old, new, input) = try Self.stores(sandbox)
    try sandbox.restore(old)
    let state = sandbox.newState()
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    let script = """
      mount -t tmpfs -o size=\(4 + kilobytesFree)k tmpfs "$STORE" || exit 99
      "$@"; status=$?; cp -r "$STORE" "$STORE.seen"; exit $status
      """
    let arguments = sandbox.arguments([input], state: state)
    let child = try Child(Namespace.wrapper(script, store: state) + [mixdownBinary] + arguments)
    let end = try child.wait()
    #expect(Self.ends(kilobytesFree, of: Self.states).map(Child.End.exited).contains(end), "\(child.errors)")
    // A run that has merged can still fail by its report. Then the manifest tells.
    var isMerged = end == .exited(0)
    let seen = (try? FileManager.default.contentsOfDirectory(atPath: state + ".seen")) ?? []
    for id in seen where id.count == 26 {
      // Without room for a few kilobytes there is no run at all.
      guard let json = FileManager.default.contents(atPath: "\(state).seen/\(id)/manifest.json") else { continue }
      let manifest = try Manifest.read(json)
      #expect(manifest.outcome == (end == .exited(0) ? "done" : "failed"), "\(child.errors)")
      isMerged = isMerged || manifest.users.seen > 0
      #expect(!FileManager.default.fileExists(atPath: "\(state).seen/\(id)/room"))
    }
    #expect(sandbox.bytes == (isMerged ? new : old), "\(child.errors)")
    try Self.completes(sandbox, input, new)
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"))
  func `a manifest for which a full disk has no room leaves the one that is there`() throws {
    let sandbox = try Sandbox()
    // By its end it has a digest for each of these, which is more than the room that a run keeps for its last word.
    let inputs = try (0..<700).map { place in
      try sandbox.folder.write("\(place).json", #"{"user_id":"ann","favorites":[{"videoId":"\#(place % 3)"}]}"#)
    }
    var outcomes: Set<String> = []
    for kilobytes in stride(from: 180, through: 420, by: 40) {
      let state = sandbox.newState()
      try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
      let script = """
        mount -t tmpfs -o size=\(kilobytes)k tmpfs "$STORE" || exit 99
        "$@"; status=$?; cp -r "$STORE" "$STORE.seen"; exit $status
        """
      let arguments = sandbox.arguments(inputs, state: state)
      let child = try Child(Namespace.wrapper(script, store: state) + [mixdownBinary] + arguments)
      _ = try child.wait()
      for id in (try? FileManager.default.contentsOfDirectory(atPath: state + ".seen")) ?? [] where id.count == 26 {
        guard let json = FileManager.default.contents(atPath: "\(state).seen/\(id)/manifest.json") else { continue }
        outcomes.insert(try Manifest.read(json).outcome)
      }
    }
    #expect(outcomes.isSuperset(of: ["running", "done"]), "\(outcomes)")
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"), arguments: ["back.7z", "back.tar.xz"])
  func `a volume without room for the last byte of what is written back leaves the old store`(_ name: String) throws {
    let sandbox = try Sandbox()
    let (old, new, input) = try Self.stores(sandbox)
    try sandbox.restore(old)
    // Such archives are written when they are closed, for the most part.
    let back = sandbox.folder("back")
    try FileManager.default.createDirectory(atPath: back, withIntermediateDirectories: true)
    let script = #"mount -t tmpfs -o size=8k tmpfs "$STORE" || exit 99; exec "$@""#
    let run = try sandbox.sync(
      [input], ["--write-back", "\(back)/\(name)"], through: Namespace.wrapper(script, store: back))
    #expect(run.status == 74 && run.errors.contains("write-back: cannot write"), "\(run.errors)")
    #expect(sandbox.bytes == old)
    let manifest = try run.manifest
    #expect(manifest.outcome == "failed" && manifest.users.seen == 0 && manifest.written == nil)
    try Self.completes(sandbox, input, new)
  }

  @Test(.enabled(if: Namespace.works, "needs the right to mount"))
  func `a store that cannot be written is refused, and can be read`() throws {
    let sandbox = try Sandbox()
    let (old, new, input) = try Self.stores(sandbox)
    try sandbox.restore(old)
    let script = """
      mount --bind "$STORE" "$STORE" && mount -o remount,bind,ro "$STORE" || exit 99
      exec "$@"
      """
    let wrapper = Namespace.wrapper(script, store: sandbox.store)
    let run = try sandbox.sync([input], through: wrapper)
    #expect(run.status == 74)
    #expect(run.errors.contains(sandbox.store) && run.errors.contains("Read-only file system"))
    #expect(try sandbox.sync([input], ["--dry-run"], through: wrapper).status == 0)
    #expect(sandbox.bytes == old)
    try Self.completes(sandbox, input, new)
  }

  /// A store before and after a run of the input: most of its users are new, so that the file grows batch by batch.
  private static func stores(_ sandbox: Sandbox) throws -> (old: Data, new: Data, input: String) {
    let first = try Packing.tarZstd.pack(Listeners(count: 20, seed: 2).dumps, in: sandbox.folder, as: "first-")
    try sandbox.syncWell([first])
    let old = try #require(sandbox.bytes)
    let input = try Packing.tarZstd.pack(Listeners(count: 150, devices: 1).dumps, in: sandbox.folder)
    try sandbox.syncWell([input])
    return (old, try #require(sandbox.bytes), input)
  }

  private static func completes(_ sandbox: Sandbox, _ input: String, _ new: Data) throws {
    try sandbox.syncWell([input])
    #expect(sandbox.bytes == new)
  }
}

/// Mounts that one process and its children see.
enum Namespace {
  static let works: Bool = {
    let child = try? Child(["/usr/bin/env", "unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"])
    return (try? child?.wait()) == .exited(0)
  }()

  /// What runs a command through a shell script that may mount, and finds the store's folder in `STORE`.
  static func wrapper(_ script: String, store: String) -> [String] {
    ["/usr/bin/env", "STORE=\(store)", "unshare", "-Urm", "/bin/sh", "-c", script, "sh"]
  }
}
