internal import BSON
internal import Library
public import Stores
internal import Sync

/// Puts back every document that a run changed, byte for byte, unless somebody has written it since.
///
/// An undo is a run like any other: it has a folder and a journal, so that an undo can be undone.
public struct UndoStep: JobStep {
  public static let name = "undo"

  /// The run that is taken back.
  public let undone: String
  /// Whether documents are put back that somebody has written since.
  public var isForced = false
  public var store: String
  public var state: String?
  /// Is told of documents that are left, and why.
  public var left: @Sendable (_ document: String, _ why: String) -> Void = { _, _ in }
  /// Is told of what an operator should know.
  public var warn: @Sendable (String) -> Void = { _ in }

  public init(_ undone: String, store: String, state: String?) {
    (self.undone, self.store, self.state) = (undone, store, state)
  }

  public var parameters: [String: String] { ["run": undone, "force": "\(isForced)"] }
  public var writes: Bool { true }
  /// Whatever a journal may name.
  public var collections: [CollectionSchema] { CollectionSchema.journalled }

  public func run(server: MongoOptions = MongoOptions()) -> Job.Report {
    Job(name: Self.name, store: store, state: state, asOf: wallClock(), steps: [self], server: server).run()
  }

  public func check() throws(StepFailure) {
    let archive = RunArchive(state: state, store: store)
    let ids: [String]
    do throws(StoreError) { ids = try archive.ids() } catch { throw StepFailure(error) }
    guard ids.contains(undone) else {
      throw StepFailure(.usage, "there is no folder of a run \(undone) in \(archive.state)")
    }
    if !isForced, let why = archive.unreadable(undone) {
      throw StepFailure(
        .refused, "\(why): whether it was a run of this store is not known. --force puts back what its journal names")
    }
    if let why = archive.mismatch(of: undone, with: store) { throw StepFailure(.usage, why) }
  }

  public func run(in run: inout JobRun) throws(StepFailure) -> ExitStatus {
    let whole: ExitStatus
    var back: PuttingBack
    do throws(StoreError) {
      let store = try run.store()
      let archive = RunArchive(state: state, store: self.store)
      let folder = archive.folder(undone)
      let reader = try JournalReader(ifPresent: folder)
      // What is left of a journal is used all the same, for another attempt can do the rest; but it is no success.
      whole = reader.holds(folder.manifest?.written) == false ? .refused : .done
      if whole == .refused { warn(lacking(folder)) }
      guard let journal = reader else {
        // A run without a journal has changed nothing, unless its manifest says otherwise.
        _ = try run.runFolder()
        return whole
      }
      if journal.isTorn { warn("the journal of \(undone) is torn: what is whole, up to byte \(journal.end), is used") }
      let outcomes = try journal.outcomes()
      // It is about the documents that are taken back.
      try archive.removeKnowledge()
      back = PuttingBack(
        job: self, store: store, journal: try run.journal(), isForgotten: try ForgottenUsers(store).test)
      do throws(StoreError) { try back.run(outcomes, run.cancellation) } catch {
        // A directory is as it was; what a server was sent stays there.
        if !(store is DirectoryStore) { run.manifest.take(back) }
        throw error
      }
    } catch {
      throw StepFailure(error)
    }
    run.manifest.take(back)
    if back.isStopped {
      throw .interrupt("\(run.cancellation.why ?? "asked to stop"): undo it again for the rest")
    }
    return max(whole, back.users.left > 0 ? .quarantined : .done)
  }

  private func lacking(_ folder: RunFolder) -> String {
    let documents = folder.manifest?.written?.documents ?? 0
    return "\(folder.journal): missing or damaged: it does not hold the \(documents) documents that the manifest says "
      + "that the run has written. Only what it holds is put back: bring the journal back, and undo the run again"
  }
}

/// The work of an undo.
struct PuttingBack {
  let job: UndoStep
  let store: any Store
  let journal: Journal
  /// Whether a user has asked to be forgotten, perhaps where this journal was not cleaned of them; nil when nobody has.
  let isForgotten: (@Sendable ([UInt8]) -> Bool)?
  var users = UserCounts()
  var leftByReason: [LeftReason: Int] = [:]
  var isStopped = false

