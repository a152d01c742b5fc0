internal import BSON
internal import Digests

/// A record of `journal.bson`: one BSON document, which ends with a check over all that stands before it.
///
/// | record | fields |
/// |---|---|
/// | the first | `journal` (version), `run_id`, `store` |
/// | a file | `file` (number), `collection`, `name` in the run's folder, `size`, `modified` (ns since 1970) |
/// | a change | `collection`, `key`, `subkey`, what was there, `written` (the digest of what took its place) |
///
/// What was there is `document`, or `at`, `length` in the file `in`, or nothing: then the run created the document. A
/// change without `written` removed it. `withdrawn` says that an earlier record's change was not made.
enum JournalRecord {
  case header
  case file(JournalFile)
  case change(JournalChange)

  static let version: Int64 = 1

  /// Reads a record; nil when it is torn or none.
  init?(_ document: BSONDocument) {
    guard Self.isWhole(document) else { return nil }
    do throws(BSONFault) {
      if try document.value("journal")?.integer == Self.version, try document.value("run_id")?.string != nil {
        self = .header
      } else if let number = try document.value("file")?.integer {
        guard let file = try JournalFile(document, number: Int(number)) else { return nil }
        self = .file(file)
      } else {
        guard let change = try JournalChange(document) else { return nil }
        self = .change(change)
      }
    } catch {
      return nil
    }
  }

  /// Ends a record that began at `start` with its check.
  static func close(_ start: Int, in writer: inout BSONWriter, _ sum: inout Checksum) {
    let check = check(writer.view(from: start).dropFirst(4), &sum)
    writer.key("check", .int64)
    writer.put(check)
    writer.close(start)
  }

  /// The length of `check`, its key and the terminator.
  private static let checkLength = 1 + 6 + 8 + 1

  private static func isWhole(_ document: BSONDocument) -> Bool {
    let bytes = document.bytes
    guard bytes.count > 4 + checkLength else { return false }
    let end = bytes.count - checkLength
    var sum = Checksum()
    return bytes.slice(end + 1, 6) == ByteView("check\0")
      && bytes.load(end + 7, as: UInt64.self) == check(bytes.slice(4, end - 4), &sum)
  }

  private static func check(_ bytes: ByteView, _ sum: inout Checksum) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe sum.update($0) }
    return sum.finish().withView { $0.load(0, as: UInt64.self) }
  }
}

/// A collection's file as it was before the run, under a second name in the run's folder.
struct JournalFile {
  let number: Int
  let collection: String
  /// In the run's folder.
  let name: String
  /// In bytes.
  let size: Int
  /// Nanoseconds since 1970.
  let modified: Int

  init(number: Int, collection: String, name: String, size: Int, modified: Int) {
    (self.number, self.collection, self.name, self.size, self.modified) = (number, collection, name, size, modified)
  }

  fileprivate init?(_ document: BSONDocument, number: Int) throws(BSONFault) {
    guard let collection = try document.value("collection")?.string?.string,
      let name = try document.value("name")?.string?.string, !name.contains(".."), !name.hasPrefix("/"),
      let size = try document.value("size")?.integer, let modified = try document.value("modified")?.integer
    else { return nil }
    self.init(number: number, collection: collection, name: name, size: Int(size), modified: Int(modified))
  }

  func write(to writer: inout BSONWriter, _ sum: inout Checksum) {
    let start = writer.open()
    writer.append("file", integer: Int64(number))
    writer.append("collection", string: collection)
    writer.append("name", string: name)
    writer.append("size", integer: Int64(size))
    writer.append("modified", integer: Int64(modified))
    JournalRecord.close(start, in: &writer, &sum)
  }
}

/// A document that a run replaced, created or removed.
struct JournalChange {
  /// What was there before.
  enum Before {
    case nothing
    case document(BSONDocument)
    case place(file: Int, offset: Int, length: Int)
  }

  let collection: String
  let key: ByteView
  let subkey: ByteView?
  var before: Before
  /// ``Sync/digest(_:)`` of the document that took its place, 16 bytes; nil when it was removed.
  var written: [UInt8]?
  /// Whether this says that an earlier record's change was not made.
  var isWithdrawn = false

  init(collection: String, key: ByteView, subkey: ByteView?, before: Before, written: [UInt8]?) {
    (self.collection, self.key, self.subkey) = (collection, key, subkey)
    (self.before, self.written) = (before, written)
  }

  fileprivate init?(_ document: BSONDocument) throws(BSONFault) {
    guard let collection = try document.value("collection")?.string?.string,
      let key = try document.value("key")?.string
    else { return nil }
    let before: Before
    if let stored = try document.value("document")?.document {
      before = .document(stored)
    } else if let file = try document.value("in")?.integer, let offset = try document.value("at")?.integer,
      let length = try document.value("length")?.integer
    {
      before = .place(file: Int(file), offset: Int(offset), length: Int(length))
    } else {
      before = .nothing
    }
    let written = try document.value("written")
    self.init(
      collection: collection, key: key, subkey: try document.value("subkey")?.string, before: before,
      written: written?.binary.flatMap { $0.count == 16 ? $0.copy() : nil })
    isWithdrawn = try document.value("withdrawn")?.bool ?? false
  }

  /// Bytes of the document that the record holds itself.
  var stored: Int { if case .document(let document) = before { document.bytes.count } else { 0 } }

  func write(to writer: inout BSONWriter, _ sum: inout Checksum) {
    let start = writer.open()
    writer.append("collection", string: collection)
    writer.append("key", string: key)
    if let subkey { writer.append("subkey", string: subkey) }
    switch before {
    case .nothing: break
    case .document(let document): writer.append("document", BSONValue(type: .document, bytes: document.bytes))
    case .place(let file, let offset, let length):
      writer.append("in", integer: Int64(file))
      writer.append("at", integer: Int64(offset))
      writer.append("length", integer: Int64(length))
    }
    written?.withView { writer.append("written", binary: $0) }
    if isWithdrawn { writer.append("withdrawn", bool: true) }
    JournalRecord.close(start, in: &writer, &sum)
  }

  /// What tells the document from all others of a store, as 32 bytes.
  var identity: [UInt8] {
    var name: [UInt8] = []
    name.reserveCapacity(collection.utf8.count + key.count + (subkey?.count ?? 0) + 2)
    name += collection.utf8
    name.append(0)
    for place in 0..<key.count { name.append(key[place]) }
    name.append(0)
    if let subkey { name += subkey.copy() }
    return sha256(name)
  }

  func isOfSameDocument(as other: JournalChange) -> Bool {
    collection == other.collection && key == other.key && subkey == other.subkey
  }
}

extension Array {
  /// Adds a change to those of its document that were made; one that is withdrawn takes the last of the same digest out.
  ///
  /// - Parameter hasItsDigest: whether what one of them wrote has the digest that this names.
  mutating func take(_ change: Element, isWithdrawn: Bool, _ hasItsDigest: (Element) -> Bool) {
    if !isWithdrawn {
      append(change)
    } else if let place = lastIndex(where: hasItsDigest) {
      remove(at: place)
    }
  }
}
