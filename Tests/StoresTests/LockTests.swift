import Foundation
import Stores
import Testing

/// One run at a time holds the directory's lock (docs/stores.md, *Lock*).
@Suite struct LockTests {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func `a second opener is told who holds the store`() throws {
    let first = try DirectoryStore.open(sandbox.path, locking: true, run: "01JD")
    #expect {
      try DirectoryStore.open(sandbox.path, locking: true, run: "01JE")
    } throws: { error in
      guard case StoreError.locked(sandbox.path, let holder) = error else { return false }
      return holder.contains("run 01JD") && holder.contains("process \(ProcessInfo.processInfo.processIdentifier)")
    }
    #expect(first.lock != nil)
  }

  @Test func `a reader needs no lock and is not kept out by one`() throws {
    try sandbox.put(document("ann"))
    let writer = try sandbox.open()
    let reader = try sandbox.open(locking: false)
    #expect(reader.count == 1 && writer.count == 1)
  }

  @Test func `the lock ends with the store and its file stays`() throws {
    var store: DirectoryCollection? = try sandbox.open()
    #expect(store?.count == 0)
    store = nil
    #expect(try sandbox.names == [".mixdown.lock"])
    #expect(throws: Never.self) { try sandbox.open() }
  }

  @Test func `the lock file is one line of JSON about the last holder`() throws {
    for run in ["a run with a long name", #"short "quoted""#] {
      _ = try DirectoryLock(sandbox.path, run: run)
      let text = try String(contentsOfFile: sandbox.lockPath, encoding: .utf8)
      #expect(text.hasSuffix("}\n") && text.count { $0 == "\n" } == 1)
      let holder = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      #expect(holder["run_id"] as? String == run)
      #expect(holder["pid"] as? Int == Int(ProcessInfo.processInfo.processIdentifier))
      #expect(holder["host"] as? String == ProcessInfo.processInfo.hostName)
      #expect(try Date(#require(holder["started_at"] as? String), strategy: .iso8601) <= Date.now)
    }
  }

  @Test(arguments: ["", "{", "rubbish\n", "{\"run_id\":7}"])
  func `a lock file that says nothing still locks`(content: String) throws {
    let lock = try DirectoryLock(sandbox.path, run: "first")
    try Data(content.utf8).write(to: URL(fileURLWithPath: sandbox.lockPath))
    #expect(throws: StoreError.locked(path: sandbox.path, holder: "a run that has just begun")) {
      try sandbox.open()
    }
    #expect(lock.directory == sandbox.path)
  }

  @Test func `the kernel frees the lock of a process that is killed`() async throws {
    let path = sandbox.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      let lock = try DirectoryLock(path, run: "killed")
      raise(SIGKILL)
      #expect(lock.directory == path)
    }
    let text = try String(contentsOfFile: sandbox.lockPath, encoding: .utf8)
    #expect(text.contains("killed"))
    #expect(throws: Never.self) { try sandbox.open() }
  }

  @Test func `locking leaves the data as it is`() throws {
    try sandbox.put(document("ann"))
    let before = try FileManager.default.attributesOfItem(atPath: sandbox.dataPath)[.modificationDate] as? Date
    _ = try sandbox.open()
    let after = try FileManager.default.attributesOfItem(atPath: sandbox.dataPath)[.modificationDate] as? Date
    #expect(before == after)
    #expect(sandbox.data == document("ann"))
  }
}
