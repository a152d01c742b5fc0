internal import BSON
internal import Dumps

/// Finds forgotten users in lines of JSON: of a quarantine, a log, or dumps.
///
/// An id that is nobody's word counts wherever it stands. A short one may be a number or a word of everybody's: it
/// counts as the value of a field that says who somebody is, and as a part of a path. So do texts that were theirs
/// alone, but not in what are Mixdown's own words.
struct LineTraces: ~Copyable {
  /// The users who were named so far.
  private(set) var met: Set<[UInt8]> = []

  private let traces: Traces
  private var reader = JSONReader()
  private let arena = Arena()
  private var isNamed = false

  /// What a dump may be nested, and more.
  private static let maxDepth = 1024

  init(_ traces: Traces) { self.traces = traces }

  /// Whether a line names one of them, or holds a text that was theirs alone.
  mutating func areIn(_ line: ByteView) -> Bool {
    guard !line.isEmpty else { return false }
    arena.reset()
    isNamed = false
    note(traces.unmistakableIDs(in: line))
    do throws(BSONFault) {
      if let document = document(of: line) {
        try look(at: document)
      } else {
        // One that is torn.
        note(traces.idsInQuotes(in: line).union(traces.idsInPaths(of: line)))
        if traces.holdsTheirs(line) { isNamed = true }
      }
    } catch {
      isNamed = true
    }
    return isNamed
  }

  /// A text of JSON as a document, which holds until the next line; nil when it is none.
  private mutating func document(of text: ByteView) -> BSONDocument? {
    guard let value = try? reader.read(copying: text.copy(), maxDepth: Self.maxDepth),
      value.kind == .object || value.kind == .array
    else { return nil }
    return BSONDocument(unchecked: reader.copyBSON(to: arena))
  }

  private mutating func note(_ users: Set<[UInt8]>) {
    guard !users.isEmpty else { return }
    met.formUnion(users)
    isNamed = true
  }

  /// Notes whom a text names that is somebody's name.
  private mutating func note(name: ByteView?) {
    guard let name = name?.copy(), traces.ids.contains(name) else { return }
    note([name])
  }

  // MARK: Lines

  private mutating func look(at line: BSONDocument) throws(BSONFault) {
    let user = try line.value("user_id")?.string
    note(name: user)
    let isEntry = try line.value("section")?.string != nil
    var elements = line.elements
    while let element = try elements.next() {
      switch element.key {
      case "user_id", "run_id", "section", "reason", "level", "time": break
      case "source": try look(at: element.value.document, of: user)
      case "detail", "message": if let text = element.value.string { note(traces.idsInPaths(of: text)) }
      case "metadata": if let metadata = element.value.document { try look(atMetadata: metadata) }
      default: try look(at: element.value, of: element.key, isItem: isEntry)
      }
    }
  }

  /// Where something was found. The folders above an input name its user only where nothing nearer does: they are
  /// everybody's.
  private mutating func look(at source: BSONDocument?, of user: ByteView?) throws(BSONFault) {
    guard let source, let input = try source.value("input")?.string else { return }
    let entry = try source.value("entry")?.string
    var parts = entry.map { DumpName.components(of: $0.copy()) } ?? []
    let folders = DumpName.components(of: input.copy())
    if user == nil, entry == nil { parts += folders }
    for part in parts { note(name: part) }
    guard let file = folders.last else { return }
    if let stem = DumpName.user(of: [file]), stem != file { note(name: stem) }
    if user == nil, let stem = file.split(separator: UInt8(ascii: ".")).first { note(name: Array(stem)) }
  }

  /// Notes whom a part of a path names: a folder, or a file without its endings.
  private mutating func note(name part: [UInt8]) {
    for name in [part, DumpName.user(of: [part])].compactMap(\.self) { name.withView { note(name: $0) } }
  }

  private mutating func look(atMetadata metadata: BSONDocument) throws(BSONFault) {
    var elements = metadata.elements
    while let element = try elements.next() {
      guard let text = element.value.string else { continue }
      switch element.key {
      // The folder of the run, and Mixdown's own words.
      case "path", "reason": continue
      case "user", "subject": note(name: text)
      case "document":
        // `user_library ann`
        for word in text.copy().split(separator: UInt8(ascii: " ")).dropFirst() {
          [UInt8](word).withView { note(name: $0) }
        }
      default: note(traces.idsInPaths(of: text))
      }
      if traces.holdsTheirs(text) { isNamed = true }
    }
  }

  // MARK: Content

  /// Looks at what was not used, at every depth, also where a text holds JSON in its turn.
  ///
  /// - Parameters:
  ///   - isItem: whether the value is one of a list.
  ///   - isFieldOfItem: whether it is a field of one.
  private mutating func look(
    at value: BSONValue, of key: ByteView, isItem: Bool, isFieldOfItem: Bool = false
  ) throws(BSONFault) {
    if let text = value.string {
      if key.namesSomebody(inList: isFieldOfItem) { note(name: text) }
      if traces.holdsTheirs(text) { isNamed = true }
      guard !text.isEmpty, text[0] == UInt8(ascii: "{") || text[0] == UInt8(ascii: "[") else { return }
      note(traces.unmistakableIDs(in: text))
      guard let nested = document(of: text) else { return }
      let type = text[0] == UInt8(ascii: "[") ? BSONType.array : .document
      try look(at: BSONValue(type: type, bytes: nested.bytes), of: key, isItem: false)
    } else if let nested = value.document ?? value.array {
      let isList = value.array != nil
      var elements = nested.elements
      while let element = try elements.next() {
        try look(at: element.value, of: element.key, isItem: isList, isFieldOfItem: isItem)
      }
    }
  }
}
