import BSON
import Foundation
import Stores
import Testing

/// A crash, a full disk or a kill at any instant leaves the old store or the new one, whole (docs/stores.md, *When
/// something breaks*).
@Suite struct FaultTests {
  private let sandbox: Sandbox

  private static let names = (0..<20).map { "user-\($0)" }

  init() throws { sandbox = try Sandbox() }

  @Test func `a process killed while it writes leaves the old store, and the next run works`() async throws {
    let old = ["ann", "bob", "cat"].map { document($0, padding: 1 << 20) }
    try sandbox.put(old)
    let path = sandbox.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      try dieWriting(to: path, .stored, document("cat", version: 1))
    }
    #expect(sandbox.data == joined(old))
    #expect(FileManager.default.fileExists(atPath: sandbox.partialPath))
    try sandbox.commit([document("bob")])
    #expect(sandbox.data == old[0] + document("bob") + old[2])
  }

  @Test func `what a killed run left is removed by who may write next, and by nobody who reads`() async throws {
    try sandbox.put(["ann", "bob"].map { document($0, padding: 1 << 20) })
    let path = sandbox.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      try dieWriting(to: path, .any, document("bob", version: 1))
    }
    try Data("[".utf8).write(to: URL(fileURLWithPath: "\(path)/play_archive.metadata.json.partial"))
    let left = [
      ".mixdown.lock", "play_archive.metadata.json.partial", "user_library.bson", "user_library.bson.changes",
    ]
    #expect(try sandbox.names == left)
    #expect(try users(of: sandbox.open(locking: false)) == ["ann", "bob"])
    #expect(try sandbox.names == left)
    #expect(try users(of: sandbox.open()) == ["ann", "bob"])
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
  }

  @Test(arguments: 0..<8)
  func `a kill at any instant leaves the old store or the new one`(round: Int) async throws {
    let names = Self.names
    try sandbox.put(names.map { document($0, version: 0, padding: 100_000) })
    let path = sandbox.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      Thread.detachNewThread {
        usleep(.random(in: 5_000...60_000))
        raise(SIGKILL)
      }
      for version in 1...1_000_000 {
        let sandbox = Sandbox(of: path)
        try sandbox.commit(Self.names.map { document($0, version: version, padding: 100_000) })
      }
    }
    // All documents are of one version: of one commit.
    let store = try sandbox.open()
    #expect(try users(of: store) == names)
    var versions = Set<Int64?>()
    for position in 0..<store.count {
      let document = try store.document(at: position)
      versions.insert(try document.value("preferences")?.document?.value("version")?.integer)
    }
    #expect(versions.count == 1)
  }

  @Test func `a file that may not grow is an input-output error and the old store stays`() async throws {
    let old = document("ann")
    try sandbox.put(old)
    let path = sandbox.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      // As with a quota: the system refuses the third megabyte.
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 2 << 20, rlim_max: 2 << 20)
      #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let sandbox = Sandbox(of: path)
      let error = StoreError.inputOutput(path: sandbox.partialPath, operation: "write", code: EFBIG)
      #expect(throws: error) { try sandbox.commit([document("ann", padding: 5 << 20)]) }
    }
    #expect(sandbox.data == old)
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
  }

  @Test func `a directory that may not be written to can be read, and not locked or written`() async throws {
    let old = document("ann")
    try sandbox.put(old)
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: sandbox.path)
    let path = sandbox.path
    await #expect(processExitsWith: .success) { [path = path as String] in
      // Root may write everywhere.
      if geteuid() == 0 { #expect(setuid(65_534) == 0) }
      let sandbox = Sandbox(of: path)
      let found = try users(of: sandbox.open(locking: false))
      #expect(found == ["ann"])
      #expect(throws: StoreError.inputOutput(path: sandbox.lockPath, operation: "create the lock", code: EACCES)) {
        try sandbox.open()
      }
    }
    #expect(try sandbox.names == ["user_library.bson"])
  }

  // MARK: Small volumes

  @Test(.enabled(if: SmallVolume.isPossible, "needs the right to mount"))
  func `a volume that fills up is an input-output error and the old store stays`() throws {
    let volume = try SmallVolume(at: sandbox.path)
    let old = document("ann")
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("ann", version: 1))])
    let error = StoreError.inputOutput(path: sandbox.partialPath, operation: "write", code: ENOSPC)
    #expect(throws: error) { _ = try writer.write([sandbox.change(store, document("eve", padding: 9 << 20))]) }
    #expect(sandbox.data == old)
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
    volume.unmount()
  }

  @Test(.enabled(if: SmallVolume.isPossible, "needs the right to mount"))
  func `a volume without room for the new store is refused before anything is written`() throws {
    let volume = try SmallVolume(at: sandbox.path)
    let old = document("ann", padding: 5 << 20)
    try sandbox.put(old)
    #expect {
      try sandbox.commit([document("ann", version: 1, padding: 5 << 20)])
    } throws: { error in
      guard case StoreError.noRoom(_, let needed, let free) = error else { return false }
      return needed == old.count && free < needed
    }
    #expect(sandbox.data == old)
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
    volume.unmount()
  }

  @Test(.enabled(if: SmallVolume.isPossible, "needs the right to mount"), arguments: [1, 3])
  func `changes in any order find out that the new store has no room before the volume is full`(
    _ megabytes: Int
  ) throws {
    let volume = try SmallVolume(at: sandbox.path)
    // With one of 3 MiB there is room for what waits, and then none for the file in which it is to be.
    let old = document("ann", padding: (6 - megabytes) << 20)
    try sandbox.put(old)
    let store = try sandbox.open()
    let writer = try store.beginWriting(.any)
    #expect {
      for name in ["bob", "cat"] {
        _ = try writer.write([sandbox.change(store, document(name, padding: megabytes << 19))])
      }
      try writer.commit()
    } throws: { error in
      guard case StoreError.noRoom(_, let needed, let free) = error else { return false }
      return needed > old.count && free < needed
    }
    writer.abandon()
    #expect(sandbox.data == old)
    #expect(try sandbox.names == [".mixdown.lock", "user_library.bson"])
    volume.unmount()
  }

  @Test(.enabled(if: SmallVolume.isPossible, "needs the right to mount"))
  func `a read-only volume can be read, and not locked`() throws {
    let volume = try SmallVolume(at: sandbox.path)
    try sandbox.put(document("ann"))
    try volume.makeReadOnly()
    #expect(try users(of: sandbox.open(locking: false)) == ["ann"])
    #expect(throws: StoreError.inputOutput(path: sandbox.lockPath, operation: "create the lock", code: EROFS)) {
      try sandbox.open()
    }
    volume.unmount()
  }
}

/// Ends this process when a change is written to a store and not committed.
private func dieWriting(to path: String, _ order: WriteOrder, _ document: [UInt8]) throws {
  let sandbox = Sandbox(of: path)
  let store = try sandbox.open()
  let writer = try store.beginWriting(order)
  _ = try writer.write([sandbox.change(store, document)])
  raise(SIGKILL)
  writer.abandon()
}

/// A volume of 8 MiB in memory, mounted over a directory until the test ends.
private final class SmallVolume {
  private let path: String
  private var isMounted = true

  /// Whether this process may mount: root may, outside of most containers.
  static let isPossible: Bool = {
    guard geteuid() == 0, let sandbox = try? Sandbox(), let volume = try? SmallVolume(at: sandbox.path) else {
      return false
    }
    volume.unmount()
    return true
  }()

  init(at path: String) throws {
    self.path = path
    try Self.run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path)
  }

  deinit { unmount() }

  func makeReadOnly() throws { try Self.run("mount", "-o", "remount,ro", path) }

  func unmount() {
    if isMounted { try? Self.run("umount", "--lazy", path) }
    isMounted = false
  }

  private static func run(_ arguments: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    if process.terminationStatus != 0 { throw POSIXError(.EPERM) }
  }
}
