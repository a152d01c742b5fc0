import Dumps
import Randomness
import Testing

/// Compressed inputs that are large enough to be unpacked on a thread of their own.
@Suite struct LargeInputTests {
  let folder: TemporaryFolder
  let files: [Packing.File]

  init() throws {
    folder = try TemporaryFolder()
    var random = SeededRandom(seed: 7)
    files = (100..<160).map { number in
      // Digits of 4 bits each, of which no compression leaves less than half.
      let noise = String(decoding: (0..<60_000).map { _ in Self.digits[random.below(16)] }, as: UTF8.self)
      return Packing.File("u\(number).json", "{\"noise\": \"\(noise)\"}")
    }
  }

  private static let digits = Array("0123456789abcdef".utf8)

  @Test("what comes out is what was packed", arguments: ["x.tar.gz", "x.tar.zst"])
  func whole(name: String) throws {
    let reading = try Reading(Packing.write(folder(name), files))
    #expect(reading.texts == files.map { String(decoding: $0.contents, as: UTF8.self) })
    #expect(reading.users == files.map { String($0.name.dropLast(5)) })
    #expect(reading.refused.isEmpty && reading.digest.finished)
  }

  @Test("a compressed file of lines is read line by line")
  func lines() throws {
    let text = files.map { String(decoding: $0.contents, as: UTF8.self) }.joined(separator: "\n")
    let packed = try Packing.compressed(text, filter: "zstd", in: folder)
    let reading = try Reading(folder.write("x.ndjson.zst", packed))
    #expect(reading.texts == files.map { String(decoding: $0.contents, as: UTF8.self) })
  }

  @Test("an archive that is cut costs its rest", arguments: ["x.tar.gz", "x.tar.zst"])
  func cut(name: String) throws {
    try Packing.write(folder(name), files)
    let whole = try folder.bytes(of: name)
    let reading = try Reading(folder.write(name, Array(whole[..<(whole.count * 3 / 4)])))
    #expect(reading.reasons == [.truncated])
    #expect((20..<60).contains(reading.users.count))
    #expect(reading.users == files.prefix(reading.users.count).map { String($0.name.dropLast(5)) })
  }

  @Test("what expands past the limit is refused from there on")
  func bomb() throws {
    let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: Limits.freeExpansion)
    let archive = try Packing.write(folder("x.tar.gz"), files + [.init("v.json", zeros), .init("w.json", "{}")])
    let reading = try Reading(archive, limits: Limits(maxExpansion: 20))
    #expect(reading.users.count == files.count)
    #expect(reading.reasons == [.bomb] && reading.refused.map(\.entry) == ["v.json"])
  }

  @Test("who wants no more is given no more, and nobody goes on reading")
  func stopped() throws {
    let archive = try Packing.write(folder("x.tar.zst"), files)
    var taken = 0
    let digest = try InputReader().read(archive) { _ in
      taken += 1
      return taken < 3
    }
    #expect(taken == 3 && !digest.finished)
  }
}
