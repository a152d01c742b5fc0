import BSON
import Dumps
import Library
import Testing

/// What its keys make of a dump, whose it is, and when and where it was taken (docs/dumps.md, *The three shapes* to
/// *When a dump was taken*).
@Suite struct DumpReaderTests {
  private static let asOf: Int64 = 1_767_225_600_000

  /// What a test looks at in a dump.
  private struct Read {
    var shape: DumpShape?
    var device: String?
    var time: Int64?
    var sections: Set<Section>
    /// `section reason` of what was not used.
    var quarantined: [String]
  }

  private func read(
    _ dump: String, modifiedAt: Int64? = nil, with change: (inout MergeParameters) -> Void = { _ in }
  ) throws -> Read {
    let arena = Arena()
    var parameters = MergeParameters(asOf: Self.asOf)
    change(&parameters)
    var reader = DumpReader(arena: arena, limits: Limits(), parameters: parameters, users: .content)
    let read = try reader.replica(padded(dump, in: arena), modifiedAt: modifiedAt)
    return Read(
      shape: read.shape, device: read.device?.string, time: read.replica.time,
      sections: Set(Section.allCases.filter { read.replica.has($0) }),
      quarantined: read.replica.quarantined.map { "\($0.section.rawValue) \($0.reason.rawValue)" })
  }

  private func padded(_ dump: String, in arena: Arena) -> ByteView {
    (Array(dump.utf8) + [UInt8](repeating: 0, count: JSONReader.padding)).withView { arena.copy($0) }
  }

  // MARK: Shapes

