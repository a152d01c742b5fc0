import BSON
import Foundation
import Stores
import Testing

/// Memory is bounded by parameters, not by input, but for the index of the directory store (docs/performance.md, *How
/// memory is bounded*).
@Suite struct MemoryTests {
  private let sandbox: Sandbox
  private let names = (0..<60).map { "user-\($0)" }

  init() throws {
    sandbox = try Sandbox()
    try sandbox.put(names.map { document($0, padding: 1 << 20) })
  }

  /// What of the store's file is in this process's memory, in bytes.
  private var resident: Int {
    get throws {
      // Not `contentsOfFile`: it believes the file to be as short as the kernel says.
      let smaps = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/smaps")).readToEnd() ?? Data()
      let lines = String(decoding: smaps, as: UTF8.self).split(separator: "\n")
      return lines.indices.filter { lines[$0].hasSuffix(sandbox.dataPath) }.reduce(0) { sum, place in
        let line = lines[place...].first { $0.hasPrefix("Rss:") } ?? ""
        return sum + 1024 * (line.split(separator: " ").compactMap { Int($0) }.first ?? 0)
      }
    }
  }

  private func touch(_ document: BSONDocument?) -> Int {
    document.map { $0.bytes.copy().count } ?? 0
  }

  @Test func `opening leaves nothing of the file in memory`() throws {
    let store = try sandbox.open(locking: false)
    #expect(store.count == names.count)
    #expect(try resident < 1 << 20)
  }

  @Test func `going through all users keeps a window of the file in memory`() throws {
    let store = try sandbox.open(locking: false)
    let cursor = try store.cursor(updatedSince: nil)
    var (count, most) = (0, 0)
    while let document = try cursor.next(upTo: 1, in: Arena()).first {
      #expect(touch(document) > 1 << 20)
      count += 1
      if count.isMultiple(of: 5) { most = max(most, try resident) }
    }
    #expect(10 << 20...36 << 20 ~= most)
    #expect(try resident < 1 << 20)
  }

  @Test func `what is released leaves the memory and can be read again`() throws {
    let store = try sandbox.open(locking: false)
    let first = try #require(try store.document(of: sandbox.view("user-0")))
    for user in names { #expect(touch(try store.document(of: sandbox.view(user))) > 1 << 20) }
    #expect(try resident > 55 << 20)
    store.release(before: 30)
    #expect(try resident < 35 << 20)
    store.release(before: store.count)
    #expect(try resident < 1 << 20)
    #expect(first.bytes.copy() == document("user-0", padding: 1 << 20))
  }

  @Test func `writing keeps nothing of the old file in memory`() throws {
    let store = try sandbox.open()
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("user-59"))])
    try writer.commit()
    #expect(try resident < 2 << 20)
  }

  @Test func `threads read side by side`() throws {
    let store = try sandbox.open(locking: false)
    let views = names.map { [UInt8]($0.utf8) }
    let lengths = names.map { document($0, padding: 1 << 20).count }
    DispatchQueue.concurrentPerform(iterations: 4) { thread in
      for place in views.indices {
        let length = views[place].withView { try? store.document(of: $0)?.bytes.copy().count }
        if length != lengths[place] { Issue.record("thread \(thread), user \(place)") }
        if thread == 0 { store.release(before: place) }
      }
    }
  }
}
