internal import BSON
internal import Learning
internal import Library
internal import Stores
internal import Sync
internal import Synchronization

/// Learning from the store of one run: the play archive, the catalogue, statistics and scores (docs/learning.md).
///
/// One read of the store, then passes over what it read, and between them one more read of a few:
///
/// 1. every user's documents become facts, in a file of numbers, and plays that the archive lacks go into it;
/// 2. the catalogue: each user's votes on what songs are called and are like; between full runs users of whom nothing
///    has changed but what their keys count as are read then, and votes are counted once more;
/// 3. what the population likes, and the days of the service;
/// 4. each user's statistics and scores.
///
/// Sums over users are exact, so that the outcome is the same bytes for every number of workers.
struct LearnRun {
  let options: LearnOptions
  let store: any Store
  /// Where the file of facts is.
  let folder: String
  /// Where the last run left what it knew.
  let state: String
  var events = LearnEvents()

  var parameters: LearningParameters { options.parameters }

  func run() throws(StoreError) -> LearnSummary {
    var clock = PhaseClock(events.phase)
    clock.begin("read")
    let stamp = stamp(asOf: parameters.asOf, watermark: try store.now())
    let collections = try LearnCollections(store)
    let known = try lastRun(collections)
    let zones = Zones()
    let repertoire = Repertoire()
    let stored = try readPopulation(collections.population, into: repertoire)
    let last = try canGoOn(from: known, with: stored, collections) ? known : nil
    let titles = try knownTitles(of: last)
    if last != nil { try readSongs(collections.songs, into: repertoire) }
    var population = stored ?? Population()
    let fullAsOf = last?.fullAsOf ?? parameters.asOf
    let log =
      options.dryRun || !collections.libraries.hasOneWriter
      ? nil : try LastLearned.Writer(learnedPath, of: stamp, fullAsOf: fullAsOf)
    let days = serviceDays(since: last, zones)
    let intake = try UserIntake(
      options, collections, folder: folder, last: last, known: known, log: log,
      serviceSince: last.map { serviceStart(since: $0.asOf, zones) } ?? .max, removesFigures: true,
      events: events)
    let readers = try intake.run()
    var summary = LearnSummary()
    summary.isFull = last == nil
    for reader in readers { summary.add(reader.summary) }
    var read = ReadUsers(repertoire, intake.file)
    read.add(readers)
    if stopped(&summary) { return summary }

    clock.begin("catalogue")
    let (votes, isWhole) = try self.votes(&read, intake, knowing: titles, &summary)
    if stopped(&summary) { return summary }
    let catalogue = Catalogue(read.repertoire, votes, asOf: parameters.asOf)
    var songs = try DerivedWriter(collections.songs, options, events)
    try catalogue.writeDocuments { key, document throws(StoreError) in try songs.add(key, document) }
    try songs.finish(isWhole: last == nil)
    summary.note("songs", songs)

    if stopped(&summary) { return summary }

    clock.begin("population")
    let likes = try daysAndLikes(read.distinct, catalogue, zones, days, since: last, collections.services, &summary)
    if let likes { population = likes }

    summary.population = shares(population, before: last == nil ? stored : nil, read.repertoire)

    if stopped(&summary) { return summary }

    clock.begin("users")
    let newTitles =
      options.dryRun || !isWhole ? nil : try titlesWriter(of: stamp, read, votes.titleChanges, titles, intake)
    let users = UserDocuments(
      options, collections, try inOrderOfWriting(read.all, collections), catalogue: catalogue, population: population,
      zones: zones, log: log, titles: newTitles, events: events)
    let outcome = try users.run()
    summary.add(outcome)
    if outcome.isInterrupted {
      _ = stopped(&summary)
    } else {
      // Last, for it is what a report says has moved: a full run that is killed before, and the one that follows, know
      // alike what everybody liked when everything was counted last.
      if last == nil { try write(population, read.repertoire, collections.population, &summary) }
      // Figures that were made beside documents of a later run which say something else, or that were left, are none that
      // a run may begin with: it could not tell of whom they are. So it is where somebody else wrote every time.
      let canBeginWith = summary.left[.newer] == nil && summary.left[.conflict] == nil
      if canBeginWith {
        try newTitles?.commit()
        try log?.commit(files: try collections.learnedPrint())
      } else if log != nil {
        LastLearned.forget(state: state, store: store.name)
      }
      if !options.dryRun {
        summary.mark = LearningCounts.Mark(
          watermark: Instant.text(stamp.watermark), asOf: Instant.text(parameters.asOf),
          fullAsOf: Instant.text(fullAsOf), figures: canBeginWith ? options.fingerprint : "",
          catalogue: String(votes.titleChanges.after, radix: 16))
      }
    }
    clock.end()
    summary.seconds = clock.seconds
    return summary
  }

