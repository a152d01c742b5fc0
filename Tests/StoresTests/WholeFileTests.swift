import Foundation
import Stores
import Testing

/// Files that are written whole or not at all.
@Suite struct WholeFileTests {
  @Test func `a file takes the place of the last one, and is its owner's alone`() throws {
    let sandbox = try Sandbox()
    let path = sandbox.path + "/manifest.json"
    // What a run left that was killed while it wrote.
    try Data("half".utf8).write(to: URL(fileURLWithPath: path + ".partial"))
    for text in ["first", "second"] { try writeWhole(Array(text.utf8), to: path) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "second")
    #expect(try sandbox.names == ["manifest.json"])
    #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
  }

  @Test func `what cannot take its place leaves nothing behind`() throws {
    let sandbox = try Sandbox()
    let taken = sandbox.path + "/taken"
    try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: true)
    #expect(throws: StoreError.self) { try writeWhole([1], to: taken) }
    #expect(throws: StoreError.self) { try writeWhole([1], to: sandbox.path + "/nowhere/file") }
    #expect(try sandbox.names == ["taken"])
  }
}
