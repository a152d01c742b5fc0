import BSON
import Foundation
import Testing

@testable import Generator

@Suite("the generator's parts")
struct PartsTests {
  @Test("random numbers are SplitMix64, the same everywhere and for ever")
  func random() {
    var stream = Random(seed: 1, stream: 2)
    #expect((0..<3).map { _ in stream.next() } == PartsTests.expectedNumbers)
    #expect((0..<1000).allSatisfy { _ in (3...9).contains(stream.within(3...9)) })
    #expect((0..<1000).allSatisfy { _ in (0..<1).contains(stream.unit()) })
  }

  private static let expectedNumbers: [UInt64] = [
    0x481C_920D_996F_CE04, 0x4575_5BBD_E008_FE9B, 0xBFDD_A205_EEBC_CEF0,
  ]

  @Test(
    "times are written as the calendar has them",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_399_999, "2000-02-28T23:59:59.999Z"),
      (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_767_225_600_007, "2026-01-01T00:00:00.007Z"),
      (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func times(milliseconds: Int64, text: String) {
    #expect(timestamp(milliseconds) == text)
  }

  @Test("strings are escaped so that any reader gives them back", arguments: [false, true])
  func strings(isASCII: Bool) throws {
    let strings = ["plain", "\"quoted\" back\\slash", "tab\tline\n\u{1}", "बारिश 🌧️ İΣ", "", "é"]
    var text = GeneratedJSON()
    text.isASCII = isASCII
    text.beginArray()
    for string in strings { text.string(string) }
    text.endArray()
    #expect(try JSONSerialization.jsonObject(with: Data(text.bytes)) as? [String] == strings)
    #expect(isASCII == text.bytes.allSatisfy { $0 < 0x80 })
  }

  @Test("JSON and BSON give the same completion")
  func completion() throws {
    var random = Random(seed: 4, stream: 4)
    for _ in 0..<2000 {
      let completion = Completion(match: random.unit(), &random)
      var text = GeneratedJSON()
      text.completion(completion)
      #expect(Double(String(decoding: text.bytes, as: UTF8.self)) == completion.double)
      #expect((0...1).contains(completion.double))
    }
  }

  @Test("Extended JSON names the types")
  func extendedJSON() {
    var writer = BSONWriter()
    let document = writer.open()
    writer.appendObjectID("_id", kind: 1, index: 258)
    writer.append("at", date: 1_767_225_600_000)
    writer.append("n", int32: 5)
    writer.append("rate", double: 0.5)
    writer.appendNull("none")
    writer.append("list", strings: [ByteView("a")])
    writer.close(document)
    func text(canonical: Bool) -> String {
      var text = GeneratedJSON()
      text.extended(BSONDocument(unchecked: writer.view), canonical: canonical)
      return String(decoding: text.bytes, as: UTF8.self)
    }
    #expect(
      text(canonical: false)
        == #"{"_id":{"$oid":"000000010000000000000102"},"at":{"$date":"2026-01-01T00:00:00.000Z"},"n":5,"rate":0.5,"none":null,"list":["a"]}"#
    )
    #expect(
      text(canonical: true)
        == #"{"_id":{"$oid":"000000010000000000000102"},"at":{"$date":{"$numberLong":"1767225600000"}},"n":{"$numberInt":"5"},"rate":{"$numberDouble":"0.5"},"none":null,"list":["a"]}"#
    )
  }

  @Test("the catalogue has every language, songs without a video, and titles that two songs share")
  func catalogue() {
    let catalogue = Catalogue(songs: 5000, seed: 1)
    #expect(catalogue.songs.count == 5000)
    #expect(catalogue.byLanguage.allSatisfy { !$0.isEmpty })
    #expect(catalogue.songs.contains { $0.isKnownByTitle })
    #expect(catalogue.songs.contains { $0.videoID.count == 36 })
    #expect(Set(catalogue.songs.map(\.title)).count < 5000)
    #expect(catalogue.songs.allSatisfy { !$0.moods.isEmpty && $0.duration > 60 })
  }

  @Test("people finish what they like, and come back to their own languages")
  func taste() {
    let catalogue = Catalogue(songs: 2000, seed: 1)
    var options = GeneratorOptions(users: 40, seed: 2, out: "")
    options.playsPerUser = 200...400
    var (own, other) = ([Double](), [Double]())
    for index in 0..<40 {
      let listener = Listener(index, options, catalogue)
      let favorite = Taste.greatest(2, of: listener.firstTaste.languages)
      for play in listener.plays where play.completion != .placeholder {
        let isOwn = favorite.contains(catalogue[play.mention.song].language)
        if isOwn { own.append(play.completion.double) } else { other.append(play.completion.double) }
      }
    }
    #expect(own.count > other.count)
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    #expect(mean(own) > mean(other) + 0.1)
  }

  @Test("a taste drifts: after half a year it is another")
  func drift() {
    var random = Random(seed: 3, stream: 3)
    var moved = 0.0
    for _ in 0..<50 {
      let first = Taste(&random)
      var taste = first
      for _ in 0..<26 { taste.drift(&random) }
      moved += zip(first.genres, taste.genres).reduce(0) { $0 + abs($1.0 - $1.1) } / 2 / 50
      #expect(abs(taste.genres.reduce(0, +) - 1) < 1e-9)
    }
    #expect(moved > 0.3)
  }
}
