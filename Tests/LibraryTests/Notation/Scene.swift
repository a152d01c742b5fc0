import BSON
import Library
import Testing

/// A dump as a test writes it: what it says, when it was taken, and the text that decides between equal times.
struct Export: Sendable {
  var library: Value
  /// Milliseconds since 1970; nil is unknown.
  var time: Int64?
  /// The JSON text; nil is any text of its own.
  var text: String?

  /// A dump of so many minutes after the epoch of the tests.
  static func at(_ minutes: Int64, _ library: Value, text: String? = nil) -> Export {
    Export(library: library, time: millis(minutes), text: text)
  }

  /// A dump whose time nobody knows.
  static func undated(_ library: Value, text: String? = nil) -> Export { Export(library: library, text: text) }
}

/// The library of a guest who became the account of the scene.
struct Guest: Sendable {
  var user: String
  var library: Value
}

/// The clock of every run that names no other: `at(1000)`.
let now = millis(1000)

/// Everything that one merge is about.
struct Scene: Sendable {
  var user = "ann"
  var cloud: Value?
  var exports: [Export] = []
  var guests: [Guest] = []
  var parameters = MergeParameters(asOf: now)

  /// What the merge makes of the scene.
  func merged() throws -> Merged {
    let arena = Arena()
    var merge = Merge(parameters: parameters, arena: arena)
    let user = Array(user.utf8).withView { arena.copy($0) }
    var quarantined: [String] = []
    var replicas: [Replica] = []
    for export in exports {
      let replica = try export.replica(parameters, in: arena)
      quarantined += replica.quarantined.map(Self.line)
      replicas.append(replica)
    }
    for guest in guests {
      let name = Array(guest.user.utf8).withView { arena.copy($0) }
      replicas.append(try merge.guest(guest.library.document(in: arena), of: name, for: user).library)
    }
    let outcome = try merge.outcome(user: user, stored: cloud?.document(in: arena), dumps: replicas)
    try outcome.document?.validate()
    return Merged(
      library: try outcome.document.map { try Value($0) } ?? cloud,
      bytes: outcome.document?.bytes.copy(),
      changed: outcome.changed.map { "\($0)" },
      fates: outcome.fates,
      again: outcome.again,
      quarantined: quarantined,
      quarantinedOfCloud: outcome.quarantined.map(Self.line),
      left: outcome.left)
  }

  /// `favorites 0 no-time`, or `favorites invalid-section` of a whole section.
  private static func line(_ quarantined: Quarantined) -> String {
    let index = quarantined.index.map { " \($0)" } ?? ""
    return "\(quarantined.section.rawValue)\(index) \(quarantined.reason.rawValue)"
  }
}

extension Export {
  /// The dump in normal form, as the reader of dumps hands it to the merge.
  func replica(_ parameters: MergeParameters, in arena: Arena) throws -> Replica {
    var normalizer = Normalizer(arena: arena, parameters: parameters)
    normalizer.latest = parameters.latest
    normalizer.hasNULKeys = library.description.contains("\\0")
    let text = Array((text ?? "\(library)").utf8).withView { arena.copy($0) }
    var replica = Replica(origin: .dump(text: text), time: time.map { min($0, parameters.asOf) })
    try normalizer.read(library: library.document(in: arena), into: &replica)
    return replica
  }
}

extension Normalizer {
  /// Reads every section of a document that is shaped as the cloud's.
  mutating func read(library: BSONDocument, into replica: inout Replica) throws {
    var elements = library.elements
    while let element = try elements.next() {
      if element.key == ByteView("total_songs_played") {
        readTotal(element.value, into: &replica)
      } else if let section = Section(rawValue: element.key.string) {
        try read(section, element.value, into: &replica)
      }
    }
  }
}

/// What a merge made of a scene.
struct Merged {
  /// The library afterwards: the new document, or the stored one where nothing was written.
  var library: Value?
  /// The new document; nil when nothing was written.
  var bytes: [UInt8]?
  var changed: [String]
  var fates: EntryFates
  /// What a merge of the same dumps with ``library`` is said to count.
  var again: EntryFates?
  /// What of the dumps was not used: `section index reason`.
  var quarantined: [String]
  /// What of the stored document was not used.
  var quarantinedOfCloud: [String]
  var left: MergeOutcome.Left?

  var isWritten: Bool { bytes != nil }

  /// A field of the library afterwards.
  subscript(_ field: String) -> Value? { library?[field] }

  /// One field of every entry of a list afterwards.
  func each(_ list: String, _ field: String) -> [Value?] { self[list]?.each(field) ?? [] }
}

/// Merges, and holds the result to what must be true of every merge: the fates of the entries balance, the order of
/// the dumps changes nothing, and a second run on the same input writes nothing.
func merge(
  cloud: Value? = nil, _ exports: Export..., guests: [Guest] = [], user: String = "ann",
  sourceLocation: SourceLocation = #_sourceLocation, with change: (inout MergeParameters) -> Void = { _ in }
) throws -> Merged {
  var scene = Scene(user: user, cloud: cloud, exports: exports, guests: guests)
  change(&scene.parameters)
  let merged = try scene.merged()
  #expect(merged.fates.isBalanced, "\(merged.fates)", sourceLocation: sourceLocation)

  var reversed = scene
  reversed.exports.reverse()
  #expect(try reversed.merged().bytes == merged.bytes, "another order of the dumps", sourceLocation: sourceLocation)

  if merged.left == nil {
    var again = scene
    again.cloud = merged.library
    let second = try again.merged()
    #expect(!second.isWritten, "a second run writes \(second.changed)", sourceLocation: sourceLocation)
    #expect(second.fates.isBalanced, "\(second.fates)", sourceLocation: sourceLocation)
    if let said = merged.again { #expect(second.fates == said, sourceLocation: sourceLocation) }
  }
  return merged
}
