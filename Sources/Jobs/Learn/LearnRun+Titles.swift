internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync

/// Users of whom nothing has changed, and whose figures change all the same: a `t:` key of theirs has begun or ceased to
/// count as a `v:` song since the run that this one goes on from (docs/learning.md, *Runs*).
extension LearnRun {
  /// What the last run left of its users' `t:` keys; nil where nothing of it is there, and on a full run.
  func knownTitles(of last: LastLearned?) throws(StoreError) -> KnownTitles? {
    guard let last else { return nil }
    return try KnownTitles.open(titlesPath, of: stamp(asOf: last.asOf, watermark: last.watermark))
  }

  var titlesPath: String { KnownTitles.path(state: state, store: store.name) }

  /// Counts the votes, reads those whom the songs concern that have come since the last run, and counts once more, until
  /// there are no more of them.
  ///
  /// Once is enough, for they have no `v:` song that the catalogue lacks, so that no further key changes: unless somebody
  /// writes to a server in between.
  ///
  /// - Returns: the votes, and whether it is known of everybody which `t:` keys they have.
  func votes(
    _ read: inout ReadUsers, _ intake: UserIntake, knowing titles: KnownTitles?, _ summary: inout LearnSummary
  ) throws(StoreError) -> (votes: CatalogueVotes, isWhole: Bool) {
    var votes = try self.votes(read)
    var had = TitleMarks.some([])
    while let last = intake.last, !options.cancellation.isRequested {
      let marks = changed(votes.titleChanges, since: last, titles)
      guard !marks.isSubset(of: had) else { break }
      let ids = try usersToRead(marks, titles, intake)
      had = titles == nil ? .all : had.union(marks)
      guard !ids.isEmpty else { continue }
      let readers = try intake.readAgain(ids, number: read.readerCount)
      for reader in readers { summary.add(reader.summary) }
      read.add(readers)
      votes = try self.votes(read)
    }
    return (votes, intake.last == nil || titles != nil || had == .all)
  }

  private func votes(_ read: ReadUsers) throws(StoreError) -> CatalogueVotes {
    let scan = read.all
    return try CatalogueVotes.counted(read.repertoire, parameters) { empty throws(StoreError) in
      try scan.counted(workers: options.workers, from: empty) { votes, facts, visit in
        if visit.isRecomputed { votes.add(facts) }
      } merge: {
        $0.merge($1)
      }
    }
  }

  /// The marks of the keys that count as other songs than when the stored figures were computed.
  private func changed(_ changes: TitleChanges, since last: LastLearned, _ titles: KnownTitles?) -> TitleMarks {
    // Where the stored catalogue is not the one that the last run left, a later one was killed before it had come to the
    // users, or somebody has changed songs by hand: any key may count as another. So it may where no print was left.
    (titles?.catalogue ?? last.catalogue) == changes.before ? changes.marks : .all
  }

  /// The ids, ascending, of users with keys of these marks whom the run has left as they are so far; of all users with
  /// figures, where it is not known who has which keys.
  private func usersToRead(
    _ marks: TitleMarks, _ titles: KnownTitles?, _ intake: UserIntake
  ) throws(StoreError) -> [[UInt8]] {
    let recomputed = intake.allRecomputed
    var ids: Set<[UInt8]> = []
    if let titles {
      try titles.forEachUser { user in
        if user.hasKey(of: marks), !recomputed.contains(user.id.fingerprint) { ids.insert(user.id.copy()) }
      }
    } else {
      var wanted = Selection()
      wanted.fields = ["_id"]
      try intake.collections.scores.cursor(over: wanted).forEachDocument { document in
        if let id = document.text("user_id"), !recomputed.contains(id.fingerprint) { ids.insert(id.copy()) }
      }
    }
    return ids.sorted { $0.isLess(than: $1) }
  }

  /// What the next run is to know of users' `t:` keys, begun with those of whom this one knows it from the last.
  func titlesWriter(
    of run: RunStamp, _ read: ReadUsers, _ changes: TitleChanges, _ titles: KnownTitles?, _ intake: UserIntake
  ) throws(StoreError) -> KnownTitles.Writer {
    let writer = try KnownTitles.Writer(
      titlesPath, of: run, catalogue: changes.after, TitleTable(read.repertoire))
    if let titles { try writer.append(titles, without: intake.allRecomputed) }
    return writer
  }
}