  /// What a file of the state folder says of a run on this store with these parameters.
  func stamp(asOf: Int64, watermark: Int64) -> RunStamp {
    RunStamp(store: store.name, parameters: options.fingerprint, asOf: asOf, watermark: watermark)
  }

  /// Whether the run is to stop here: what it has written is right, and the next one does all of it again.
  private func stopped(_ summary: inout LearnSummary) -> Bool {
    summary.isInterrupted = options.cancellation.isRequested
    return summary.isInterrupted
  }

  // MARK: What was learned before

  private var learnedPath: String { LastLearned.path(state: state, store: store.name) }

  private func lastRun(_ collections: LearnCollections) throws(StoreError) -> LastLearned? {
    if collections.libraries.hasOneWriter {
      return try LastLearned.read(learnedPath, store: store.name, parameters: options.fingerprint)
    }
    return options.countsEverything ? nil : try LastLearned(runsOf: store, parameters: options.fingerprint)
  }

  /// Whether what the last run knew is what this one begins with; else everything is counted.
  private func canGoOn(
    from last: LastLearned?, with population: Population?, _ collections: LearnCollections
  ) throws(StoreError) -> Bool {
    guard let last, population != nil, last.asOf <= parameters.asOf, !options.countsEverything else { return false }
    if let days = options.fullEvery {
      let zone = Zones().zone(parameters.timezone) ?? .utc
      if zone.day(of: parameters.asOf) - zone.day(of: last.fullAsOf) >= days { return false }
    }
    if let files = last.files, files != (try collections.learnedPrint()) {
      events.countsAll(
        "what was learned is not as the last run left it: restored, changed by somebody, or of a run that was killed")
      return false
    }
    return try !isEmptied(collections)
  }

  /// Whether somebody has removed all of what was learned, as one may: it is computed again.
  private func isEmptied(_ collections: LearnCollections) throws(StoreError) -> Bool {
    let arena = Arena()
    var wanted = Selection()
    wanted.fields = ["_id"]
    for collection in [collections.songs, collections.population, collections.statistics, collections.scores] {
      if try collection.cursor(over: wanted).next(upTo: 1, in: arena).isEmpty { return true }
    }
    return false
  }

  private func readSongs(_ songs: any StoredCollection, into repertoire: Repertoire) throws(StoreError) {
    try songs.cursor(updatedSince: nil).forEachDocument { document in
      do throws(LearningFault) {
        try repertoire.read(song: document)
      } catch {
        let key = (try? document.value("key"))?.string?.string ?? ""
        events.left(LearnReport(subject: key, reason: .foreignDocument, detail: error.description))
      }
    }
  }

  /// - Returns: nil where a document of it is none that a run has left: then everything is counted.
  private func readPopulation(
    _ collection: any StoredCollection, into repertoire: Repertoire
  ) throws(StoreError) -> Population? {
    var population = Population()
    var isWhole = true
    try collection.cursor(updatedSince: nil).forEachDocument { document in
      do throws(LearningFault) {
        try population.read(document, into: repertoire)
      } catch {
        let name = (try? document.value("dimension"))?.string?.string ?? ""
        events.left(LearnReport(subject: name, reason: .foreignDocument, detail: error.description))
        isWhole = false
      }
    }
    return isWhole ? population : nil
  }

