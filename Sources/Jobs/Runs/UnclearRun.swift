/// Why it is not one run that a person means by an id, by its beginning or end, or by its folder.
public enum UnclearRun: Error, Equatable {
  case none
  case several(Int)
  /// What is so short may mean one run today and several tomorrow.
  case tooShort

  /// So many characters of an id are enough.
  static let leastLength = 4

  /// The reason in words.
  ///
  /// - Parameters:
  ///   - name: what the person wrote.
  ///   - place: where the runs are.
  public func text(_ name: String, in place: String) -> String {
    switch self {
    case .none: "\(name): no run in \(place) has this id, or one that begins or ends so"
    case .several(let count): "\(name): \(count) runs in \(place) have an id that begins or ends so: give more of it"
    case .tooShort: "\(name): give at least \(Self.leastLength) characters of the beginning or end of a run's id"
    }
  }
}