  private static let shapes: [(String, DumpShape?, Set<Section>)] = [
    (#"{"tldr-theme": "dark"}"#, .localStorage, []), (#"{"local_theme": "dark"}"#, .syncRequest, []),
    (#"{"tldr-favorites": "[]", "local_queue": [], "history": []}"#, .localStorage, [.favorites]),
    (#"{"local_queue": [], "history": []}"#, .syncRequest, [.queue]),
    (#"{"history": []}"#, .library, [.history]), (#"{"total_songs_played": 5}"#, .library, []),
    (#"{"user_id": "ann"}"#, nil, []), (#"{"data": {}}"#, nil, []), (#"{"data": 5, "device_id": "d"}"#, nil, []),
    // An envelope, alone or with its keys, and what is none.
    (#"{"data": {"tldr-favorites": "[]"}}"#, .localStorage, [.favorites]),
    (#"{"user_id": "ann", "data": {"local_queue": []}}"#, .syncRequest, [.queue]),
    (#"{"data": {"history": []}, "theme": "dark"}"#, .library, [.history]),
    (#"{"data": {"tldr-favorites": "[]"}, "history": []}"#, .library, [.history]),
    (#"{"data": {"tldr-favorites": "[]"}, "local_queue": []}"#, .syncRequest, [.queue]),
    (#"{"data": {"data": {"history": []}}}"#, nil, []),
    // Removals stand under one name in every shape.
    (#"{"removed": {}, "tldr-x": 1}"#, .localStorage, [.removed]),
    (#"{"removed": {}, "local_x": 1}"#, .syncRequest, [.removed]), (#"{"removed": {}}"#, .library, [.removed]),
    (#"{"local_removed": {}, "tldr-removed": {}}"#, .localStorage, []), (#"{"local_removed": {}}"#, .syncRequest, []),
    // What says nothing of the player is no opinion.
    (#"{"tldr-shuffle": "true"}"#, .localStorage, [.preferences]), (#"{"tldr-shuffle": null}"#, .localStorage, []),
    (#"{"local_preferences": {}}"#, .syncRequest, [.preferences]),
  ]

  @Test(arguments: shapes)
  func `a dump is told by its keys`(_ dump: String, _ shape: DumpShape?, _ sections: Set<Section>) throws {
    let read = try read(dump)
    #expect(read.shape == shape && read.sections == sections && read.quarantined == [])
  }

  @Test(arguments: ["{}", #"{"theme": "dark"}"#, #"{"tldr": 1, "local": 2, "Data": {}}"#])
  func `a dump with no key of any shape is of none`(_ dump: String) {
    let fault = #expect(throws: DumpFault.self) { _ = try read(dump) }
    #expect(fault?.reason == .unknownShape)
  }

  private static let sections: [(String, [String])] = [
    (#"{"tldr-queue": "[", "tldr-favorites": "[]"}"#, ["queue invalid-section"]),
    (#"{"tldr-queue": "5", "tldr-favorites": "[]"}"#, ["queue invalid-section"]),
    (#"{"tldr-queue": "\ufeff[]", "tldr-favorites": "[]"}"#, ["queue invalid-section"]),
    (#"{"tldr-queue": "null", "tldr-favorites": [], "tldr-history": null}"#, []),
    (#"{"tldr-shuffle": "yes", "tldr-favorites": "[]"}"#, ["preferences invalid-section"]),
    (#"{"tldr-shuffle": null, "tldr-repeat": null, "tldr-favorites": "[]"}"#, []),
    (#"{"tldr-repeat": "two", "tldr-favorites": "[]"}"#, ["preferences invalid-section"]),
  ]

  @Test(arguments: sections)
  func `a section of the browser that cannot be read costs itself alone`(_ dump: String, _ quarantined: [String]) throws
  {
    let read = try read(dump)
    #expect(read.quarantined == quarantined && read.sections == [.favorites])
  }

  // MARK: Users

  private static let longest = String(repeating: "u", count: 256)

  private static let users: [(String, String?, UserSource, String?, QuarantineReason?)] = [
    // The dump's own word: outside, in `data`, in the browser's user; then the path's.
    (#"{"user_id": "out", "data": {"user_id": "in", "tldr-user": {"id": "b"}}}"#, "p", .content, "out", nil),
    (#"{"data": {"user_id": "in", "tldr-user": {"id": "b"}}}"#, "p", .content, "in", nil),
    (#"{"user_id": null, "data": {"user_id": "in", "tldr-x": 1}}"#, "p", .content, "in", nil),
    (#"{"user_id": "ann", "tldr-user": {"id": "b"}}"#, "p", .content, "ann", nil),
    (#"{"tldr-user": {"id": "b"}}"#, "p", .content, "b", nil),
    (#"{"tldr-user": "{\"id\": \"b\"}"}"#, "p", .content, "b", nil),
    (#"{"tldr-user": "{\"name\": \"b\"}"}"#, "p", .content, "p", nil),
    (#"{"tldr-user": "\ufeff{\"id\": \"b\"}"}"#, "p", .content, "p", nil),
    (#"{"tldr-user": "nobody"}"#, "p", .content, "p", nil), (#"{"user_id": null}"#, "p", .content, "p", nil),
    (#"{"queue": []}"#, "p", .content, "p", nil), (#"{"queue": []}"#, nil, .content, nil, .noUser),
    // A string of 1 to 256 bytes, and nothing else.
    (#"{"user_id": "\#(longest)"}"#, "p", .content, longest, nil),
    (#"{"user_id": "\#(longest)u"}"#, "p", .content, nil, .noUser),
    (#"{"user_id": ""}"#, "p", .content, nil, .noUser), (#"{"user_id": {"$ne": null}}"#, "p", .content, nil, .noUser),
    (#"{"user_id": 5, "tldr-user": {"id": "b"}}"#, "p", .content, nil, .noUser),
    (#"{"tldr-user": {"id": {"$ne": null}}}"#, "p", .content, nil, .noUser),
    (#"{"queue": []}"#, longest, .content, longest, nil), (#"{"queue": []}"#, longest + "u", .content, nil, .noUser),
    (#"{"theme": "dark"}"#, "p", .content, nil, .unknownShape),
    // The path alone, or both.
    (#"{"user_id": "ann"}"#, "p", .path, "p", nil), (#"{"user_id": {"$ne": null}}"#, "p", .path, "p", nil),
    (#"{"user_id": "ann"}"#, nil, .path, nil, .noUser), (#"{"user_id": "ann"}"#, "ann", .agree, "ann", nil),
    (#"{"user_id": "ann"}"#, "p", .agree, nil, .userMismatch), (#"{"queue": []}"#, "p", .agree, nil, .userMismatch),
    (#"{"user_id": "ann"}"#, nil, .agree, nil, .userMismatch), (#"{"user_id": 5}"#, "p", .agree, nil, .noUser),
  ]

  @Test(arguments: users)
  func `a dump's user is whom it names, else whom its path does`(
    _ dump: String, _ path: String?, _ users: UserSource, _ user: String?, _ reason: QuarantineReason?
  ) throws {
    let arena = Arena()
    var reader = DumpReader(
      arena: arena, limits: Limits(), parameters: MergeParameters(asOf: Self.asOf), users: users)
    do throws(DumpFault) {
      let named = try reader.user(padded(dump, in: arena), pathUser: path.map { Array($0.utf8) })
      #expect(named.string == user && reason == nil)
    } catch {
      #expect(error.reason == reason && user == nil)
    }
  }

  // MARK: Times and devices

  private static let times: [(String, Int64?, Int64?)] = [
    // What the dump says of itself, outside before in `data`; then the file's time.
    (#"{"exported_at": 1735689600005, "data": {"exported_at": 1735689600006, "queue": []}}"#, 7, 1_735_689_600_005),
    (#"{"data": {"exported_at": 1735689600006, "queue": []}}"#, 7, 1_735_689_600_006),
    (#"{"exported_at": "soon", "data": {"exported_at": 1735689600006, "queue": []}}"#, 7, 1_735_689_600_006),
    (#"{"exported_at": "2025-01-01T00:00:00Z", "tldr-queue": "[]"}"#, 7, 1_735_689_600_000),
    (#"{"exported_at": {"$date": {"$numberLong": "1735689600001"}}, "queue": []}"#, 7, 1_735_689_600_001),
    (#"{"exported_at": {"$date": 5e18}, "queue": []}"#, 7, asOf),
    (#"{"exported_at": {"$date": 1e19}, "queue": []}"#, 7, 7),
    (#"{"queue": [{"title": "a", "addedAt": 1735689600001}]}"#, 7, 7),
    // A time in the future is the run's.
    (#"{"exported_at": \#(asOf + 1), "queue": []}"#, nil, asOf), (#"{"queue": []}"#, asOf + 1, asOf),
    // The newest inside, also of a section that the run does not decide; a library's own stamps too.
    (#"{"queue": [{"title": "a", "addedAt": 1735689600001}, {"title": "b", "addedAt": 5}]}"#, nil, 1_735_689_600_001),
    (#"{"favorites": [{"title": "a", "addedAt": 1735689600002}], "queue": []}"#, nil, 1_735_689_600_002),
    (#"{"playlists": [{"id": "p", "updated_at": 1735689600003}], "queue": []}"#, nil, 1_735_689_600_003),
    (#"{"local_favorites": [{"title": "a", "addedAt": 1735689600002}]}"#, nil, 1_735_689_600_002),
    (#"{"queue": [], "updated_at": 1735689600004}"#, nil, 1_735_689_600_004),
    (#"{"queue": [], "section_updated_at": {"queue": 1735689600005}}"#, nil, 1_735_689_600_005),
    (#"{"local_queue": [], "updated_at": 1735689600004}"#, nil, nil), (#"{"queue": []}"#, nil, nil),
  ]

  @Test(arguments: times, [.all, [.queue]] as [SectionSet])
  func `a dump is of the time that it says, else the file's, else its newest`(
    _ one: (dump: String, modifiedAt: Int64?, time: Int64?), _ sections: SectionSet
  ) throws {
    #expect(try read(one.dump, modifiedAt: one.modifiedAt) { $0.sections = sections }.time == one.time)
  }

  @Test(
    arguments: [
      (#"{"device_id": "out", "data": {"device_id": "in", "tldr-device-id": "b"}}"#, "out"),
      (#"{"data": {"device_id": "in", "tldr-device-id": "b"}}"#, "in"), (#"{"tldr-device-id": "b"}"#, "b"),
      (#"{"device_id": 5, "data": {"device_id": "in", "queue": []}}"#, "in"), (#"{"queue": []}"#, nil),
    ] as [(String, String?)])
  func `a dump is of the device that it names, else the browser's`(_ dump: String, _ device: String?) throws {
    #expect(try read(dump).device == device)
  }
}