  /// The days that an incremental run counts again, as days since 1970 in the job's zone; nil for all.
  private func serviceDays(since last: LastLearned?, _ zones: Zones) -> ClosedRange<Int64>? {
    guard let last else { return nil }
    let zone = zones.zone(parameters.timezone) ?? .utc
    let first = zone.day(of: last.asOf)
    return first...max(first, zone.day(of: parameters.asOf))
  }

  /// When the first of these days begins, in milliseconds since 1970: who played nothing since has no part in them.
  ///
  /// - Parameter asOf: the clock of the run before, in milliseconds since 1970.
  private func serviceStart(since asOf: Int64, _ zones: Zones) -> Int64 {
    // No day is as long as two, whatever its clock does.
    let before = asOf - 2 * Instant.day
    let zone = zones.zone(parameters.timezone) ?? .utc
    return zone.firstInstant(ofDay: zone.day(of: asOf), after: before) ?? before
  }

  // MARK: Passes

  private func write(
    _ population: Population, _ repertoire: Repertoire, _ collection: any StoredCollection,
    _ summary: inout LearnSummary
  ) throws(StoreError) {
    var output = try DerivedWriter(collection, options, events)
    for dimension in Dimension.allCases.sorted(by: { ByteView($0.name) < ByteView($1.name) }) {
      var writer = BSONWriter()
      population.write(dimension, repertoire, asOf: parameters.asOf, to: &writer)
      try output.add(ByteView(dimension.name), BSONDocument(unchecked: writer.view))
    }
    try output.finish(isWhole: false)
    summary.note("population", output)
  }

  /// What the population likes, for the report, with what it liked when everything was counted last.
  private func shares(
    _ population: Population, before: Population?, _ repertoire: Repertoire
  ) -> [ReportData.Shares] {
    Dimension.allCases.compactMap { dimension in
      let now = Dictionary(population.shares(of: dimension).map { ($0.value, $0.share) }) { $1 }
      let known = Dictionary((before?.shares(of: dimension) ?? []).map { ($0.value, $0.share) }) { $1 }
      guard !now.isEmpty || !known.isEmpty else { return nil }
      // Also what nobody likes any more.
      let values = Set(now.keys).union(known.keys).map { value in
        ReportData.Shares.Value(
          repertoire.value(value).string, now[value] ?? 0, before: known.isEmpty ? nil : known[value] ?? 0)
      }
      return ReportData.Shares(
        dimension: "\(dimension.name)", values: ReportData.Shares.foremost(of: values),
        users: population.users(of: dimension))
    }
  }

  /// What one pass counts over all users.
  private struct Everybody: Sendable {
    var service: ServiceStatisticsPart
    var population: PopulationPart?
  }

  /// Counts the days of the service, in several passes where memory does not hold the plays of all at once, and in a full
  /// run with the first of them what the population likes.
  ///
  /// - Returns: nil between full runs.
  private func daysAndLikes(
    _ scan: FactsScan, _ catalogue: Catalogue, _ zones: Zones, _ days: ClosedRange<Int64>?, since last: LastLearned?,
    _ collection: any StoredCollection, _ summary: inout LearnSummary
  ) throws(StoreError) -> Population? {
    var likes = last == nil ? PopulationPart(catalogue, parameters) : nil
    var population: Population?
    var output = try DerivedWriter(collection, options, events)
    if last != nil { output.isSame = DerivedDocument.isSameDay }
    let before = try last.map { last throws(StoreError) in try self.before(last, zones, collection) }
    for days in try servicePasses(scan, zones, days) {
      let empty = Everybody(
        service: ServiceStatisticsPart(catalogue, parameters, zones: zones, days: days, before: before),
        population: likes)
      let part = try scan.counted(workers: options.workers, from: empty) { part, facts, _ in
        part.service.add(facts)
        part.population?.add(facts)
      } merge: {
        $0.service.merge($1.service)
        if let others = $1.population { $0.population?.merge(others) }
      }
      population = population ?? part.population?.population
      likes = nil
      for document in try documents(of: part.service) {
        try document.withView { bytes in
          Result { () throws(StoreError) in
            let document = BSONDocument(unchecked: bytes)
            if let day = (try? document.value("day"))?.string { try output.add(day, document) }
          }
        }.get()
      }
    }
    try output.finish(isWhole: last == nil)
    summary.note("service_stats", output)
    return population
  }

