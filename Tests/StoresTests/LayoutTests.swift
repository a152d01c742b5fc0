import BSON
import Foundation
import Stores
import Testing

/// A directory in the layout of mongodump (docs/stores.md, *The directory store*).
@Suite struct LayoutTests {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func `the first commit makes the directory, the documents and the metadata`() throws {
    let path = sandbox.path + "/data/store"
    let store = try DirectoryStore.open(path, locking: true).collection(.userLibrary)
    let writer = try store.beginWriting(.stored)
    _ = try writer.write([sandbox.change(store, document("ann"))])
    try writer.commit()
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        == [".mixdown.lock", "user_library.bson", "user_library.metadata.json"])
  }

  @Test func `the metadata is that of mongodump and names the indexes`() throws {
    try sandbox.commit([document("ann")])
    let text = try String(contentsOfFile: sandbox.metadataPath, encoding: .utf8)
    #expect(
      text == """
        {"options":{},"indexes":[{"v":{"$numberInt":"2"},"key":{"_id":{"$numberInt":"1"}},"name":"_id_"},\
        {"v":{"$numberInt":"2"},"key":{"user_id":{"$numberInt":"1"}},"name":"user_id_1","unique":true},\
        {"v":{"$numberInt":"2"},"key":{"updated_at":{"$numberInt":"1"}},"name":"updated_at_1"}],\
        "collectionName":"user_library","type":"collection"}
        """)
    #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(text.utf8)) }
  }

  @Test func `metadata that a dump brought along stays`() throws {
    let text = #"{"indexes":[],"uuid":"0123"}"#
    try Data(text.utf8).write(to: URL(fileURLWithPath: sandbox.metadataPath))
    try sandbox.commit([document("ann")])
    #expect(try String(contentsOfFile: sandbox.metadataPath, encoding: .utf8) == text)
  }

  @Test func `collections of one directory are written under one lock`() throws {
    let lock = try DirectoryLock(sandbox.path, run: "test")
    for schema in [CollectionSchema.userLibrary, .userStats] {
      let store = try DirectoryStore(sandbox.path, lock: lock).collection(schema)
      let writer = try store.beginWriting(.stored)
      _ = try writer.write([sandbox.change(store, document("ann"))])
      try writer.commit()
    }
    #expect(
      try sandbox.names == [
        ".mixdown.lock", "user_library.bson", "user_library.metadata.json", "user_stats.bson",
        "user_stats.metadata.json",
      ])
  }

  @Test func `a collection with a link for a file, or with torn metadata, is read and not written`() throws {
    try sandbox.put(document("ann"))
    let other = try Sandbox()
    try other.put(document("ann"))
    let torn = { try Data("{torn".utf8).write(to: URL(fileURLWithPath: self.sandbox.metadataPath)) }
    let linked = { (path: String) in
      try? FileManager.default.removeItem(atPath: path)
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: other.dataPath)
    }
    for damage in [torn, { try linked(self.sandbox.metadataPath) }, { try linked(self.sandbox.dataPath) }] {
      try damage()
      let store = try sandbox.open()
      #expect(try users(of: store) == ["ann"])
      let error = #expect(throws: StoreError.self) { try store.beginWriting(.any) }
      guard case .refused? = error else { throw try #require(error) }
    }
    #expect(other.data == document("ann"))
  }

  @Test func `equal stores are equal files, whatever the batches`() throws {
    let other = try Sandbox()
    let new = ["ann", "bob", "cat"].map { document($0) }
    try sandbox.commit(new)
    let store = try other.open()
    let writer = try store.beginWriting(.stored)
    for document in new { _ = try writer.write([other.change(store, document)]) }
    try writer.commit()
    #expect(sandbox.data == other.data)
  }
}
