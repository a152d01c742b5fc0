public import BSON
public import Library

/// Why a whole dump is not used.
public struct DumpFault: Error {
  public var reason: QuarantineReason
  public var detail: String
  /// Where in the text, in bytes, when it does not parse.
  public var offset: Int?
  /// What was read of it, without its secrets; nil when it does not parse.
  public var raw: BSONDocument?

  public init(reason: QuarantineReason, detail: String, offset: Int? = nil, raw: BSONDocument? = nil) {
    self.reason = reason
    self.detail = detail
    self.offset = offset
    self.raw = raw
  }
}

/// Reads the text of dumps: whose they are at a first look, and what they say at a second.
///
/// One reader serves one worker, dump after dump; what it returns lies in its arena.
public struct DumpReader: ~Copyable {
  private var json = JSONReader()
  private var normalizer: Normalizer
  private let arena: Arena
  private let limits: Limits
  private let parameters: MergeParameters
  private let users: UserSource

  public init(arena: Arena, limits: Limits, parameters: MergeParameters, users: UserSource) {
    self.arena = arena
    self.limits = limits
    self.parameters = parameters
    self.users = users
    normalizer = Normalizer(arena: arena, parameters: parameters)
  }

  // MARK: The first look

  /// Whose dump a text is. Most of the text is stepped over; what is wrong with it shows at the second look.
  ///
  /// - Parameters:
  ///   - padded: the text and `JSONReader.padding` bytes more.
  ///   - pathUser: the user that the dump's path names; it need not be UTF-8.
  public mutating func user(_ padded: ByteView, pathUser: [UInt8]?) throws(DumpFault) -> ByteView {
    if users == .path { return try user(ofPath: pathUser) }
    do throws(DumpFault) {
      let envelope = try self.envelope(padded, identityOnly: true)
      return try user(envelope, pathUser: pathUser)
    } catch {
      // The whole text decides which fault it has: one that does not parse is nobody's.
      let envelope = try self.envelope(padded)
      guard error.reason != .invalidJSON, error.reason != .tooDeep else { throw error }
      throw DumpFault(reason: error.reason, detail: error.detail, raw: envelope.document)
    }
  }

  private func user(ofPath path: [UInt8]?) throws(DumpFault) -> ByteView {
    guard let path, UserID.lengths.contains(path.count) else {
      throw DumpFault(reason: .noUser, detail: "neither file nor folder names a user")
    }
    guard UserID.isText(path) else {
      throw DumpFault(reason: .noUser, detail: "the name of the file or folder, which names the user, is not UTF-8")
    }
    return path.withView { arena.copy($0) }
  }

  private mutating func user(_ opened: OpenedDump, pathUser: [UInt8]?) throws(DumpFault) -> ByteView {
    let envelope = opened.envelope
    guard envelope.isKnown else { throw Self.unknownShape(nil) }
    var claimed = envelope.user
    if claimed == .absent, let value = envelope.browserUser { claimed = try browserUser(value) }
    switch (claimed, users) {
    case (.invalid, _):
      throw DumpFault(reason: .noUser, detail: "the user is no string of 1 to 256 bytes")
    case (.user(let name), .agree):
      guard let pathUser, pathUser.withView({ $0 == name }) else {
        throw DumpFault(reason: .userMismatch, detail: "the dump and its path name different users")
      }
      return name
    case (.absent, .agree):
      throw DumpFault(reason: .userMismatch, detail: "only the path names a user")
    case (.user(let name), _): return name
    case (.absent, _): return try user(ofPath: pathUser)
    }
  }

  /// The `id` of `tldr-user`, which is an object or a string that holds one.
  private mutating func browserUser(_ value: BSONValue) throws(DumpFault) -> DumpEnvelope.User {
    let user: BSONDocument
    if let object = value.document {
      user = object
    } else if let text = value.string {
      guard let read = try? read(text), read.kind == .object else { return .absent }
      user = BSONDocument(unchecked: read.bytes)
    } else {
      return .absent
    }
    do throws(BSONFault) {
      guard let id = try user.value("id") else { return .absent }
      return DumpEnvelope.user(id)
    } catch {
      throw Self.unreadable(error)
    }
  }

  // MARK: The second look

  /// Everything that a dump says, in normal form.
  ///
  /// - Parameters:
  ///   - padded: the text and `JSONReader.padding` bytes more, in memory that outlives the replica.
  ///   - modifiedAt: when the file or entry was modified, in milliseconds.
  public mutating func replica(_ padded: ByteView, modifiedAt: Int64?) throws(DumpFault) -> ReadDump {
    let text = padded.slice(0, padded.count - JSONReader.padding)
    let opened = try envelope(padded)
    guard opened.envelope.isKnown else { throw Self.unknownShape(opened.document) }
    do throws(BSONFault) {
      return try read(opened, text: text, modifiedAt: modifiedAt)
    } catch {
      throw Self.unreadable(error)
    }
  }

