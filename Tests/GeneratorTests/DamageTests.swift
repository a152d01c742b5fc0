import Dumps
import Foundation
import Testing

@testable import Generator

@Suite("damage")
struct DamageTests {
  private static let whole = "{\"tldr-queue\":\"[]\",\"local_queue\":[],\"queue\":[]}"

  private func spoiled(_ damage: Damage, _ shape: DumpShape) -> GeneratedJSON {
    var text = GeneratedJSON()
    for byte in Self.whole.utf8 { text.append(byte) }
    var random = Random(seed: 1, .damage)
    damage.spoil(&text, shape, asOf: 1_767_225_600_000, &random)
    return text
  }

  @Test("text that is spoiled cannot be read", arguments: [Damage.cut, .trailing, .badUTF8])
  func unreadable(damage: Damage) {
    for shape in DumpShape.allCases {
      #expect(throws: (any Error).self) {
        try JSONSerialization.jsonObject(with: Data(spoiled(damage, shape).bytes))
      }
    }
  }

  @Test(
    "other damage is well-formed, and there",
    arguments: Damage.allCases.filter { ![.cut, .trailing, .badUTF8].contains($0) }, DumpShape.allCases)
  func readable(damage: Damage, shape: DumpShape) throws {
    let bytes = spoiled(damage, shape).bytes
    #expect(bytes != Array(Self.whole.utf8))
    #expect(throws: Never.self) {
      try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
    }
  }

  @Test("the wanted share of dumps is damaged, and the rest is whole")
  func share() throws {
    let generated = try Generated {
      $0.users = 200
      $0.damaged = 0.2
    }
    let part = Double(generated.summary.damagedDumps) / Double(generated.summary.dumps)
    #expect(abs(part - 0.2) < 0.06, "\(part)")
    let dumps = generated.dumps.filter { $0.name.hasSuffix(".json") && $0.place != "torn.tar.gz" }
    let unreadable = dumps.filter { $0.object == nil }.count
    #expect(unreadable > 5 && unreadable < generated.summary.damagedDumps)
    #expect(generated.dumps.contains { $0.name == "backup.zip" })
    #expect(generated.dumps.contains { $0.name == "nobody/empty.json" && $0.contents.isEmpty })
    #expect(generated.dumps.contains { $0.place == "torn.tar.gz" })
  }

  @Test("a torn archive has lost its end")
  func torn() throws {
    let folder = temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let path = "\(folder)/torn.tar.gz"
    let archive = try makeDestination(path)
    var random = Random(seed: 1, .damage)
    let contents = (0..<10_000).map { _ in UInt8(random.below(256)) }
    try archive.add("a.json", contents, modifiedAt: 1_000)
    try archive.finish(modifiedAt: 1_000)
    #expect(try size(of: path) < 8_000)
  }
}
