import BSON
import Dumps
import Foundation
import Testing

@testable import Generator

@Suite("the dumps: shapes and quirks")
struct ShapeTests {
  private static let generated = Result { try Generated { $0.users = 300 } }
  private let dumps: [Generated.Dump]
  private let generated: Generated

  init() throws {
    generated = try Self.generated.get()
    dumps = generated.dumps.filter { $0.name != "about.txt" }
  }

  @Test("every dump is JSON, and so is every list in a browser's storage")
  func wellFormed() throws {
    #expect(dumps.count == generated.summary.dumps)
    for dump in dumps {
      let body = try #require(dump.body)
      for (key, value) in body where key.hasPrefix("tldr-") {
        let text = try #require(value as? String)
        if key.contains("token") {
          #expect(text.hasPrefix("FAKE.SECRET.TOKEN."))
        } else if text.hasPrefix("[") || text.hasPrefix("{") {
          #expect(throws: Never.self) { try parse(text) }
        }
      }
    }
  }

  @Test("every shape occurs, bare and in both envelopes")
  func shapes() {
    #expect(DumpShape.allCases.allSatisfy { generated.summary.shapes[$0, default: 0] > 10 })
    func has(_ key: String, around: Bool) -> Bool {
      dumps.contains { dump in
        guard let object = dump.object, let body = dump.body else { return false }
        return (object["data"] != nil) == around && object["exported_at"] != nil && body[key] != nil
      }
    }
    #expect(has("tldr-queue", around: true) && has("tldr-queue", around: false))
    #expect(has("local_queue", around: true) && has("local_queue", around: false))
    #expect(has("favorites", around: true))
    #expect(dumps.contains { $0.object?["local_queue"] != nil && $0.object?["user_id"] == nil })
    #expect(dumps.contains { $0.text.contains("\"$numberInt\"") && $0.text.contains("\"$numberLong\"") })
    #expect(dumps.contains { $0.text.contains("\"$date\":\"20") })
  }

  @Test("a browser's history has no song twice, the newest first, at most 50")
  func history() {
    var longest = 0
    for dump in dumps {
      guard dump.body?["tldr-history"] != nil else { continue }
      let rows = dump.rows("history")
      let times = rows.compactMap { ($0["playedAt"] as? NSNumber)?.doubleValue }
      #expect(times == times.sorted(by: >) && times.count == rows.count)
      let keys = rows.map { row in
        if let id = row["videoId"] as? String, !id.isEmpty { return "v:" + id }
        return "t:\(row["title"] as? String ?? "")\u{1F}\(row["artist"] as? String ?? "")"
      }
      // Two songs may have one title and the same artist's name.
      #expect(keys.count - Set(keys).count <= 1)
      longest = max(longest, rows.count)
      if let total = (dump.body?["tldr-total-songs-played"] as? String).flatMap(Int.init) {
        #expect(total >= rows.count)
      }
    }
    #expect(longest == 50)
  }

  @Test("favourites are appended: their times ascend")
  func favorites() {
    var longest = 0
    for dump in dumps where dump.body?["tldr-favorites"] != nil {
      let times = dump.rows("favorites").compactMap { ($0["addedAt"] as? NSNumber)?.int64Value }
      #expect(times == times.sorted())
      longest = max(longest, times.count)
    }
    #expect(longest > 1)
  }

  @Test("nothing happens after the clock")
  func clock() {
    var plays = 0
    for dump in dumps {
      #expect(dump.modifiedAt < generated.options.asOf)
      for row in dump.rows("history") {
        guard let time = (row["playedAt"] as? NSNumber)?.int64Value else { continue }
        #expect(time <= dump.modifiedAt)
        plays += 1
      }
    }
    #expect(plays > 0)
  }

