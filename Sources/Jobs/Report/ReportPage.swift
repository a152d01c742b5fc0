internal import Library
internal import Pages
internal import Sync

/// The report of a run as a page: what was done, what changed, what was not used and why.
///
/// A pure function of the manifest, the report's data and the examples: the same input gives the same bytes.
struct ReportPage {
  let manifest: Manifest
  let data: ReportData
  let examples: QuarantineExamples

  /// The file.
  func html() throws(PageError) -> String {
    var page = Page(title: "\(manifest.job), \(started) – Mixdown", kicker: "Report of a run", heading: manifest.job)
    page.badge = badge
    page.lead = lead
    page.facts = facts
    page.notices = notices
    page.figures = figures
    page.sections = sections
    if !data.users.isEmpty { page.script = try? UserPicker(users: data.users).script }
    page.footer =
      "Made by Mixdown \(manifest.version) from manifest.json and report.json of run \(manifest.runID). Times are UTC."
    return try page.html()
  }

  // MARK: The head

  /// `2026-01-01 02:00`
  private var started: String { Self.minute(manifest.startedAt) }

  private static func minute(_ instant: String) -> String {
    instant.utf8.count >= 16 ? String(instant.prefix(16)).replacing("T", with: " ") : instant
  }

  private var badge: Page.Badge {
    switch manifest.outcome {
    case .running: Page.Badge("Running", .muted)
    case .interrupted: Page.Badge("Interrupted", .warn)
    case .failed: Page.Badge("Failed", .bad)
    case .done: needsALook ? Page.Badge("Done, needs a look", .warn) : Page.Badge("Done", .main)
    }
  }

  private var quarantined: Int { manifest.quarantine.values.reduce(0, +) }
  private var needsALook: Bool { quarantined > 0 || manifest.left.values.reduce(0, +) > manifest.active }

  private var lead: String {
    let (users, dumps) = (manifest.users, manifest.counts.dumps)
    var sentences: [String] = []
    if manifest.isDryRun {
      sentences.append("A dry run: nothing was written.")
    } else if manifest.isRehearsal {
      sentences.append("The merge was a dry run: no library was written.")
    }
    // Users of a run that merged nothing are those whose figures it looked at.
    if dumps.read > 0 || users.seen > 0 && manifest.learning == nil {
      sentences.append(
        "\(Quantity.count(dumps.read, "dump")) of \(Quantity.count(users.seen, "user")): "
          + "\(Quantity.count(users.changed, "library", plural: "libraries")) changed, "
          + "\(Quantity.count(users.created)) new, \(Quantity.count(users.unchanged)) as before.")
    }
    switch manifest.outcome {
    case .failed: sentences.append("The run failed.")
    case .interrupted: sentences.append("The run was interrupted before its end.")
    case .running: sentences.append("The run goes on, or died without a word.")
    case .done: sentences.append(quarantined == 0 ? "Everything could be used." : "")
    }
    return sentences.filter { !$0.isEmpty }.joined(separator: " ")
  }

  private var facts: [(name: String, value: String)] {
    var facts = [(name: "Store", value: manifest.store), (name: "Started", value: "\(started) UTC")]
    if let total = manifest.seconds["total"] { facts.append(("Took", Quantity.seconds(total))) }
    facts.append(("Clock of the run", Self.minute(manifest.asOf) + " UTC"))
    facts.append(("Host", manifest.host))
    facts.append(("Run", manifest.runID))
    return facts
  }

