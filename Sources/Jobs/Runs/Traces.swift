internal import BSON
internal import Glibc
internal import Stores
internal import Sync

/// By what forgotten users could still be known: their ids, and texts that were theirs alone.
struct Traces: Sendable {
  /// In UTF-8.
  let ids: Set<[UInt8]>
  /// Titles, names, searches and the like that no other user's documents hold.
  private let texts: [[UInt8]]
  private let fingerprints: Set<UInt64>
  /// Digests of other users' documents that name one of the ids, to that of the same document without it.
  private let digests: [[UInt8]: [UInt8]]

  /// Reads the users' documents, those that journals keep of them, and those of all others to learn what they share.
  init(of users: Set<[UInt8]>, in store: any Store, _ archive: RunArchive) throws(StoreError) {
    ids = users
    var own: [UInt64: [UInt8]] = [:]
    var digests: [[UInt8]: [UInt8]] = [:]
    func note(_ document: BSONDocument) {
      var writer = BSONWriter()
      guard Self.write(document, without: users, to: &writer) else { return }
      digests[digest(document)] = digest(BSONDocument(unchecked: writer.view))
    }
    let collections = try [store.open(.userLibrary), store.open(.playArchive)]
    let arena = Arena()
    let keys = users.sorted { $0.lexicographicallyPrecedes($1) }.map { arena.copy($0) }
    for collection in collections {
      for key in keys {
        let documents = try collection.documents(of: [key], in: arena).first ?? []
        for document in documents { document.forEachText { own[$0.fingerprint] = $0.copy() } }
      }
    }
    for id in try archive.ids() {
      guard let journal = try JournalReader(ifPresent: archive.folder(id)) else { continue }
      for change in journal.changes() {
        guard let document = try journal.document(change.before) else { continue }
        if users.contains(change.key.copy()) {
          document.forEachText { own[$0.fingerprint] = $0.copy() }
        } else {
          note(document)
        }
      }
    }
    for id in users { id.withView { own[$0.fingerprint] = nil } }
    for collection in collections {
      let cursor = try collection.cursor(updatedSince: nil)
      while true {
        arena.reset()
        let documents = try cursor.next(upTo: 8 << 20, in: arena)
        guard !documents.isEmpty else { break }
        for document in documents {
          guard let key = document.string(collection.schema.key), !users.contains(key.copy()) else { continue }
          if !own.isEmpty { document.forEachText { own[$0.fingerprint] = nil } }
          note(document)
        }
      }
    }
    // What is shorter says nothing of anybody, and stands everywhere.
    texts = own.values.filter { $0.count >= 6 }
    fingerprints = Set(own.keys)
    self.digests = digests
  }

  // MARK: Documents of others

  /// From this length on an id is nobody's word, and is looked for inside of texts too. In bytes.
  fileprivate static let unmistakable = 16

  /// Another user's document with another word in the place of every id; nil when it holds none.
  func redacted(_ document: BSONDocument) -> [UInt8]? {
    var writer = BSONWriter()
    return Self.write(document, without: ids, to: &writer) ? writer.view.copy() : nil
  }

  /// The digest that a document has now which had this one before others' documents were redacted.
  func redacted(digest: [UInt8]?) -> [UInt8]? { digest.map { digests[$0] ?? $0 } }

  /// - Returns: whether it holds one of the ids; else nothing of use was written.
  private static func write(
    _ document: BSONDocument, without ids: Set<[UInt8]>, to writer: inout BSONWriter
  ) -> Bool {
    guard ids.contains(where: { document.bytes.contains($0) }) else { return false }
    do throws(BSONFault) {
      try copy(document, without: ids, to: &writer)
    } catch {
      return false
    }
    return writer.view != document.bytes
  }

  private static func copy(
    _ document: BSONDocument, without ids: Set<[UInt8]>, to writer: inout BSONWriter
  ) throws(BSONFault) {
    let start = writer.open()
    var elements = document.elements
    while let element = try elements.next() {
      if let text = element.value.string {
        writer.key(element.key, .string)
        writer.put(string: text, without: ids, isName: element.key.namesSomebody)
      } else if let nested = element.value.document ?? element.value.array {
        writer.key(element.key, element.value.type)
        try copy(nested, without: ids, to: &writer)
      } else {
        writer.append(element.key, element.value)
      }
    }
    writer.close(start)
  }

  // MARK: Texts

  /// Whether a document holds one of the ids, or a text that was theirs alone.
  func areMentioned(in document: BSONDocument) -> Bool {
    var found = false
    document.forEachText { text in
      if fingerprints.contains(text.fingerprint) || ids.contains(text.copy()) { found = true }
    }
    return found
  }

  /// Whether a text holds one of the ids or texts, plain or as JSON and HTML write them.
  func areMentioned(in text: ByteView) -> Bool {
    ids.contains { text.mentions($0) } || texts.contains { text.mentions($0) }
  }