  /// What the last run has left of the day of its clock.
  private func before(
    _ last: LastLearned, _ zones: Zones, _ services: any StoredCollection
  ) throws(StoreError) -> ServiceStatisticsPart.Before {
    let zone = zones.zone(parameters.timezone) ?? .utc
    let arena = Arena()
    let day = zone.dayName(of: last.asOf).withView { arena.copy($0) }
    let stored = try services.all(of: [day], in: arena).first?.first
    let newSongs = (try? stored?.value("new_songs"))?.integer ?? 0
    return ServiceStatisticsPart.Before(asOf: last.asOf, newSongs: Int(newSongs))
  }

  /// The documents of the days, ascending.
  private func documents(of part: ServiceStatisticsPart) throws(StoreError) -> [[UInt8]] {
    let pieces = part.pieces(options.workers)
    let documents = Mutex([[[UInt8]]](repeating: [], count: pieces.count))
    try inParallel(pieces.count) { piece, _ throws(StoreError) in
      var made: [[UInt8]] = []
      part.writeDocuments(of: pieces[piece]) { _, document in made.append(document.bytes.copy()) }
      documents.withLock { $0[piece] = made }
    }
    return documents.withLock { $0.flatMap(\.self) }
  }

  /// Which days are counted together, ascending; at least one pass.
  private func servicePasses(
    _ scan: FactsScan, _ zones: Zones, _ days: ClosedRange<Int64>?
  ) throws(StoreError) -> [ClosedRange<Int64>?] {
    let mostPlays = options.servicePlays
    guard scan.visits.reduce(0, { $0 + Int($1.length) }) / UserFacts.bytesOfPlay > mostPlays else { return [days] }
    let counts = try scan.counted(
      workers: options.workers, from: ServiceDays(parameters, zones: zones, days: days)
    ) { counts, facts, _ in
      counts.add(facts)
    } merge: {
      $0.merge($1)
    }
    let ranges = counts.ranges(upTo: mostPlays)
    return ranges.isEmpty ? [days] : ranges
  }

  /// Those whose documents are made, by their place in `user_stats`, then those who are new there by id.
  private func inOrderOfWriting(
    _ scan: FactsScan, _ collections: LearnCollections
  ) throws(StoreError) -> FactsScan {
    func scanning(_ visits: [Visit]) -> FactsScan {
      FactsScan(file: scan.file, visits: visits, renumberings: scan.renumberings)
    }
    let visits = scan.visits.filter(\.isRecomputed)
    guard collections.statistics.hasOneWriter else { return scanning(visits) }
    var new: [(id: [UInt8], visit: Visit)] = []
    for visit in visits where visit.position == .max {
      new.append((try scan.user(of: visit), visit))
    }
    new.sort { $0.id.isLess(than: $1.id) }
    return scanning(
      visits.filter { $0.position < .max }.sorted { $0.position < $1.position } + new.map(\.visit))
  }
}

extension LearnSummary {
  fileprivate mutating func note(_ name: String, _ output: DerivedWriter) {
    note(name, output.made)
    left.merge(output.left, uniquingKeysWith: +)
  }
}
