/// The parts of a library that the merge decides one by one.
public enum Section: String, Sendable, CaseIterable {
  case favorites, history, queue, playlists, preferences
  case recentSearches = "recent_searches"
  case removed
}