  /// The text with another word in the place of every id.
  func redacted(_ text: [UInt8]) -> [UInt8] { text.redacted(ids) }

  /// The text with another word in the place of every id.
  func redacted(_ text: String) -> String { String(decoding: redacted(Array(text.utf8)), as: UTF8.self) }

  /// How a text stands in files: as it is, in JSON, in HTML, in a file's name.
  fileprivate static func forms(_ text: [UInt8]) -> Set<[UInt8]> {
    var json = JSONText()
    text.withView { json.string($0) }
    let html = text.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: "&"): Array("&amp;".utf8)
      case UInt8(ascii: "<"): Array("&lt;".utf8)
      case UInt8(ascii: ">"): Array("&gt;".utf8)
      case UInt8(ascii: "\""): Array("&quot;".utf8)
      case UInt8(ascii: "'"): Array("&#39;".utf8)
      default: [byte]
      }
    }
    return [text, Array(json.bytes.dropFirst().dropLast()), html]
  }
}

extension BSONWriter {
  /// Appends a string's value with another word in the place of every id.
  ///
  /// - Parameter isName: whether the string names somebody; any other is a text in which a short id may be a word.
  fileprivate mutating func put(string text: ByteView, without ids: Set<[UInt8]>, isName: Bool) {
    let long = ids.filter { $0.count >= Traces.unmistakable && text.contains($0) }
    if isName, ids.contains(text.copy()) {
      put(string: forgottenName)
    } else if long.isEmpty {
      put(string: text)
    } else {
      put(string: text.copy().redacted(long))
    }
  }

  private mutating func put(string text: [UInt8]) { text.withView { put(string: $0) } }

  private mutating func put(string text: String) { put(string: Array(text.utf8)) }
}

extension [UInt8] {
  /// The text with another word in the place of every id.
  fileprivate func redacted(_ ids: Set<[UInt8]>) -> [UInt8] {
    var text = self
    for id in ids {
      for form in Traces.forms(id) {
        var result: [UInt8] = []
        var rest = text[...]
        while let place = rest.firstOccurrence(of: form, isWhole: id.count < 8) {
          result += rest[..<place]
          result += Array(forgottenName.utf8)
          rest = rest[(place + form.count)...]
        }
        text = result + rest
      }
    }
    return text
  }
}

extension ByteView {
  /// Whether a field of this name says who somebody is: `owner_id`, `userId`.
  fileprivate var namesSomebody: Bool {
    count >= 2 && (self[count - 2] | 0x20) == UInt8(ascii: "i") && (self[count - 1] | 0x20) == UInt8(ascii: "d")
  }

  fileprivate func contains(_ text: [UInt8]) -> Bool {
    guard let first = text.first, text.count <= count else { return false }
    return unsafe withUnsafeBytes { bytes in
      guard var place = bytes.baseAddress else { return false }
      let end = unsafe place + bytes.count - text.count + 1
      while unsafe place < end, let start = unsafe memchr(place, Int32(first), end - place) {
        if unsafe memcmp(start, text, text.count) == 0 { return true }
        unsafe place = UnsafeRawPointer(start) + 1
      }
      return false
    }
  }

  fileprivate func mentions(_ text: [UInt8]) -> Bool {
    let own = copy()[...]
    return Traces.forms(text).contains { own.firstOccurrence(of: $0, isWhole: text.count < 8) != nil }
  }
}

extension ArraySlice<UInt8> {
  /// - Parameter isWhole: whether no letter or digit may stand beside it: short names are parts of others.
  fileprivate func firstOccurrence(of text: [UInt8], isWhole: Bool) -> Int? {
    guard let first = text.first, count >= text.count else { return nil }
    func isWordByte(_ byte: UInt8) -> Bool {
      (byte >= 48 && byte < 58) || (byte >= 65 && byte < 91) || (byte >= 97 && byte < 123) || byte >= 128
    }
    var place = startIndex
    while let start = self[place...].firstIndex(of: first), endIndex - start >= text.count {
      let end = start + text.count
      let isAlone =
        !isWhole
        || ((start == startIndex || !isWordByte(self[start - 1])) && (end == endIndex || !isWordByte(self[end])))
      if isAlone, self[start..<end].elementsEqual(text) { return start }
      place = start + 1
    }
    return nil
  }
}

extension BSONDocument {
  /// Hands over every string at every depth; what cannot be read is passed over.
  fileprivate func forEachText(_ body: (ByteView) -> Void) {
    var elements = self.elements
    do throws(BSONFault) {
      while let element = try elements.next() {
        if let text = element.value.string {
          body(text)
        } else if let nested = element.value.document ?? element.value.array {
          nested.forEachText(body)
        }
      }
    } catch {
      return
    }
  }
}
