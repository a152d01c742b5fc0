internal import BSON
internal import Learning
internal import Pages
internal import Stores
internal import Sync

/// What learning has to show.
extension ReportData {
  /// Takes over what a run of learning did and found.
  mutating func take(_ summary: LearnSummary) {
    population = summary.population
    learned = [
      Fact("Users", Quantity.count(summary.users.seen)), Fact("Of them computed", Quantity.count(summary.computed)),
      Fact("From plays", Quantity.count(summary.plays)),
    ]
    for (name, count) in summary.written.sorted(by: { $0.key < $1.key }) {
      learned.append(Fact("\(Self.title(name)) written", Quantity.count(count)))
    }
    for (name, count) in summary.removed.sorted(by: { $0.key < $1.key }) {
      learned.append(Fact("\(Self.title(name)) removed", Quantity.count(count)))
    }
  }

  /// The documents of a collection as a person calls them.
  private static func title(_ collection: String) -> String {
    switch collection {
    case "play_archive": "Months of plays"
    case "population": "Shares of the population"
    case "service_stats": "Days of the service"
    case "songs": "Songs"
    case "user_scores": "Users' scores"
    case "user_stats": "Users' statistics"
    case "users": "Accounts"
    default: collection
    }
  }

  /// Takes the scores of as many users as may be named, the first that the store has.
  mutating func takeUsers(of store: any Store) throws(StoreError) {
    users = []
    guard namedUsers > 0 else { return }
    let arena = Arena()
    let scores = try store.open(.userScores)
    let cursor = try scores.cursor(updatedSince: nil)
    while users.count < namedUsers {
      arena.reset()
      let documents = try cursor.next(upTo: 256 << 10, in: arena)
      guard !documents.isEmpty else { return }
      for document in documents.prefix(namedUsers - users.count) {
        // What is no document of scores has nothing to show.
        if let user = try? User(document) { users.append(user) }
      }
    }
  }
}

extension ReportData.User {
  /// - Parameter document: of `user_scores`.
  fileprivate init?(_ document: BSONDocument) throws(BSONFault) {
    guard let id = try document.value("user_id")?.string else { return nil }
    let scores = try StoredAffinities(document).scores
    let confidence = try document.value("confidence")?.document
    self.init(id: id.string, affinities: [])
    for dimension in Dimension.allCases {
      let values = scores.filter { $0.dimension == dimension }.map { ReportData.Shares.Value($0.value, $0.affinity) }
      self.affinities.append(
        ReportData.Shares(dimension: "\(dimension.name)", values: ReportData.Shares.foremost(of: values)))
      self.confidence["\(dimension.name)"] = try confidence?.value(dimension.name)?.double
    }
  }
}
