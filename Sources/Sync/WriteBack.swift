internal import BSON
internal import Library

/// A merged library as the browser loads it: an object of localStorage, values as strings.
///
/// Never a token nor `tldr-user`: beside a stale one the browser logs out at once and deletes the library. Fed in
/// again as a dump it changes nothing, so a field that JSON cannot carry and give back the same is left out.
struct WriteBack {
  /// Where the file lies in the folder or archive.
  let name: String
  let contents: [UInt8]
  /// When the queue was changed, in milliseconds since 1970: where the file is fed in again, the stored one with the
  /// fields that JSON cannot carry is not the older. Nil where the library does not say.
  private(set) var modifiedAt: Int64?

  init(user: ByteView, library: BSONDocument) throws(BSONFault) {
    let place = WriteBackName(user: user)
    name = place.file
    var object = BrowserObject()
    if !place.namesUser { object.add("user_id", text: user) }
    var elements = library.elements
    while let element = try elements.next() {
      let value = element.value
      switch element.key {
      case "favorites": try object.add("tldr-favorites", entries: value)
      case "history": try object.add("tldr-history", entries: value)
      case "queue": try object.add("tldr-queue", entries: value, without: "position")
      case "playlists": try object.add("tldr-playlists", playlists: value)
      case "recent_searches": try object.add("tldr-recent-searches", texts: value)
      case "section_updated_at": modifiedAt = try value.document?.value("queue")?.date ?? modifiedAt
      case "updated_at": modifiedAt = modifiedAt ?? value.date
      case "total_songs_played":
        if let total = NormalForm.total(value) { object.add("tldr-total-songs-played", text: "\(total)") }
      case "preferences":
        guard let preferences = value.document else { break }
        if let shuffle = try preferences.value("shuffle")?.bool {
          object.add("tldr-shuffle", text: shuffle ? "true" : "false")
        }
        if let mode = try preferences.value("repeat")?.string, Preferences.isRepeatMode(mode) {
          object.add("tldr-repeat", text: mode)
        }
      default: break
      }
    }
    contents = object.text
  }
}

/// The JSON text of a browser's storage while it is written.
private struct BrowserObject {
  private var json = JSONText()
  private var isFirst = true

  init() { json.put("{") }

  /// The finished object.
  var text: [UInt8] {
    var whole = json
    whole.put("}")
    return whole.bytes
  }

  private mutating func key(_ key: StaticString) {
    if !isFirst { json.put(",") }
    isFirst = false
    json.key(key)
  }

  mutating func add(_ key: StaticString, text: ByteView) {
    self.key(key)
    json.string(text)
  }

  mutating func add(_ key: StaticString, text: String) {
    self.key(key)
    json.string(text)
  }

  // Lists are strings that hold their JSON.

  mutating func add(_ key: StaticString, entries: BSONValue, without hidden: StaticString? = nil) throws(BSONFault) {
    guard let array = entries.array else { return }
    var list = BrowserList()
    try list.write(entries: array, without: hidden)
    add(key, list)
  }

  mutating func add(_ key: StaticString, playlists: BSONValue) throws(BSONFault) {
    guard let array = playlists.array else { return }
    var list = BrowserList()
    try list.write(playlists: array)
    add(key, list)
  }

  mutating func add(_ key: StaticString, texts: BSONValue) throws(BSONFault) {
    guard let array = texts.array else { return }
    var list = BrowserList()
    try list.write(texts: array)
    add(key, list)
  }

  private mutating func add(_ key: StaticString, _ list: BrowserList) {
    self.key(key)
    list.json.bytes.withView { json.string($0) }
  }
}

/// The JSON of one list.
private struct BrowserList {
  private(set) var json = JSONText()

  mutating func write(texts: BSONDocument) throws(BSONFault) {
    json.put("[")
    var isFirst = true
    var elements = texts.elements
    while let element = try elements.next() {
      guard let text = element.value.string else { continue }
      separate(&isFirst)
      json.string(text)
    }
    json.put("]")
  }

  mutating func write(entries: BSONDocument, without hidden: StaticString?) throws(BSONFault) {
    json.put("[")
    var isFirst = true
    var elements = entries.elements
    while let element = try elements.next() {
      guard let entry = element.value.document else { continue }
      separate(&isFirst)
      try write(entry, without: hidden, isPlaylist: false)
    }
    json.put("]")
  }

  mutating func write(playlists: BSONDocument) throws(BSONFault) {
    json.put("[")
    var isFirst = true
    var elements = playlists.elements
    while let element = try elements.next() {
      guard let playlist = element.value.document else { continue }
      separate(&isFirst)
      // Which local ids a playlist came from is the cloud's own knowledge.
      try write(playlist, without: "client_ids", isPlaylist: true)
    }
    json.put("]")
  }

  private mutating func separate(_ isFirst: inout Bool) {
    if !isFirst { json.put(",") }
    isFirst = false
  }

  private mutating func write(
    _ document: BSONDocument, without hidden: StaticString?, isPlaylist: Bool
  ) throws(BSONFault) {
    json.put("{")
    var isFirst = true
    var elements = document.elements
    while let element = try elements.next() {
      if let hidden, element.key == ByteView(hidden) { continue }
      let isTime = Self.isTime(element.key, isPlaylist: isPlaylist)
      let isSongs = isPlaylist && element.key == ByteView("songs")
      let isCarried = try Self.survives(element.value)
      guard isTime || isSongs || isCarried else { continue }
      separate(&isFirst)
      json.string(element.key)
      json.put(":")
      if isTime, let time = try Instant.milliseconds(element.value) {
        // A number below this border would be read as seconds.
        if time < 100_000_000_000 { json.string(Instant.text(time)) } else { json.put(time) }
      } else if isSongs, let songs = element.value.array {
        try write(entries: songs, without: nil)
      } else {
        try json.value(element.value)
      }
    }
    json.put("}")
  }

  private static func isTime(_ key: ByteView, isPlaylist: Bool) -> Bool {
    isPlaylist
      ? key == ByteView("created_at") || key == ByteView("updated_at")
      : key == ByteView("addedAt") || key == ByteView("playedAt") || key == ByteView("removedAt")
  }

  /// Whether JSON can carry a value and give back the same.
  private static func survives(_ value: BSONValue, depth: Int = 0) throws(BSONFault) -> Bool {
    switch value.type {
    case .string, .bool, .null, .int32, .int64: return true
    case .double: return value.double?.isFinite ?? false
    case .document, .array:
      // What stands so deep would not be read again.
      guard depth < BSONDocument.deepest, let nested = value.document ?? value.array else { return false }
      var elements = nested.elements
      while let element = try elements.next() {
        guard try survives(element.value, depth: depth + 1) else { return false }
      }
      return true
    default: return false
    }
  }
}
