internal import BSON
internal import Dumps

/// Writes `exports/`: every listener's dumps.
struct ExportStage {
  let options: GeneratorOptions
  let catalogue: Catalogue

  func run(
    _ summary: inout GeneratedSummary, making make: @escaping DestinationMaker, _ progress: (Int) -> Void
  ) throws(GeneratorError) {
    let folder = "\(options.out)/exports"
    try makeFolder(folder)
    let exports = Exports(folder, make)
    let order = Order(of: options.users, seed: options.seed)
    for turn in 0..<options.users {
      let listener = Listener(order[turn], options, catalogue)
      try writeDumps(of: listener, to: exports, &summary)
      progress(turn + 1)
    }
    if options.packing == .everyKind { try writeOtherEntries(to: exports) }
    try exports.finish(modifiedAt: options.asOf)
    summary.exports = exports.names
  }

  /// Entries that are no dumps, as they slip into archives; where there is to be damage, its worst kinds.
  private func writeOtherEntries(to exports: Exports) throws(GeneratorError) {
    let time = options.asOf - Span.day
    try exports.add(
      "about.txt", Array("Invented exports.\n".utf8), to: "browsers-0.tar.zst", modifiedAt: time)
    guard options.damaged > 0 else { return }
    try exports.add("backup.zip", nestedArchive, to: "browsers-1.tar.gz", modifiedAt: time)
    try exports.add("nobody/empty.json", [], to: "browsers-2.zip", modifiedAt: time)
    // Dumps of their own, so that what can be read of them before the tear counts.
    for index in 0..<min(options.users, 40) {
      let listener = Listener(index, options, catalogue)
      var random = Random(seed: options.seed, .damage, listener: index)
      var writer = DumpWriter(listener, catalogue)
      let browser = listener.browsers[0]
      let snapshot = listener.snapshot(of: 0, at: browser.exports[0], catalogue, &random)
      writer.writeLocalStorage(snapshot, of: browser, isLoggedIn: true, onLines: true, &random)
      try exports.add(
        "\(listener.id)/\(browser.fileName)-torn.json", writer.text.bytes, to: tornPlace,
        modifiedAt: browser.exports[0])
    }
  }

  private func writeDumps(
    of listener: Listener, to exports: Exports, _ summary: inout GeneratedSummary
  ) throws(GeneratorError) {
    var random = Random(seed: options.seed, .dump, listener: listener.index)
    if random.chance(options.absent) { return }
    let isOnly = listener.browsers.count == 1 && listener.browsers[0].exports.count == 1
    var writer = DumpWriter(listener, catalogue)
    for (index, browser) in listener.browsers.enumerated() {
      for (number, exportedAt) in browser.exports.enumerated() {
        let dump = PlannedDump(
          of: listener, browser: index, exportedAt: exportedAt, isOnly: isOnly, options.packing, &random)
        writer.escapesNonASCII = dump.isASCII
        write(dump, of: listener, with: &writer, &random)
        if random.chance(options.damaged) {
          spoil(dump, of: listener, in: &writer, &random)
          summary.damagedDumps += 1
        } else {
          writer.wrap(dump.envelope, exportedAt: exportedAt, device: browser.deviceID)
        }
        // In a file of lines a mark would stand in the middle.
        if dump.hasByteOrderMark && dump.naming != .number { writer.markByteOrder() }
        let name = dump.name(of: listener, device: browser.fileName, number: number, serial: summary.dumps)
        for place in dump.places {
          try exports.add(name, writer.text.bytes, to: place, modifiedAt: exportedAt)
        }
        summary.dumps += 1
        summary.dumpBytes += writer.text.bytes.count
        summary.shapes[dump.shape, default: 0] += 1
      }
    }
  }

  private func write(
    _ dump: PlannedDump, of listener: Listener, with writer: inout DumpWriter, _ random: inout Random
  ) {
    switch dump.shape {
    case .localStorage:
      let snapshot = listener.snapshot(of: dump.browser, at: dump.exportedAt, catalogue, &random)
      writer.writeLocalStorage(
        snapshot, of: listener.browsers[dump.browser], isLoggedIn: dump.isLoggedIn, onLines: dump.envelope == .none,
        &random)
    case .syncRequest:
      var snapshot = listener.snapshot(of: dump.browser, at: dump.exportedAt, catalogue, &random)
      if random.chance(0.08) { snapshot.removeFavorites(2) }
      writer.writeSyncRequest(snapshot)
    case .library:
      let snapshot = listener.cloudSnapshot(until: dump.exportedAt, catalogue, &random)
      var document = BSONWriter(capacity: 1 << 17)
      CloudDocument(listener, catalogue, &random).write(snapshot, into: &document, &random)
      writer.writeLibrary(BSONDocument(unchecked: document.view), canonical: random.chance(0.4))
    }
  }

  private func spoil(
    _ dump: PlannedDump, of listener: Listener, in writer: inout DumpWriter, _ random: inout Random
  ) {
    let damage = random.pick(Damage.allCases)
    func wrap() {
      writer.wrap(
        dump.envelope, exportedAt: dump.exportedAt, device: listener.browsers[dump.browser].deviceID)
    }
    if !damage.isInside { wrap() }
    writer.edit { damage.spoil(&$0, dump.shape, asOf: options.asOf, &random) }
    if damage.isInside { wrap() }
  }
}

extension PlannedDump {
  fileprivate func name(of listener: Listener, device: String, number: Int, serial: Int) -> String {
    switch naming {
    case .file: "\(listener.id).json"
    case .folder: "\(listener.id)/\(device)\(number == 0 ? "" : "-\(number + 1)").json"
    case .number: "upload-\(serial).json"
    }
  }
}

/// All numbers below a bound, each once, scattered: dumps do not come in the order of the store.
private struct Order {
  private let count: Int
  private let step: Int
  private let start: Int

  init(of count: Int, seed: UInt64) {
    var random = Random(seed: seed, .order)
    self.count = count
    start = random.below(count)
    // Steps without a common divisor with the count visit everything; near the golden section they scatter best.
    var step = max(1, count * 618 / 1000)
    while Order.greatestCommonDivisor(step, count) > 1 { step += 1 }
    self.step = step
  }

  subscript(turn: Int) -> Int { (start + turn * step) % count }

  private static func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int {
    b == 0 ? a : greatestCommonDivisor(b, a % b)
  }
}
