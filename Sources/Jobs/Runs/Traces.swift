internal import BSON
internal import Glibc
internal import Stores
internal import Sync

/// By what forgotten users could still be known: their ids, and texts that were theirs alone.
struct Traces: Sendable {
  /// In UTF-8.
  let ids: Set<[UInt8]>
  /// Those of whom the store or a journal had a document.
  let met: Set<[UInt8]>
  private let names: [Sought]
  /// Titles, names, searches and the like that no other user's documents hold.
  private let texts: [Sought]
  private let fingerprints: Set<UInt64>
  /// Digests of other users' documents that name one of the ids, to that of the same document without it.
  private let digests: [[UInt8]: [UInt8]]

  /// Reads the users' documents, those that journals keep of them, and those of all others to learn what they share.
  init(of users: Set<[UInt8]>, in store: any Store, _ archive: RunArchive) throws(StoreError) {
    ids = users
    let names = users.map { Sought($0) }
    self.names = names
    var own: [UInt64: [UInt8]] = [:]
    var met: Set<[UInt8]> = []
    var digests: [[UInt8]: [UInt8]] = [:]
    func note(_ document: BSONDocument) {
      var writer = BSONWriter()
      // One that cannot be read stays as it is, and is told of where it is to be written.
      guard (try? Self.write(document, without: names, to: &writer)) == true else { return }
      digests[digest(document)] = digest(BSONDocument(unchecked: writer.view))
    }
    let collections = try [store.open(.userLibrary), store.open(.playArchive)]
    let arena = Arena()
    let keys = users.sorted { $0.lexicographicallyPrecedes($1) }.map { arena.copy($0) }
    for collection in collections {
      for key in keys {
        let documents = try collection.documents(of: [key], in: arena).first ?? []
        for document in documents { document.forEachText { own[$0.fingerprint] = $0.copy() } }
        if !documents.isEmpty { met.insert(key.copy()) }
      }
    }
    for id in try archive.ids() {
      guard let journal = try JournalReader(ifPresent: archive.folder(id)) else { continue }
      for change in journal.changes() {
        let isTheirs = users.contains(change.key.copy())
        if isTheirs { met.insert(change.key.copy()) }
        guard let document = try journal.document(change.before) else { continue }
        if isTheirs {
          document.forEachText { own[$0.fingerprint] = $0.copy() }
        } else {
          note(document)
        }
      }
    }
    for id in users { id.withView { own[$0.fingerprint] = nil } }
    for collection in collections {
      try collection.cursor(updatedSince: nil).forEachDocument { document in
        guard let key = document.text(collection.schema.key), !users.contains(key.copy()) else { return }
        if !own.isEmpty { document.forEachText { own[$0.fingerprint] = nil } }
        note(document)
      }
    }
    // What is shorter says nothing of anybody, and stands everywhere.
    texts = own.values.filter { $0.count >= Self.shortestText }.map { Sought($0) }
    fingerprints = Set(own.keys)
    self.digests = digests
    self.met = met
  }

  private static let shortestText = 6

  // MARK: Documents of others

  /// From this length on an id is nobody's word, and is looked for inside of texts too. In bytes.
  fileprivate static let unmistakable = 16

  /// Another user's document with another word in the place of every id; nil when it holds none.
  ///
  /// - Throws: where an id stands in one that cannot be read to its end.
  func redacted(_ document: BSONDocument) throws(BSONFault) -> [UInt8]? {
    var writer = BSONWriter()
    return try Self.write(document, without: names, to: &writer) ? writer.view.copy() : nil
  }

  /// What an operator should know of a document that cannot be read.
  static func note(on document: String, _ fault: BSONFault) -> String {
    "\(document) cannot be read: look yourself whether it names a user who is forgotten: \(fault.what)"
  }

  /// The digest that a document has now which had this one before others' documents were redacted.
  func redacted(digest: [UInt8]?) -> [UInt8]? { digest.map { digests[$0] ?? $0 } }

  /// - Returns: whether it holds one of the ids; else nothing of use was written.
  private static func write(
    _ document: BSONDocument, without ids: [Sought], to writer: inout BSONWriter
  ) throws(BSONFault) -> Bool {
    guard ids.contains(where: { document.bytes.place(of: $0.text) != nil }) else { return false }
    try copy(document, without: ids, to: &writer)
    return writer.view != document.bytes
  }

