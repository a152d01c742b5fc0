internal import BSON
internal import Dumps

/// A way in which a dump is spoiled; together they reach every row of the quarantine's table.
enum Damage: CaseIterable {
  // The dump as text
  case cut, trailing, notAnObject, badUTF8
  // The dump as a whole
  case unknownShape, userIsObject, userTooLong, tooDeep
  // A section
  case sectionType, sectionText, sectionTooDeep, shuffleWord, preferencesKeyWithNUL
  // An entry
  case entryWithoutIdentity, entryWithoutTime, entryFromFuture, entryOfWrongType, entryKeyWithNUL, playlistWithoutID

  /// Whether it is done to the dump itself, before an envelope is put around it.
  var isInside: Bool {
    switch self {
    case .cut, .trailing, .notAnObject, .badUTF8, .userIsObject, .userTooLong, .unknownShape, .tooDeep: false
    default: true
    }
  }

  /// Spoils a dump of that shape.
  ///
  /// What is added is added at the end: of a repeated key the last value counts.
  func spoil(_ text: inout GeneratedJSON, _ shape: DumpShape, asOf: Int64, _ random: inout Random) {
    switch self {
    case .cut: text.keep(1 + random.below(text.bytes.count - 2))
    case .trailing: text.append(" ]")
    case .notAnObject: text.replace("\"just a string\"")
    case .unknownShape: text.replace("{\"hello\":\"world\",\"version\":3}")
    case .badUTF8:
      text.addMember("note") { text in
        text.string("cut")
        text.keep(text.bytes.count - 1)
        text.append(UInt8(0xC3))
        text.append("(\"")
      }
    case .userIsObject: text.addMember("user_id") { $0.raw("{\"$ne\":null}") }
    case .userTooLong: text.addMember("user_id") { $0.string(String(repeating: "u", count: 257)) }
    case .tooDeep: text.addMember("note") { $0.nest(70) }
    default: spoilSection(of: &text, shape, asOf: asOf)
    }
  }

  private func spoilSection(of text: inout GeneratedJSON, _ shape: DumpShape, asOf: Int64) {
    guard let (name, value) = section(shape, asOf: asOf) else { return }
    var key = GeneratedJSON()
    switch shape {
    case .localStorage: key.append("tldr-")
    case .syncRequest: key.append("local_")
    case .library: break
    }
    key.append(name)
    key.bytes.withView { key in
      text.addMember(key) { text in
        if shape == .localStorage { text.string(holding: value) } else { value.bytes.withView { text.append($0) } }
      }
    }
  }

  /// A section's name without its shape's beginning, and what it holds.
  private func section(_ shape: DumpShape, asOf: Int64) -> (StaticString, GeneratedJSON)? {
    var value = GeneratedJSON()
    switch self {
    case .sectionType:
      value.append("{\"not\":\"a list\"}")
      return ("favorites", value)
    case .sectionText:
      // Only a string can fail to parse by itself.
      value.append(shape == .localStorage ? "[{\"title\":\"cut" : "17")
      return ("history", value)
    case .sectionTooDeep:
      value.nest(70)
      return ("queue", value)
    case .shuffleWord:
      value.append(shape == .localStorage ? "True" : "{\"shuffle\":true,\"repeat\":[]}")
      return (shape == .localStorage ? "shuffle" : "preferences", value)
    case .preferencesKeyWithNUL:
      if shape == .localStorage { return ("queue", nulKey()) }
      value.append("{\"shuffle\":true,\"a\\u0000b\":1}")
      return ("preferences", value)
    case .entryWithoutIdentity: return ("favorites", list("{\"artist\":\"Nobody\"}", time: "addedAt", asOf))
    case .entryWithoutTime:
      value.append("[{\"title\":\"Never\",\"artist\":\"Nobody\"},{\"title\":\"Never\",\"playedAt\":\"yesterday\"}]")
      return ("history", value)
    case .entryFromFuture: return ("history", list(nil, time: "playedAt", asOf + 30 * Span.day))
    case .entryOfWrongType:
      value.append("[17,\"text\",null,{\"title\":5,\"artist\":\"Nobody\"},{\"title\":\"Good\",\"artist\":\"One\"}]")
      return ("favorites", value)
    case .entryKeyWithNUL: return ("queue", nulKey())
    case .playlistWithoutID:
      value.append("[{\"name\":\"Nobody's\",\"songs\":[]},{\"id\":\"\",\"name\":\"Empty\"},{\"id\":7}]")
      return ("playlists", value)
    default: return nil
    }
  }

  private func nulKey() -> GeneratedJSON {
    var value = GeneratedJSON()
    value.append("[{\"title\":\"Good\",\"artist\":\"One\"},{\"title\":\"Bad\",\"a\\u0000b\":1}]")
    return value
  }

  /// A good row with this time, and perhaps one more.
  private func list(_ extra: StaticString?, time key: StaticString, _ time: Int64) -> GeneratedJSON {
    var value = GeneratedJSON()
    value.beginArray()
    value.beginObject()
    value.key("title")
    value.string("Good")
    value.key(key)
    value.integer(time)
    value.endObject()
    if let extra { value.raw(extra) }
    value.endArray()
    return value
  }
}

extension GeneratedJSON {
  fileprivate mutating func replace(_ json: StaticString) {
    removeAll()
    append(json)
  }

  /// Adds a member at the end of the object that this is.
  fileprivate mutating func addMember(_ key: ByteView, _ write: (inout GeneratedJSON) -> Void) {
    keep(bytes.count - 1)
    self.key(key)
    write(&self)
    endObject()
  }

  fileprivate mutating func addMember(_ key: StaticString, _ write: (inout GeneratedJSON) -> Void) {
    addMember(ByteView(key), write)
  }

  /// Lists in lists.
  fileprivate mutating func nest(_ depth: Int) {
    for _ in 0..<depth { beginArray() }
    for _ in 0..<depth { endArray() }
  }
}
