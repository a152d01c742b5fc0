internal import BSON
public import Learning
internal import Stores
public import Sync
internal import Synchronization

/// What decides how the scores are judged.
public struct EvaluateOptions: Sendable {
  /// Their clock is the end of what is known; what is trained on ends before the cut.
  public var parameters: LearningParameters
  /// The cut that was asked for; nil for one that goes with the parameters' clock.
  private let chosenCut: Int64?
  /// The first instant that trains nothing, in milliseconds since 1970.
  public var cut: Int64 { chosenCut ?? parameters.asOf - EvaluationWindow.length }
  /// Whether the users' choices are taken, which bear no time.
  public var withChoices = false
  /// Of the bootstrap.
  public var resamples = 2000
  public var seed: UInt64 = 1
  /// Whether other parameters are tried on the week before the cut.
  public var tunes = false
  public var workers = 1
  public var memory = 1 << 30
  /// Asks the run to stop between two batches.
  public var cancellation = Cancellation()

  /// - Parameter cut: nil for seven days before the parameters' clock.
  public init(parameters: LearningParameters, cut: Int64?) {
    self.parameters = parameters
    chosenCut = cut
  }
}

/// What ends an evaluation.
enum EvaluateError: Error {
  case store(StoreError)
  case leak(EvaluationLeak)
  /// It was asked to stop: what a part of the people says is no verdict.
  case interrupted
}

/// Judges the scores on the plays of a week that they do not know (docs/learning.md, *Judged, not believed*). Writes
/// nothing into the store.
struct EvaluateRun {
  let options: EvaluateOptions
  let store: any Store
  let folder: String
  var events = LearnEvents()

  struct Outcome {
    var result: EvaluationResult
    var users = 0
    var withoutTest = 0
    var left = 0
    var tuning: Tuning.Outcome?
    /// By how many users' plays the parameters were chosen.
    var tuningUsers = 0
  }

  func run() throws(EvaluateError) -> Outcome {
    let (scan, repertoire, left) = try read()
    try checkGoesOn()
    let window = EvaluationWindow(cut: options.cut, asOf: options.parameters.asOf)
    let trials = try trials(scan, repertoire, options.parameters, window, checksLeaks: true)
    var outcome = Outcome(
      result: EvaluationResult(trials, resamples: options.resamples, seed: options.seed))
    outcome.users = scan.visits.count
    outcome.withoutTest = scan.visits.count - trials.count
    outcome.left = left
    if options.tunes {
      events.phase("tune")
      var users = 0
      outcome.tuning = try Tuning.tuned(options.parameters) { parameters throws(EvaluateError) in
        let trials = try self.trials(scan, repertoire, parameters, window.previous, checksLeaks: false)
          .filter(\.isEstablished)
        users = trials.count
        return Tuning.loss(of: trials)
      }
      outcome.tuningUsers = users
    }
    return outcome
  }

  /// Throws where a part may be missing of what was read, trained on or tried.
  private func checkGoesOn() throws(EvaluateError) {
    if options.cancellation.isRequested { throw .interrupted }
  }

  // MARK: Reading

  private func read() throws(EvaluateError) -> (FactsScan, Repertoire, left: Int) {
    do throws(StoreError) {
      var learn = LearnOptions(parameters: options.parameters)
      learn.isFull = true
      learn.dryRun = true
      learn.workers = options.workers
      learn.memory = options.memory
      learn.cancellation = options.cancellation
      events.phase("read")
      let intake = try UserIntake(
        learn, try LearnCollections(store), folder: folder, last: nil, known: nil, log: nil, serviceSince: .max,
        removesFigures: false, events: events)
      let readers = try intake.run()
      var users = ReadUsers(Repertoire(), intake.file)
      users.add(readers)
      return (users.all, users.repertoire, readers.reduce(0) { $0 + $1.summary.users.left })
    } catch {
      throw .store(error)
    }
  }

  // MARK: Training and trials

  /// Trains on what `view` leaves of each user's facts.
  private func trained(
    _ scan: FactsScan, _ repertoire: Repertoire, _ parameters: LearningParameters,
    _ view: @escaping @Sendable (UserFacts) -> UserFacts
  ) throws(StoreError) -> EvaluationTraining {
    let votes = try CatalogueVotes.counted(repertoire, parameters) { empty throws(StoreError) in
      try scan.counted(workers: options.workers, from: empty) { votes, facts, _ in
        votes.add(view(facts))
      } merge: {
        $0.merge($1)
      }
    }
    let catalogue = Catalogue(repertoire, votes, asOf: parameters.asOf)
    let part = try scan.counted(workers: options.workers, from: PopulationPart(catalogue, parameters)) {
      part, facts, _ in
      part.add(view(facts))
    } merge: {
      $0.merge($1)
    }
    return EvaluationTraining(catalogue, part.population, parameters)
  }

  private func trials(
    _ scan: FactsScan, _ repertoire: Repertoire, _ parameters: LearningParameters, _ window: EvaluationWindow,
    checksLeaks: Bool
  ) throws(EvaluateError) -> [EvaluationTrial] {
    var parameters = parameters
    parameters.asOf = window.trainingClock
    let withChoices = options.withChoices
    let blindView: @Sendable (UserFacts) -> UserFacts = { $0.before(window.cut, withChoices: withChoices) }
    let seenView: @Sendable (UserFacts) -> UserFacts = { $0.dated(withChoices: withChoices) }
    events.phase("train")
    let blind: EvaluationTraining
    let seen: EvaluationTraining
    do throws(StoreError) {
      blind = try trained(scan, repertoire, parameters, blindView)
      seen = checksLeaks ? try trained(scan, repertoire, parameters, seenView) : blind
    } catch {
      throw .store(error)
    }
    try checkGoesOn()
    do throws(EvaluationLeak) { try LeakCheck.check(seen, against: blind) } catch { throw .leak(error) }
    events.phase("test")
    let zones = Zones()
    let leak = Mutex<EvaluationLeak?>(nil)
    let found = Mutex<[EvaluationTrial]>([])
    let next = Atomic(0)
    do throws(StoreError) {
      try inParallel(options.workers) { _, hasFailed throws(StoreError) in
        var models = EvaluationTrials(
          blind.catalogue, blind.population, blind.parameters, window: window, zones: zones)
        var watched = seen.trials(window, zones)
        var own: [EvaluationTrial] = []
        while !hasFailed(), !options.cancellation.isRequested {
          let start = next.add(FactsScan.batchSize, ordering: .relaxed).oldValue
          guard start < scan.visits.count else { break }
          for visit in scan.visits[start..<min(scan.visits.count, start + FactsScan.batchSize)] {
            let facts = try scan.read(visit).facts
            let training = blindView(facts)
            guard let trial = models.trial(of: facts, training: training) else { continue }
            own.append(trial)
            guard checksLeaks else { continue }
            do throws(EvaluationLeak) {
              try LeakCheck.check(watched.scores(for: seenView(facts)), against: models.scores(for: training))
            } catch {
              leak.withLock { $0 = error }
            }
          }
        }
        found.withLock { $0 += own }
      }
    } catch {
      throw .store(error)
    }
    if let leak = leak.withLock({ $0 }) { throw .leak(leak) }
    try checkGoesOn()
    return found.withLock { $0 }
  }
}

extension EvaluationTraining {
  fileprivate func trials(_ window: EvaluationWindow, _ zones: Zones) -> EvaluationTrials {
    EvaluationTrials(catalogue, population, parameters, window: window, zones: zones)
  }
}
