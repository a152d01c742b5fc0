package import BSON

/// The parts of a library that the merge decides one by one.
public enum Section: String, Sendable, CaseIterable {
  case favorites, history, queue, playlists, preferences
  case recentSearches = "recent_searches"
  case removed

  /// The section that a top-level field of a library holds; nil for a field that is none.
  package init?(field: ByteView) {
    guard let section = Self.allCases.first(where: { ByteView($0.field) == field }) else { return nil }
    self = section
  }

  /// The section's name as a field.
  var field: StaticString {
    switch self {
    case .favorites: "favorites"
    case .history: "history"
    case .queue: "queue"
    case .playlists: "playlists"
    case .preferences: "preferences"
    case .recentSearches: "recent_searches"
    case .removed: "removed"
    }
  }
}
