import ArgumentParser
import Foundation
import Jobs
import Pages
import Stores

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Tell how a user's affinity scores came about.",
    discussion: """
      Shows, value by value, the plays and favourites that weigh most, with their age and decay, the prior, the choice, \
      the confidence, and what the score would be without any one of them. With the parameters and the clock that the \
      stored scores were computed with; where the facts have changed since, the stored score stands beside.

      mixdown explain 6f0c… --store data/store
      mixdown explain 6f0c… --store data/store --value hi --terms 50
      """)

  @Argument(help: "The user's id.")
  var user: String

  @OptionGroup var store: StoreOptions

  @Option(help: "One language, genre or mood alone.")
  var value: String?

  @Option(help: "Another clock than that of the stored scores.")
  var asOf: Moment?

  @Option(help: "How many plays and favourites of each value are shown.")
  var terms = 10

  @Option(help: "How it is printed; json has all terms.")
  var format = OutputFormat.text

  func validate() throws {
    guard terms >= 0 else { throw ValidationError("--terms cannot be negative.") }
  }

  func run() throws {
    let explanation: PersonExplanation?
    do throws(StoreError) {
      try checkStore(store.name)
      let opened = try openStore(store.name, locking: false, options: store.server.options)
      explanation = try PersonView(user, store: opened).explanation(value: value, asOf: asOf?.milliseconds)
    } catch {
      throw failure(error)
    }
    guard let explanation else {
      throw failure("\(user) has no scores in this store; mixdown learn computes them", .refused)
    }
    if explanation.values.isEmpty, explanation.storedAlone?.isEmpty != false, let value {
      throw failure("\(value) is no language, genre or mood that this user has a score for", .refused)
    }
    switch format {
    case .text: say(ExplanationTable(explanation, terms: terms).text)
    case .json:
      let encoder = JSONEncoder.steady(isIndented: true)
      // Scores without decay are explained as well.
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
      do {
        say(String(decoding: try encoder.encode(explanation), as: UTF8.self))
      } catch {
        throw failure("the explanation cannot be written as JSON: \(error)", .failed)
      }
    }
  }
}

/// Explained scores as a person reads them.
struct ExplanationTable {
  let text: String

  init(_ explanation: PersonExplanation, terms: Int) {
    let head =
      "\(explanation.user), as of \(explanation.asOf); a play weighs half after \(explanation.halfLifeDays) days"
    var lines = [head.printable]
    for value in explanation.values {
      let stored = explanation.storedAlone == nil ? [] : Self.stored(value)
      lines += [""] + Self.lines(value, stored: stored, terms: terms)
    }
    for score in explanation.storedAlone ?? [] {
      let stored = Quantity.plain(score.storedAffinity, 4)
      let name = "\(score.dimension) \(score.value)".printable.cut(to: 50)
      lines += ["", "\(name), which is kept no more: the stored score is \(stored)" + Self.why]
    }
    text = lines.joined(separator: "\n")
  }

  private static let why = "; facts have changed since learn computed it"

  /// What is said of a score that is not the stored one, as far as it is shown.
  private static func stored(_ value: PersonExplanation.Value) -> [String] {
    guard let affinity = value.storedAffinity else {
      return value.isKept ? ["  no score of it is stored; facts have changed since learn computed them"] : []
    }
    let stored = Quantity.plain(affinity, 4)
    return stored == Quantity.plain(value.affinity, 4) ? [] : ["  the stored score is \(stored)" + why]
  }

  private static func lines(_ value: PersonExplanation.Value, stored: [String], terms: Int) -> [String] {
    var rows = [
      ["\(value.dimension) \(value.value)", Quantity.plain(value.affinity, 4)],
      ["  rank", "\(value.rank)"],
      ["  evidence of the value, E", Quantity.plain(value.weight, 4)],
      ["  evidence of all values, ΣE", Quantity.plain(value.evidence, 4)],
      ["  confidence, ΣE / (ΣE + \(Quantity.plain(value.priorWeight, 1)))", Quantity.plain(value.confidence, 4)],
      ["  prior, p", Quantity.plain(value.prior, 4)],
      ["    what people like, P", Quantity.plain(value.populationShare, 4)],
    ]
    if let choice = value.choiceShare {
      rows.append([
        "    what the user chose, X, weighs \(Quantity.plain(value.explicitWeight, 2))", Quantity.plain(choice, 4),
      ])
      rows.append(["  without the choices", Quantity.plain(value.withoutChoices, 4)])
    }
    if let without = value.withoutPrior { rows.append(["  without the prior", Quantity.plain(without, 4)]) }
    if value.evidence > 0 {
      rows.append(["  without favourites", Quantity.plain(value.withoutFavorites, 4)])
      rows.append(["  without plays", Quantity.plain(value.withoutPlays, 4)])
      rows.append(["  without decay", Quantity.plain(value.withoutDecay, 4)])
    }
    if value.skipped > 0 { rows.append(["  skipped plays, which count for nothing", "\(value.skipped)"]) }
    var lines = aligned(rows) + stored
    let shown = value.terms.prefix(terms)
    guard !shown.isEmpty else { return lines }
    var table = [["  what weighs most", "when", "age, days", "decay", "weighs", "score without it"]]
    for term in shown {
      let name = (term.artist.map { "\(term.title) – \($0)" } ?? term.title).printable.cut(to: 50)
      table.append([
        "  \(term.kind): \(name)", term.time.map { String($0.prefix(10)) } ?? "no time",
        Quantity.plain(term.ageDays, 1),
        Quantity.plain(term.decay, 3), Quantity.plain(term.weight, 4), Quantity.plain(term.without, 4),
      ])
    }
    lines += aligned(table)
    let hidden = value.terms.dropFirst(terms)
    if !hidden.isEmpty {
      lines.append("  and \(hidden.count) more, which weigh \(Quantity.plain(hidden.reduce(0) { $0 + $1.weight }, 4))")
    }
    return lines
  }
}