  private var notices: [Page.Notice] {
    var notices: [Page.Notice] = []
    if let error = manifest.error { notices.append(Page.Notice("<strong>Error.</strong> \(error)", .bad)) }
    if manifest.outcome == .interrupted {
      notices.append(
        Page.Notice("What was done is good. Run again with <code>--resume</code>, and the rest follows.", .warn))
    }
    if quarantined > 0 {
      notices.append(
        Page.Notice(
          """
          <strong>\(Quantity.count(quarantined, "thing")) could not be used</strong> and \
          \(quarantined == 1 ? "is" : "are") kept with the reason: <a href="#quarantine">see below</a>.
          """))
    }
    for (reason, count) in manifest.left.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      notices.append(
        Page.Notice(
          """
          <strong>\(Quantity.count(count, "user or document", plural: "users or documents")) left as \
          \(count == 1 ? "it was" : "they were")</strong> (<code>\(reason)</code>): \
          <code>log.ndjson</code> of the run says which.
          """))
    }
    return notices
  }

  private var figures: [Page.Figure] {
    let (users, counts) = (manifest.users, manifest.counts)
    var figures: [Page.Figure] = []
    if users.seen > 0 || counts.dumps.read > 0 {
      figures = [
        Page.Figure(
          "Users", Quantity.count(users.seen),
          note: "\(Quantity.count(users.changed)) changed, \(Quantity.count(users.created)) new"),
        Page.Figure("Dumps", Quantity.count(counts.dumps.read), note: "\(Quantity.count(counts.dumps.used)) used"),
        Page.Figure(
          "Entries", Quantity.count(counts.entries.read), note: "\(Quantity.count(counts.entries.kept)) kept"),
        Page.Figure(
          "Quarantined", Quantity.count(quarantined),
          note: Quantity.count(manifest.quarantine.count, "reason")),
      ]
    }
    let total = manifest.seconds["total"] ?? 0
    let rate = total > 0 && users.seen > 0 ? Quantity.threeFigures(Double(users.seen) / total) + " users a second" : nil
    figures.append(Page.Figure("Time", Quantity.seconds(total), note: rate))
    figures.append(Page.Figure("Memory", Quantity.bytes(manifest.peakMemoryBytes), note: "at its peak"))
    return figures
  }

  // MARK: Sections

  private var sections: [Page.Section] {
    [flow, changes, quarantine, speed, plays, songs, learned, listeners].compactMap { $0 } + tables + [run]
  }

  private var flow: Page.Section? {
    let (dumps, entries) = (manifest.counts.dumps, manifest.counts.entries)
    guard dumps.read > 0 || entries.read > 0 else { return nil }
    let dumpFlow = FlowPicture(
      id: "flow-dumps", noun: "dumps",
      parts: [
        .init("used", dumps.used, .main), .init("skipped", dumps.skipped),
        .init("quarantined", dumps.quarantined, .warn),
      ])
    let entryFlow = FlowPicture(
      id: "flow-entries", noun: "entries",
      parts: [
        .init("kept", entries.kept, .main), .init("merged", entries.merged, .mild),
        .init("superseded", entries.superseded), .init("beyond a limit", entries.beyondLimit),
        .init("removed", entries.removed), .init("quarantined", entries.quarantined, .warn),
      ])
    return Page.Section(
      id: "flow", "Where everything went",
      introduction: "Each dump and each entry that was read has exactly one fate. Entries are those of the dumps and "
        + "of the stored libraries that they met: favourites, plays, queue items, playlists and their songs, searches.",
      "<div class=\"pair\">\(dumpFlow.markup)\(entryFlow.markup)</div>")
  }

  private var changes: Page.Section? {
    let users = manifest.users
    guard users.seen > 0 else { return nil }
    let userFlow = FlowPicture(
      id: "flow-users", noun: "users", verb: "seen",
      parts: [
        .init("changed", users.changed, .main), .init("new", users.created, .mild), .init("as before", users.unchanged),
        .init("left", users.left, .warn),
      ])
    let fields = manifest.changedFields.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
    }
    let table = BarTable(
      caption: "Libraries in which a part changed", columns: ("Part", "Libraries"),
      rows: fields.map {
        .init(Markup(text: Self.part($0.key)), Double($0.value), text: Quantity.count($0.value))
      },
      full: Double(users.changed + users.created))
    let nothing: Markup = "<p class=\"note\">No library changed.</p>"
    return Page.Section(
      id: "changes", "What changed",
      "<div class=\"pair\">\(userFlow.markup)<div>\(fields.isEmpty ? nothing : table.markup)</div></div>")
  }

  /// The name of a field as a person says it.
  private static func part(_ field: String) -> String {
    switch field {
    case "favorites": "Favourites"
    case "history": "History"
    case "queue": "Queue"
    case "playlists": "Playlists"
    case "preferences": "Preferences"
    case "recent_searches": "Recent searches"
    case "removed": "Removals"
    case "total_songs_played": "Songs played in total"
    default: field
    }
  }

  private var quarantine: Page.Section? {
    guard quarantined > 0 else { return nil }
    // All steps of a job have one state directory.
    let place = manifest.values(of: "state").first.map { "--state \($0)" } ?? "--store \(manifest.store)"
    let reasons = manifest.quarantine.sorted {
      $0.value != $1.value ? $0.value > $1.value : $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
    }
    let items = reasons.map { reason, count in
      let advice = ReasonAdvice(reason)
      let shown = examples.byReason[reason] ?? []
      let list =
        shown.isEmpty
        ? Markup()
        : disclosure(
          Quantity.count(shown.count, "example"),
          "<ul class=\"examples\">\(shown.map(Self.example).joined())</ul>")
      return """
        <li><h3><span class="number">\(Quantity.count(count))</span> <code>\(reason)</code></h3>\
        <p>\(advice.meaning) <span class="advice">\(advice.advice)</span></p>\(list)</li>
        """ as Markup
    }
    return Page.Section(
      id: "quarantine", "Quarantine",
      introduction: "What could not be used, and why. Nothing is lost: all of it lies in quarantine.ndjson of the run.",
      """
      <ul class="reasons">\(items.joined())</ul>\
      <p class="note">All of it, with names: <code>mixdown quarantine \(manifest.runID) \(place)</code></p>
      """)
  }

  private static func example(_ example: QuarantineExamples.Example) -> Markup {
    var place: Markup = "\(example.place)"
    if let user = example.user { place += " · user \(user)" }
    if let part = example.part { place += " · \(part)" }
    return "<li>\(example.detail)<span>\(place)</span></li>"
  }

  private var speed: Page.Section? {
    let phases = manifest.seconds.filter { $0.key != "total" }
    guard !phases.isEmpty || manifest.steps.count > 1 else { return nil }
    var body = Markup()
    if manifest.steps.count > 1 {
      let steps = manifest.steps.map { (label: $0.name, value: $0.seconds, text: Quantity.seconds($0.seconds)) }
      body += ShareBar(id: "steps", caption: "Time by step", parts: steps).markup
    }
    let order = ["read", "merge", "commit"]
    let known = order.filter { phases[$0] != nil }
    let others = phases.keys.filter { !order.contains($0) }.sorted()
    let parts = (known + others).map { name in
      (label: name, value: phases[name] ?? 0, text: Quantity.seconds(phases[name] ?? 0))
    }
    if !parts.isEmpty { body += ShareBar(id: "phases", caption: "Time by phase", parts: parts).markup }
    let points = throughput
    if points.count > 2 {
      body +=
        LineChart(
          id: "throughput", caption: "Users a second, while merging", unit: "users a second", points: points
        ).markup
    }
    return Page.Section(id: "speed", "Speed", body)
  }

  /// The rate between each sample and the one before.
  private var throughput: [(time: Double, value: Double)] {
    guard let samples = data.throughput else { return [] }
    var points: [(time: Double, value: Double)] = []
    var last: (time: Double, users: Int)?
    for (time, users) in zip(samples.seconds, samples.users) {
      if let last, time > last.time { points.append((time, Double(users - last.users) / (time - last.time))) }
      last = (time, users)
    }
    return points
  }

  private var run: Page.Section {
    let inputs = DataTable(
      caption: "Inputs", columns: [.text("Path"), .number("Size"), .text("SHA-256"), .text("Read")],
      rows: manifest.inputs.map { input in
        let digest: Markup = input.sha256.map { "<code>\(String($0.prefix(12)))…</code>" } ?? "–"
        return [
          Markup(text: data.namedUsers > 0 ? input.path : unnamed(input.path)),
          Markup(text: Quantity.bytes(input.bytes)), digest, input.finished ? "to its end" : "in part",
        ]
      })
    let parameters = manifest.parameters.filter { !$0.key.isParameter("inputs") }.sorted { $0.key < $1.key }
    let table = DataTable(
      caption: "Every parameter, defaults included", columns: [.text("Parameter"), .text("Value")],
      rows: parameters.map { ["<code>\($0.key)</code>", Markup(text: $0.value)] })
    return Page.Section(
      id: "run", "The run",
      (manifest.inputs.isEmpty
        ? Markup()
        : "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Inputs\">\(inputs.markup)</div>")
        + disclosure("Parameters", table.markup))
  }
}
