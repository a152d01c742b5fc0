internal import BSON
internal import Dumps

/// A dump on its way to the user it belongs to, or the word that a guest's library goes there.
struct GroupedDump: Sendable {
  /// Where the user's document stands in the store; `Int.max` when it is not known or there is none.
  ///
  /// One user's dumps have one position, but for those of a server on which somebody makes the document meanwhile: then
  /// the user is merged twice, as by two runs.
  var position = Int.max
  /// Whether the user comes after those with whom an earlier run would have gone on.
  var isLate = false
  /// UTF-8 of the user who gets it.
  var user: [UInt8]
  /// The guest whose stored library is meant; nil for a dump.
  var guest: [UInt8]?
  /// The guest whose dump it is; nil for one of the user's own.
  var formerUser: [UInt8]?
  var source: Source
  /// In milliseconds.
  var modifiedAt: Int64?
  /// The JSON with its padding; empty for a guest.
  var text: [UInt8]
  /// Whether login tokens in the text are blanked out, because an earlier attempt of the run has read it.
  var isBlanked = false
  /// The checksum of the JSON as it was read; nil where nobody wants to know.
  var checksum: [UInt8]?

  /// What it holds in memory, in bytes.
  var footprint: Int { text.count + 400 }

  /// The order in which a run visits users.
  static func precedes(_ a: GroupedDump, _ b: GroupedDump) -> Bool {
    if a.isLate != b.isLate { return b.isLate }
    return a.position != b.position ? a.position < b.position : a.user.lexicographicallyPrecedes(b.user)
  }

  func isOfSameUser(as other: GroupedDump) -> Bool { position == other.position && user == other.user }
}

extension GroupedDump {
  /// The dump as one BSON document, for a run on disk.
  func write(to writer: inout BSONWriter) {
    let start = writer.open()
    writer.append("p", integer: Int64(position))
    if isLate { writer.append("o", bool: true) }
    user.withView { writer.append("u", string: $0) }
    if let guest { guest.withView { writer.append("g", string: $0) } }
    if let formerUser { formerUser.withView { writer.append("f", string: $0) } }
    writer.append("i", string: source.input)
    if let entry = source.entry { writer.append("e", string: entry) }
    if let line = source.line { writer.append("l", integer: Int64(line)) }
    if let modifiedAt { writer.append("t", date: modifiedAt) }
    if isBlanked { writer.append("b", bool: true) }
    checksum?.withView { writer.append("c", binary: $0) }
    text.withView { writer.append("d", string: $0) }
    writer.close(start)
  }

  init(_ document: BSONDocument) throws(BSONFault) {
    user = []
    text = []
    source = Source(input: "")
    var elements = document.elements
    while let element = try elements.next() {
      let value = element.value
      switch element.key {
      case "p": position = Int(value.integer ?? Int64(Int.max))
      case "o": isLate = value.bool ?? false
      case "u": user = value.string?.copy() ?? []
      case "g": guest = value.string?.copy()
      case "f": formerUser = value.string?.copy()
      case "i": source.input = value.string?.string ?? ""
      case "e": source.entry = value.string?.string
      case "l": source.line = value.integer.map { Int($0) }
      case "t": modifiedAt = value.date
      case "b": isBlanked = value.bool ?? false
      case "c": checksum = value.binary?.copy()
      default: text = value.string?.copy() ?? []
      }
    }
  }
}