  mutating func run(_ outcomes: [JournalReader.Outcome], _ cancellation: Cancellation) throws(StoreError) {
    let byCollection = Dictionary(grouping: outcomes.indices) { outcomes[$0].collection }
    for (_, places) in byCollection.sorted(by: { $0.key < $1.key }) {
      try putBack(places.map { outcomes[$0] }, cancellation)
    }
  }

  /// Puts back the documents of one collection.
  private mutating func putBack(
    _ outcomes: [JournalReader.Outcome], _ cancellation: Cancellation
  ) throws(StoreError) {
    var writer: (any StoreWriter)?
    var missed: [JournalReader.Outcome] = outcomes
    var tries = 0
    do throws(StoreError) {
      while !missed.isEmpty, tries < Conflicts.mostTries, !isStopped {
        tries += 1
        let due = missed
        missed = []
        try StoredLookup(store: store).forEach(due) { collection, pairs throws(StoreError) in
          guard !cancellation.isRequested else {
            isStopped = true
            return
          }
          let open: any StoreWriter
          if let writer { open = writer } else { open = try collection.beginWriting(.any) }
          writer = open
          missed += try self.write(pairs, collection, open, isLast: tries == Conflicts.mostTries)
        }
      }
      try journal.seal()
      try writer?.commit()
    } catch {
      writer?.abandon()
      throw error
    }
  }

  /// - Returns: what somebody else wrote at the very moment, to be looked at again.
  private mutating func write(
    _ pairs: [(JournalReader.Outcome, BSONDocument?)], _ collection: any StoredCollection, _ writer: any StoreWriter,
    isLast: Bool
  ) throws(StoreError) -> [JournalReader.Outcome] {
    let arena = Arena()
    var changes: [(JournalReader.Outcome, DocumentChange)] = []
    for (outcome, stored) in pairs {
      switch fate(of: outcome, stored) {
      case .asItWas: note(\.unchanged)
      case .written where outcome.before != nil && isForgotten?(outcome.key.copy()) == true:
        note(\.left)
        leftByReason[.forgotten, default: 0] += 1
        job.left(outcome.name, "the user has asked to be forgotten")
      case .written:
        do throws(BSONFault) {
          changes.append((outcome, try outcome.change(undoing: stored, in: arena)))
        } catch {
          throw collection.refusal(of: outcome.key, error)
        }
      case .foreign:
        note(\.left)
        leftByReason[.writtenSince, default: 0] += 1
        job.left(outcome.name, stored == nil ? "it was removed since" : "somebody has written it since")
      }
    }
    guard !changes.isEmpty else { return [] }
    try journal.record(changes.map(\.1), of: collection)
    let conflicts = Set(try writer.write(changes.map(\.1)))
    if !conflicts.isEmpty { try journal.withdraw(conflicts.sorted().map { changes[$0].1 }, of: collection) }
    for (place, (_, change)) in changes.enumerated() where !conflicts.contains(place) {
      note(change.stored == nil ? \.created : \.changed)
    }
    let met = conflicts.sorted().map { changes[$0].0 }
    guard isLast else { return met }
    for outcome in met {
      note(\.left)
      leftByReason[.conflict, default: 0] += 1
      job.left(outcome.name, "somebody else writes it now")
    }
    return []
  }

  private enum Fate { case asItWas, written, foreign }

  private func fate(of outcome: JournalReader.Outcome, _ stored: BSONDocument?) -> Fate {
    let now = outcome.digestNow(of: stored)
    if now == outcome.before.map(digest) { return .asItWas }
    if now == outcome.written { return .written }
    // Whoever has no account any more gets none for the sake of its scores.
    return job.isForced && !(outcome.isAccount && stored == nil) ? .written : .foreign
  }

  private mutating func note(_ fate: WritableKeyPath<UserCounts, Int>) {
    users.seen += 1
    users[keyPath: fate] += 1
  }
}

extension Manifest {
  fileprivate mutating func take(_ back: PuttingBack) { (users, left) = (back.users, back.leftByReason.byName) }
}