  private mutating func read(
    _ opened: OpenedDump, text: ByteView, modifiedAt: Int64?
  ) throws(BSONFault) -> ReadDump {
    let envelope = opened.envelope
    var replica = Replica(origin: .dump(text: text), time: nil)
    normalizer.latest = parameters.latest
    normalizer.hasNULKeys = opened.hasNULKeys
    var body = envelope.body
    switch envelope.shape {
    case .localStorage: try readBrowser(body, hasNULKeys: opened.hasNULKeys, into: &replica)
    case .syncRequest: try readSections(body, prefix: "local_", into: &replica)
    case .library:
      if ExtendedJSON.mayOccur(in: text) {
        body = BSONDocument(unchecked: try ExtendedJSON.converted(body, in: arena))
      }
      try readSections(body, prefix: "", into: &replica)
    case nil: break
    }
    var time = envelope.exportedAt ?? modifiedAt
    if time == nil { time = try newestTime(opened, body: body, text: text, in: replica) }
    replica.time = time.map { min($0, parameters.asOf) }
    return ReadDump(
      replica: replica, document: opened.document, shape: envelope.shape, device: envelope.device,
      saysWhen: envelope.exportedAt != nil)
  }

  /// The newest time anywhere in the dump, in sections too that this run does not decide.
  ///
  /// - Parameter body: the object with the sections, without the wrappers of Extended JSON.
  private func newestTime(
    _ opened: OpenedDump, body: BSONDocument, text: ByteView, in replica: Replica
  ) throws(BSONFault) -> Int64? {
    var newest = replica.newestEntry
    if parameters.readSections != .all {
      var everything = parameters
      everything.sections = .all
      everything.mode = .merge
      var reader = DumpReader(arena: arena, limits: limits, parameters: everything, users: users)
      newest = try reader.read(opened, text: text, modifiedAt: 0).replica.newestEntry
    }
    if opened.envelope.shape == .library {
      for stamp in try [body.value("updated_at")] + body.stamps() {
        if let stamp, let time = try Instant.milliseconds(stamp) { newest = max(newest, time) }
      }
    }
    return newest == Entry.never ? nil : newest
  }

  private mutating func readSections(
    _ body: BSONDocument, prefix: StaticString, into replica: inout Replica
  ) throws(BSONFault) {
    var elements = body.elements
    while let element = try elements.next() {
      if element.key == ByteView("removed") {
        try normalizer.read(.removed, element.value, into: &replica)
        continue
      }
      guard element.key.hasPrefix(prefix) else { continue }
      let name = element.key.dropFirst(ByteView(prefix).count)
      if name == ByteView("total_songs_played") {
        normalizer.readTotal(element.value, into: &replica)
      } else if let section = Section(field: name), section != .removed {
        try normalizer.read(section, element.value, into: &replica)
      }
    }
  }

  /// Reads the browser's own storage: values are strings that hold JSON, or JSON already.
  private mutating func readBrowser(
    _ body: BSONDocument, hasNULKeys: Bool, into replica: inout Replica
  ) throws(BSONFault) {
    var preferences = BSONWriter(capacity: 64)
    let start = preferences.open()
    var elements = body.elements
    while let element = try elements.next() {
      let value = element.value
      switch element.key {
      case "tldr-favorites": try readBrowser(.favorites, value, hasNULKeys, into: &replica)
      case "tldr-history": try readBrowser(.history, value, hasNULKeys, into: &replica)
      case "tldr-queue": try readBrowser(.queue, value, hasNULKeys, into: &replica)
      case "tldr-playlists": try readBrowser(.playlists, value, hasNULKeys, into: &replica)
      case "tldr-recent-searches": try readBrowser(.recentSearches, value, hasNULKeys, into: &replica)
      case "removed": try readBrowser(.removed, value, hasNULKeys, into: &replica)
      case "tldr-total-songs-played": normalizer.readTotal(value, into: &replica)
      case "tldr-shuffle":
        if let shuffle = value.bool ?? Self.bool(value.string) {
          preferences.append("shuffle", bool: shuffle)
        } else {
          refusePreference("tldr-shuffle is neither true nor false", value, into: &replica)
        }
      case "tldr-repeat":
        if let mode = value.string, Preferences.isRepeatMode(mode) {
          preferences.append("repeat", value)
        } else {
          refusePreference("tldr-repeat is none of off, all, one", value, into: &replica)
        }
      default: break
      }
    }
    preferences.close(start)
    if preferences.count > 5 {
      let document = arena.copy(preferences.view)
      try normalizer.read(.preferences, BSONValue(type: .document, bytes: document), into: &replica)
    }
  }

  private static func bool(_ text: ByteView?) -> Bool? {
    text == ByteView("true") ? true : (text == ByteView("false") ? false : nil)
  }

  private func refusePreference(_ detail: String, _ value: BSONValue, into replica: inout Replica) {
    guard !value.isNull, parameters.readSections.contains(.preferences) else { return }
    replica.quarantined.append(Quarantined(.preferences, nil, .invalidSection, detail, raw: value))
  }

