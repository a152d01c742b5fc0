internal import Learning

/// Whom a run has read: their facts, and the repertoire that these are in the numbers of.
struct ReadUsers {
  /// Frozen, once readers have been added.
  private(set) var repertoire: Repertoire
  private let file: FactsFile
  private var visits: [Visit] = []
  private var renumberings: [Renumbering] = []

  /// - Parameter repertoire: what is known of songs and values before anybody is read.
  init(_ repertoire: Repertoire, _ file: FactsFile) { (self.repertoire, self.file) = (repertoire, file) }

  /// How many readers have been added: the number of the next.
  var readerCount: Int { renumberings.count }

  /// Everybody.
  var all: FactsScan { FactsScan(file: file, visits: visits, renumberings: renumberings) }

  /// Everybody once: the days of the service count a user's plays where they were met first.
  var distinct: FactsScan {
    FactsScan(file: file, visits: visits.filter { !$0.isRepeated }, renumberings: renumberings)
  }

  /// Takes over what readers have found, who were numbered from ``readerCount`` on.
  mutating func add(_ readers: [UserReader]) {
    repertoire = repertoire.thawed()
    renumberings += readers.map { repertoire.merge($0.repertoire) }
    repertoire.freeze()
    visits += readers.flatMap(\.visits).sorted { $0.batch < $1.batch }.flatMap(\.visits)
  }
}