  @Test(
    "what the real browser's exports are like",
    arguments: [
      Quirk("completionRate 0 is a placeholder") { $0.has("history") { ($0["completionRate"] as? Double) == 0 } },
      Quirk("rows of older clients lack the details") {
        $0.has("history") { $0["completionRate"] == nil && $0["genres"] == nil && $0["playedAt"] != nil }
      },
      Quirk("details are null or empty") {
        $0.has("history") { $0["language"] is NSNull && ($0["genres"] as? [Any])?.isEmpty == true }
      },
      Quirk("a play carries language, genres, moods and how much was heard") {
        $0.has("history") {
          $0["language"] is String && ($0["genres"] as? [Any])?.isEmpty == false
            && ($0["moods"] as? [Any])?.isEmpty == false && ($0["completionRate"] as? Double ?? 0) > 0.7
        }
      },
      Quirk("videoId is missing") { $0.has("favorites") { $0["videoId"] == nil } },
      Quirk("videoId is empty") { $0.has("favorites") { $0["videoId"] as? String == "" } },
      Quirk("videoId is null") { $0.has("favorites") { $0["videoId"] is NSNull } },
      Quirk("videoId is a server's UUID") { $0.has("history") { ($0["videoId"] as? String)?.count == 36 } },
      Quirk("artist is missing") { $0.has("history") { $0["artist"] == nil } },
      Quirk("artwork is null") { $0.has("history") { $0["videoId"] is String && $0["artwork"] is NSNull } },
      Quirk("a favourite without a time") { $0.has("favorites") { $0["addedAt"] == nil } },
      Quirk("fractional times") {
        $0.has("history") { ($0["playedAt"] as? Double).map { $0 != $0.rounded() } ?? false }
      },
      Quirk("queue items without an id") { $0.has("queue") { $0["id"] == nil } },
      Quirk("queue items with the same id") { dump in
        let ids = dump.rows("queue").compactMap { $0["id"] as? Int64 }
        return Set(ids).count < ids.count
      },
      Quirk("local playlists") { $0.has("playlists") { ($0["id"] as? String)?.hasPrefix("pl_m") == true } },
      Quirk("playlists with the older names") {
        $0.has("playlists") {
          $0["createdAt"] != nil && $0["isPublic"] != nil && $0["description"] as? String != "AI mix"
        }
      },
      Quirk("generated playlists") { $0.has("playlists") { ($0["id"] as? String)?.hasPrefix("pl_17") == true } },
      Quirk("synced playlists") {
        $0.has("playlists") {
          ($0["id"] as? String)?.count == 24 && $0["artwork_url"] is NSNull && $0["owner_id"] is String
        }
      },
      Quirk("playlist songs have added_at") { dump in
        dump.rows("playlists").contains { ($0["songs"] as? [[String: Any]])?.first?["added_at"] != nil }
      },
      Quirk("half of a surrogate pair") { $0.text.contains("\\\\ud83c\\\"") },
      Quirk("escapes in the place of everything beyond ASCII") { dump in
        dump.contents.allSatisfy { $0 < 0x80 } && dump.text.contains("\\u09")
      },
      Quirk("a byte order mark") { $0.contents.starts(with: [0xEF, 0xBB, 0xBF]) },
      Quirk("a guest") { ($0.body?["tldr-user"] as? String)?.contains("\"is_guest\":true") == true },
      Quirk("no device id") { $0.body?["tldr-user"] != nil && $0.body?["tldr-device-id"] == nil },
      Quirk("logged out: no favourites, history, playlists") {
        $0.body?["tldr-queue"] != nil && $0.body?["tldr-favorites"] == nil && $0.body?["tldr-user"] == nil
      },
      Quirk("keys to be passed over") { $0.body?["theme"] != nil },
      Quirk("a cached chart") { $0.body?["tldr-chart-cache"] != nil },
      Quirk("tombstones") { ($0.body?["removed"] as? [String: Any])?["favorites"] != nil },
      Quirk("a file that is named after its user") { !$0.name.contains("/") && $0.name.count == 41 },
    ])
  func occurs(quirk: Quirk) {
    #expect(dumps.contains(where: quirk.holds))
  }

  @Test("the cloud holds what older servers and other programs wrote")
  func cloud() throws {
    var found: Set<String> = []
    try eachDocument(in: generated.libraries) { document in
      if try document.value("api_version") != nil { found.insert("unknown field") }
      if try document.value("section_updated_at") != nil { found.insert("section times") }
      if try document.value("timezone") != nil { found.insert("time zone") }
      guard var plays = try document.value("history")?.array?.elements else { return }
      while let play = try plays.next()?.value.document {
        let time = try #require(try play.value("playedAt"))
        found.insert(time.date == nil ? "time as a number" : "time as a date")
        if try play.value("completion_rate") != nil { found.insert("alias") }
      }
    }
    #expect(
      found == [
        "unknown field", "section times", "time zone", "time as a number", "time as a date", "alias",
      ])
  }

  @Test("most dumps bring plays that the cloud does not have")
  func news() throws {
    let benchmark = try Generated {
      $0 = .benchmark(users: 60, seed: 9, out: $0.out)
    }
    var newest: [String: Int64] = [:]
    try eachDocument(in: benchmark.libraries) { document in
      guard let user = try document.value("user_id")?.string else { return }
      var plays = try #require(try document.value("history")?.array).elements
      let time = try plays.next()?.value.document?.value("playedAt")
      newest[user.string] = time?.date ?? time?.integer
    }
    let fresh = benchmark.dumps.filter { dump in
      let user = String(dump.name.prefix(36))
      let latest = (dump.rows("history").first?["playedAt"] as? NSNumber)?.int64Value ?? 0
      return latest > newest[user] ?? 0
    }
    #expect(fresh.count > 48 && fresh.count < 60)
  }
}

/// Something that some dump must show.
struct Quirk: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let holds: @Sendable (Generated.Dump) -> Bool

  init(_ name: String, _ holds: @escaping @Sendable (Generated.Dump) -> Bool) {
    testDescription = name
    self.holds = holds
  }
}

extension Generated.Dump {
  func has(_ section: String, _ row: ([String: Any]) -> Bool) -> Bool { rows(section).contains(where: row) }
}