  private mutating func readBrowser(
    _ section: Section, _ value: BSONValue, _ hasNULKeys: Bool, into replica: inout Replica
  ) throws(BSONFault) {
    let isRead = parameters.readSections.contains(section)
    // What is not read counts only in that it is there, and not in every mode.
    guard isRead || (parameters.mode == .replace && !replica.hasOtherSections) else { return }
    guard let text = value.string else {
      normalizer.hasNULKeys = hasNULKeys
      return try normalizer.read(section, value, into: &replica)
    }
    func refuse(_ reason: QuarantineReason, _ detail: String) {
      if isRead { replica.quarantined.append(Quarantined(section, nil, reason, detail, raw: value)) }
    }
    let read: InnerJSON
    do throws(JSONFault) {
      read = try self.read(text)
    } catch {
      switch error {
      case .invalid(let offset): refuse(.invalidSection, "no JSON from byte \(offset) of the section on")
      case .tooDeep: refuse(.tooDeep, "nested deeper than \(limits.maxDepth)")
      case .tooLarge: refuse(.invalidSection, "too large to be read")
      }
      return
    }
    normalizer.hasNULKeys = read.hasNULKeys
    switch read.kind {
    case .null: break
    case .array: try normalizer.read(section, BSONValue(type: .array, bytes: read.bytes), into: &replica)
    case .object: try normalizer.read(section, BSONValue(type: .document, bytes: read.bytes), into: &replica)
    case .string, .number, .boolean: refuse(.invalidSection, "the JSON of the section is neither list nor object")
    }
  }

  private static func unknownShape(_ document: BSONDocument?) -> DumpFault {
    DumpFault(
      reason: .unknownShape, detail: "no key of any shape: tldr-…, local_…, a section, or an envelope", raw: document)
  }

  // MARK: JSON

  private struct OpenedDump {
    var document: BSONDocument
    var envelope: DumpEnvelope
    var hasNULKeys: Bool
  }

  private mutating func envelope(_ padded: ByteView, identityOnly: Bool = false) throws(DumpFault) -> OpenedDump {
    let value: JSONValue
    do throws(JSONFault) {
      value = try json.read(padded, maxDepth: limits.maxDepth, identityOnly: identityOnly)
    } catch {
      switch error {
      case .invalid(let offset):
        throw DumpFault(reason: .invalidJSON, detail: "no JSON from byte \(offset) on", offset: offset)
      case .tooDeep(let offset):
        throw DumpFault(
          reason: .tooDeep, detail: "nested deeper than \(limits.maxDepth)", offset: offset,
          raw: identityOnly ? nil : deepContent(padded))
      case .tooLarge: throw DumpFault(reason: .tooLarge, detail: "too large to be read")
      }
    }
    guard value.kind == .object else {
      throw DumpFault(reason: .invalidJSON, detail: "JSON, but no object", offset: 0)
    }
    do throws(BSONFault) {
      let document = BSONDocument(unchecked: json.copyBSON(to: arena))
      return OpenedDump(
        document: document, envelope: try DumpEnvelope(document), hasNULKeys: value.hasNULKeys)
    } catch {
      throw Self.unreadable(error)
    }
  }

  /// What a dump past the limit holds, its tokens redacted, for whoever looks at the quarantine; nil where it is nested
  /// so deep that writing it down would be no safer than using it.
  private mutating func deepContent(_ padded: ByteView) -> BSONDocument? {
    guard let value = try? json.read(padded, maxDepth: Self.deepestShown), value.kind == .object else { return nil }
    return BSONDocument(unchecked: json.copyBSON(to: arena))
  }

  private static var deepestShown: Int { 128 }

  /// Reads the JSON that a string of the dump holds. The string lies in the arena, so readable bytes follow it.
  private mutating func read(_ text: ByteView) throws(JSONFault) -> InnerJSON {
    // A byte order mark may open a dump; in a string it is a character that no JSON begins with.
    if text.hasPrefix("\u{FEFF}") { throw .invalid(offset: 0) }
    let value = try unsafe json.read(text.extended(by: JSONReader.padding), maxDepth: limits.maxDepth)
    return InnerJSON(kind: value.kind, bytes: json.copyBSON(to: arena), hasNULKeys: value.hasNULKeys)
  }

  private struct InnerJSON {
    var kind: JSONValue.Kind
    var bytes: ByteView
    var hasNULKeys: Bool
  }

  private static func unreadable(_ fault: BSONFault) -> DumpFault {
    DumpFault(reason: .invalidJSON, detail: "cannot be read back: \(fault)")
  }
}

/// A dump in normal form.
public struct ReadDump {
  public var replica: Replica
  /// The dump as it was written, without its secrets.
  public var document: BSONDocument
  public var shape: DumpShape?
  public var device: ByteView?
  /// Whether the dump itself says when it was made.
  public var saysWhen: Bool
}

extension BSONDocument {
  /// The values of `section_updated_at`.
  fileprivate func stamps() throws(BSONFault) -> [BSONValue?] {
    guard let times = try value("section_updated_at")?.document else { return [] }
    var stamps: [BSONValue?] = []
    var elements = times.elements
    while let element = try elements.next() { stamps.append(element.value) }
    return stamps
  }
}
