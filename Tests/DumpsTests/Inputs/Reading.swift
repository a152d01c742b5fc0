import Dumps

/// All that a reader says of one input, in a form that tests compare.
struct Reading {
  struct Dump: Hashable {
    var text: String
    var entry: String?
    var line: Int?
    /// Its bytes in brackets where they are not UTF-8.
    var user: String?
    var modifiedAt: Int64?
  }

  struct Refusal: Hashable {
    var entry: String?
    var line: Int?
    var reason: InputFault.Reason
    var detail: String
  }

  var dumps: [Dump] = []
  var skipped: [String] = []
  var whys: [String] = []
  var refused: [Refusal] = []
  var isPadded = true
  var digest: InputDigest

  /// Reads the input to its end.
  init(_ path: String, limits: Limits = Limits()) throws {
    var dumps: [Dump] = []
    var skipped: [String] = []
    var whys: [String] = []
    var refused: [Refusal] = []
    var isPadded = true
    digest = try InputReader(limits: limits).read(path) { event in
      switch event {
      case .dump(let dump):
        let text = String(decoding: dump.text.prefix(dump.count), as: UTF8.self)
        isPadded = isPadded && dump.text.dropFirst(dump.count).elementsEqual(repeatElement(0, count: 64))
        dumps.append(
          Dump(
            text: text, entry: dump.source.entry, line: dump.source.line,
            user: dump.pathUser.map { String(validating: $0, as: UTF8.self) ?? "\($0)" },
            modifiedAt: dump.modifiedAt))
      case .skipped(let source, let why):
        skipped.append(source.entry ?? "")
        whys.append(why)
      case .refused(let source, let fault):
        refused.append(
          Refusal(entry: source.entry, line: source.line, reason: fault.reason, detail: fault.detail))
      }
      return true
    }
    (self.dumps, self.skipped, self.whys, self.refused, self.isPadded) = (dumps, skipped, whys, refused, isPadded)
  }

  var texts: [String] { dumps.map(\.text) }
  var lines: [Int?] { dumps.map(\.line) }
  var users: [String?] { dumps.map(\.user) }
  var entries: [String?] { dumps.map(\.entry) }
  var reasons: [InputFault.Reason] { refused.map(\.reason) }
}