  /// A document or list that is being copied.
  private struct Copying {
    var elements: BSONElements
    let start: Int
    let isList: Bool
    /// Whether it is one of a list.
    let isInList: Bool
  }

  private static func copy(
    _ document: BSONDocument, without ids: [Sought], to writer: inout BSONWriter
  ) throws(BSONFault) {
    // However deep: what is passed over here stays after somebody was forgotten.
    var open = [Copying(elements: document.elements, start: writer.open(), isList: false, isInList: false)]
    while let parent = open.last {
      guard let element = try open[open.count - 1].elements.next() else {
        writer.close(parent.start)
        open.removeLast()
        continue
      }
      if let text = element.value.string {
        writer.key(element.key, .string)
        writer.put(string: text, without: ids, isName: element.key.namesSomebody(inList: parent.isInList))
      } else if let nested = element.value.document ?? element.value.array {
        writer.key(element.key, element.value.type)
        open.append(
          Copying(
            elements: nested.elements, start: writer.open(), isList: element.value.array != nil,
            isInList: parent.isList))
      } else {
        writer.append(element.key, element.value)
      }
    }
  }

  // MARK: Texts

  /// Whether a document of what is known of everybody holds one of the ids, or a text that was theirs alone. A short id
  /// is not looked for: there nobody is named, and it may be a title.
  func areMentioned(in document: BSONDocument) -> Bool {
    var found = false
    document.forEachText { text in
      if fingerprints.contains(text.fingerprint) { found = true }
      if text.count >= Self.unmistakable, ids.contains(text.copy()) { found = true }
    }
    return found
  }

  /// The ids that are nobody's word and stand in a text, plain or as JSON and HTML write them.
  func unmistakableIDs(in text: ByteView) -> Set<[UInt8]> {
    ids { $0.isUnmistakable && $0.isMentioned(in: text) }
  }

  /// The ids that stand in a text of JSON as a whole string; in one that cannot be parsed, whatever they mean there.
  func idsInQuotes(in text: ByteView) -> Set<[UInt8]> {
    ids { $0.isForm(in: text, .quoted) }
  }

  private func ids(_ areMeant: (Sought) -> Bool) -> Set<[UInt8]> { Set(names.filter(areMeant).map(\.text)) }

  /// Whether a text holds one that was theirs alone, plain or as JSON and HTML write it.
  func holdsTheirs(_ text: ByteView) -> Bool { texts.contains { $0.isMentioned(in: text) } }

  /// Whether a text is one that was theirs alone.
  func isTheirs(_ text: ByteView) -> Bool { text.count >= Self.shortestText && fingerprints.contains(text.fingerprint) }

  /// The text with another word in the place of every id.
  ///
  /// A short id may be a number or a word of everybody's. It is replaced where it is the whole text, and where it is a
  /// part of a path: `ann/phone.json`, `/ann`, `ann.json`.
  func redacted(_ text: [UInt8]) -> [UInt8] { text.redacted(names) }

  /// The text with another word in the place of every id.
  func redacted(_ text: String) -> String { String(decoding: redacted(Array(text.utf8)), as: UTF8.self) }

  /// The short ids that are part of a path in a text, or all of it.
  func idsInPaths(of text: ByteView) -> Set<[UInt8]> {
    ids { !$0.isUnmistakable && text.firstOccurrence(of: $0.text, .pathPart) != nil }
  }
}

/// A text that is looked for in others.
private struct Sought {
  let text: [UInt8]
  /// How it stands in files: as it is, in JSON, in HTML, in a file's name.
  let forms: Set<[UInt8]>

  init(_ text: [UInt8]) {
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
    self.text = text
    forms = [text, Array(json.bytes.dropFirst().dropLast()), html]
  }

  var isUnmistakable: Bool { text.count >= Traces.unmistakable }

  func isForm(in other: ByteView, _ standing: Standing) -> Bool {
    forms.contains { other.firstOccurrence(of: $0, standing) != nil }
  }

  func isMentioned(in other: ByteView) -> Bool { isForm(in: other, text.count < 8 ? .word : .anywhere) }
}

