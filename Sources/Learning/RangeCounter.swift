internal import BSON

/// Counts a user's plays, newest first: what a range holds is what has been counted so far.
struct RangeCounter {
  private let parameters: LearningParameters
  private var figures = RangeFigures()
  private var tallies: PlayTallies
  private var byWeekdayHour = [Int32](repeating: 0, count: 168)
  /// How many plays the range before had, and where its document lies in the writer.
  private var last: (plays: Int, document: Range<Int>)?

  init(_ catalogue: Catalogue, _ parameters: LearningParameters) {
    self.parameters = parameters
    tallies = PlayTallies(catalogue)
  }

  /// The songs of what has been counted so far.
  var songs: [Tallied] { tallies.songs.counts }

  mutating func removeAll() {
    figures = RangeFigures()
    tallies.removeAll()
    last = nil
    for index in byWeekdayHour.indices { byWeekdayHour[index] = 0 }
  }

  /// Counts plays for what was played.
  ///
  /// - Parameters:
  ///   - rows: of the plays.
  ///   - likes: 1 for a play that is liked, else 0.
  mutating func add(_ plays: Span<Play>, _ rows: Span<Catalogue.Row>, likes: Span<Int32>) {
    tallies.add(plays, rows, likes: likes)
  }

  /// Counts a play for how much was played, and when.
  ///
  /// - Parameters:
  ///   - isFirst: whether it is the first ever play of its song.
  ///   - hour: of the user's week: weekday · 24 + hour.
  mutating func add(_ play: Play, _ verdict: PlayVerdict, _ row: Catalogue.Row, isFirst: Bool, hour: Int) {
    figures.count(verdict)
    if isFirst { figures.newSongs += 1 }
    if verdict != .unknown {
      figures.completion += play.completionRate
      figures.known.append(play.completionRate)
      if row.seconds >= 0 {
        figures.seconds += play.completionRate * row.seconds
        figures.timed += 1
      }
    }
    byWeekdayHour[hour] += 1
  }

  /// Writes what has been counted so far as the document of a range.
  ///
  /// - Parameter writer: the same for all ranges of a user.
  mutating func write(_ name: StaticString, to writer: inout BSONWriter) {
    writer.key(name, .document)
    // Who played nothing in between has the same figures: most had none this week, and many none before this year.
    if let last, last.plays == figures.plays { return writer.put(again: last.document) }
    let start = writer.open()
    tallies.write(&figures, to: &writer)
    writer.append("by_hour", counts: (0..<24).map { hour in (0..<7).reduce(0) { $0 + byWeekdayHour[$1 * 24 + hour] } })
    writer.append("by_weekday", counts: (0..<7).map { byWeekdayHour[$0 * 24..<$0 * 24 + 24].reduce(0, +) })
    writer.append("by_weekday_hour", counts: byWeekdayHour)
    writer.close(start)
    last = (figures.plays, start..<writer.count)
  }

  func write(_ name: StaticString, songs: [Tallied], to writer: inout BSONWriter) {
    tallies.write(name, songs: songs, to: &writer)
  }
}