extension BSONWriter {
  /// Appends a string's value with another word in the place of every id.
  ///
  /// - Parameter isName: whether the string names somebody; any other is a text in which a short id may be a word.
  fileprivate mutating func put(string text: ByteView, without ids: [Sought], isName: Bool) {
    let long = ids.filter { $0.isUnmistakable && text.place(of: $0.text) != nil }
    if isName, ids.contains(where: { id in id.text.withView { $0 == text } }) {
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
  fileprivate func redacted(_ ids: [Sought]) -> [UInt8] {
    var text = self
    for id in ids {
      for form in id.forms { text = text.redacted(form, id.isUnmistakable ? .anywhere : .pathPart) }
    }
    return text
  }

  private func redacted(_ form: [UInt8], _ standing: Standing) -> [UInt8] {
    withView { text in
      var result: [UInt8] = []
      var start = 0
      while let place = text.firstOccurrence(of: form, standing, from: start) {
        result += self[start..<place]
        result += forgottenName.utf8
        start = place + form.count
      }
      return start == 0 ? self : result + self[start...]
    }
  }
}

extension ByteView {
  /// Whether a field of this name says who somebody is: `owner_id`, `userId`; not which video or device something is.
  ///
  /// - Parameter inList: whether it is a field of one of a list, whose `id` is its own.
  func namesSomebody(inList: Bool) -> Bool {
    let name = string.lowercased().filter { $0 != "_" && $0 != "-" }
    guard name.hasSuffix("id") else { return false }
    return name == "id" ? !inList : !["videoid", "deviceid", "sessionid", "runid"].contains { name.hasSuffix($0) }
  }

  /// Where a text, which is not empty, begins in these bytes for the first time at or behind `start`.
  fileprivate func place(of text: [UInt8], from start: Int = 0) -> Int? {
    guard let first = text.first, text.count <= count - start else { return nil }
    return unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var place = unsafe base + start
      let end = unsafe base + bytes.count - text.count + 1
      while unsafe place < end, let found = unsafe memchr(place, Int32(first), end - place) {
        if unsafe memcmp(found, text, text.count) == 0 { return unsafe UnsafeRawPointer(found) - base }
        unsafe place = UnsafeRawPointer(found) + 1
      }
      return nil
    }
  }

  /// The same where it stands as asked for.
  fileprivate func firstOccurrence(of text: [UInt8], _ standing: Standing, from start: Int = 0) -> Int? {
    var start = start
    while let place = place(of: text, from: start) {
      if stands(place..<place + text.count, as: standing) { return place }
      start = place + 1
    }
    return nil
  }

  private func stands(_ place: Range<Int>, as standing: Standing) -> Bool {
    let before = place.lowerBound == 0 ? nil : self[place.lowerBound - 1]
    let after = place.upperBound == count ? nil : self[place.upperBound]
    switch standing {
    case .anywhere: return true
    case .word: return before?.isWordByte != true && after?.isWordByte != true
    case .quoted: return before == UInt8(ascii: "\"") && after == UInt8(ascii: "\"")
    case .pathPart:
      let slash = UInt8(ascii: "/")
      let rest = dropFirst(place.upperBound)
      let isDump = rest.hasPrefix(".json") || rest.hasPrefix(".ndjson") || rest.hasPrefix(".jsonl")
      // What else may end a path: the end of the text, a new line, an archive's extension, an error's words.
      let ends = after.map { "\n .:,\"'()".utf8.contains($0) } ?? true
      let begins = before.map { "\n :,\"'()".utf8.contains($0) } ?? true
      if before == slash { return ends || after == slash }
      return begins && (isDump || after == slash || (before == nil && after == nil))
    }
  }
}

/// Where in a text another one is looked for.
private enum Standing {
  case anywhere
  /// With no letter or digit beside it: short texts are parts of others.
  case word
  /// As a whole string of JSON.
  case quoted
  /// As the name of a folder or of a user's file: `/ann/`, `ann.json`; or as the whole text.
  case pathPart
}

extension UInt8 {
  /// Whether the byte is of a letter or a digit.
  fileprivate var isWordByte: Bool {
    (self >= 48 && self < 58) || (self >= 65 && self < 91) || (self >= 97 && self < 123) || self >= 128
  }
}

extension BSONDocument {
  /// Hands over every string at every depth; what cannot be read is passed over.
  fileprivate func forEachText(_ body: (ByteView) -> Void) {
    // However deep: what is passed over here stays after somebody was forgotten.
    var open = [elements]
    while !open.isEmpty {
      guard let element = try? open[open.count - 1].next() else {
        open.removeLast()
        continue
      }
      if let text = element.value.string {
        body(text)
      } else if let nested = element.value.document ?? element.value.array {
        open.append(nested.elements)
      }
    }
  }
}
